"""How a row of Pax8 is spelt in an answer: two spellings of a date, members that are missing, null or
renamed.

Here belongs: canonical row -> what goes over the wire, per docs/vendors/pax8.md. Not
here: which rows are answered (`lists.py`), what they hold. Each row has a dialect of its own, drawn from
its id, so that the same record is spelt alike each time; the switches decide how wild dialects may be.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.pax8.switches import Pax8Switches
from pax8_pipeline.text import jsontext

SUITE_VENDOR = "Contora"
_OFFSETS = (-7, -6, -5, 0)


def company(row: Row, switches: Pax8Switches, *, in_list: bool) -> Row:
    """A company; list rows may lack `phone` and `orderApprovalRequired` although the schema requires them."""
    shown = _public(row)
    shown["address"] = {name: value for name, value in row["address"].items() if value}
    shown["updatedDate"] = moment(row["updatedDate"], row["id"], switches)
    if not row["externalId"]:
        _leave_out(shown, "externalId", row["id"], switches)
    if in_list and _lacks(row["id"], 1, switches):
        del shown["phone"]
    if in_list and _lacks(row["id"], 2, switches):
        del shown["orderApprovalRequired"]
    return shown


def product(row: Row, switches: Pax8Switches, *, in_list: bool) -> Row:
    """A product; only the single one has `description`."""
    shown = _public(row)
    shown["vendorName"] = vendor_name(row["vendorName"], switches)
    if in_list:
        del shown["description"]
    if _lacks(row["id"], 1, switches):
        del shown["altVendorSku"]
    return shown


def subscription(row: Row, switches: Pax8Switches, *, in_list: bool) -> Row:
    """A subscription: dates in two spellings, the commitment under one of three names, `partnerCost` maybe
    missing.
    """
    key = row["id"]
    shown = _public(row)
    del shown["commitment"]
    if switches.suites_of == "Microsoft" and row.get("_vendor") == SUITE_VENDOR:
        shown["vendorSubscriptionId"] = vendor_subscription_id(row["id"])
    for name in ("id", "companyId", "productId"):
        shown[name] = _spelt_id(shown[name], key, name, switches)
    for name in ("startDate", "endDate"):
        if row[name]:
            shown[name] = day_or_moment(row[name], key, switches)
    for name in ("createdDate", "updatedDate"):
        if row[name]:
            shown[name] = moment(row[name], key, switches)
    for name in ("endDate", "updatedDate", "parentSubscriptionId"):
        if not row[name]:
            _leave_out(shown, name, key, switches)
    if in_list:
        del shown["vendorSkuId"]  # on lists: unknown
        if _lacks(key, 3, switches):
            del shown["partnerCost"]
    _commitment(shown, row, switches)
    return shown


def vendor_name(name: Any, switches: Pax8Switches) -> Any:
    """The vendor as it is shown: who makes the suites is a switch."""
    return switches.suites_of if name == SUITE_VENDOR else name


def vendor_subscription_id(subscription_id: str) -> str:
    """The id of a subscription at the vendor of the suites, a UUID (docs/vendors/pax8.md#subscriptions)."""
    return str(uuid.uuid5(uuid.UUID(subscription_id), "vendor"))


def _commitment(shown: Row, row: Row, switches: Pax8Switches) -> None:
    held = row["commitment"]
    style = switches.commitment_key
    if style == "mixed":
        style = ("commitmentTerm", "commitment", "flat")[_draw(row["id"], 4) % 3]
    if not held:
        if switches.explicit_nulls and _draw(row["id"], 5) % 2:
            shown["commitment" if style == "commitment" else "commitmentTerm"] = None
        return
    end = day_or_moment(held["endDate"], row["id"], switches)
    if style == "flat":
        shown["commitmentTermEndDate"] = end
    else:
        shown[style] = {"id": held["id"], "term": held["term"], "endDate": end}


def invoice(row: Row, switches: Pax8Switches) -> Row:
    """An invoice: with a status, without a company."""
    shown = _public(row)
    if not switches.invoice_status:
        del shown["status"]
    if switches.invoice_company_id:
        shown["companyId"] = row["_companyId"]
    return shown


def invoice_item(row: Row, switches: Pax8Switches, *, draft: bool = False) -> Row:
    """An invoice item; drafts have no id, real ones not always."""
    shown = _public(row)
    key = row["id"]
    if draft or switches.item_ids == "none" or (switches.item_ids == "mixed" and _draw(key, 6) % 9 == 0):
        del shown["id"]
    for name in ("companyId", "subscriptionId"):
        if row.get(name):
            shown[name] = _spelt_id(row[name], key, name, switches)
    shown["vendorName"] = vendor_name(row["vendorName"], switches)
    if row["rateType"]:
        rate = row["rateType"]
        shown["rateType"] = rate.capitalize() if switches.rate_type_case == "capitalised" else rate
    for name in ("externalId", "details", "vendorName", "sku", "productId", "productName"):
        if not row[name]:
            _leave_out(shown, name, key, switches)
    return shown


def day_or_moment(text: str, key: str, switches: Pax8Switches) -> str:
    """A calendar date as the API spells it: bare, or as midnight UTC."""
    style = switches.date_style
    if style == "mixed":
        style = "bare" if _draw(key, 7) % 2 else "zulu"
    return text if style == "bare" else f"{text}T00:00:00Z"


def moment(text: str, key: str, switches: Pax8Switches) -> str:
    """A moment: `Z`, an offset without colon, or one with. The instant is the same in all of them."""
    style = switches.date_style
    number = _draw(key, 8)
    if style == "mixed":
        style = ("offset", "offset", "zulu", "colon")[number % 4]
    if style in ("zulu", "bare"):
        return f"{text}Z"
    hours = _OFFSETS[number % len(_OFFSETS)]
    local = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    offset = local.strftime("%z")
    if style == "colon":
        offset = f"{offset[:3]}:{offset[3:]}"
    return f"{local.strftime('%Y-%m-%dT%H:%M:%S')}.{local.microsecond // 1000:03d}{offset}"


def spell_text(answer: Any) -> str:
    """An answer as JSON text. Numbers carry no needless zeros: whole money goes out as an integer
    (docs/vendors/pax8.md#formats).
    """
    return jsontext.dumps(_plain_numbers(answer))


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, dict):
        return {name: _plain_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(one) for one in value]
    return value


def _public(row: Row) -> Row:
    return {name: value for name, value in row.items() if name[0] != "_"}


def _leave_out(shown: Row, name: str, key: str, switches: Pax8Switches) -> None:
    """Take an empty member out, or leave it as null: missing, null and "" mean the same (docs/vendors/pax8.md#formats)."""
    if switches.explicit_nulls and _draw(key, sum(map(ord, name))) % 4 == 0:
        shown[name] = None
    else:
        shown.pop(name, None)


def _lacks(key: str, salt: int, switches: Pax8Switches) -> bool:
    if switches.missing_keys == "mixed":
        return _draw(key, salt) % 3 == 0
    return switches.missing_keys == "most"


def _spelt_id(value: str, key: str, name: str, switches: Pax8Switches) -> str:
    if switches.id_case == "mixed" and _draw(key, len(name)) % 5 == 0:
        return value.upper()
    return value


def _draw(key: str, salt: int) -> int:
    """A number that belongs to one row and one question, the same each time."""
    return (int(key[:8], 16) * 2654435761 + salt * 40503) % 4294967291 >> 7


def summary_spelling(group_id: str, switches: Pax8Switches) -> bool:
    """Whether the list of summaries shows this assigned group's company (seen missing there,
    docs/vendors/pax8.md#usage-summaries).
    """
    if switches.summary_company == "mixed":
        return _draw(group_id, 9) % 3 != 0
    return switches.summary_company == "listed"


def any_of(choices: tuple[Any, ...], key: str, salt: int) -> Any:
    """One of several spellings, the same each time for one row."""
    return choices[_draw(key, salt) % len(choices)]
