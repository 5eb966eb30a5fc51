"""Suggests a Halo licence and line for each Pax8 subscription that nothing is tied to: by ids, product, quantity, price.

Contains: the score of one target for one subscription. Does not contain: which targets there are (`reports/mapping`).
A target is only compared with subscriptions of its own client.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from pax8_pipeline.mapping.items import product_name
from pax8_pipeline.mapping.names import Name, parse_names
from pax8_pipeline.mapping.similarity import Likeness, compare
from pax8_pipeline.mapping.suggestion import Candidate, Subject, Suggestion, choose

_BY_ID, _BY_MICROSOFT_ID = 98, 96
_PRODUCT, _NAME, _NEAR_NAME = 50, 46, 25
_QUANTITY, _PRICE, _ONLY = 25, 17, 5
_ELSEWHERE = 20
_SAME_NAME, _SIMILAR_NAME = 86, 55


@dataclass(frozen=True)
class Wanted:
    """A subscription without a tie: its Halo client, product, seats and price a month."""

    subject: Subject
    client_id: int
    product_id: str | None
    product: str
    quantity: Decimal | None
    price: Decimal | None
    vendor_id: str | None = None


@dataclass(frozen=True)
class Target:
    """A licence, a line, or both together, that no subscription is tied to.

    `ids`: the UUIDs in Halo's records of it. `product_ids`: Pax8 products that its item stands for. `price`: a month.
    """

    client_id: int
    name: str
    quantity: Decimal | None
    price: Decimal | None
    licence_id: int | None = None
    line_id: int | None = None
    recurring_invoice_id: int | None = None
    ids: frozenset[str] = frozenset()
    product_ids: frozenset[str] = frozenset()
    details: dict[str, int | None] = field(init=False)

    def __post_init__(self) -> None:
        ids = {"halo_recurring_invoice_id": self.recurring_invoice_id, "halo_line_id": self.line_id,
               "halo_licence_id": self.licence_id}  # fmt: skip
        object.__setattr__(self, "details", ids)


Scored = tuple[Target, int, tuple[str, ...]]


def suggest_subscriptions(wanted: Sequence[Wanted], targets: Sequence[Target]) -> list[Suggestion]:
    """Return a suggestion for each subscription that has a likely licence or line of its client."""
    of_client: dict[int, list[Target]] = defaultdict(list)
    for target in targets:
        of_client[target.client_id].append(target)
    candidates = {}
    for one in wanted:
        scored = [(target, *_score(one, target)) for target in of_client.get(one.client_id, ())]
        likely = _after_ids([(target, score, reasons) for target, score, reasons in scored if score])
        candidates[one.subject.pax8_id] = [
            _candidate(target, score, reasons, only=len(likely) == 1) for target, score, reasons in likely
        ]
    return choose([one.subject for one in wanted], candidates)


def _after_ids(likely: list[Scored]) -> list[Scored]:
    """Lower what only looks like the subscription where an id names another target."""
    if max((score for _, score, _ in likely), default=0) < _BY_MICROSOFT_ID:
        return likely
    other = "an id names another one"
    return [
        (target, score, reasons) if score >= _BY_MICROSOFT_ID else (target, score - _ELSEWHERE, (*reasons, other))
        for target, score, reasons in likely
    ]


def _candidate(target: Target, score: int, reasons: tuple[str, ...], *, only: bool) -> Candidate:
    if only and score < _BY_MICROSOFT_ID:
        score, reasons = score + _ONLY, (*reasons, "the client has nothing else like it")
    return Candidate(target.licence_id or target.line_id, target.name, score, reasons, target.details)


def _score(one: Wanted, target: Target) -> tuple[int, tuple[str, ...]]:
    if one.subject.pax8_id in target.ids:
        return _BY_ID, ("Halo's record names the subscription's Pax8 id",)
    if one.vendor_id and one.vendor_id in target.ids:
        return _BY_MICROSOFT_ID, ("Halo's record names the vendor's id of the subscription",)
    score, reasons = _product_score(one, target)
    if not score:
        return 0, ()
    if one.quantity is not None and one.quantity == target.quantity:
        score, reasons = (
            score + _QUANTITY,
            (*reasons, f"the same quantity ({one.quantity:f})".replace(".0000000000", "")),
        )
    else:
        reasons = (*reasons, "another quantity")
    if one.price and target.price and abs(one.price - target.price) < Decimal("0.01"):
        score, reasons = score + _PRICE, (*reasons, "the same price")
    return score, reasons


@lru_cache(maxsize=100_000)
def _likeness(one: str, other: str) -> Likeness:
    """Compare the names of two products; many subscriptions are of the same ones."""
    return compare(_name(one), _name(other))


@lru_cache(maxsize=10_000)
def _name(text: str) -> Name:
    return parse_names(product_name(text))[0]


def _product_score(one: Wanted, target: Target) -> tuple[int, tuple[str, ...]]:
    if one.product_id and one.product_id in target.ids | target.product_ids:
        return _PRODUCT, ("the same product, by its id",)
    likeness = _likeness(one.product, target.name)
    if likeness.score >= _SAME_NAME:
        return _NAME, ("a product of the same name",)
    if likeness.score >= _SIMILAR_NAME:
        return _NEAR_NAME, ("a product of a similar name", *likeness.reasons)
    return 0, ()
