"""How much one plan may change before a person has to look: per client, per run, in percent and absolute.

Pure figures, no database. A client over its limit is held alone; a run over its limit holds all seats, before the
first write. Usage charges are counted by themselves, so that a month's usage does not hold the seats; over the run's
limit all of them are held. A run's figures count every planned change, those of held clients too: when the source is broken, the
clients that stay under their own limits by being small must not slip through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.model import Change
from pax8_pipeline.settings import Guardrails, Limits
from pax8_pipeline.text.plurals import plural


@dataclass(frozen=True)
class GuardrailResult:
    """What is held: the run's seats as a whole (one sentence), those of single clients, usage charges of clients
    (sentences by Halo client id).
    """

    run: str | None
    clients: Mapping[int | None, str]
    usage: Mapping[int | None, str] = field(default_factory=dict)

    def allows(self, change: Change) -> bool:
        """Return whether nothing holds this change."""
        if registry.is_usage(change.action):
            return change.client_id not in self.usage
        return self.run is None and change.client_id not in self.clients


def check(changes: Sequence[Change], lines: Mapping[int | None, int], limits: Guardrails) -> GuardrailResult:
    """Hold against the limits.

    `lines` is how many lines were considered for each Halo client. Every sentence carries figure and limit.
    """
    seats = [c for c in changes if not registry.is_usage(c.action)]
    charges = [c for c in changes if registry.is_usage(c.action)]
    clients: dict[int | None, str] = {}
    for client_id, own in _by_client(seats).items():
        broken = _broken(own, lines.get(client_id, 0), limits.client)
        if broken:
            clients[client_id] = f"client {client_id}: {'; '.join(broken)}"
    broken = _broken(seats, sum(lines.values()), limits.run)
    return GuardrailResult(f"the run: {'; '.join(broken)}" if broken else None, clients, _usage(charges, limits))


def _usage(charges: Sequence[Change], limits: Guardrails) -> dict[int | None, str]:
    by_client = _by_client(charges)
    broken = _charges_broken(charges, limits.usage_run or limits.run)
    if broken:
        return dict.fromkeys(by_client, f"usage of the run: {'; '.join(broken)}")
    found: dict[int | None, str] = {}
    for client_id, own in by_client.items():
        broken = _charges_broken(own, limits.usage_client or limits.client)
        if broken:
            found[client_id] = f"usage of client {client_id}: {'; '.join(broken)}"
    return found


def _charges_broken(charges: Sequence[Change], limits: Limits) -> list[str]:
    found = _over("new charges", len(charges), "new_charges", limits.new_charges)
    for currency, (up, down) in sorted(_moved(charges).items()):
        found += _over(f"{currency} of a month's usage", up + down, "money_delta", limits.money_delta)
        found += _over(f"{currency} of a month's usage", up, "money_up", limits.money_up)
    return found


def _by_client(changes: Iterable[Change]) -> dict[int | None, list[Change]]:
    by_client: dict[int | None, list[Change]] = defaultdict(list)
    for change in changes:
        by_client[change.client_id].append(change)
    return by_client


def override_instructions(plan_id: str) -> str:
    """Return what to type so that one plan is written although a guardrail holds it."""
    first, second = (f"pax8-pipeline plan approve {plan_id} --acknowledge", f"pax8-pipeline plan apply {plan_id}")
    return f"if it is right, let this one plan past: `{first}`, then `{second}`"


def _broken(changes: Sequence[Change], lines: int, limits: Limits) -> list[str]:
    changed, ended = len(changes), sum(registry.ends(c.action) for c in changes)
    new = sum(registry.makes_line(c.action) for c in changes)
    more = sum((c.delta for c in changes if c.delta > 0), Decimal(0))
    fewer = -sum((c.delta for c in changes if c.delta < 0), Decimal(0))
    found = [
        *_over(plural(changed, "line changed", "lines changed"), changed, "lines_changed", limits.lines_changed),
        *_over(plural(ended, "line ended", "lines ended"), ended, "lines_ended", limits.lines_ended),
        *_over(plural(new, "new line"), new, "new_charges", limits.new_charges),
        *_over(f"{more:f} {'seat' if more == 1 else 'seats'} more", more, "seats_up", limits.seats_up),
        *_over(f"{fewer:f} {'seat' if fewer == 1 else 'seats'} fewer", fewer, "seats_down", limits.seats_down),
        *_share(changed, lines, limits),
    ]
    for currency, (up, down) in sorted(_moved(changes).items()):
        moved = up + down
        found += _over(f"{moved:.2f} {currency} a month moved", moved, "money_delta", limits.money_delta)
        found += _over(f"{up:.2f} {currency} a month more", up, "money_up", limits.money_up)
        found += _over(f"{down:.2f} {currency} a month less", down, "money_down", limits.money_down)
    return found


def _over(figure_text: str, figure: Decimal | int, name: str, limit: Decimal | int | None) -> list[str]:
    return [] if limit is None or figure <= limit else [f"{figure_text}, limit {name} is {limit}"]


def _share(changed: int, lines: int, limits: Limits) -> list[str]:
    if limits.lines_changed_pct is None or lines <= limits.pct_above_lines:
        return []
    share = Decimal(changed * 100) / lines
    if share <= limits.lines_changed_pct:
        return []
    return [
        f"{changed} of {lines} lines changed = {share:.1f} %, limit lines_changed_pct is {limits.lines_changed_pct} %"
    ]


def _moved(changes: Iterable[Change]) -> dict[str, tuple[Decimal, Decimal]]:
    """Money up and down by currency: an increase must not hide a decrease, nor one currency another."""
    moved: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for change in changes:
        up, down = moved[change.currency or "(no currency)"]
        money = change.money_per_month
        moved[change.currency or "(no currency)"] = (up + money, down) if money > 0 else (up, down - money)
    return moved
