"""What differs between two readings of a recurring invoice or a licence, in all members that people or Halo bill by.

Every function returns sentences; none means that all is well. What an action may change is in its own module. Facts:
docs/vendors/halo.md#line, docs/architecture.md#write-quantity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pax8_pipeline.billing.actions.compare import Object, number, same, show
from pax8_pipeline.billing.actions.target import change_number, followed_licences, is_manual, lines_by_id

# Halo computes these from the others; they follow a change automatically and are never sent with a changed value.
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
# Ids and names that Halo itself gives when it saves a nested row.
_OWN_OF_NESTED = ("id", "invoice_line_id", "invoicedetailid", "licence_name", "display")
# What a recurring invoice says beside its lines. Halo itself moves when it was last made and is next due.
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


def is_computed_money(name: str) -> bool:
    """Return whether Halo works out this member of a line itself."""
    return name in COMPUTED_MONEY or name.endswith("_converted")


def unplanned(may_change: Mapping[int, Collection[str]], before: Object, after: Object) -> list[str]:
    """Say what else changed on a recurring invoice beside the planned members (docs/architecture.md#write-quantity).

    `may_change`: by line id the members that the planned writes may change. A line that somebody added is not reported
    here (`lines_added`): no write of ours can do that.
    """
    old, new = lines_by_id(before), lines_by_id(after)
    found = _lines_gone(old, new)
    for line_id in sorted(old.keys() & new.keys()):
        found += line_differences(old[line_id], new[line_id], may_change.get(line_id, ()))
        if followed_licences(old[line_id]) != followed_licences(new[line_id]):
            followed, follows = followed_licences(old[line_id]), followed_licences(new[line_id])
            found.append(f"line {old[line_id]['id']}: follows licences {follows}, followed {followed}")
    return found + _header_differences(before, after)


def lines_added(before: Object, after: Object) -> list[str]:
    """Say which lines somebody else put on a recurring invoice."""
    return [f"line {i} is new" for i in sorted(lines_by_id(after).keys() - lines_by_id(before).keys())]


def done_by_others(before: Object, after: Object, saves: int) -> list[str]:
    """Say what others did to a recurring invoice between two readings that a person should know and that is no fault.

    `saves`: how many savings of its lines were ours. More of them means that somebody else saved it between our reading
    and our writing; what they changed on a line that we sent whole is as we had read it.
    """
    found = lines_added(before, after)
    found += [
        f"{name} went from {show(before.get(name))} to {show(after.get(name))}: an invoice was made of it meanwhile"
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


def all_but_one_member(before: Object, after: Object, line_id: int, member: str) -> list[str]:
    """Say what differs between two readings of a recurring invoice but for one member of one line."""
    old, new = lines_by_id(before), lines_by_id(after)
    found = _lines_gone(old, new) + lines_added(before, after)
    for i in sorted(old.keys() & new.keys()):
        found += line_differences(old[i], new[i], (member,) if i == line_id else ())
    return found + _header_differences(before, after)


def line_differences(old: Object, new: Object, except_for: Collection[str] = ()) -> list[str]:
    """Say which members of one line differ, all that people or Halo bill by, but for those named."""
    # On a computed line qty_order is Halo's own echo of the licences, and part-period entries follow from it.
    skipped = {*except_for, *(() if is_manual(old) else ("qty_order", "prorata_data"))}
    names = [n for n in (*_LINE_BUSINESS, *_LINE_TEXTS, *_LINE_REST, "qty_order") if n not in skipped]
    found = [
        f"line {old['id']}: {name} was {show(old.get(name))}, is {show(new.get(name))}"
        for name in names
        if not same(old.get(name), new.get(name))
    ]
    return found + [
        f"line {old['id']}: {name} changed"
        for name in _LINE_LISTS
        if name not in skipped and _comparable_rows(old.get(name)) != _comparable_rows(new.get(name))
    ]


def written_line_differences(old: Object, new: Object, planned: str) -> list[str]:
    """Say which business members of a line that was sent whole changed beside the planned one."""
    names = [*_LINE_BUSINESS, *_LINE_TEXTS]
    if is_manual(old):  # on a computed line qty_order is Halo's own echo of the licences
        names.append("qty_order")
    return [
        f"line {old['id']}: {name} was {show(old.get(name))}, is {show(new.get(name))}"
        for name in names
        if name != planned and name in old and not same(old.get(name), new.get(name))
    ]


def licence_differences(old: Object, new: Object, except_for: Collection[str] = ()) -> list[str]:
    """Say which business members of a licence changed, but for those named (docs/architecture.md#write-quantity)."""
    return [
        f"licence {old.get('id')}: {name} was {show(old.get(name))}, is {show(new.get(name))}"
        for name in _LICENCE_BUSINESS
        if name not in except_for and name in old and not same(old.get(name), new.get(name))
    ]


def _lines_gone(old: Mapping[int, Object], new: Mapping[int, Object]) -> list[str]:
    return [f"line {i} is gone" for i in sorted(old.keys() - new.keys())]


def _header_differences(before: Object, after: Object) -> list[str]:
    return [
        f"the recurring invoice's {name} was {show(before.get(name))}, is {show(after.get(name))}"
        for name in _HEADER_BUSINESS
        if not same(before.get(name), after.get(name))
    ]


def _comparable_rows(rows: Any) -> list[dict[str, str]]:
    """Return nested rows fit to be compared: without Halo's own ids, numbers alike however they are written."""
    return [
        {
            name: str(found.normalize()) if (found := number(value)) is not None else str(value)
            for name, value in row.items()
            if name not in _OWN_OF_NESTED and value not in (None, "")
        }
        for row in rows or ()
        if isinstance(row, Mapping)
    ]
