"""The products and the people of the synthetic world: invented vendors, products and company names.

It reads `catalogue.json`: what is sold, its list price and unit, and lists of words. Who bought what is in
`generate_pax8.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

from pax8_pipeline.text import jsontext


@dataclass(frozen=True)
class Metered:
    """One metered component of a usage product: unit, client's price, partner's cost, usual amount a day."""

    name: str
    unit: str
    price: Decimal
    cost: Decimal
    daily: Decimal


@dataclass(frozen=True)
class Good:
    """A product: `kind` is suite, addon, seat, backup or usage; prices are per unit and month."""

    vendor: str
    name: str
    kind: str
    unit: str
    price: Decimal
    cost: Decimal
    components: tuple[Metered, ...] = ()
    azure_like: bool = False


def _good(given: dict[str, Any]) -> Good:
    price, cost = Decimal(given["price"]), Decimal(given["cost"])
    return Good(given["vendor"], given["name"], given["kind"], given["unit"], price, cost)


def _usage(given: dict[str, Any]) -> Good:
    components = tuple(
        Metered(part["name"], part["unit"], *(Decimal(part[name]) for name in ("price", "cost", "daily")))
        for part in given["components"]
    )
    zero = Decimal(0)
    return Good(given["vendor"], given["name"], "usage", "Each", zero, zero, components, given["azure_like"])


_DATA = jsontext.loads(files(__package__).joinpath("catalogue.json").read_bytes())
GOODS = (*map(_good, _DATA["seats"]), *map(_usage, _DATA["usage"]))
TOWNS: tuple[tuple[str, str, str], ...] = tuple(map(tuple, _DATA["towns"]))
BRITISH_TOWNS: tuple[tuple[str, str, str], ...] = tuple(map(tuple, _DATA["british_towns"]))
_FIRST_NAMES: list[str] = _DATA["first_names"]
_TRADES: list[str] = _DATA["trades"]


def company_name(index: int) -> str:
    """Return the name of the company with this number. Names are unique, for any number."""
    first = _FIRST_NAMES[index % len(_FIRST_NAMES)]
    trade = _TRADES[(index + index // len(_FIRST_NAMES)) % len(_TRADES)]
    round_number = index // (len(_FIRST_NAMES) * len(_TRADES))
    return f"{first} {trade}" + (f" {round_number + 1}" if round_number else "")
