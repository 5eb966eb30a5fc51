"""Suggests a Halo item for each Pax8 product: by ids and part codes first, then by names. Reads nothing itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.mapping.similarity import best_matches
from pax8_pipeline.mapping.suggestion import Candidate, Subject, Suggestion, choose

_BY_ID, _BY_CODE = 99, 96
_NAME_LESS = 3  # two products may have one name
# What sellers add to a product's name and what says nothing about which product it is.
_TERMS = re.compile(
    r"\b(?:new commerce(?: experience)?|nce|csp|per user|licen[cs]es?|subscriptions?|annual(?:ly)?|monthly|yearly|"
    r"(?:1|one)[- ]year|commit(?:ment)?|term|billing|billed|paid)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Item:
    """A Halo item: the Pax8 product ids that its record names, and its supplier's part code."""

    item_id: int
    name: str
    product_ids: frozenset[str] = frozenset()
    part_code: str | None = None


def product_name(text: str) -> str:
    """Return a product's name without words for terms and billing; the text itself where nothing is left."""
    short = " ".join(_TERMS.sub(" ", text).split()).strip(" -,()")
    return short or text


def suggest_items(products: Sequence[Subject], items: Sequence[Item], codes: Mapping[str, str]) -> list[Suggestion]:
    """Return a suggestion for each product that has a likely item. `codes`: Pax8's SKU by product id."""
    names = best_matches([product_name(p.name) for p in products], [product_name(i.name) for i in items])
    by_id: dict[str, list[Item]] = defaultdict(list)
    by_code: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        for product_id in item.product_ids:
            by_id[product_id].append(item)
        if item.part_code:
            by_code[item.part_code.lower()].append(item)
    candidates = {}
    for product, matches in zip(products, names, strict=True):
        found: dict[int, Candidate] = {}
        for match in matches:
            item, likeness = items[match.place], match.likeness
            _add(found, item, max(likeness.score - _NAME_LESS, 0), likeness.reasons)
        for item in by_code.get(codes.get(product.pax8_id, "").lower(), ()):
            _add(found, item, _BY_CODE, (f"its part code is Pax8's SKU {item.part_code}",))
        for item in by_id.get(product.pax8_id, ()):
            _add(found, item, _BY_ID, ("Halo's record of the item names the product's Pax8 id",))
        candidates[product.pax8_id] = list(found.values())
    return choose(products, candidates, shared=True)


def _add(found: dict[int, Candidate], item: Item, score: int, reasons: tuple[str, ...]) -> None:
    known = found.get(item.item_id)
    if known is not None:
        score, reasons = max(score, known.score), (*reasons, *known.reasons)
    found[item.item_id] = Candidate(item.item_id, item.name, score, reasons)
