"""Which Halo row belongs to which Pax8 row. Only the code that made both sides, and the oracle, know it.

It has the links and their form on disk. They are made in `world/generate_halo.py`; what follows from them is in
`oracle`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class ClientLink:
    """The Halo client of a company, and the way in which it can be found."""

    client_id: int
    way: str


@dataclass
class LineLink:
    """What bills a subscription in Halo; `way` is snowid or mapping_file."""

    recurring_invoice_id: int
    line_id: int
    licence_id: int | None
    way: str
    file_names_line: bool = True  # a row of the mapping file may name the licence only


@dataclass
class Links:
    """All links: clients by company id, lines by subscription id, items by product id."""

    clients: dict[str, ClientLink]
    lines: dict[str, LineLink]
    items: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain dicts."""
        return {
            "clients": {key: asdict(link) for key, link in self.clients.items()},
            "lines": {key: asdict(link) for key, link in self.lines.items()},
            "items": self.items,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Links:
        """The inverse of `to_json`."""
        return cls(
            {key: ClientLink(**link) for key, link in data["clients"].items()},
            {key: LineLink(**link) for key, link in data["lines"].items()},
            data["items"],
        )
