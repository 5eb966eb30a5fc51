"""Usage that a standing licence carries: what is sent, what must still be so before it, what may follow from it.

Here belongs: everything about the action `set_usage_licence`, as pure comparisons of Halo objects. Not here: reading
and sending (`apply`), what is common to all licences (`verify`), which month goes where (queries/usage_licence_rows.sql).
The price is set, never added to; the line echoes it as its own (api/halo.md sections 6 and 7).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pax8_pipeline.billing.model import Change

Object = Mapping[str, Any]

PLANNED = frozenset({"count", "price", "purchase_price"})
# What Halo shows of the licence's money on the line that follows it: member of the line, planned value it may take.
_ECHO = {"unit_price": "price", "unit_cost": "unit_cost"}
_LINK_FLAGS = ("use_linked_subscription_price", "use_linked_subscription_cost")
# Halo keeps money as a double; what counts is cents, and what a person types has no more than four places.
_PLACES = Decimal("0.0001")


def fields(change: Change, licence: Object | None) -> dict[str, Any]:
    """Return the members to send; money as Decimal, in the client's currency. `drift` has found the amounts fit."""
    return {
        "id": change.licence_id,
        "client_id": (licence or {}).get("client_id", change.client_id),
        "count": 1,
        "price": _money(change.expect.get("price")),
        "purchase_price": _money(change.expect.get("unit_cost")),
    }


def _unfit(change: Change) -> list[str]:
    """Say which planned amounts cannot be sent: not a number, or a price below 0."""
    amounts = {name: _money(change.expect.get(name)) for name in ("price", "unit_cost")}
    return [
        f"the plan's {name} is {_show(change.expect.get(name))}"
        for name, value in amounts.items()
        if value is None or value != value.quantize(_PLACES) or (name == "price" and value < 0)
    ]


def drift(change: Change, header: Object, line: Object, licence: Object) -> list[str]:
    """Say what moved since the plan, beside what holds for every licence: its money, its line's link, the due date."""
    expect = change.expect
    found = _unfit(change) + [
        f"the licence's {name} is {_show(licence.get(name))}, the plan saw {_show(expect.get(key))}"
        for name, key in (("price", "licence_price"), ("purchase_price", "licence_cost"))
        if not same_money(licence.get(name), expect.get(key))
    ]
    due, seen = expect.get("next_creation_date"), str(header.get("nextcreationdate") or "")[:10]
    if due and seen != str(due)[:10]:
        found.append(f"the recurring invoice is due on {seen or 'no day'}, the plan saw {due}")
    if due and not _linked(line, change.licence_id):
        found.append(f"line {change.line_id} no longer takes price and cost from the licence")
    return found


def reached(change: Change, licence: Object | None) -> bool:
    """True when the licence holds the planned amount, once."""
    return (
        licence is not None
        and _money(licence.get("count")) == 1
        and same_money(licence.get("price"), change.expect.get("price"))
        and same_money(licence.get("purchase_price"), change.expect.get("unit_cost"))
    )


def is_echo(change: Change, name: str, value: Any) -> bool:
    """True when a member of the followed line took the planned value, as Halo shows a licence's price."""
    return name in _ECHO and same_money(value, change.expect.get(_ECHO[name]))


def state(licence: Object | None) -> dict[str, Any]:
    """Return what an undo needs to know of the licence beside the usual."""
    return {name: (licence or {}).get(name) for name in ("price", "purchase_price")}


def inverse(change: Change, row: Object, before: Object, header: Object, licence: Object | None) -> dict[str, Any]:
    """Return what the plan row of an undo says (class, reason, sentence, expect and texts) of one set price.

    `row` is its plan row, `before` the ledger's state before it, the rest as Halo shows them now.
    Undone is only what is still as written and on no invoice yet; an amount of 0 that followed an invoice stays.
    """
    earlier, written = before.get("licence") or {}, change.expect
    due = str(header.get("nextcreationdate") or "")[:10]
    why = ""
    if change.resets_usage:
        why = "an invoice has billed the amount; setting it again would bill it again"
    elif row["verdict"] == "rollback":
        why = "it is an undo itself; the next run plans the amount as an invoice that waits"
    elif not reached(change, licence) or not header.get("lines"):
        why = "it changed since it was written"
    elif due != str(written.get("next_creation_date"))[:10]:
        why = f"the recurring invoice was made since, the next is due on {due or 'no day'}"
    elif _money(earlier.get("price")) is None:
        why = "the ledger does not say what it was before"
    price, cost = (_plain(earlier.get(name) or 0) for name in ("price", "purchase_price"))
    usage = dict(written.get("usage") or {})
    expect = {
        **written,
        # Taken back in the books as well: what was undone counts as not billed.
        "usage": {
            **usage,
            "lines": [_negative(line) for line in usage.get("lines", ())],
        },
        "price": price,
        "unit_cost": cost,
        "licence_count": 1,
        "licence_price": _plain((licence or {}).get("price")),
        "licence_cost": _plain((licence or {}).get("purchase_price")),
    }
    return {
        "class": "blocked" if why else "needs_approval",
        "reason": "changed_since" if why else "rollback",
        "sentence": f"not undone: {why}" if why else f"takes back plan {row['plan_id']}",
        "before": change.after,
        "after": change.before,
        "expect": json.dumps(expect, default=str),
    }


def _negative(line: Object) -> dict[str, Any]:
    return {**line, **{n: str(-(_money(line.get(n)) or Decimal(0))) for n in ("amount", "cost")}}


def _linked(line: Object, licence_id: int | None) -> bool:
    links = [link for link in _links(line) if link.get("licence_id") == licence_id]
    return bool(links) and all(link.get(flag) for link in links for flag in _LINK_FLAGS)


def _links(line: Object) -> Iterator[Object]:
    yield from line.get("quantity_licences") or ()
    yield from line.get("quantity_subscriptions") or ()


def same_money(a: Any, b: Any) -> bool:
    """Compare two amounts as Halo means them; nothing is 0."""
    x, y = (_money(0 if v in (None, "") else v) for v in (a, b))
    return x is not None and y is not None and x.quantize(_PLACES) == y.quantize(_PLACES)


def _money(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _plain(value: Any) -> str | None:
    found = _money(value)
    return None if found is None else f"{found:f}"


def _show(value: Any) -> str:
    return "nothing" if value is None else str(value)
