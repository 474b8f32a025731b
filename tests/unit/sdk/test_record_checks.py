"""What a push refuses before it sends a byte is what the registry would refuse after the last one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from muniment import errors
from muniment.transfer.checks import check_record
from muniment.v1.catalog_pb2 import Version
from muniment_core.domain.errors import DomainError
from muniment_metadata.convert import new_version

DIGEST = "sha256:" + "0" * 64
PARENT = "projects/default/models/base/versions/1"


def keyed(field: str, key: str = "k", text: str = "v") -> Callable[[Version], None]:
    def change(version: Version) -> None:
        if field == "tags":
            version.tags[key] = text
        else:
            version.params[key].text = text

    return change


def added(field: str, **fields: object) -> Callable[[Version], None]:
    return lambda version: getattr(version, field).add(**fields) and None


def repeated(count: int, one: Callable[[int], Callable[[Version], None]]) -> Callable[[Version], None]:
    def change(version: Version) -> None:
        for number in range(count):
            one(number)(version)

    return change


def ran(**fields: str) -> Callable[[Version], None]:
    return lambda version: version.run.MergeFrom(type(version.run)(**fields))


REFUSED = {
    "a description of 16,385 characters": lambda version: setattr(version, "description", "x" * 16_385),
    "a description with a control character": lambda version: setattr(version, "description", "a\x07"),
    "a tag of a bad name": keyed("tags", "a b"),
    "a tag of 4,097 characters": keyed("tags", text="x" * 4_097),
    "1,001 tags": repeated(1_001, lambda number: keyed("tags", f"k{number}")),
    "a parameter without a name": keyed("params", ""),
    "a parameter of 16,385 characters": keyed("params", text="x" * 16_385),
    "a parameter's name of 251 characters": keyed("params", "x" * 251),
    "1,001 parameters": repeated(1_001, lambda number: keyed("params", f"k{number}")),
    "a metric without a name": added("metrics", key="", value=1),
    "a metric on too long a data set": added("metrics", key="f1", value=1, dataset="x" * 251),
    "a metric at step -1": added("metrics", key="f1", value=1, step=-1),
    "a metric at step 2**53": added("metrics", key="f1", value=1, step=2**53),
    "1,001 metrics": repeated(1_001, lambda number: added("metrics", key=f"k{number}", value=1)),
    "a data set without a name": added("datasets", name=""),
    "a data set of no digest": added("datasets", name="d", digest="md5:0"),
    "a data set's uri of 2,049 characters": added("datasets", name="d", uri="x" * 2_049),
    "a data set's role of 65 characters": added("datasets", name="d", role="x" * 65),
    "101 data sets": repeated(101, lambda number: added("datasets", name=f"d{number}")),
    "101 parents": repeated(101, lambda number: added("parents", version=PARENT)),
    "a step without a name": added("processing_steps", name=""),
    "a step of 4,097 characters": added("processing_steps", name="s", description="x" * 4_097),
    "101 steps": repeated(101, lambda number: added("processing_steps", name="s")),
    "a run without an id": ran(uri="https://runs.example.org/1"),
    "a run of too long an address": ran(id="1", uri="x" * 2_049),
}
ACCEPTED = {
    "nothing but a digest": lambda version: None,
    "a description of 16,384 characters": lambda version: setattr(version, "description", "x\n" * 8_192),
    "a tag of 4,096 characters": keyed("tags", "x" * 128, "x" * 4_096),
    "1,000 tags": repeated(1_000, lambda number: keyed("tags", f"k{number}")),
    "a parameter of 16,384 characters": keyed("params", "x" * 250, "x" * 16_384),
    "1,000 parameters": repeated(1_000, lambda number: keyed("params", f"k{number}")),
    "a metric at step 2**53 - 1": added("metrics", key="x" * 250, value=1, step=2**53 - 1, dataset="x" * 250),
    "1,000 metrics": repeated(1_000, lambda number: added("metrics", key=f"k{number}", value=1)),
    "a data set at every limit": added(
        "datasets", name="x" * 250, version="x" * 250, digest=DIGEST, uri="x" * 2_048, role="x" * 64
    ),
    "100 data sets": repeated(100, lambda number: added("datasets", name=f"d{number}")),
    "100 parents": repeated(100, lambda number: added("parents", version=PARENT)),
    "100 steps": repeated(
        100, lambda number: added("processing_steps", name="x" * 250, description="x" * 4_096)
    ),
    "a run at every limit": ran(id="x" * 250, uri="x" * 2_048),
}


def changed(change: Callable[[Version], None]) -> Version:
    version = Version(digest=DIGEST)
    change(version)
    return version


def registered(version: Version) -> None:
    new_version(version, reporter="ci", now=datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_the_registry_refuses_is_refused_first_and_in_the_same_words(change) -> None:
    with pytest.raises(DomainError) as there:
        registered(changed(change))
    with pytest.raises(errors.InvalidArgument) as here:
        check_record(changed(change))
    assert (type(here.value).__name__, here.value.reason) == (
        type(there.value).__name__,
        there.value.reason,
    )
    if not isinstance(here.value, errors.InvalidName) and "digest" not in here.value.message:
        assert here.value.message == str(there.value)


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_registry_takes_is_sent(change) -> None:
    registered(changed(change))
    check_record(changed(change))
