"""Forgetting what was found out about bytes long ago.

Nothing says which files still stand behind a proof or an inspection, and to ask all manifests would take longer
than to find out again. So a proof is believed for some time and no longer: its file is read again by the first
commit that names it afterwards. Of inspections those go that were made by other rules than today's: nobody asks
for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from muniment_core.db.finding_store import FindingKey
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.rpc.execution import Execution

from muniment_artifact.inspection.ruleset import ruleset

KEPT = timedelta(days=90)
"""Far longer than a push takes, or than servers of two releases run beside each other."""

ROWS = 500
"""Rows of one transaction."""


async def forget_findings(execution: Execution) -> int:
    """Forget proofs of that age, and inspections by other rules; how many rows went."""
    before = execution.clock() - KEPT
    proofs = await _forgotten(
        execution,
        lambda reader: reader.findings.old_proofs(before, limit=ROWS),
        lambda unit, keys: unit.findings.forget_proofs(keys),
    )
    return proofs + await _forgotten(
        execution,
        lambda reader: reader.findings.old_inspections(before, but=ruleset(), limit=ROWS),
        lambda unit, keys: unit.findings.forget_inspections(keys),
    )


async def _forgotten(
    execution: Execution,
    find: Callable[[Reader], list[FindingKey]],
    forget: Callable[[UnitOfWork, Sequence[FindingKey]], None],
) -> int:
    count = 0
    while keys := await execution.query(find):
        await execution.note(partial(_forget, forget, keys))
        count += len(keys)
    return count


def _forget(
    forget: Callable[[UnitOfWork, Sequence[FindingKey]], None], keys: Sequence[FindingKey], unit: UnitOfWork
) -> None:
    forget(unit, keys)
