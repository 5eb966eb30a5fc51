"""What each client lacks before its changes go without a person, and which client has proved enough to be raised.

Raising is a person's decision, in policy.yaml: nothing here changes a mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.planning.planner import latest_plan_id, load_plan
from pax8_pipeline.settings.sections.trust import Trust, TrustMode
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

NEXT_MODE: Mapping[TrustMode, TrustMode] = {"observe": "approve", "propose": "approve", "approve": "auto"}


@dataclass(frozen=True)
class Missing:
    """Rows of one kind that a person has to do something about. `money`: None where none of them has an amount.

    `kind`: finding (with its `verdict`), waits, observed, guardrail, native_integration or held.
    """

    kind: str
    verdict: str | None
    number: int
    money: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class ClientTrust:
    """One client: its mode, what it lacks, and its nights. `suggestion`: the mode that it may be raised to, or None.

    `nights`: in how many nights all its proposals were accepted unchanged, since the last that was not (`refused_on`).
    `accepted`: proposals accepted in them. `client_id` None: rows that belong to no client.
    """

    client_id: int | None
    client_name: str
    mode: TrustMode
    missing: tuple[Missing, ...]
    nights: int = 0
    accepted: int = 0
    refused_on: date | None = None
    suggestion: TrustMode | None = None

    @property
    def money(self) -> Decimal:
        """All money that it lacks, whatever the currency: for the order of a list only."""
        return sum((m.money or Decimal(0) for m in self.missing), Decimal(0))


def client_trust(connection: Connection, trust: Trust) -> list[ClientTrust]:
    """Return every client of the newest plan, what may be raised first, then the most money first; [] before a plan."""
    plan_id = latest_plan_id(connection)
    if plan_id is None:
        return []
    since = load_plan(connection, plan_id).today - timedelta(days=trust.history_days)
    missing = dicts(connection.execute(load_sql("reports/trust/missing.sql"), {"plan_id": plan_id}))
    nights = {
        row["client_id"]: row
        for row in dicts(connection.execute(load_sql("reports/trust/nights.sql"), {"since": since}))
    }
    names = dict(connection.execute(_NAMES, {"plan_id": plan_id}).fetchall())
    by_client: dict[int | None, list[dict[str, Any]]] = {client_id: [] for client_id in names}
    for row in missing:
        by_client.setdefault(row["client_id"], []).append(row)
    clients = [_client(client_id, names.get(client_id) or "", rows, nights.get(client_id, {}), trust)
               for client_id, rows in by_client.items()]  # fmt: skip
    return sorted(clients, key=lambda c: (c.suggestion is None, -c.money, c.client_id or 0))


_NAMES = (
    "SELECT client_id, any_value(client_name) FROM billing.plan "
    "WHERE plan_id = $plan_id AND client_id IS NOT NULL GROUP BY client_id"
)


def _client(
    client_id: int | None, name: str, rows: Sequence[Mapping[str, Any]], proved: Mapping[str, Any], trust: Trust
) -> ClientTrust:
    mode = trust.of(client_id)
    missing = tuple(Missing(r["kind"], r["verdict"], r["number"], r["money"], r["currency"]) for r in rows)
    nights = int(proved.get("nights") or 0)
    return ClientTrust(
        client_id,
        name,
        mode,
        missing,
        nights,
        int(proved.get("accepted") or 0),
        proved.get("refused_on"),
        None if client_id is None else suggestion(mode, nights, missing, trust.suggest_after_nights),
    )


def suggestion(mode: TrustMode, nights: int, missing: Sequence[Missing], needed: int) -> TrustMode | None:
    """Return the mode that a client may be raised to: after enough nights, and to auto only when nothing is missing.

    A change that waits for its approval is not missing: auto is about such changes.
    """
    following = NEXT_MODE.get(mode)
    if following is None or nights < needed:
        return None
    if following == "auto" and any(m.kind != "waits" for m in missing):
        return None
    return following
