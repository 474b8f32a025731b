"""Every verb, as a person uses it: what it does and what it prints."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from muniment import connect

Run = Callable[..., subprocess.CompletedProcess[str]]
Done = Callable[..., str]

EVIDENCE = (
    *("--metric", "f1=0.91", "--param", "depth=3", "--param", "solver=lbfgs", "--tag", "team=risk"),
    *("--dataset", "name=churn,version=2026-11,uri=s3://bucket/churn,role=holdout"),
    *("--description", "first\nsecond line: größer", "--run", "run-17", "--step", "scale=zero mean"),
)


def fields(view: str) -> dict[str, str]:
    """What stands beside each label of a view."""
    return dict(re.findall(r"^  (\S+) +(.*)$", view, re.MULTILINE))


def cells(table: str) -> list[list[str]]:
    return [re.split(r"  +", line) for line in table.splitlines()]


def test_a_version_goes_through_its_life(done: Done, weights: Path, tmp_path: Path) -> None:
    pushed = done("push", "life", weights, *EVIDENCE, "--alias", "champion")
    assert re.fullmatch(r"Stored life@1, now champion: 2 files, 16\.0 KiB, sha256:[0-9a-f]{64}\n", pushed)
    (weights / "model.bin").write_bytes(b"better")
    assert done("push", "life", weights, "--parent", "life@1:finetuned", "--quiet") == "life@2\n"

    promoted = done("promote", "life@1", "--to", "production", "--expected-current", "0", "--reason", "first")
    assert re.fullmatch(r"life@1 is current in production \(none was before\), revision \d+\n", promoted)
    promoted = done("promote", "life", "--to", "production", "--expected-current", "1")
    assert re.fullmatch(r"life@2 is current in production \(version 1 was\), revision \d+\n", promoted)
    back = done("rollback", "life", "--stage", "production", "--expected-current", "2", "--reason", "drift")
    assert re.fullmatch(
        r"Version 1 of life is current in production again \(version 2 was\), revision \d+\n", back
    )
    forward = done("rollback", "life", "--stage", "production", "--to", "2")
    assert forward.startswith("Version 2 of life is current in production again (version 1 was)")

    pulled = done("pull", "life@champion", tmp_path / "into")
    assert pulled.startswith(f"Fetched life@1 into {tmp_path / 'into'}: 16.0 KiB, sha256:")
    assert (tmp_path / "into" / "deep" / "config.json").read_text() == "{}"
    assert done("pull", "life@production", tmp_path / "into", "--overwrite", "--quiet") == ""
    assert (tmp_path / "into" / "model.bin").read_bytes() == b"better"

    stages = cells(done("stages", "life"))
    assert stages[0] == ["STAGE", "VERSION", "DIGEST", "SINCE", "BY"]
    assert [row[:2] for row in stages[1:]] == [["staging", "none"], ["production", "2"]]

    history = cells(done("history", "life", "--stage", "production"))
    assert history[0] == ["REVISION", "TIME", "STAGE", "MOVE", "VERSION", "BY", "REASON"]
    assert [row[2:5] for row in history[1:]] == [
        ["production", "rollback", "2 (was 1)"],
        ["production", "rollback", "1 (was 2)"],
        ["production", "promotion", "2 (was 1)"],
        ["production", "promotion", "1"],
    ]
    assert history[2][6] == "drift"
    assert cells(done("history", "life", "--stage", "staging")) == []

    log = cells(done("audit", "log", "--model", "life"))
    assert log[0] == ["REVISION", "TIME", "TYPE", "MODEL", "VERSION", "STAGE", "BY", "REASON"]
    types = [row[2] for row in log[1:]]
    assert "version.created" in types
    assert [kind for kind in types if kind.startswith("stage.")] == [
        *("stage.promoted", "stage.promoted", "stage.rolled_back", "stage.rolled_back")
    ]
    revisions = [int(row[0]) for row in log[1:]]
    assert revisions == sorted(revisions)


def test_show_tells_what_is_recorded(done: Done, weights: Path) -> None:
    done("push", "evidence", weights, *EVIDENCE)
    done("push", "evidence", weights, "--parent", "evidence@1:quantized", "--alias", "small")
    done("promote", "evidence@2", "--to", "staging")
    first, second = done("show", "evidence@1"), done("show", "evidence@small", "--packages")
    assert first.startswith("evidence@1\n")
    shown = fields(first)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", shown["digest"])
    assert shown["state"] == "READY"
    assert shown["size"] == "16.0 KiB in 2 files"
    assert shown["metrics"] == "f1 = 0.91"
    assert shown["tags"] == "team = risk"
    assert "  params       depth = 3\n               solver = lbfgs\n" in first
    assert shown["datasets"] == "churn 2026-11 (holdout) s3://bucket/churn"
    assert shown["run"] == "run-17"
    assert shown["steps"] == "scale: zero mean"
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ by \S+, revision \d+$", shown["created"])
    assert re.match(r"Python 3\.\d+\.\d+, .*host .*, \d+ packages$", shown["environment"])
    assert "  description  first\n               second line: größer\n" in first
    assert "packages" not in shown
    shown = fields(second)
    assert shown["parents"] == "evidence@1 (quantized)"
    assert shown["aliases"] == "small"
    assert shown["stages"] == "staging"
    assert re.search(r"^ +click \S+$", second, re.MULTILINE)


def test_models_and_versions_are_listed(done: Done, weights: Path) -> None:
    for _ in range(2):
        done("push", "listed", weights, "--metric", "f1=0.5", "--quiet")
    done("alias", "listed", "champion", "1")
    done("promote", "listed@2", "--to", "staging")
    table = cells(done("models"))
    assert table[0] == ["MODEL", "LATEST", "IN STAGES", "CREATED", "BY", "DESCRIPTION"]
    assert ["listed", "2", "staging=2"] in [row[:3] for row in table]
    table = done("versions", "listed").splitlines()
    assert table[0].split() == [
        "VERSION",
        "STATE",
        "STAGES",
        "ALIASES",
        "METRICS",
        "SIZE",
        "DIGEST",
        "CREATED",
        "BY",
    ]
    assert table[1].split()[:4] == ["2", "READY", "staging", "f1=0.5"]
    assert table[2].split()[:4] == ["1", "READY", "champion", "f1=0.5"]


def test_an_alias_is_set_moved_listed_and_removed(done: Done, cli: Run, weights: Path) -> None:
    for _ in range(2):
        done("push", "pointed", weights, "--quiet")
    assert cli("alias", "pointed").stderr == "The model has no aliases.\n"
    assert done("alias", "pointed", "champion", "1") == "Alias champion points to version 1\n"
    assert (
        done("alias", "pointed", "champion", "latest", "--expected", "1")
        == "Alias champion points to version 2\n"
    )
    assert cells(done("alias", "pointed"))[1][:2] == ["champion", "2"]
    outcome = cli("alias", "pointed", "champion", "1", "--expected", "1")
    assert outcome.returncode == 1
    removed = done("alias", "pointed", "champion", "--delete")
    assert removed == "Removed alias champion, which pointed to version 2\n"
    assert done("alias", "pointed") == ""


def test_a_push_whose_alias_fails_says_that_the_version_is_stored(
    cli: Run, done: Done, weights: Path
) -> None:
    # A stage's name passes every check of the client, and the registry refuses it for an alias.
    outcome = cli("push", "halfway", weights, "--alias", "production")
    assert outcome.returncode == 1
    assert "halfway@1 is stored, but its alias is not set: " in outcome.stderr
    assert done("show", "halfway@1").startswith("halfway@1\n")


def test_a_push_with_an_impossible_alias_stores_nothing(cli: Run, weights: Path) -> None:
    outcome = cli("push", "never", weights, "--alias", "latest")
    assert (outcome.returncode, "alias 'latest' is not valid" in outcome.stderr) == (1, True)
    assert cli("show", "never").returncode == 1


def test_a_token_is_created_used_listed_and_revoked(done: Done, cli: Run) -> None:
    created = done("token", "create", "robot", "--role", "reader", "--role", "writer", "--expires", "30d")
    shown = fields(created)
    assert shown["principal"] == "robot"
    assert shown["roles"] == "reader, writer"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d .*Z", shown["expires"])
    secret = shown["secret"]
    assert secret.startswith("mun_")
    name = created.splitlines()[0].removeprefix("Token ")

    outcome = cli("whoami", "--token", secret)
    assert outcome.stdout == "robot\n  roles  reader of default\n         writer of default\n"
    listing = done("token", "list")
    assert [name, "robot", "reader, writer"] in [row[:3] for row in cells(listing)]
    assert secret not in listing
    assert done("token", "revoke", name) == f"Revoked token {name} of robot\n"
    outcome = cli("whoami", "--token", secret)
    assert outcome.returncode == 1
    assert secret not in outcome.stderr


def test_a_token_of_the_whole_registry_is_made_and_revoked(done: Done) -> None:
    created = done("token", "create", "root", "--role", "admin", "--instance")
    name = created.splitlines()[0].removeprefix("Token ")
    assert name in done("token", "list", "--instance")
    assert done("token", "revoke", name, "--instance") == f"Revoked token {name} of root\n"


def test_a_project_is_created_listed_and_worked_in(done: Done, cli: Run, weights: Path) -> None:
    created = done("project", "create", "fraud", "--description", "cards")
    assert created == "Created project fraud: staging, then production\n"
    assert ["fraud", "staging, production"] in [row[:2] for row in cells(done("project", "list"))]
    assert done("push", "cards", weights, "--project", "fraud", "--quiet") == "cards@1\n"
    assert done("push", "fraud/cards", weights, "--quiet") == "fraud/cards@2\n"
    assert done("show", "fraud/cards@1").startswith("fraud/cards@1\n")
    assert done("--project", "fraud", "show", "cards@1").startswith("cards@1\n")
    assert cli("show", "cards@1").returncode == 1


def test_deployments_show_what_controllers_report(done: Done, cli: Run, shared_server, weights: Path) -> None:
    done("push", "running", weights, "--quiet")
    done("promote", "running@1", "--to", "production")
    assert cli("deployments", "running").stderr == "No controller has reported anything.\n"
    with connect(shared_server.address, token=shared_server.token) as registry:
        version = registry.show("running@1")
        revision = registry.stage("running", "production").revision
        registry.report_deployment(
            "edge-1",
            model="running",
            stage="production",
            number=1,
            digest=version.digest,
            state="FAILED",
            acted_revision=revision,
            message="did not load: größer",
        )
    for table in (cells(done("deployments")), cells(done("deployments", "running"))):
        (row,) = [row for row in table if row[1] == "running"]
        assert row[:5] == ["edge-1", "running", "production", "1", "FAILED"]
        assert row[-1] == "did not load: größer"


def test_the_audit_log_is_filtered_limited_and_turned_round(done: Done, cli: Run, weights: Path) -> None:
    for _ in range(3):
        done("push", "audited", weights, "--quiet")
    done("promote", "audited@2", "--to", "staging")
    newest = cells(done("audit", "log", "--model", "audited", "--newest-first", "--limit", "2"))[1:]
    assert [row[2] for row in newest] == ["stage.promoted", "version.created"]
    created = cells(done("audit", "log", "--model", "audited", "--type", "version.created"))[1:]
    assert [row[4] for row in created] == ["1", "2", "3"]
    moved = cells(done("audit", "log", "--model", "audited", "--stage", "staging", "--type", "stage.*"))[1:]
    assert [row[4] for row in moved] == ["2"]
    done("promote", "audited@3", "--to", "staging")
    of_one = cells(done("audit", "log", "--model", "audited@2"))[1:]
    # The last one is of version 3, which took its place.
    assert [(row[2], row[4]) for row in of_one] == [
        ("version.created", "2"),
        ("stage.promoted", "2"),
        ("stage.promoted", "3 (was 2)"),
    ]
    assert "versions/9 does not exist" in cli("audit", "log", "--model", "audited@9").stderr
    refused = cli("audit", "log", "--model", "audited@staging")
    assert refused.returncode == 1
    assert "audited@7" in refused.stderr
    actor = moved[0][6]
    assert len(cells(done("audit", "log", "--model", "audited", "--actor", actor))) == 1 + len(
        cells(done("audit", "log", "--model", "audited"))[1:]
    )
    assert done("audit", "log", "--actor", "nobody") == ""
    assert (
        len(cells(done("audit", "log", "--model", "audited", "--since", "1h", "--until", "9999-12-31"))) == 7
    )
    assert done("audit", "log", "--model", "audited", "--until", "1h") == ""
    assert done("audit", "log", "--model", "audited", "--since", "9999-12-31T23:59+01:00") == ""
    everything = cells(done("audit", "log", "--instance", "--type", "log.*", "--type", "project.created"))[1:]
    assert [row[2] for row in everything[:2]] == ["log.key_added", "project.created"]


def test_the_embedded_registry_of_a_directory_needs_nothing_else(muniment: Run, weights: Path) -> None:
    where = ("--target", "file:registry")
    assert muniment(*where, "push", "local", weights, "--quiet").stdout == "local@1\n"
    assert muniment(*where, "promote", "local@1", "--to", "production").returncode == 0
    history = muniment(*where, "history", "local", "--stage", "production")
    assert (history.returncode, cells(history.stdout)[1][2:5]) == (0, ["production", "promotion", "1"])
    assert "stage.promoted" in muniment(*where, "audit", "log").stdout
