"""`kill -9` of the server at random moments, while clients push, promote and watch."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import muniment
import pytest
from harness.api import Api
from harness.processes import RunningProcess
from harness.server import ServerProcess
from muniment.v1 import catalog_pb2, metadata_service_pb2, promotion_service_pb2

MODEL = "churn"
SEED = 20261123
PUSHERS = 2

Journal = Callable[[Path], list[dict[str, Any]]]


@dataclass
class Clients:
    """The workers of one test, and what they were told."""

    directory: Path
    start: Callable[..., RunningProcess]
    read: Journal
    processes: list[RunningProcess] = field(default_factory=list)
    watcher: RunningProcess | None = None

    @property
    def stop_file(self) -> Path:
        return self.directory / "stop"

    @property
    def pushed(self) -> list[dict[str, Any]]:
        return [line for line in self._push_lines() if "number" in line]

    @property
    def moved(self) -> list[dict[str, Any]]:
        return self.read(self.directory / "moves.jsonl")

    @property
    def promoted(self) -> list[dict[str, Any]]:
        return [line for line in self.moved if "promotion" in line]

    def in_flight(self) -> tuple[set[str], set[str]]:
        """Request ids of the pushes and of the promotions that were begun and not answered."""
        pushes = {line["begun"] for line in self._push_lines() if "begun" in line}
        moves = {line["begun"] for line in self.moved if "begun" in line}
        return (
            pushes - {line["request_id"] for line in self.pushed},
            moves - {line["promotion"] for line in self.promoted},
        )

    def _push_lines(self) -> list[dict[str, Any]]:
        journals = (self.directory / f"pushes-{number}.jsonl" for number in range(PUSHERS))
        return [line for journal in journals for line in self.read(journal)]

    @property
    def watched(self) -> list[int]:
        return [line["revision"] for line in self.read(self.directory / "watch.jsonl")]

    def begin(self, server: ServerProcess) -> None:
        self.watcher = self.start("watch_on", server, self.directory / "watch.jsonl")
        self.watcher.wait_for_line("^watching$")
        for number in range(PUSHERS):
            source, journal = self.directory / f"source-{number}", self.directory / f"pushes-{number}.jsonl"
            self.processes.append(self.start("push_on", server, MODEL, source, journal, self.stop_file))
        self.processes.append(
            self.start("promote_on", server, MODEL, self.directory / "moves.jsonl", self.stop_file)
        )

    def end(self) -> None:
        """Lets every worker have its last answer."""
        self.stop_file.touch()
        for process in self.processes:
            assert process.wait(deadline=120) == 0, process.stderr

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Halts all workers in whatever they are doing: checks of all there is take longer the more there is."""
        running = [process for process in (*self.processes, self.watcher) if process is not None]
        for process in running:
            process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in running:
                process.signal(signal.SIGCONT)

    def still_running(self) -> bool:
        return all(process.running for process in (*self.processes, self.watcher) if process is not None)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed(
    any_server: ServerProcess,
    database: str | None,
    start_worker: Callable[..., RunningProcess],
    read_journal: Journal,
    connect: Callable[[ServerProcess], Api],
    registry_of: Callable[[Any], muniment.Registry],
    check_ledger: Callable[[Api], list[Any]],
    entries_of: Callable[[Api, str], list[Any]],
    list_versions: Callable[[Api, str], list[catalog_pb2.Version]],
    verify_version: Callable[[Api, catalog_pb2.Version], None],
    until: Callable[..., None],
    check_storage: Callable[..., None],
    tmp_path: Path,
    soak: bool,
) -> None:
    moments = random.Random(SEED)
    server = any_server
    first = connect(server)
    first.new_model(MODEL)
    for _ in range(2):
        first.new_version(MODEL)
    clients = Clients(tmp_path, start_worker, read_journal)
    clients.begin(server)
    until(lambda: clients.pushed and clients.promoted, "the clients are at work")

    sound: set[int] = set()
    interrupted: tuple[set[str], set[str]] = set(), set()
    fell_into = [0, 0]
    kills, enough = 0, 25 if soak else 5
    # Kills are not told when to fall into the middle of a push or of a promotion, and do so by themselves.
    while kills < 4 * enough or (kills < 200 and min(fell_into) < enough):
        kills += 1
        before = len(clients.pushed), len(clients.promoted)
        # Most times in the middle of the work; sometimes before anyone has found the server again.
        if moments.random() < 0.7:
            until(
                lambda seen=before: len(clients.pushed) > seen[0] + 2 and len(clients.promoted) > seen[1] + 1,
                "pushes and promotions go on after a restart",
            )
        time.sleep(moments.uniform(0.0, 0.4))  # the random moment
        begun = clients.in_flight()
        server.kill9()
        # What an earlier kill interrupted waits for the server, and what began after this one was not there.
        for kind, unanswered in enumerate(clients.in_flight()):
            now = (begun[kind] & unanswered) - interrupted[kind]
            fell_into[kind] += bool(now)
            interrupted[kind].update(now)
        server.restart()
        assert clients.still_running()

        with clients.halted():
            pushed, moved = clients.pushed, clients.moved
            api, registry = connect(server), registry_of(server)
            versions = list_versions(api, MODEL)
            _check_versions(versions, pushed)
            for version in versions:
                if version.number not in sound:
                    verify_version(api, version)
                    registry.pull(f"{MODEL}@{version.number}", tmp_path / "pulled" / str(version.number))
                    sound.add(version.number)
            _check_moves(api, moved)
            check_ledger(api)

    assert min(fell_into) >= enough, "a quarter of the kills, or more, fell into either"
    clients.end()
    api = connect(server)
    entries = check_ledger(api)
    of_type = {
        kind: [e for e in entries if e.type == kind and e.actor == "admin"]
        for kind in ("version.created", "stage.promoted")
    }
    # Repeated after each kill with the request id they had, and yet each happened once.
    assert len(of_type["version.created"]) == len(clients.pushed) + 2
    assert len(of_type["stage.promoted"]) == len(clients.promoted)
    _check_versions(list_versions(api, MODEL), clients.pushed)
    _check_moves(api, clients.moved)

    expected = [entry.revision for entry in entries_of(api, api.parent())]
    until(lambda: len(clients.watched) >= len(expected), "the watcher sees the end")
    assert clients.watched == expected, "each revision once, in order, over all restarts"
    check_storage(server, *(("--database", database) if database else ()))


def test_a_request_repeated_after_a_kill_gets_the_first_answer_and_nothing_happens_twice(
    any_server: ServerProcess,
    connect: Callable[[ServerProcess], Api],
    check_ledger: Callable[[Api], list[Any]],
) -> None:
    server = any_server
    api = connect(server)
    parent = api.new_model(MODEL)
    create = metadata_service_pb2.CreateVersionRequest(
        parent=parent,
        version=catalog_pb2.Version(digest=api.commit({"model.bin": b"weights"})),
        request_id="one-push",
    )
    point = metadata_service_pb2.SetAliasRequest(
        name=f"{parent}/aliases/champion", number=1, request_id="one-alias"
    )
    promote = promotion_service_pb2.RequestPromotionRequest(
        version=f"{parent}/versions/1", stage="staging", request_id="one-promotion"
    )

    def ask(api: Api) -> list[bytes]:
        answers = (
            api.metadata.CreateVersion(create),
            api.metadata.SetAlias(point),
            api.promotion.RequestPromotion(promote),
        )
        return [answer.SerializeToString(deterministic=True) for answer in answers]

    first, entries = ask(api), check_ledger(api)
    for _ in range(2):
        server.kill9()
        server.restart()
        api = connect(server)
        assert ask(api) == first
        assert check_ledger(api) == entries


def _check_versions(versions: list[catalog_pb2.Version], pushed: list[dict[str, Any]]) -> None:
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    assert {version.state for version in versions} == {catalog_pb2.VERSION_STATE_READY}
    digests = {version.number: version.digest for version in versions}
    assert {line["number"]: line["digest"] for line in pushed}.items() <= digests.items()
    assert len({line["number"] for line in pushed}) == len(pushed)


def _check_moves(api: Api, moved: list[dict[str, Any]]) -> None:
    request = promotion_service_pb2.ListStageHistoryRequest(
        parent=f"{api.parent()}/models/{MODEL}", stage="staging", page_size=1000
    )
    history: dict[int, int] = {}
    while True:
        response = api.promotion.ListStageHistory(request)
        history.update({move.revision: move.number for move in response.moves})
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert {
        line["revision"]: line["number"] for line in moved if "promotion" in line
    }.items() <= history.items()
    aliases = [line for line in moved if "alias" in line]
    if aliases:
        listed = api.metadata.ListAliases(
            metadata_service_pb2.ListAliasesRequest(parent=f"{api.parent()}/models/{MODEL}")
        ).aliases
        # The worker may have moved it on since, by one call whose answer it has not noted.
        assert [alias.number for alias in listed] in ([1], [2])
        assert len(history) >= len(aliases)
