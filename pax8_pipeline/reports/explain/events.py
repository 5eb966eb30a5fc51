"""What the history of one id is made of: its kind, its events, its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Row = Mapping[str, Any]
Kind = Literal[
    "subscription",
    "licence",
    "line",
    "invoice",
    "client",
    "company",
    "usage",
    "halo_invoice",
    "summary",
    "item",
    "plan",
    "row",
    "entry",
]


@dataclass(frozen=True)
class Event:
    """One event of a history. `source` is Pax8, Halo, plan, approval or ledger; `facts` what is known of it."""

    at: datetime
    source: str
    text: str
    run_id: str | None
    plan_id: str | None
    facts: Row


@dataclass(frozen=True)
class History:
    """All that is known of one thing: its state when last read (`now`), its events, and its open findings.

    `name` is empty unless the thing is a client or a company.
    """

    kind: str
    id: str
    now: Sequence[Row]
    events: Sequence[Event]
    findings: Sequence[Row] = ()
    name: str = ""
