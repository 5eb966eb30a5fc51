"""How much one plan may change before a person has to look: per client, per run, in percent and absolute.

Pure figures, no database. A client over its limit is held alone; a run over its limit is held whole, before the
first write. A run's figures count every planned change, those of held clients too: when the source is broken, the
clients that stay under their own limits by being small must not slip through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pax8_pipeline.billing.model import Change
from pax8_pipeline.settings import Guardrails, Limits


@dataclass(frozen=True)
class Holds:
    """What is held: the run as a whole (one sentence) or single clients (sentence by Halo client id)."""

    run: str | None
    clients: Mapping[int | None, str]


def check(changes: Sequence[Change], lines: Mapping[int | None, int], limits: Guardrails) -> Holds:
    """Hold against the limits.

    `lines` is how many lines were considered for each Halo client. Every sentence carries figure and limit.
    """
    by_client: dict[int | None, list[Change]] = defaultdict(list)
    for change in changes:
        by_client[change.client_id].append(change)
    clients: dict[int | None, str] = {}
    for client_id, own in by_client.items():
        broken = _broken(own, lines.get(client_id, 0), limits.client)
        if broken:
            clients[client_id] = f"client {client_id}: {'; '.join(broken)}"
    broken = _broken(changes, sum(lines.values()), limits.run)
    return Holds(f"the run: {'; '.join(broken)}" if broken else None, clients)


def _broken(changes: Sequence[Change], lines: int, limits: Limits) -> list[str]:
    changed, ended = len(changes), sum(c.ends for c in changes)
    found: list[str] = []
    if limits.lines_changed is not None and changed > limits.lines_changed:
        found.append(f"{changed} lines changed, limit lines_changed is {limits.lines_changed}")
    if limits.lines_ended is not None and ended > limits.lines_ended:
        found.append(f"{ended} lines ended, limit lines_ended is {limits.lines_ended}")
    if limits.lines_changed_pct is not None and lines > limits.pct_above_lines:
        share = Decimal(changed * 100) / lines
        if share > limits.lines_changed_pct:
            found.append(
                f"{changed} of {lines} lines changed = {share:.1f} %, limit lines_changed_pct is {limits.lines_changed_pct} %"
            )
    if limits.money_delta is not None:
        for currency, money in sorted(_moved(changes).items()):
            if money > limits.money_delta:
                found.append(f"{money:.2f} {currency} a month moved, limit money_delta is {limits.money_delta}")
    return found


def _moved(changes: Iterable[Change]) -> dict[str, Decimal]:
    """Money that moves either way, by currency: an increase must not hide a decrease, nor one currency another."""
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for change in changes:
        moved[change.currency or "(no currency)"] += abs(change.money_per_month)
    return moved
