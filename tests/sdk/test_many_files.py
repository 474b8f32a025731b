"""More files than a version may have."""

from __future__ import annotations

import pytest
from muniment import errors


def test_more_files_than_a_version_may_have_are_refused_before_any_is_read(registry, tmp_path) -> None:
    many = tmp_path / "many"
    for part in range(2):
        (many / str(part)).mkdir(parents=True)
        for number in range(5_001):
            (many / str(part) / str(number)).touch()
    with pytest.raises(errors.LimitExceeded, match="10002 files, while a version has at most 10000"):
        registry.push("many", many, progress=False)
    with pytest.raises(errors.ModelNotFound):
        registry.model("many")


def test_an_empty_file_beside_others_is_pushed_and_pulled(registry, tmp_path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "empty").touch()
    version = registry.push("empty", model, progress=False)
    assert (version.file_count, version.size_bytes) == (1, 0)
    pulled = registry.pull(version, tmp_path / "pulled", progress=False)
    assert (pulled / "empty").read_bytes() == b""
    assert [file.format for file in registry.inspect(version).files] == ["EMPTY"]
