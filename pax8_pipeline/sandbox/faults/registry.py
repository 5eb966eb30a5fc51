"""Faults of a connection that a test or a person can order: which requests they hit, how often, and what they do.

It has the list of faults and the rule that picks one for a request. They are executed in `middleware.py`; changed
bodies are in `bodies.py`. Open questions about a healthy vendor are in the two `switches.py`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

KINDS = {
    "latency": "answers after params.seconds (default 0.2) more; combines with other faults",
    "429": "429 with Retry-After: params.retry_after seconds (default 1), params.style seconds or date",
    "429_no_header": "429 without Retry-After",
    "403": "403 with an HTML body, as where a right is missing",
    "500": "500 with an HTML body",
    "502": "502 with an HTML body",
    "503": "503 with an HTML body",
    "408": "408 in the error envelope of Pax8, empty for Halo",
    "expire_token": "every token of that vendor dies now, so this request and others get 401",
    "cut": "the connection is closed in the middle of the body (params.at body) or before any byte (params.at start)",
    "reply_lost": "the request is carried out, then the connection is closed without an answer",
    "reply_lost_502": "the request is carried out, then 502 is answered",
    "not_json": "200 with an HTML body",
    "short_page": "the last params.rows (default 1) rows of a page are missing, totals stay",
    "shifted_page": "a page begins with the last row of the page before it and lacks its own last row",
    "empty": "a list answers with no rows and totals of 0",
    "hang": "no answer until released, or params.limit seconds (default 60); then the connection is closed",
}
COMBINES = frozenset({"latency", "expire_token"})
ON_LISTS = frozenset({"short_page", "shifted_page", "empty"})


@dataclass
class Fault:
    """One ordered fault. It hits the matching requests after the first `after` of them, `times` times (None: always).

    `path` is a glob, without regard to case, for the whole path (`/pax8/v1/subscriptions`) or for the part after the
    vendor's base (`/subscriptions`, `/SoftwareLicence`, `/auth/token`). The token endpoints are hit only by a glob that
    names the token. With `probability` below 1 each hit is drawn from `seed`.
    """

    kind: str
    vendor: str = "*"
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; it is one of {', '.join(KINDS)}")
        if self.vendor not in ("*", "pax8", "halo"):
            raise ValueError(f"unknown vendor {self.vendor!r}; it is pax8, halo or *")
        self._rng = random.Random(self.seed)

    @property
    def spent(self) -> bool:
        """True when it has hit as often as it was ordered."""
        return self.times is not None and self.fired >= self.times

    def matches(self, vendor: str, method: str, path: str) -> bool:
        """True for a request that this fault can hit."""
        if self.vendor not in ("*", vendor) or self.method.upper() not in ("*", method):
            return False
        glob, path = self.path.lower(), path.lower()
        if path.endswith("/token") and "token" not in glob:
            return False
        return any(fnmatchcase(one, glob) for one in (path, _after_base(path)))

    def hits(self) -> bool:
        """Count a matching request. Return True when this one is hit."""
        self.matched += 1
        if self.matched <= self.after or self.spent:
            return False
        if self.probability < 1 and self._rng.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def to_json(self) -> dict[str, Any]:
        """All members as a JSON-able dict."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


class Faults:
    """The active faults, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._next_id = 1
        self.released = threading.Event()

    def add(self, kind: str, **members: Any) -> Fault:
        """Order a fault (members as in Fault). Raises ValueError or TypeError when it is not possible."""
        fault = Fault(kind, **members)
        with self._lock:
            fault.id = self._next_id
            self._next_id += 1
            self._faults.append(fault)
            self.released.clear()
        return fault

    def add_json(self, data: Mapping[str, Any]) -> Fault:
        """Order a fault from a JSON object. Raises ValueError with what is wrong in it."""
        allowed = {one.name for one in fields(Fault)} - {"id", "matched", "fired"}
        unknown = sorted(set(data) - allowed)
        if unknown or "kind" not in data:
            raise ValueError(f"a fault has kind and any of {', '.join(sorted(allowed))}; not {', '.join(unknown)}")
        return self.add(**{**data, "kind": str(data["kind"])})

    def remove(self, fault_id: int | None = None) -> None:
        """Remove one fault, or all. Requests that hang are released."""
        with self._lock:
            self._faults = [fault for fault in self._faults if fault_id is not None and fault.id != fault_id]
        self.released.set()

    def take(self, vendor: str, method: str, path: str, query: Mapping[str, str]) -> list[Fault]:
        """Return the faults that hit this request: all that can be combined, then at most one other."""
        hits = []
        with self._lock:
            for fault in self._faults:
                if not fault.matches(vendor, method, path) or not _may_hit(fault, method, query):
                    continue
                if fault.hits():
                    hits.append(fault)
                    if fault.kind not in COMBINES:
                        break
        return hits

    def give_back(self, fault: Fault) -> None:
        """Undo a hit that had no effect, such as a short page of an answer that is not a list."""
        with self._lock:
            fault.fired -= 1

    def to_json(self) -> list[dict[str, Any]]:
        """All faults with their counters."""
        with self._lock:
            return [fault.to_json() for fault in self._faults]


def _may_hit(fault: Fault, method: str, query: Mapping[str, str]) -> bool:
    if fault.kind == "shifted_page":
        return method == "GET" and previous_page(query) is not None
    return fault.kind not in ON_LISTS or method == "GET"


def previous_page(query: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the paging parameter for the page before; None on a first page (pages count from 0 or 1)."""
    for name, first in (("page", 0), ("page_no", 1)):
        text = query.get(name, "")
        if text.isdigit() and int(text) > first:
            return name, str(int(text) - 1)
    return None


def _after_base(path: str) -> str:
    for base in ("/pax8/v1", "/halo/api", "/halo"):
        if path.startswith(base + "/"):
            return path[len(base) :]
    return path
