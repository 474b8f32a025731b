"""Folds the entries of a ledger into the state of the registry they imply.

Strict where an entry contradicts those before it: such a contradiction is told, and the fold goes on with what
the entry says. Tolerant of what it does not know: entries of other types are counted and change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

from muniment.ledger.entries import Body
from muniment.ledger.keys import PublicKey
from muniment.ledger.rotation import verify_rotation
from muniment.ledger.state import (
    ACTIVE,
    ARCHIVED,
    DELETED,
    PROMOTION,
    READY,
    ROLLBACK,
    UNTOLD,
    AliasState,
    DeploymentState,
    LogKeyState,
    ModelState,
    MoveState,
    PointerState,
    ProjectState,
    RecoveryState,
    TokenState,
    VersionState,
)

NO_METRICS = "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
"""Digest of no metric values: sha256 of ``[]``."""

ModelKey: TypeAlias = tuple[str, str]
"""Project and model."""

DeploymentKey: TypeAlias = tuple[str, str, str, str]
"""Project, target, model and stage."""


class Fold:
    """The registry after some entries, from the first on.

    Attributes:
        revision: that of the last entry applied; 0 before the first.
        unknown: how many entries there were of each type that is not known here.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.projects: dict[str, ProjectState] = {}
        self.models: dict[ModelKey, ModelState] = {}
        self.tokens: dict[int, TokenState] = {}
        self.deployments: dict[DeploymentKey, DeploymentState] = {}
        self.log_keys: dict[int, LogKeyState] = {}
        self.recoveries: dict[int, RecoveryState] = {}
        self.unknown: Counter[str] = Counter()
        self._found: list[str] = []

    def apply(self, entry: Body) -> list[str]:
        """Apply the next entry, as :func:`muniment.ledger.entries.read_body` gives it.

        Returns:
            A sentence for each thing in which it contradicts the entries before it; nearly always none.
        """
        self._found = []
        self.revision = entry["revision"]
        apply = _BY_TYPE.get(entry["type"])
        if apply is None:
            self.unknown[entry["type"]] += 1
        else:
            try:
                apply(self, entry, entry.get("data", {}))
            except (KeyError, TypeError, ValueError) as error:
                self._contradiction(f"does not say all that a {entry['type']} entry must: {error}")
        if "model" in entry:
            model = self.models.get((entry.get("project", ""), entry["model"]))
            if model is not None:
                model.change_revision = self.revision
        return self._found

    def _contradiction(self, text: str) -> None:
        self._found.append(text)

    def _project_created(self, entry: Body, data: dict[str, Any]) -> None:
        name = entry["project"]
        if name in self.projects:
            self._contradiction(f"creates project {name}, which exists")
        self.projects[name] = ProjectState(
            tuple(data["stages"]), data["labels"], entry["time"], entry["revision"]
        )

    def _model_created(self, entry: Body, data: dict[str, Any]) -> None:
        key = entry["project"], entry["model"]
        if key[0] not in self.projects:
            self._contradiction(f"creates a model in project {key[0]}, which does not exist")
        if key in self.models:
            self._contradiction(f"creates model {key[0]}/{key[1]}, which exists")
        self.models[key] = _new_model(entry, data["labels"])

    def _model_updated(self, entry: Body, data: dict[str, Any]) -> None:
        model = self._model(entry)
        model.labels = data["labels"]
        model.update_time, model.revision = entry["time"], entry["revision"]

    def _model_deleted(self, entry: Body, _data: dict[str, Any]) -> None:
        model = self._model(entry)
        if model.pointers:
            self._contradiction(f"deletes a model that has a current version in {', '.join(model.pointers)}")
        for version in model.versions.values():
            if version.state != DELETED:
                _put(version, entry, DELETED)
        _drop_aliases(model, list(model.aliases), entry)
        model.state = DELETED
        model.update_time, model.revision = entry["time"], entry["revision"]

    def _version_created(self, entry: Body, data: dict[str, Any]) -> None:
        model, number = self._model(entry), entry["number"]
        if number != len(model.versions) + 1:
            self._contradiction(f"creates version {number} after {len(model.versions)} versions")
        time, revision, metrics = entry["time"], entry["revision"], data["metrics"]
        model.versions[number] = VersionState(
            digest=entry["digest"],
            state=READY,
            author=entry["actor"],
            record=data["record"],
            labels=data["labels"],
            size_bytes=data.get("size_bytes", -1),
            create_time=time,
            update_time=time,
            create_revision=revision,
            revision=revision,
            metrics={} if metrics == NO_METRICS else {revision: metrics},
        )

    def _version_updated(self, entry: Body, data: dict[str, Any]) -> None:
        _changed(self._version(entry), entry).labels = data["labels"]

    def _version_deleted(self, entry: Body, _data: dict[str, Any]) -> None:
        model, number = self._model(entry), entry["number"]
        held = [stage for stage, pointer in model.pointers.items() if pointer.number == number]
        if held:
            self._contradiction(f"deletes version {number}, which is current in {', '.join(held)}")
        _put(self._version(entry), entry, DELETED)
        _drop_aliases(model, [name for name, alias in model.aliases.items() if alias.number == number], entry)

    def _version_archived(self, entry: Body, _data: dict[str, Any]) -> None:
        _put(self._version(entry), entry, ARCHIVED)

    def _version_restored(self, entry: Body, _data: dict[str, Any]) -> None:
        _put(self._version(entry), entry, READY)

    def _metrics_added(self, entry: Body, data: dict[str, Any]) -> None:
        version = self._version(entry)
        if data["metrics"] != NO_METRICS:
            version.metrics[entry["revision"]] = data["metrics"]
            count = int(data["count"])
            if count < 1:
                raise ValueError(f"{count} values have a digest")
            version.metric_counts[entry["revision"]] = count

    def _alias_set(self, entry: Body, data: dict[str, Any]) -> None:
        model, name = self._model(entry), data["alias"]
        self._version(entry)
        self._check_previous(f"alias {name}", model.aliases.get(name), entry)
        model.aliases[name] = AliasState(entry["number"], entry["actor"], entry["time"], entry["revision"])
        model.alias_moves[name, entry["revision"]] = entry["number"]

    def _alias_deleted(self, entry: Body, data: dict[str, Any]) -> None:
        model, name = self._model(entry), data["alias"]
        self._check_previous(f"alias {name}", model.aliases.get(name), entry)
        _drop_aliases(model, [name], entry)

    def _stage_promoted(self, entry: Body, _data: dict[str, Any]) -> None:
        model, stage = self._model(entry), entry["stage"]
        current = model.pointers.get(stage)
        self._move(entry, model, PROMOTION, current.effective_revision if current else None)
        model.pointers[stage] = PointerState(entry["number"], entry["revision"], entry["revision"])

    def _stage_rolled_back(self, entry: Body, data: dict[str, Any]) -> None:
        model, stage = self._model(entry), entry["stage"]
        effective = data.get("effective_revision", UNTOLD)
        restored = model.moves.get(effective)
        if effective == UNTOLD:
            pass
        elif restored is None or (restored.kind, restored.stage) != (PROMOTION, stage):
            self._contradiction(f"rolls {stage} back to {effective}, which is no promotion to it")
        elif restored.number != entry["number"]:
            self._contradiction(
                f"rolls {stage} back to version {entry['number']} and promotion {effective}, which was of "
                f"version {restored.number}"
            )
        self._move(entry, model, ROLLBACK, effective)
        model.pointers[stage] = PointerState(entry["number"], entry["revision"], effective)

    def _deployment_reported(self, entry: Body, data: dict[str, Any]) -> None:
        self._model(entry)
        key = entry["project"], data["target"], entry["model"], entry["stage"]
        self.deployments[key] = DeploymentState(
            number=entry.get("number", 0),
            digest=entry.get("digest", ""),
            state=data["state"],
            acted_revision=data["acted_revision"],
            message=entry.get("reason", ""),
            reporter=entry["actor"],
            report_time=entry["time"],
            revision=entry["revision"],
        )

    def _token_created(self, entry: Body, data: dict[str, Any]) -> None:
        if data["token"] in self.tokens:
            self._contradiction(f"creates token {data['token']}, which exists")
        self.tokens[data["token"]] = TokenState(
            principal=data["principal"],
            project=entry.get("project", ""),
            roles=tuple(data["roles"]),
            secret=data.get("secret", ""),
            create_time=entry["time"],
            expire_time=data.get("expire_time", ""),
            revoke_time="",
        )

    def _token_revoked(self, entry: Body, data: dict[str, Any]) -> None:
        token = self.tokens.get(data["token"])
        if token is None:
            self._contradiction(f"revokes token {data['token']}, which does not exist")
        elif not token.revoke_time:
            token.revoke_time = entry["time"]

    def _log_key_added(self, entry: Body, data: dict[str, Any]) -> None:
        if self.log_keys:
            self._contradiction("adds a first key to a log that has one")
        PublicKey.parse(data["key"])
        self.log_keys[entry["revision"]] = LogKeyState(data["key"], entry["time"])

    def _log_key_rotated(self, entry: Body, data: dict[str, Any]) -> None:
        old = self._followed(data, "rotates")
        new = verify_rotation(data["statement"].encode(), old, revision=entry["revision"])
        if new.text != data["key"]:
            self._contradiction(f"adds key {data['key']}, while its statement names {new.text}")
        self.log_keys[entry["revision"]] = LogKeyState(new.text, entry["time"], data["statement"])

    def _log_key_replaced(self, entry: Body, data: dict[str, Any]) -> None:
        old, new = self._followed(data, "replaces"), PublicKey.parse(data["key"])
        if new.name != old.name:
            self._contradiction(f"adds key {new.text} to log {old.name}")
        self.log_keys[entry["revision"]] = LogKeyState(data["key"], entry["time"])

    def _followed(self, data: dict[str, Any], how: str) -> PublicKey:
        old = PublicKey.parse(data["previous_key"])
        active = self.active_key
        if active != old:
            self._contradiction(f"{how} key {old.text}, while {active.text if active else 'none'} is active")
        return old

    def _log_recovered(self, entry: Body, data: dict[str, Any]) -> None:
        self.recoveries[entry["revision"]] = RecoveryState(
            data["kept_size"],
            data["anchor_size"],
            data["anchor_root"],
            entry.get("reason", ""),
            entry["time"],
        )

    @property
    def active_key(self) -> PublicKey | None:
        """The key that signs the log now; None before the first."""
        last = max(self.log_keys, default=None)
        return None if last is None else PublicKey.parse(self.log_keys[last].key)

    def _move(self, entry: Body, model: ModelState, kind: str, base_revision: int | None) -> None:
        stage, number = entry["stage"], entry["number"]
        self._version(entry)
        project = self.projects.get(entry["project"])
        if project is not None and stage not in project.stages:
            self._contradiction(f"moves stage {stage}, which the project does not have")
        self._check_previous(f"stage {stage}", model.pointers.get(stage), entry)
        model.moves[entry["revision"]] = MoveState(
            stage=stage,
            kind=kind,
            number=number,
            previous_number=entry.get("previous_number", 0),
            base_revision=base_revision,
            actor=entry["actor"],
            reason=entry.get("reason", ""),
            time=entry["time"],
        )

    def _check_previous(self, what: str, current: AliasState | PointerState | None, entry: Body) -> None:
        actual, told = current.number if current else 0, entry.get("previous_number", 0)
        if actual != told:
            self._contradiction(f"moves {what} from version {told}, while it was at {actual}")

    def _model(self, entry: Body) -> ModelState:
        key = entry["project"], entry["model"]
        model = self.models.get(key)
        if model is None:
            self._contradiction(f"is about model {key[0]}/{key[1]}, which does not exist")
            model = self.models[key] = _new_model(entry, "")
        elif model.state == DELETED:
            self._contradiction(f"is about model {key[0]}/{key[1]}, which was deleted")
        return model

    def _version(self, entry: Body) -> VersionState:
        model, number = self._model(entry), entry["number"]
        version = model.versions.get(number)
        if version is None:
            self._contradiction(f"is about version {number}, which does not exist")
            version = model.versions[number] = VersionState(
                entry["digest"], READY, "", "", "", -1, "", "", 0, 0, {}
            )
        elif version.state == DELETED:
            self._contradiction(f"is about version {number}, which was deleted")
        elif version.digest != entry["digest"]:
            self._contradiction(
                f"gives version {number} digest {entry['digest']}, while it has {version.digest}"
            )
        return version


def _new_model(entry: Body, labels: str) -> ModelState:
    time = entry["time"]
    return ModelState(ACTIVE, entry["actor"], labels, time, time, entry["revision"])


def _put(version: VersionState, entry: Body, state: str) -> None:
    _changed(version, entry).state = state
    version.state_moves[entry["revision"]] = state


def _drop_aliases(model: ModelState, names: list[str], entry: Body) -> None:
    for name in names:
        model.aliases.pop(name, None)
        model.alias_moves[name, entry["revision"]] = None


def _changed(version: VersionState, entry: Body) -> VersionState:
    version.update_time, version.revision = entry["time"], entry["revision"]
    return version


_BY_TYPE: dict[str, Callable[[Fold, Body, dict[str, Any]], None]] = {
    "project.created": Fold._project_created,
    "model.created": Fold._model_created,
    "model.updated": Fold._model_updated,
    "model.deleted": Fold._model_deleted,
    "version.created": Fold._version_created,
    "version.updated": Fold._version_updated,
    "version.deleted": Fold._version_deleted,
    "version.archived": Fold._version_archived,
    "version.restored": Fold._version_restored,
    "metrics.added": Fold._metrics_added,
    "alias.set": Fold._alias_set,
    "alias.deleted": Fold._alias_deleted,
    "stage.promoted": Fold._stage_promoted,
    "stage.rolled_back": Fold._stage_rolled_back,
    "deployment.reported": Fold._deployment_reported,
    "token.created": Fold._token_created,
    "token.revoked": Fold._token_revoked,
    "log.key_added": Fold._log_key_added,
    "log.key_rotated": Fold._log_key_rotated,
    "log.key_replaced": Fold._log_key_replaced,
    "log.recovered": Fold._log_recovered,
}
