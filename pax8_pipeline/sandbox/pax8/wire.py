"""How a row of Pax8 is spelt in an answer: two spellings of a date; members that are missing, null or renamed.

It makes an answered row from a canonical row, according to docs/vendors/pax8.md. Which rows are answered is in
`lists.py`. Each row has its own dialect, drawn from its id, so that a record is always spelt in the same way. The
switches decide how different dialects may be.
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
    out = _public(row)
    out["address"] = {name: value for name, value in row["address"].items() if value}
    out["updatedDate"] = moment(row["updatedDate"], row["id"], switches)
    if not row["externalId"]:
        _leave_out(out, "externalId", row["id"], switches)
    if in_list and _lacks(row["id"], 1, switches):
        del out["phone"]
    if in_list and _lacks(row["id"], 2, switches):
        del out["orderApprovalRequired"]
    return out


def product(row: Row, switches: Pax8Switches, *, in_list: bool) -> Row:
    """A product; only a single read has `description`."""
    out = _public(row)
    out["vendorName"] = vendor_name(row["vendorName"], switches)
    if in_list:
        del out["description"]
    if _lacks(row["id"], 1, switches):
        del out["altVendorSku"]
    return out


def subscription(row: Row, switches: Pax8Switches, *, in_list: bool) -> Row:
    """A subscription: dates in two spellings, the commitment under one of three names."""
    key = row["id"]
    out = _public(row)
    del out["commitment"]
    if switches.suites_of == "Microsoft" and row.get("_vendor") == SUITE_VENDOR:
        out["vendorSubscriptionId"] = vendor_subscription_id(row["id"])
    for name in ("id", "companyId", "productId"):
        out[name] = _spelt_id(out[name], key, name, switches)
    for name in ("startDate", "endDate"):
        if row[name]:
            out[name] = day_or_moment(row[name], key, switches)
    for name in ("createdDate", "updatedDate"):
        if row[name]:
            out[name] = moment(row[name], key, switches)
    for name in ("endDate", "updatedDate", "parentSubscriptionId"):
        if not row[name]:
            _leave_out(out, name, key, switches)
    if in_list:
        del out["vendorSkuId"]  # on lists: unknown
        if _lacks(key, 3, switches):
            del out["partnerCost"]
    _commitment(out, row, switches)
    return out


def vendor_name(name: Any, switches: Pax8Switches) -> Any:
    """The vendor's name as it is shown: a switch decides who makes the suites."""
    return switches.suites_of if name == SUITE_VENDOR else name


def vendor_subscription_id(subscription_id: str) -> str:
    """The id of a subscription at the vendor of the suites, a UUID (docs/vendors/pax8.md#subscriptions)."""
    return str(uuid.uuid5(uuid.UUID(subscription_id), "vendor"))


def _commitment(out: Row, row: Row, switches: Pax8Switches) -> None:
    commitment = row["commitment"]
    style = switches.commitment_key
    if style == "mixed":
        style = ("commitmentTerm", "commitment", "flat")[_draw(row["id"], 4) % 3]
    if not commitment:
        if switches.explicit_nulls and _draw(row["id"], 5) % 2:
            out["commitment" if style == "commitment" else "commitmentTerm"] = None
        return
    end = day_or_moment(commitment["endDate"], row["id"], switches)
    if style == "flat":
        out["commitmentTermEndDate"] = end
    else:
        out[style] = {"id": commitment["id"], "term": commitment["term"], "endDate": end}


def invoice(row: Row, switches: Pax8Switches) -> Row:
    """An invoice: with a status, without a company."""
    out = _public(row)
    if not switches.invoice_status:
        del out["status"]
    if switches.invoice_company_id:
        out["companyId"] = row["_companyId"]
    return out


def invoice_item(row: Row, switches: Pax8Switches, *, draft: bool = False) -> Row:
    """An invoice item; drafts have no id, real ones not always."""
    out = _public(row)
    key = row["id"]
    if draft or switches.item_ids == "none" or (switches.item_ids == "mixed" and _draw(key, 6) % 9 == 0):
        del out["id"]
    for name in ("companyId", "subscriptionId"):
        if row.get(name):
            out[name] = _spelt_id(row[name], key, name, switches)
    out["vendorName"] = vendor_name(row["vendorName"], switches)
    if row["rateType"]:
        rate = row["rateType"]
        out["rateType"] = rate.capitalize() if switches.rate_type_case == "capitalised" else rate
    for name in ("externalId", "details", "vendorName", "sku", "productId", "productName"):
        if not row[name]:
            _leave_out(out, name, key, switches)
    return out


def day_or_moment(text: str, key: str, switches: Pax8Switches) -> str:
    """A calendar date as the API spells it: only the date, or midnight UTC."""
    style = switches.date_style
    if style == "mixed":
        style = "bare" if _draw(key, 7) % 2 else "zulu"
    return text if style == "bare" else f"{text}T00:00:00Z"


def moment(text: str, key: str, switches: Pax8Switches) -> str:
    """A moment: with `Z`, with an offset without colon, or with one. It is the same moment in all of them."""
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
    """An answer as JSON text; whole money is an integer (docs/vendors/pax8.md#formats)."""
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


def _leave_out(out: Row, name: str, key: str, switches: Pax8Switches) -> None:
    """Remove an empty member, or set it to null: missing, null and "" mean the same (docs/vendors/pax8.md#formats)."""
    if switches.explicit_nulls and _draw(key, sum(map(ord, name))) % 4 == 0:
        out[name] = None
    else:
        out.pop(name, None)


def _lacks(key: str, salt: int, switches: Pax8Switches) -> bool:
    if switches.missing_keys == "mixed":
        return _draw(key, salt) % 3 == 0
    return switches.missing_keys == "most"


def _spelt_id(value: str, key: str, name: str, switches: Pax8Switches) -> str:
    if switches.id_case == "mixed" and _draw(key, len(name)) % 5 == 0:
        return value.upper()
    return value


def _draw(key: str, salt: int) -> int:
    """Return a number for one row and one question; always the same."""
    return (int(key[:8], 16) * 2654435761 + salt * 40503) % 4294967291 >> 7


def summary_spelling(group_id: str, switches: Pax8Switches) -> bool:
    """True when the list of summaries shows this group's company (docs/vendors/pax8.md#usage-summaries)."""
    if switches.summary_company == "mixed":
        return _draw(group_id, 9) % 3 != 0
    return switches.summary_company == "listed"


def any_of(choices: tuple[Any, ...], key: str, salt: int) -> Any:
    """Return one of several spellings; always the same for one row."""
    return choices[_draw(key, salt) % len(choices)]
