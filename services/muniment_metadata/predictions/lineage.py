"""From a prediction to what made it: the version, and how that came into its stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from muniment.names import VersionName
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.catalog import VersionRecord
from muniment_core.domain.ledger import Entry

MAX_STAGE_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is known of the version that made a prediction.

    Attributes:
        stage_entries: ledger entries that brought it into stages before the prediction, oldest first.
        stages: where it was current when the prediction was made.
    """

    version: VersionRecord
    stage_entries: list[Entry]
    stages: list[str]


def provenance(reader: Reader, name: VersionName, *, time: datetime, sealed_revision: int) -> Provenance:
    """What is known of a version, as of a prediction it made.

    Args:
        time: of the prediction, by the recorder's clock.
        sealed_revision: of its batch; what happened after it had no part in the prediction.

    Raises:
        VersionNotFound: if the version does not exist.
    """
    version = reader.versions.require(name)
    revisions = reader.stages.moves_to(
        version.id, until=time, before=sealed_revision, limit=MAX_STAGE_ENTRIES
    )
    return Provenance(
        version,
        [entry for revision in revisions if (entry := reader.ledger.entry(revision)) is not None],
        reader.stages.stages_of(version.id, at=time, before=sealed_revision),
    )
