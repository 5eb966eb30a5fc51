"""What a POST does to the store: merging, refusing, change logs, and which lines remain.

It has the rules and endpoints of docs/vendors/halo.md#writing. Every function gets the parsed body, checks all of it
before it changes anything, and returns the rows that it saved. Reading a member is in `members.py`, the shape of the
reply in `answers.py`, routes in `api.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pax8_pipeline.sandbox.halo import templates
from pax8_pipeline.sandbox.halo.members import (
    CLIENT,
    HEADER,
    LICENCE,
    LINE,
    elements_of,
    message,
    no_such_record,
    read_members,
    report_forbidden,
)
from pax8_pipeline.sandbox.halo.quantities import licence_links, lines_following, note_count_change
from pax8_pipeline.sandbox.halo.rows import AGENT, Row, new_row
from pax8_pipeline.sandbox.halo.store import HaloStore


@dataclass
class Saved:
    """One row after a write; `warning` is the soft warning in the answer."""

    row: Row
    warning: str = ""


# Clients ------------------------------------------------------------------------------------------


def save_clients(store: HaloStore, body: Any, path: str) -> list[Saved]:
    """POST /Client: create without `id`. A custom field that the tenant does not have is ignored."""
    plan: list[Row] = []
    for place, element in elements_of(body):
        report_forbidden(store, path, element, CLIENT)
        if element.get("id"):
            store.log_violation("POST", path, element, "a client was to be changed")
        changes = read_members(element, CLIENT, place)
        if not changes.get("name"):
            raise message("The name of the customer cannot be blank.")
        plan.append({name: value for name, value in changes.items() if name != "id"})
    saved = []
    for changes in plan:
        fields = store.custom_field_rows("client", changes.pop("customfields", []), define=False)
        row = store.clients[store.add_client(**changes)]
        row["customfields"] = fields
        saved.append(Saved(row, store.switches.soft_warning))
    store.log_write("POST", path, body)
    return saved


# Licences -----------------------------------------------------------------------------------------


def save_licences(store: HaloStore, body: Any, path: str) -> list[Saved]:
    """POST /SoftwareLicence: create without `id`, else change the given members and keep the others."""
    plan: list[tuple[Row | None, Row]] = []
    for place, element in elements_of(body):
        report_forbidden(store, path, element, LICENCE)
        changes = read_members(element, LICENCE, place)
        row = _known(store.licences, element, "licence")
        if "client_id" not in changes and (row is None or store.switches.licence_update_needs_client_id):
            raise message("Please select a customer for this licence.")
        if changes.get("client_id", 0) and changes["client_id"] not in store.clients:
            raise no_such_record("client", changes["client_id"])
        if row is None and not changes.get("name"):
            raise message("The name of the licence cannot be blank.")
        if changes.get("count", 0) < 0:
            raise message("The licence count cannot be negative.")
        plan.append((row, changes))
    saved = [_save_licence(store, row, changes) for row, changes in plan]
    store.log_write("POST", path, body)
    return saved


def _save_licence(store: HaloStore, row: Row | None, changes: Row) -> Saved:
    if row is None:
        return Saved(store.licences[store.add_licence(**changes)], store.switches.soft_warning)
    set_licence_members(store, row, changes)
    return Saved(row, store.switches.soft_warning)


def set_licence_members(store: HaloStore, row: Row, changes: Mapping[str, Any], who: str | None = None) -> None:
    """Change a licence as Halo does: change log, pro rata of its lines, and their status according to the switch."""
    for name, value in changes.items():
        old = row.get(name, templates.LICENCE.decoration.get(name))
        if old == value:
            continue
        named = {} if who is None else {"who": who}
        change_id = store.log_licence_change(row["id"], name, old, value, **named)
        if name == "count":
            note_count_change(store, row, old=int(old or 0), new=value, change_id=change_id)
        row[name] = value
        if name == "is_active" and not value and store.switches.inactive_licence_flips_line == "at_once":
            flip_lines_of(store, row["id"])


def flip_lines_of(store: HaloStore, licence_id: int) -> None:
    """Switch off active lines whose licences are all inactive (docs/vendors/halo.md#native-integration)."""
    for header, line, _ in list(lines_following(store, licence_id)):
        linked = [store.licences.get(link["licence_id"]) for link in licence_links(line)]
        if not line["isinactive"] and not any(licence and licence["is_active"] for licence in linked):
            store.log_invoice_change(header["id"], line["id"], "isinactive", False, True, who="Halo Integrator")
            line["isinactive"] = True
            _touch(store, header)


# Headers ------------------------------------------------------------------------------------------


def save_recurring_invoices(store: HaloStore, body: Any, path: str) -> list[Saved]:
    """POST /RecurringInvoice: a `lines` member replaces all lines, according to the switch; without it lines remain."""
    return _save_headers(store, body, path, store.recurring_invoices)


def save_invoices(store: HaloStore, body: Any, path: str) -> list[Saved]:
    """POST /Invoice: makes an ordinary invoice that is not posted, or changes one that is not posted."""
    return _save_headers(store, body, path, store.invoices)


def _save_headers(store: HaloStore, body: Any, path: str, table: dict[int, Row]) -> list[Saved]:
    plan = []
    for place, element in elements_of(body):
        report_forbidden(store, path, element, HEADER)
        changes = read_members(element, HEADER, place)
        row = _known(table, element, "invoice")
        lines = _read_lines(store, path, element.get("lines"), f"{place}.lines")
        added = _read_lines(store, path, element.get("add_lines"), f"{place}.add_lines")
        changes.pop("lines", None)
        if row is None or "client_id" in changes:
            _must_be_client(store, changes.get("client_id", 0))
        if row is not None:
            _must_be_open(store, path, body, row)
            _check_line_ids(row, lines or [])
        warning = _stale(store, row, element)
        plan.append((row, changes, lines, added or [], warning))
    saved = []
    for known, changes, lines, added, warning in plan:
        row = known or _create_header(store, table, changes, [*(lines or []), *added])
        if known is not None:
            _update_header(store, known, changes, lines, added)
        saved.append(Saved(row, warning or store.switches.soft_warning))
    store.log_write("POST", path, body)
    return saved


def _create_header(store: HaloStore, table: dict[int, Row], changes: Row, lines: list[Row]) -> Row:
    values = {"creation_source": "API", **changes, "id": 0}
    fields = values.pop("customfields", [])
    add = store.add_recurring_invoice if table is store.recurring_invoices else store.add_invoice
    row = table[add(lines=[_filled_from_item(store, {**line, "id": 0}) for line in lines], **values)]
    row["customfields"] = store.custom_field_rows("invoice", fields, define=False)
    return row


def _update_header(store: HaloStore, row: Row, changes: Row, lines: list[Row] | None, added: list[Row]) -> None:
    for name, value in changes.items():
        if name == "id":
            continue
        merged = _merged_fields(store, "invoice", row["customfields"], value) if name == "customfields" else value
        old = row.get(name, templates.HEADER.decoration.get(name))
        if old != merged:
            store.log_invoice_change(row["id"], 0, name, old, merged)
            row[name] = merged
    if lines is not None:
        _replace_lines(store, row, lines)
    for line in added:
        _append_line(store, row, line)
    _touch(store, row)


def _replace_lines(store: HaloStore, row: Row, lines: list[Row]) -> None:
    sent = {line["id"] for line in lines if line.get("id")}
    for old in list(row["lines"]):
        if old["id"] not in sent and store.switches.lines_omission_deletes:
            store.log_invoice_change(row["id"], old["id"], "line", old["item_shortdescription"], "")
            row["lines"].remove(old)
    for line in lines:
        old = next((known for known in row["lines"] if known["id"] == line.get("id")), None)
        if old is None:
            _append_line(store, row, line)
        else:
            _change_line(store, row, old, line, blank=store.switches.header_lines_blank_missing)


def _append_line(store: HaloStore, row: Row, line: Row) -> None:
    new = store.line_row(_filled_from_item(store, {**line, "id": 0}), row)
    row["lines"].append(new)
    store.log_invoice_change(row["id"], new["id"], "line", "", new["item_shortdescription"])


# Lines --------------------------------------------------------------------------------------------


def update_lines(store: HaloStore, body: Any, path: str, table: dict[int, Row]) -> list[Saved]:
    """POST /RecurringInvoice/updatelines or /Invoice/updatelines: `id` and `ihid` are needed; other lines remain."""
    plan = []
    for place, element in elements_of(body):
        report_forbidden(store, path, element, LINE)
        changes = read_members(element, LINE, place)
        if not changes.get("id") or not changes.get("ihid"):
            raise message("Please provide the id and ihid of the line to update.")
        header = table.get(changes["ihid"])
        line = next((known for known in header["lines"] if known["id"] == changes["id"]), None) if header else None
        if header is None or line is None:
            raise no_such_record("invoice line", changes["id"])
        _must_be_open(store, path, body, header)
        _check_links(store, changes)
        plan.append((header, line, changes))
    for header, line, changes in plan:
        _change_line(store, header, line, changes, blank=store.switches.updatelines_blanks_missing)
    for header in {id(header): header for header, _, _ in plan}.values():
        _touch(store, header)
    store.log_write("POST", path, body)
    return [Saved(line, store.switches.soft_warning) for _, line, _ in plan]


def add_lines(store: HaloStore, body: Any, path: str) -> list[Saved]:
    """POST /RecurringInvoice/Lines: adds each element to the recurring invoice that its `ihid` names."""
    plan = []
    for place, element in elements_of(body):
        report_forbidden(store, path, element, LINE)
        changes = read_members(element, LINE, place)
        header = store.recurring_invoices.get(changes.get("ihid", 0))
        if header is None:
            raise no_such_record("recurring invoice", changes.get("ihid", 0))
        _check_links(store, changes)
        plan.append((header, changes))
    if store.switches.lines_call_replaces:
        for header, _ in plan:
            header["lines"].clear()
    saved = []
    for header, changes in plan:
        _append_line(store, header, changes)
        _touch(store, header)
        saved.append(Saved(header["lines"][-1], store.switches.soft_warning))
    store.log_write("POST", path, body)
    return saved


def _change_line(store: HaloStore, header: Row, line: Row, changes: Row, *, blank: bool) -> None:
    base = new_row(templates.LINE.stored, {}) if blank else dict(line)
    after = {
        **base,
        **{k: v for k, v in changes.items() if k != "customfields"},
        "id": line["id"],
        "ihid": header["id"],
    }
    after["customfields"] = _merged_fields(store, "line", base["customfields"], changes.get("customfields") or [])
    store.adopt_children(after)
    for name in sorted(after.keys() | line.keys()):
        old, new = (side.get(name, templates.LINE.decoration.get(name)) for side in (line, after))
        if old != new:
            store.log_invoice_change(header["id"], line["id"], name, old, new)
    line.clear()
    line.update(
        {
            name: value
            for name, value in after.items()
            if name in templates.LINE.stored or value != templates.LINE.decoration.get(name)
        }
    )


def _read_lines(store: HaloStore, path: str, lines: Any, place: str) -> list[Row] | None:
    if lines is None:
        return None
    if not isinstance(lines, list):
        raise message(f"Cannot deserialize the current JSON object into a list. Path '{place}'.")
    read = []
    for number, element in enumerate(lines):
        report_forbidden(store, path, element, LINE)
        read.append(read_members(element, LINE, f"{place}[{number}]"))
        _check_links(store, read[-1])
    return read


def _filled_from_item(store: HaloStore, line: Row) -> Row:
    item = store.items.get(line.get("_itemid", 0))
    filled = dict(line)
    if item:
        filled.setdefault("item_shortdescription", item["name"])
        filled.setdefault("unit_cost", item["recurringcost"] or item["costprice"])
        if "baseprice" not in filled:
            filled.setdefault("unit_price", item["recurringprice"] or item["baseprice"])
    if "unit_price" not in filled and "baseprice" in filled:
        filled["unit_price"] = filled["baseprice"]
    return filled


# Two at once -------------------------------------------------------------------------------------


def contested(store: HaloStore, body: Any, action: str, *, header_saved: bool) -> None:
    """Refuse a write that meets another one (docs/vendors/halo.md#two-savings). With `header_saved` the invoice's
    header is saved and its lines are not.
    """
    for _, element in elements_of(body) if header_saved else ():
        number = element.get("ihid") if action.endswith("updatelines") else element.get("id")
        header = store.recurring_invoices.get(int(number or 0))
        if header is not None:
            _touch(store, header)
        elif action == "invoice" and not element.get("id"):
            _create_header(store, store.invoices, read_members({**element, "lines": []}, HEADER, "[0]"), [])
    part = "the licence" if action == "softwarelicence" else "the invoice lines"
    raise message(
        f"An error occurred while saving {part}: the database operation was expected to affect 1 row(s) but actually "
        "affected 0 row(s)."
    )


# Checks -------------------------------------------------------------------------------------------


def _known(table: dict[int, Row], element: Mapping[str, Any], what: str) -> Row | None:
    number = element.get("id") or 0
    if number == 0:
        return None
    if number not in table:
        raise no_such_record(what, number)
    return table[number]


def _must_be_client(store: HaloStore, client_id: int) -> None:
    if not client_id:
        raise message("Please select a customer for this invoice.")
    if client_id not in store.clients:
        raise no_such_record("client", client_id)


def _must_be_open(store: HaloStore, path: str, body: Any, header: Row) -> None:
    if header["posted"] or header["voided"]:
        store.log_violation("POST", path, body, "a posted or voided invoice was to be changed")
        raise message("This invoice has been posted and can no longer be edited.")


def _check_line_ids(header: Row, lines: Iterable[Row]) -> None:
    known = {line["id"] for line in header["lines"]}
    sent = [line["id"] for line in lines if line.get("id")]
    for number in sent:
        if number not in known or sent.count(number) > 1:
            raise no_such_record("invoice line", number)


def _check_links(store: HaloStore, line: Row) -> None:
    if line.get("_itemid", 0) > 0 and line["_itemid"] not in store.items:
        raise no_such_record("item", line["_itemid"])
    for member in ("quantity_licences", "quantity_subscriptions"):
        for link in line.get(member) or []:
            if link.get("licence_id") not in store.licences:
                raise no_such_record("licence", link.get("licence_id"))


def _stale(store: HaloStore, row: Row | None, element: Mapping[str, Any]) -> str:
    """Return what a `change_seq` older than the header's causes: nothing, a warning or a refusal."""
    sent_seq = element.get("change_seq")
    if row is None or sent_seq is None or sent_seq == row["change_seq"] or element.get("ignore_change_seq"):
        return ""
    if store.switches.stale_change_seq == "400":
        raise message("This record has been changed by another agent since you opened it.")
    return "This record was changed by another agent." if store.switches.stale_change_seq == "warning" else ""


def _merged_fields(store: HaloStore, entity: str, old: list[Row], new: list[Row]) -> list[Row]:
    rows = {field["name"]: field for field in old or []}
    rows.update({field["name"]: field for field in store.custom_field_rows(entity, new or [], define=False)})
    return list(rows.values())


def _touch(store: HaloStore, header: Row) -> None:
    header["last_change_seq"] = header["change_seq"]
    header["change_seq"] += 1
    header["last_change_agent"] = AGENT[0]
    header["last_modified"] = store.stamp()
