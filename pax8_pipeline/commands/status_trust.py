"""`pax8-pipeline status --trust`: each client's trust mode, what it lacks before `auto`, and who may be raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pax8_pipeline.billing.verdicts import label_of
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.trust.trust import ClientTrust, Missing, client_trust
from pax8_pipeline.settings import Settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

_SHOWN = 10
_KINDS = {
    "waits": "waiting for an approval",
    "observed": "observed only",
    "guardrail": "held by a guardrail",
    "native_integration": "held: Halo's own integration",
    "held": "held by policy",
}


def read_trust(settings: Settings) -> list[ClientTrust]:
    """Return every client of the newest plan; [] before the first run."""
    if not settings.warehouse_path.exists():
        return []
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        return client_trust(connection, settings.policy.trust)


def trust_lines(found: Sequence[ClientTrust], needed: int, *, everything: bool) -> Iterator[str]:
    """Yield the lines for a person: who may be raised, then what the clients with the most money lack."""
    if not found:
        yield "No plan yet: pax8-pipeline run"
        return
    clients = [one for one in found if one.client_id is not None]
    raised = [one for one in clients if one.suggestion is not None]
    if raised:
        yield f"{plural(len(raised), 'client')} may be raised, in policy.yaml under trust.clients:"
        yield from (
            f"  {one.client_id}: {one.suggestion}  # {one.client_name}, {_nights(one, needed)}" for one in raised
        )
        yield ""
    listed = clients if everything else clients[:_SHOWN]
    for one in listed:
        yield f"{one.client_name or 'client'} ({one.client_id}): {one.mode}, {_nights(one, needed)}"
        yield from (f"  {_missing(part)}" for part in one.missing)
    if len(listed) < len(clients):
        yield f"{len(clients) - len(listed)} more clients: pax8-pipeline status --trust --all"
    for nobody in (one for one in found if one.client_id is None):
        yield "Without a client in Halo:"
        yield from (f"  {_missing(part)}" for part in nobody.missing)
    if clients and all(one.mode == "observe" for one in clients):
        yield from _first_client(clients)


def _first_client(clients: Sequence[ClientTrust]) -> Iterator[str]:
    """Say how the changes of one client get to a person; the client has one, where there is such a client."""
    changes = [one for one in clients if any(part.kind == "observed" for part in one.missing)]
    yield "Next: let a client's changes wait for you. In policy.yaml:"
    yield "  write_mode: apply"
    yield f"  trust.clients: {{{(changes or list(clients))[0].client_id}: approve}}"
    yield "and then: pax8-pipeline run"


def _nights(one: ClientTrust, needed: int) -> str:
    if one.mode == "auto":
        return "goes by itself"
    if one.refused_on is not None and not one.nights:
        return f"0 of {needed} nights, not accepted on {one.refused_on}"
    return f"{one.nights} of {needed} nights"


def _missing(part: Missing) -> str:
    what = label_of(part.verdict) if part.verdict else _KINDS[part.kind]
    amount = "" if part.money is None else f", {formatting.money(part.money, part.currency)}"
    return f"{part.number} {what}{amount}"


def raise_hint(found: Sequence[ClientTrust]) -> str:
    """Return a line for the plain status when somebody may be raised; "" otherwise."""
    raised = sum(one.suggestion is not None for one in found)
    return f"{plural(raised, 'client')} may be raised: pax8-pipeline status --trust" if raised else ""


def trust_data(found: Sequence[ClientTrust], needed: int) -> dict[str, Any]:
    """Return the same for --json."""
    return {
        "schema": "pax8-pipeline/trust/1",
        "nights_needed": needed,
        "clients": [asdict(one) for one in found if one.client_id is not None],
        "without_client": [asdict(part) for one in found if one.client_id is None for part in one.missing],
    }
