"""Whether a target is still as the plan saw it; any difference means: do not write.

Every function returns sentences; none means that nothing drifted. Two readings are compared in `differences`.
"""

from __future__ import annotations

from pax8_pipeline.billing.actions.compare import Object, flag, same, show, show_flag
from pax8_pipeline.billing.actions.seat_expectation import SeatExpectation
from pax8_pipeline.billing.actions.target import Target, followed_licences, is_manual, requested_quantity
from pax8_pipeline.billing.model import Change
from pax8_pipeline.text.plurals import plural


def target_drift(change: Change, expected: SeatExpectation, target: Target) -> list[str]:
    """Say how the recurring invoice, the line and the licence of a change differ from what the plan saw."""
    if target.line is None:
        return [f"line {change.line_id} is no longer on recurring invoice {change.recurring_invoice_id}"]
    found = _header_drift(target.header) + _line_drift(expected, target.line)
    if change.licence_id is None:
        return found
    if target.licence is None:
        return [*found, f"licence {change.licence_id} is gone"]
    return found + licence_drift(expected, target.licence) + _link_drift(change, expected, target.line)


def _header_drift(header: Object) -> list[str]:
    if flag(header.get("disabled"), absent=False) is False:
        return []
    return ["the recurring invoice is disabled, or says so in a way that cannot be read"]


def _line_drift(expected: SeatExpectation, line: Object) -> list[str]:
    found: list[str] = []
    inactive = flag(line.get("isinactive"))
    if inactive is not bool(expected.line_inactive):
        found.append(f"the line is {show_flag(inactive, 'inactive', 'active')}")
    if expected.line_quantity is not None and not same(line.get("qty_order"), expected.line_quantity):
        found.append(f"the line's quantity is {show(line.get('qty_order'))}, the plan saw {expected.line_quantity}")
    if expected.line_price is not None and not same(line.get("unit_price"), expected.line_price):
        found.append(f"the line's price is {show(line.get('unit_price'))}, the plan saw {expected.line_price}")
    return found


def licence_drift(expected: SeatExpectation, licence: Object) -> list[str]:
    """Say how a licence differs from what the plan saw."""
    found: list[str] = []
    if not same(licence.get("count"), expected.licence_count):
        found.append(f"the licence's count is {show(licence.get('count'))}, the plan saw {expected.licence_count}")
    active, deleted = flag(licence.get("is_active")), flag(licence.get("deleted"), absent=False)
    in_use = None if active is None or deleted is None else active and not deleted
    if in_use is not bool(expected.licence_active):
        found.append(f"the licence is {show_flag(in_use, 'active', 'inactive')}")
    found += _order_drift(expected, licence)
    return found + [
        f"the licence's {name} is {show(licence.get(name))}, the plan saw {show(value)}"
        for name, value in expected.licence_texts.items()
        if not same(licence.get(name), value)
    ]


def _order_drift(expected: SeatExpectation, licence: Object) -> list[str]:
    ordered = requested_quantity(licence)
    if same(ordered, expected.licence_requested):
        return []
    if ordered is not None:
        return [f"a change to {ordered} is ordered for the licence in Halo and still under way"]
    return [f"the change to {expected.licence_requested} that was ordered for the licence is no longer under way"]


def _link_drift(change: Change, expected: SeatExpectation, line: Object) -> list[str]:
    if is_manual(line):
        return []
    found: list[str] = []
    followed = followed_licences(line)
    if change.licence_id not in followed:
        found.append(f"line {change.line_id} no longer follows licence {change.licence_id}")
    if len(followed) != (expected.licences_on_line or 0):
        found.append(f"line {change.line_id} follows {plural(len(followed), 'licence')} now")
    return found
