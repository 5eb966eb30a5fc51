"""Suggests a Pax8 company, and its Halo client, for usage groups that no company is assigned to: by domain and name.

Does not contain: assigning it. A person does that in Pax8 (docs/usage-billing.md#no-company).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.mapping.domains import domain_of, label_of
from pax8_pipeline.mapping.similarity import best_matches
from pax8_pipeline.mapping.suggestion import Candidate, Subject, Suggestion, choose

_DOMAIN = 88
_SHORTENED = 3  # the group's text says more than the company's name
# What vendors and people write around a customer's name.
_NOISE = re.compile(
    r"\b(?:tenant|azure|subscriptions?|plan|prod(?:uction)?|csp|microsoft|customer|client|backup|trial|not linked|unlinked|"
    r"resource group|rg|pay[- ]as[- ]you[- ]go|payg)\b",
    re.IGNORECASE,
)
_DOMAIN_IN_TEXT = re.compile(r"[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class GroupCompany:
    """A Pax8 company that a group may belong to, with its Halo client where one is known."""

    company_id: str
    name: str
    client_id: int | None
    domains: frozenset[str] = frozenset()


def suggest_usage_groups(groups: Sequence[Subject], companies: Sequence[GroupCompany]) -> list[Suggestion]:
    """Return a suggestion for each group that has a likely company. A group's name is the vendor's text."""
    texts = [(place, text) for place, group in enumerate(groups) for text in _texts(group.name)]
    matches = best_matches([text for _, text in texts], [company.name for company in companies])
    found: list[dict[int, Candidate]] = [{} for _ in groups]
    for (place, text), likely in zip(texts, matches, strict=True):
        less = 0 if text == groups[place].name else _SHORTENED
        for match in likely:
            _add(found[place], match.place, companies[match.place], match.likeness.score - less, match.likeness.reasons)
    _add_domains(found, groups, companies)
    candidates = {group.pax8_id: list(likely.values()) for group, likely in zip(groups, found, strict=True)}
    return choose(groups, candidates, shared=True)


def _texts(name: str) -> list[str]:
    """Return what of a group's text may be a customer's name: all of it, and its parts without words of vendors."""
    parts = [name, *re.split(r"\s[-–|/:]\s|[|/:]", name), re.sub(r"\([^)]*\)|\[[^]]*\]", " ", name)]
    cleaned = [" ".join(_NOISE.sub(" ", part).split()).strip(" -_()[],") for part in parts]
    return [text for text in dict.fromkeys((name, *cleaned)) if len(text) > 1]


def _add(found: dict[int, Candidate], place: int, company: GroupCompany, score: int, reasons: tuple[str, ...]) -> None:
    known = found.get(place)
    if known is None or score > known.score:
        details: Mapping[str, object] = {"pax8_company_id": company.company_id}
        found[place] = Candidate(company.client_id, company.name, max(score, 0), reasons, details)


def _add_domains(
    found: list[dict[int, Candidate]], groups: Sequence[Subject], companies: Sequence[GroupCompany]
) -> None:
    by_label: dict[str, set[int]] = {}
    for place, company in enumerate(companies):
        for domain in company.domains:
            by_label.setdefault(label_of(domain), set()).add(place)
    for likely, group in zip(found, groups, strict=True):
        for text in _DOMAIN_IN_TEXT.findall(group.name):
            named = domain_of(text)
            places = by_label.get(label_of(named), set()) if named else set()
            if len(places) == 1:
                place = next(iter(places))
                _add(likely, place, companies[place], _DOMAIN, (f"the company has the domain {named}",))
