"""What does not exist, or exists already."""

from __future__ import annotations

from muniment_core.domain.errors.base import DomainError


class ProjectNotFound(DomainError):
    """The project does not exist, or the caller has no role in it."""

    reason = "PROJECT_NOT_FOUND"

    def __init__(self, project: str) -> None:
        super().__init__(
            f"project {project!r} does not exist, or you have no role in it", project=f"projects/{project}"
        )


class ModelNotFound(DomainError):
    """The model does not exist."""

    reason = "MODEL_NOT_FOUND"

    def __init__(self, model: str) -> None:
        super().__init__(f"model {model} does not exist", model=model)


class VersionNotFound(DomainError):
    """The model has no such version, or the selector matches none."""

    reason = "VERSION_NOT_FOUND"

    def __init__(self, version: str, why: str = "does not exist") -> None:
        super().__init__(f"version {version} {why}", version=version)


class SignatureNotFound(DomainError):
    """The version is not signed."""

    reason = "SIGNATURE_NOT_FOUND"

    def __init__(self, version: str) -> None:
        super().__init__(f"version {version} was registered without a signature", version=version)


class AliasNotFound(DomainError):
    """The model has no such alias."""

    reason = "ALIAS_NOT_FOUND"

    def __init__(
        self, alias: str, model: str, stages: tuple[str, ...] = (), *, at_revision: int | None = None
    ) -> None:
        or_stage = f" and no stage (stages are {', '.join(stages)})" if stages else ""
        has = "has" if at_revision is None else f"at revision {at_revision} had"
        super().__init__(f"model {model} {has} no alias {alias!r}{or_stage}", alias=alias, model=model)


class StageNotFound(DomainError):
    """The project has no such stage."""

    reason = "STAGE_NOT_FOUND"

    def __init__(self, stage: str, stages: tuple[str, ...]) -> None:
        super().__init__(
            f"stage {stage!r} does not exist: the stages of this project are {', '.join(stages)}",
            stage=stage,
            stages=", ".join(stages),
        )


class StageEmpty(DomainError):
    """No version of the model is current in the stage."""

    reason = "STAGE_EMPTY"

    def __init__(self, stage: str, model: str, *, at_revision: int | None = None) -> None:
        told = (
            f"no version of {model} is current in {stage}: promote one first"
            if at_revision is None
            else f"no version of {model} was current in {stage} at revision {at_revision}"
        )
        super().__init__(told, stage=stage, model=model)


class ManifestNotFound(DomainError):
    """The project holds no manifest with this digest."""

    reason = "MANIFEST_NOT_FOUND"

    def __init__(self, digest: str) -> None:
        super().__init__(f"the project holds no manifest {digest}: commit the upload first", digest=digest)


class FileNotFound(DomainError):
    """The manifest has no file of this path."""

    reason = "FILE_NOT_FOUND"

    def __init__(self, path: str, digest: str) -> None:
        super().__init__(f"manifest {digest} has no file {path[:200]!r}", path=path[:200], digest=digest)


class TensorNotFound(DomainError):
    """The file has no such tensor."""

    reason = "TENSOR_NOT_FOUND"

    def __init__(self, tensor: str, path: str) -> None:
        super().__init__(
            f"{path[:200]!r} has no tensor {tensor[:200]!r}", tensor=tensor[:200], path=path[:200]
        )


class PromotionNotFound(DomainError):
    """The promotion does not exist."""

    reason = "PROMOTION_NOT_FOUND"

    def __init__(self, promotion: str) -> None:
        super().__init__(f"promotion {promotion} does not exist", promotion=promotion)


class EntryNotFound(DomainError):
    """The ledger has no entry of this revision."""

    reason = "ENTRY_NOT_FOUND"

    def __init__(self, revision: int, head: int) -> None:
        super().__init__(
            f"the ledger has no entry {revision} in this project; its newest is {head}",
            revision=revision,
            head=head,
        )


class TokenNotFound(DomainError):
    """The token does not exist."""

    reason = "TOKEN_NOT_FOUND"

    def __init__(self, token: str) -> None:
        super().__init__(f"token {token} does not exist", token=token)


class PredictionNotFound(DomainError):
    """No sealed prediction has this id."""

    reason = "PREDICTION_NOT_FOUND"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(
            f"no prediction {prediction_id!r} is known: it was never recorded here, or is not sealed yet, "
            "which takes about a second",
            prediction=prediction_id,
        )


class PredictionExpired(DomainError):
    """Retention dropped what was recorded of the prediction."""

    reason = "PREDICTION_EXPIRED"

    def __init__(self, prediction_id: str, revision: int, expire_time: str) -> None:
        super().__init__(
            f"prediction {prediction_id!r} was dropped by retention on {expire_time}; the root of its batch "
            f"stays in ledger entry {revision}, so that receipts made before still verify",
            prediction=prediction_id,
            revision=revision,
            expire_time=expire_time,
        )


class NameTaken(DomainError):
    """The name is taken, perhaps by a tombstone or in another case."""

    reason = "NAME_TAKEN"

    def __init__(self, name: str, existing: str, *, deleted: bool = False) -> None:
        why = f"differs from {existing!r} by case only" if name != existing else "exists already"
        if deleted:
            why = f"belonged to a deleted resource ({existing!r}) and is never issued again"
        super().__init__(f"name {name!r} {why}: choose another", name=name, existing=existing)
