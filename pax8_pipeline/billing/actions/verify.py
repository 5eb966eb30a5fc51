"""What must be so before a write, and what must be so after it: comparisons of Halo objects, nothing else.

Objects are Halo's JSON as parsed (Decimal numbers). Every function returns sentences; none means all is well.
Facts: docs/vendors/halo.md#line, docs/architecture.md#writing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pax8_pipeline.billing.model import Change
from pax8_pipeline.values import decimal, id_in_halo

Object = Mapping[str, Any]

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?", re.ASCII)
# Halo computes these from the others; they follow a change by themselves and are never sent with a changed value.
COMPUTED_MONEY = ("net_amount", "tax_amount", "total_price", "line_totals")
_LINE_BUSINESS = ("_itemid", "unit_price", "unit_cost", "isinactive")
_LINE_TEXTS = (
    "item_shortdescription", "item_longdescription", "comment_1", "comment_2", "productnumber", "item_code",
    "nominal_code", "tax_code", "baseprice", "discount_perc", "startdate", "enddate", "autorenew", "sequenceid",
    "group_id", "recurring_invoice_quantity_type",
)  # fmt: skip
# What else a line says that people or Halo bill by; nested lists are compared as they stand.
_LINE_REST = (
    "productcode", "nominal_code_item", "quantity_custom", "onetimecharge", "onetimechargeinvoiceid", "autorenewperiod",
    "needsreviewbeforecreation", "reviewed", "consumption_line_type", "consumption_markup", "is_meter", "isgroupdesc",
    "is_bundled_line", "bundle_id", "supplier", "hide_on_pdf", "prorata_next_invoice", "prorata_quantity",
    "prorata_unit_price",
)  # fmt: skip
_LINE_LISTS = ("quantity_licences", "quantity_subscriptions", "prorata_data", "customfields")
# Ids and names that Halo gives by itself when it saves a nested row.
_OWN_OF_NESTED = ("id", "invoice_line_id", "invoicedetailid", "licence_name", "display")
# What a recurring invoice says beside its lines. When it was last made and is next due moves by itself.
_HEADER_BUSINESS = (
    "client_id", "reference", "notes_1", "internal_note", "disabled", "period", "schedule_id", "startdate", "enddate",
    "contract_id", "sitenumber", "invoice_prorata_periods_ahead", "invoice_auto_increase_period",
    "invoice_percent_increase",
)  # fmt: skip
_HEADER_MOVES = ("nextcreationdate", "lastcreated")
_LICENCE_BUSINESS = (
    "name", "type", "client_id", "site_id", "price", "purchase_price", "billing_cycle", "term_duration", "snowid",
    "item_id", "distributor", "vendor", "start_date", "end_date", "status", "is_active", "deleted", "count",
)  # fmt: skip


_FIRST_YEAR = 1910  # Halo writes "no date" as an earlier one (docs/vendors/halo.md#formats)
# How Halo writes that a link names no licence, and that a line bills its own quantity (docs/vendors/halo.md#formats,
# #line).
_NO_LICENCE = (0, -1, "0", "-1")
_MANUAL = (0, "0")
# The one line member an action may change; end_licence may see its line flipped by Halo's own setting.
LINE_FIELD = {"set_line_quantity": "qty_order", "end_line": "isinactive", "reopen_line": "isinactive"}
_MAY_FLIP = ("end_licence", "reopen_licence")


def is_computed_money(name: str) -> bool:
    """True for line members that Halo works out itself."""
    return name in COMPUTED_MONEY or name.endswith("_converted")


def lines_by_id(header: Object) -> dict[int, Object]:
    """Return the lines of a recurring invoice by id."""
    lines = header.get("lines") or ()
    # A line whose id cannot be read is kept under a number that no line has: it is seen to come, go and differ.
    return {id_in_halo(line.get("id")) or -place: line for place, line in enumerate(lines, 1)}


def follows(line: Object) -> list[int]:
    """Return the licence ids a line follows."""
    links = [*(line.get("quantity_licences") or ()), *(line.get("quantity_subscriptions") or ())]
    # A licence that cannot be named is 0, which is nobody's id: the line then follows something else than planned.
    named = [link.get("licence_id") if isinstance(link, Mapping) else None for link in links]
    return sorted({id_in_halo(name) or 0 for name in named if name not in _NO_LICENCE})


def is_manual(line: Object) -> bool:
    """True when the line bills its own stated quantity."""
    return line.get("recurring_invoice_quantity_type") in _MANUAL


def drift(change: Change, header: Object, licence: Object | None) -> list[str]:
    """Say how the target differs from what the plan saw; any difference means: do not write."""
    found: list[str] = []
    line = lines_by_id(header).get(change.line_id or 0)
    if line is None:
        return [f"line {change.line_id} is no longer on recurring invoice {change.recurring_invoice_id}"]
    expect = change.expect
    if flag(header.get("disabled"), absent=False) is not False:
        found.append("the recurring invoice is disabled, or says so in a way that cannot be read")
    if flag(line.get("isinactive")) is not bool(expect.get("line_inactive")):
        found.append(f"the line is {_state(flag(line.get('isinactive')), 'inactive', 'active')}")
    if expect.get("line_quantity") is not None and not same(line.get("qty_order"), expect["line_quantity"]):
        found.append(f"the line's quantity is {_show(line.get('qty_order'))}, the plan saw {expect['line_quantity']}")
    if change.action == "set_line_quantity" and not is_manual(line):
        found.append("the line's quantity is computed now")
    if change.licence_id is not None:
        found += _licence_drift(change, header, line, licence)
    return found


def _licence_drift(change: Change, header: Object, line: Object, licence: Object | None) -> list[str]:
    expect = change.expect
    if licence is None:
        return [f"licence {change.licence_id} is gone"]
    found: list[str] = []
    if not same(licence.get("count"), expect.get("licence_count")):
        found.append(
            f"the licence's count is {_show(licence.get('count'))}, the plan saw {expect.get('licence_count')}"
        )
    active, deleted = flag(licence.get("is_active")), flag(licence.get("deleted"), absent=False)
    now = None if active is None or deleted is None else active and not deleted
    if now is not bool(expect.get("licence_active")):
        found.append(f"the licence is {_state(now, 'active', 'inactive')}")
    if not same(requested_quantity(licence), expect.get("licence_requested")):
        ordered = requested_quantity(licence)
        found.append(
            f"a change to {ordered} is ordered for the licence in Halo and still under way"
            if ordered is not None
            else f"the change to {expect.get('licence_requested')} that was ordered for the licence is no longer under way"
        )
    found += [
        f"the licence's {name} is {_show(licence.get(name))}, the plan saw {_show(value)}"
        for name, value in (expect.get("licence_texts") or {}).items()
        if not same(licence.get(name), value)
    ]
    if not is_manual(line) and change.licence_id not in follows(line):
        found.append(f"line {change.line_id} no longer follows licence {change.licence_id}")
    if not is_manual(line) and len(follows(line)) != (expect.get("licences_on_line") or 0):
        found.append(f"line {change.line_id} follows {len(follows(line))} licences now")
    return found


def requested_quantity(licence: Object) -> str | None:
    """Return the quantity of a change ordered from Halo that is still under way, as macro `meta.requested` reads it.

    None when there is none: the member is missing or empty, equals the count, or is Halo's empty 0 without a date.
    """
    asked = licence.get("requested_quantity")
    if asked is None or not str(asked).strip() or same(asked, licence.get("count")):
        return None
    year = str(licence.get("requested_quantity_date") or "")[:4]
    if _number(asked) == 0 and not (year.isdigit() and int(year) >= _FIRST_YEAR):
        return None
    return str(asked).strip()


def reached(change: Change, header: Object, licence: Object | None) -> bool:
    """True when the target is as the plan wants it."""
    line = lines_by_id(header).get(change.line_id or 0)
    if line is None:
        return False
    if change.action == "set_line_quantity":
        return same(line.get("qty_order"), change.quantity_after)
    if change.action == "set_licence_count":
        return (
            licence is not None
            and change.licence_id in follows(line)
            and same(licence.get("count"), change.quantity_after)
        )
    if change.action in ("reopen_line", "reopen_licence"):
        return _reopened(change, line, licence)
    licence_off = change.licence_id is None or (licence is not None and flag(licence.get("is_active")) is False)
    if change.action == "end_licence":
        return licence_off and licence is not None and same(licence.get("count"), 0)
    return licence_off and flag(line.get("isinactive")) is True


def unchanged(change: Change, before: Object, after: Object) -> bool:
    """True when a write left its line and what it follows just as they were."""
    old, new = (lines_by_id(header).get(change.line_id or 0) for header in (before, after))
    return old is not None and new is not None and not line_kept(old, new) and follows(old) == follows(new)


def half_done(change: Change, header: Object, licence: Object | None) -> bool:
    """True when the first of the two writes of an end or of its way back has taken effect."""
    line = lines_by_id(header).get(change.line_id or 0, {})
    if change.action == "end_line":
        return flag(line.get("isinactive")) is True
    return change.action == "reopen_line" and _restored(change.expect.get("restore") or {}, licence)


def half_undone(change: Change, before: Object, header: Object, licence: Object | None) -> bool:
    """True when an ended line is still off and its licence has its state of `before` again: an undo that broke off."""
    line = lines_by_id(header).get(change.line_id or 0)
    if change.action != "end_line" or line is None or flag(line.get("isinactive")) is not True:
        return False
    return bool(before) and _restored(before, licence)


def _restored(restore: Object, licence: Object | None) -> bool:
    return licence is not None and all(same(licence.get(k), v) for k, v in restore.items())


def _reopened(change: Change, line: Object, licence: Object | None) -> bool:
    restore = change.expect.get("restore") or {}
    return (not restore or _restored(restore, licence)) and (
        change.action == "reopen_licence" or flag(line.get("isinactive")) is False
    )


def untouched(changes: Iterable[Change], before: Object, after: Object) -> list[str]:
    """Say what else changed on a recurring invoice beside the planned fields (docs/architecture.md#write-quantity).

    A line that somebody added is not among it (`lines_added`): no write of ours can do that.
    """
    old, new = lines_by_id(before), lines_by_id(after)
    found = [f"line {i} is gone" for i in sorted(old.keys() - new.keys())]
    allowed: dict[int, set[str]] = {}
    for change in changes:
        field = "isinactive" if change.action in _MAY_FLIP else LINE_FIELD.get(change.action)
        if change.line_id is not None and field:
            allowed.setdefault(change.line_id, set()).add(field)
    for line_id in sorted(old.keys() & new.keys()):
        found += _line_differences(old[line_id], new[line_id], allowed.get(line_id, set()))
    return found + [
        f"the recurring invoice's {name} was {_show(before.get(name))}, is {_show(after.get(name))}"
        for name in _HEADER_BUSINESS
        if not same(before.get(name), after.get(name))
    ]


def lines_added(before: Object, after: Object) -> list[str]:
    """Say which lines somebody else put on a recurring invoice."""
    return [f"line {i} is new" for i in sorted(lines_by_id(after).keys() - lines_by_id(before).keys())]


def noticed(before: Object, after: Object, saves: int) -> list[str]:
    """Say what others did to a recurring invoice between two readings that a person should know and that is no fault.

    `saves`: how many savings of its lines were ours. More of them means that somebody else saved it between our reading
    and our writing; what they changed on a line that we sent whole is as we had read it.
    """
    found = lines_added(before, after)
    found += [
        f"{name} went from {_show(before.get(name))} to {_show(after.get(name))}: an invoice was made of it meanwhile"
        for name in _HEADER_MOVES
        if name in before and not same(before.get(name), after.get(name))
    ]
    first, last = change_number(before), change_number(after)
    if saves and first is not None and last is not None and last - first > saves:
        found.append(
            f"it was saved {last - first} times between our two readings, {saves} of them ours: look at its history in "
            "Halo whether the written line lost what somebody else entered in that moment"
        )
    return found


def change_number(header: Object) -> int | None:
    """Return `change_seq`, which grows by one with each saving of a recurring invoice; None where Halo shows none."""
    found = header.get("change_seq")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def all_but_one_member_kept(before: Object, after: Object, line_id: int, member: str) -> list[str]:
    """Say what differs between two readings of a recurring invoice but for one member of one line."""
    old, new = lines_by_id(before), lines_by_id(after)
    found = [f"line {i} is gone" for i in sorted(old.keys() - new.keys())] + lines_added(before, after)
    for i in sorted(old.keys() & new.keys()):
        found += line_kept(old[i], new[i], *([member] if i == line_id else []))
    return found + [
        f"the recurring invoice's {name} was {_show(before.get(name))}, is {_show(after.get(name))}"
        for name in _HEADER_BUSINESS
        if not same(before.get(name), after.get(name))
    ]


def line_kept(old: Object, new: Object, *but: str) -> list[str]:
    """Say which members of one line differ, all that people or Halo bill by, but for those named."""
    # On a computed line qty_order is Halo's own echo of the licences, and part-period entries follow from it.
    skipped = (*but, *(() if is_manual(old) else ("qty_order", "prorata_data")))
    names = [n for n in (*_LINE_BUSINESS, *_LINE_TEXTS, *_LINE_REST, "qty_order") if n not in skipped]
    found = [
        f"line {old['id']}: {name} was {_show(old.get(name))}, is {_show(new.get(name))}"
        for name in names
        if not same(old.get(name), new.get(name))
    ]
    return found + [
        f"line {old['id']}: {name} changed"
        for name in _LINE_LISTS
        if name not in skipped and _plain_rows(old.get(name)) != _plain_rows(new.get(name))
    ]


def _plain_rows(rows: Any) -> list[dict[str, str]]:
    """Return nested rows fit to be compared: without Halo's own ids, numbers alike however they are written."""
    return [
        {
            name: str(number.normalize()) if (number := _number(value)) is not None else str(value)
            for name, value in row.items()
            if name not in _OWN_OF_NESTED and value not in (None, "")
        }
        for row in rows or ()
        if isinstance(row, Mapping)
    ]


def _line_differences(old: Object, new: Object, allowed: set[str]) -> list[str]:
    found = line_kept(old, new, *allowed)
    if follows(old) != follows(new):
        found.append(f"line {old['id']}: follows licences {follows(new)}, followed {follows(old)}")
    return found


def written_line_kept(old: Object, new: Object, planned: str) -> list[str]:
    """Say which business members of a line that was sent whole changed beside the planned one."""
    return [
        f"line {old['id']}: {name} was {_show(old.get(name))}, is {_show(new.get(name))}"
        for name in (*_LINE_BUSINESS, *_LINE_TEXTS, "qty_order")
        if name != planned and name in old and not same(old.get(name), new.get(name))
    ]


def licence_kept(change: Change, before: Object, after: Object) -> list[str]:
    """Say which business fields of a licence changed beside the planned ones (docs/architecture.md#write-quantity)."""
    planned = {
        "set_licence_count": {"count"},
        "end_line": {"is_active", "status", "end_date"},
        "end_licence": {"is_active", "status", "end_date", "count"},
        "reopen_line": {"is_active", "status", "end_date"},
        "reopen_licence": {"is_active", "status", "end_date", "count"},
    }.get(change.action, set())
    return licence_differs(change, before, after, planned)


def licence_differs(change: Change, before: Object, after: Object, but: Collection[str] = ()) -> list[str]:
    """Say which business fields of a licence changed, but for those named."""
    return [
        f"licence {change.licence_id}: {name} was {_show(before.get(name))}, is {_show(after.get(name))}"
        for name in _LICENCE_BUSINESS
        if name not in but and name in before and not same(before.get(name), after.get(name))
    ]


def same(a: Any, b: Any) -> bool:
    """Compare as Halo means it: 20 and 20.0 and "20" are one number; missing, null and "" are one nothing."""
    a, b = (None if v == "" else v for v in (a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return flag(a, absent=False) is not None and flag(a, absent=False) is flag(b, absent=False)
    if a is None or b is None:
        return a is None and b is None
    x, y = _number(a), _number(b)
    return x == y if x is not None and y is not None else str(a) == str(b)


def _number(value: Any) -> Decimal | None:
    try:
        return decimal(value)
    except ValueError:
        return None


def flag(value: Any, *, absent: bool | None = None) -> bool | None:
    """Return what a flag says; None when it cannot be read. `absent`: what a flag that was left out means."""
    if value is None or value == "":
        return absent
    return _FLAGS.get(str(value).strip().lower())


def calendar_day(value: Any) -> date | None:
    """Return the calendar day in front of a date as the vendors send it, None when it is none."""
    text = str(value or "").strip()
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _state(known: bool | None, yes: str, no: str) -> str:
    return "in a state that cannot be read" if known is None else yes if known else no


def _show(value: Any) -> str:
    return "nothing" if value is None else str(value)
