"""Puts many cases into one warehouse, so that one build and one plan serve them all.

A case is vendor data written as if it were alone. `combine` gives every case ids of its own: another second group in
each UUID, another million in each Halo id. `Combined.split` sorts the rows that came out by case, with the ids that the
case was written with. Not for what holds a whole run, or for what has no id of its case: that needs a warehouse alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.usage_data import UsageData
from pax8_pipeline_tests.support.vendor_data import VendorData, planned

Name = TypeVar("Name", bound=Hashable)
Row = dict[str, Any]

_UUID = re.compile(r"\b([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{7,}")
_HALO_IDS = ("id", "client_id", "licence_id", "ihid", "client_to_invoice", "client_to_invoice_recurring")
_LISTS = ("companies", "products", "subscriptions", "usage_summaries", "clients", "licences", "recurring", "client_map",
          "subscription_map", "item_map", "invoices", "items", "lines", "halo_invoices")  # fmt: skip
_MILLION = 1_000_000


@dataclass
class Combined(Generic[Name]):
    """Many cases as one world's `data`."""

    data: VendorData
    names: list[Name]
    _uuids: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)

    def load(self, folder: Path, policy: Policy | None = None, run_id: str = "run-1") -> Warehouse:
        """Put all cases through raw, staging and reconciled."""
        return self.data.load(folder, policy=policy, run_id=run_id)

    def split(self, rows: Iterable[Row]) -> dict[Name, list[Row]]:
        """Return the rows of each case, in their order, with the case's own ids."""
        found: dict[Name, list[Row]] = {name: [] for name in self.names}
        for row in rows:
            found[self.case_of(row)].append({key: self._original(value) for key, value in row.items()})
        return found

    def case_of(self, row: Row) -> Name:
        """The case that a row belongs to. Raises LookupError when it names none."""
        text = " ".join(str(value) for value in row.values() if isinstance(value, str | int))
        for match in _UUID.finditer(text):
            if self._uuid_key(match) in self._uuids:
                return self.names[int(match[2]) - 1]
        for match in _NUMBER.finditer(text):
            if int(match[0]) in self._numbers:
                return self.names[int(match[0]) // _MILLION - 1]
        raise LookupError(f"a row of no case: {row}")

    def add(self, number: int, data: VendorData) -> None:
        """Add the data of a case."""
        offset = len(getattr(self.data, "invoices", ()))
        for name in _LISTS:
            if hasattr(data, name):
                getattr(self.data, name).extend(self._own(number, value) for value in getattr(data, name))
        if isinstance(self.data, UsageData) and isinstance(data, UsageData):
            self.data.unread |= {offset + index for index in data.unread}

    def _own(self, number: int, value: Any, key: str = "") -> Any:
        """The same value with ids of this case."""
        if isinstance(value, str):
            return _UUID.sub(lambda match: self._own_uuid(number, match), value)
        if isinstance(value, int) and not isinstance(value, bool) and key in _HALO_IDS:
            return self._own_number(number, value)
        if isinstance(value, dict):
            return {name: self._own(number, member, name) for name, member in value.items()}
        if isinstance(value, list):
            return [self._own(number, member) for member in value]
        if isinstance(value, tuple):  # a row of a mapping file
            own = [self._own(number, member, "id") for member in value]
            # Halo's items are those of all cases.
            is_item = len(value) == 2 and isinstance(value[1], int) and value[1] in self._shared_items
            return (own[0], value[1]) if is_item else tuple(own)
        return value

    @property
    def _shared_items(self) -> set[Any]:
        return {item["id"] for item in getattr(self.data, "halo_items", [])}

    def _own_number(self, number: int, value: int) -> int:
        own = value - number * _MILLION if value < 0 else value + number * _MILLION
        self._numbers[abs(own)] = abs(value)
        return own

    def _own_uuid(self, number: int, match: re.Match[str]) -> str:
        key = (match[1].lower(), f"{number:04d}", match[3].lower())
        original = self._uuids.setdefault(key, match[2])
        assert original.lower() == match[2].lower(), f"two ids of one case would be the same: {match[0]}"
        return f"{match[1]}-{key[1]}-{match[3]}"

    def _original(self, value: Any) -> Any:
        if isinstance(value, str):
            return _NUMBER.sub(self._number_of, _UUID.sub(self._uuid_of, value))
        if isinstance(value, int) and abs(value) in self._numbers:
            original = self._numbers[abs(value)]
            return -original if value < 0 else original
        return value

    def _number_of(self, match: re.Match[str]) -> str:
        return str(self._numbers.get(int(match[0]), match[0]))

    def _uuid_of(self, match: re.Match[str]) -> str:
        key = self._uuid_key(match)
        return f"{match[1]}-{self._uuids[key]}-{match[3]}" if key in self._uuids else match[0]

    @staticmethod
    def _uuid_key(match: re.Match[str]) -> tuple[str, str, str]:
        return match[1].lower(), match[2], match[3].lower()


def combine(cases: Mapping[Name, VendorData]) -> Combined[Name]:
    """Return one world with all cases in it."""
    first = next(iter(cases.values()))
    empty = dataclasses.replace(first, **{name: [] for name in _LISTS if hasattr(first, name)})
    if isinstance(empty, UsageData):
        empty.unread = set()
    combined = Combined(empty, list(cases))
    for number, data in enumerate(cases.values(), start=1):
        combined.add(number, data)
    return combined


def plan_many(cases: Mapping[Name, VendorData], folder: Path, policy: Policy | None = None) -> dict[Name, list[Row]]:
    """Return the rows of each case in one plan for all of them, ordered by row id."""
    combined = combine(cases)
    return combined.split(planned(combined.load(folder, policy), policy=policy))
