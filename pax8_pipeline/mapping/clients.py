"""Suggests a Halo client for each Pax8 company: by ids first, then domains, then names.

Contains: scores of evidence and how they add up. Does not contain: reading the evidence (`reports/mapping`), likeness of
names (`similarity`), the choice among candidates (`suggestion`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pax8_pipeline.mapping.domains import label_of
from pax8_pipeline.mapping.similarity import best_matches
from pax8_pipeline.mapping.suggestion import Candidate, Subject, Suggestion, choose

# What an id that both vendors have is worth, by its kind: the first that decides goes first.
ID_SCORES: Mapping[str, int] = {
    "external_id": 99,
    "subscription_id": 98,
    "native_link": 98,
    "microsoft_subscription": 97,
    "microsoft_tenant": 96,
}
_SAME_DOMAIN, _SAME_DOMAIN_AND_NAME, _SAME_DOMAIN_AND_NEAR_NAME = 82, 99, 92
_NEAR, _SAME = 68, 86
_OTHER_DOMAIN, _ELSEWHERE = 20, 16
_SURE = 95


@dataclass(frozen=True)
class Client:
    """A Halo client that may be suggested. `domains`: of its web and e-mail addresses."""

    client_id: int
    name: str
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """An id that says that a company is a client: its kind (a key of ID_SCORES) and the fact in plain words."""

    company_id: str
    client_id: int
    kind: str
    reason: str


@dataclass(frozen=True)
class ClientEvidence:
    """All that is known for suggesting clients. `domains`: of companies, by their id."""

    companies: Sequence[Subject]
    clients: Sequence[Client]
    ids: Sequence[Evidence] = ()
    domains: Mapping[str, frozenset[str]] | None = None
    taken: Mapping[int, str] | None = None


def suggest_clients(known: ClientEvidence) -> list[Suggestion]:
    """Return a suggestion for each company that has a likely client."""
    by_id = _by_id(known.ids)
    by_domain = _by_domain(known)
    names = best_matches([c.name for c in known.companies], [c.name for c in known.clients])
    clients = {client.client_id: client for client in known.clients}
    candidates = {}
    for company, matches in zip(known.companies, names, strict=True):
        domains = (known.domains or {}).get(company.pax8_id, frozenset())
        scores = _Scores(by_id.get(company.pax8_id, {}), by_domain.get(company.pax8_id, {}))
        for match in matches:
            client = known.clients[match.place]
            scores.add_name(client, match.likeness.score, match.likeness.reasons, domains)
        candidates[company.pax8_id] = scores.candidates(clients)
    return choose(known.companies, candidates, known.taken)


class _Scores:
    """The candidates of one company while evidence is added up."""

    def __init__(self, by_id: Mapping[int, Sequence[Evidence]], by_domain: Mapping[int, str]) -> None:
        self._found: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._by_domain = by_domain
        self._decided = set(by_id) or set(by_domain)
        for client_id, evidence in by_id.items():
            score = min(100, max(ID_SCORES[e.kind] for e in evidence) + len({e.kind for e in evidence}) - 1)
            self._found[client_id] = (score, tuple(dict.fromkeys(e.reason for e in evidence)))
        for client_id, domain in by_domain.items():
            if client_id not in self._found:
                self._found[client_id] = (_SAME_DOMAIN, (f"the same domain {domain}",))

    def add_name(self, client: Client, score: int, reasons: tuple[str, ...], domains: frozenset[str]) -> None:
        """Add how like the two names are, combined with what the domains say."""
        known = self._found.get(client.client_id)
        if known and known[0] >= _SURE:
            self._found[client.client_id] = (min(100, known[0] + (score >= _SAME)), (*known[1], *reasons))
        elif known:
            combined = _SAME_DOMAIN_AND_NAME if score >= _SAME else (
                _SAME_DOMAIN_AND_NEAR_NAME if score >= _NEAR else _SAME_DOMAIN)  # fmt: skip
            if any("numbers differ" in reason for reason in reasons):
                combined = score
            self._found[client.client_id] = (combined, (*known[1], *reasons))
        else:
            self._found[client.client_id] = self._by_name(client, score, reasons, domains)

    def _by_name(
        self, client: Client, score: int, reasons: tuple[str, ...], domains: frozenset[str]
    ) -> tuple[int, tuple[str, ...]]:
        if self._decided - {client.client_id}:
            return max(score - _ELSEWHERE, 0), (*reasons, "an id or domain names another client")
        if domains and client.domains and not {label_of(d) for d in domains} & {label_of(d) for d in client.domains}:
            shown = f"{', '.join(sorted(domains))} and {', '.join(sorted(client.domains))}"
            return max(score - _OTHER_DOMAIN, 0), (*reasons, f"the domains differ ({shown})")
        return score, reasons

    def candidates(self, clients: Mapping[int, Client]) -> list[Candidate]:
        """Return all candidates; what names a client that cannot be used is left out."""
        return [
            Candidate(client_id, clients[client_id].name, score, reasons)
            for client_id, (score, reasons) in self._found.items()
            if client_id in clients
        ]


def _by_id(ids: Iterable[Evidence]) -> dict[str, dict[int, list[Evidence]]]:
    found: dict[str, dict[int, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    for evidence in ids:
        found[evidence.company_id][evidence.client_id].append(evidence)
    return found


def _by_domain(known: ClientEvidence) -> dict[str, dict[int, str]]:
    """Return the client with the same domain, where one company and one client have it."""
    companies: dict[str, set[str]] = defaultdict(set)
    clients: dict[str, set[int]] = defaultdict(set)
    for company_id, domains in (known.domains or {}).items():
        for domain in domains:
            companies[domain].add(company_id)
    for client in known.clients:
        for domain in client.domains:
            clients[domain].add(client.client_id)
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for domain, company_ids in companies.items():
        if len(company_ids) == 1 and len(clients.get(domain, ())) == 1:
            found[next(iter(company_ids))][next(iter(clients[domain]))] = domain
    return found
