"""300 difficult names whose answers the scorer never sees: nothing wrong above the floor, and how much is found."""

from __future__ import annotations

from collections import Counter

import pytest

from pax8_pipeline.mapping.clients import Client, ClientEvidence, suggest_clients
from pax8_pipeline.mapping.domains import domain_of
from pax8_pipeline.mapping.suggestion import Subject, Suggestion
from pax8_pipeline_tests.support.difficult_names import DifficultNames, plant


def suggested(world: DifficultNames) -> list[Suggestion]:
    companies = [Subject("client", company_id, name) for company_id, name in world.companies.items()]
    clients = [Client(i, n, _domains(world.client_domains.get(i))) for i, n in world.clients.items()]
    domains = {company_id: _domains(domain) for company_id, domain in world.company_domains.items()}
    return suggest_clients(ClientEvidence(companies, clients, domains=domains))


def _domains(domain: str | None) -> frozenset[str]:
    found = domain_of(domain)
    return frozenset([found] if found else [])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_suggestion_above_the_floor_is_wrong_and_most_companies_are_found(seed: int) -> None:
    world = plant(seed)
    sure = [s for s in suggested(world) if s.is_sure]
    wrong = [
        (world.kinds[s.subject.pax8_id], s.subject.name, s.best)
        for s in sure
        if s.best.halo_id != world.right[s.subject.pax8_id]
    ]
    assert wrong == []
    findable = [company_id for company_id, client in world.right.items() if client is not None]
    missed = Counter(world.kinds[i] for i in set(findable) - {s.subject.pax8_id for s in sure})
    assert len(world.companies) >= 300
    assert len(sure) / len(findable) >= 0.95, missed
