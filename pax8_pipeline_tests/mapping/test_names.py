"""How sure it is that two names are one company: what may differ, and what never may."""

from __future__ import annotations

import pytest

from pax8_pipeline.mapping.clients import Client, ClientEvidence, Evidence, suggest_clients
from pax8_pipeline.mapping.domains import domain_of, label_of
from pax8_pipeline.mapping.items import Item, suggest_items
from pax8_pipeline.mapping.similarity import best_matches
from pax8_pipeline.mapping.suggestion import FLOOR, Subject, Suggestion
from pax8_pipeline.mapping.usage_groups import GroupCompany, suggest_usage_groups


def score(one: str, other: str) -> int:
    return max((match.likeness.score for match in best_matches([one], [other])[0]), default=0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbor Dental", "HARBOR  DENTAL"),
        ("Harbor Dental Ltd", "Harbor Dental Limited"),
        ("Harbor Dental", "Harbor Dental, Inc."),
        ("Müller GmbH & Co. KG", "Mueller GmbH und Co KG"),
        ("Wiśniewski Sp. z o.o.", "Wisniewski"),
        ("Dupont S.à r.l.", "Dupont SARL"),
        ("Norden A/S", "Norden AS"),
        ("O'Brien & Sons", "OBrien and Sons"),
        ("I.B.C. Systems", "IBC Systems"),
        ("Smith, John", "John Smith"),
        ("Wal-Mart", "Walmart"),
        ("Harbor Intl", "Harbor International"),
        ("Store No. 02", "Store No 2"),
        ("Henry II Foods", "Henry 2 Foods"),
        ("New Name (formerly Old Name)", "Old Name"),
        ("株式会社 トヨタ", "トヨタ"),
        ("Smith &amp; Sons", "Smith & Sons"),
    ],
)
def test_names_that_differ_by_form_are_one_company(one: str, other: str) -> None:
    assert score(one, other) >= FLOOR
    assert score(other, one) >= FLOOR


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbor Dental 1", "Harbor Dental 2"),
        ("Harbor Dental", "Harbor Dental 2"),
        ("Harbor Dental Leeds", "Harbor Dental York"),
        ("Harbor Dental", "Harbor Dental Leeds"),
        ("Marten Dental", "Martin Dental"),
        ("Harbor Service", "Harbor Services"),
        ("Harbor", "Harbor Group"),
        ("Harbor Ltd", "Harbor GmbH"),
        ("Müller GmbH", "Müller GmbH & Co. KG"),
        ("Ltd", "GmbH"),
        ("Store 1 Unit 2", "Store 2 Unit 1"),
        ("J R Smith", "R J Smith"),
        ("", "Harbor"),
    ],
)
def test_names_that_may_be_two_companies_stay_below_the_floor(one: str, other: str) -> None:
    assert score(one, other) < FLOOR
    assert score(other, one) < FLOOR


def suggest(companies: dict[str, str], clients: dict[int, str], **known: object) -> dict[str, Suggestion]:
    subjects = [Subject("client", company_id, name) for company_id, name in companies.items()]
    parts = [Client(i, name, known.get(f"of_{i}", frozenset())) for i, name in clients.items()]  # type: ignore[arg-type]
    evidence = ClientEvidence(subjects, parts, **{k: v for k, v in known.items() if not k.startswith("of_")})  # type: ignore[arg-type]
    return {s.subject.pax8_id: s for s in suggest_clients(evidence)}


def test_two_clients_of_one_name_are_a_question_and_an_id_answers_it() -> None:
    clients = {1: "Harbor Dental", 2: "Harbor Dental"}
    undecided = suggest({"a": "Harbor Dental"}, clients)["a"]
    assert (undecided.best.score, undecided.runner_up is not None) == (50, True)
    assert "nearly as likely" in undecided.best.reasons[-1]
    decided = suggest({"a": "Harbor Dental"}, clients, ids=[Evidence("a", 2, "subscription_id", "a licence")])["a"]
    assert (decided.best.halo_id, decided.best.score >= 95) == (2, True)


def test_a_client_for_two_companies_says_so() -> None:
    found = suggest({"a": "Harbor Dental", "b": "Harbor Dental Ltd"}, {1: "Harbor Dental"})
    assert [found[c].is_sure for c in "ab"] == [False, False]
    assert "it is suggested for Harbor Dental Ltd (b) too" in found["a"].best.reasons


def test_a_client_that_stands_for_a_company_already_says_so() -> None:
    found = suggest({"a": "Harbor Dental"}, {1: "Harbor Dental"}, taken={1: "Harbor Group"})["a"]
    assert (found.best.score, found.best.reasons[-1]) == (45, "it stands for Harbor Group already")


def test_each_of_two_twins_gets_the_one_with_its_exact_name() -> None:
    found = suggest({"a": "Harbor", "b": "Harbor Ltd"}, {1: "Harbor Ltd", 2: "Harbor"})
    assert {c: (s.best.halo_id, s.is_sure) for c, s in found.items()} == {"a": (2, True), "b": (1, True)}


def test_domains_find_a_renamed_client_and_part_two_of_one_name() -> None:
    same = suggest({"a": "Old"}, {1: "New"}, of_1=frozenset({"harbor.test"}), domains={"a": frozenset({"harbor.test"})})
    assert (same["a"].best.halo_id, same["a"].is_sure) == (1, True)
    other = suggest(
        {"a": "Harbor"}, {1: "Harbor"}, of_1=frozenset({"harbor.test"}), domains={"a": frozenset({"boats.test"})}
    )
    assert not other["a"].is_sure


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Harbor.co.uk/about?x", "harbor.co.uk"), ("info@harbor.test", "harbor.test"), ("harbor", None),
        ("me@gmail.com", None), (None, None), ("http://harbor.test:8080/", "harbor.test"),
    ],
)  # fmt: skip
def test_a_domain_is_read_from_what_people_type(text: str | None, domain: str | None) -> None:
    assert domain_of(text) == domain


def test_the_label_of_a_domain_is_what_the_endings_share() -> None:
    assert {label_of(d) for d in ("harbor.com", "harbor.co.uk", "mail.harbor.de", "harbor.onmicrosoft.com")} == {
        "harbor"
    }


def test_a_usage_group_is_hinted_by_the_customers_name_in_the_vendors_text() -> None:
    companies = [
        GroupCompany("c1", "Quarry Lane Print & Sign", 231),
        GroupCompany("c2", "Quarry Hill Print", 232),
        GroupCompany("c3", "Harbor Dental", None, frozenset({"harbor.test"})),
    ]
    groups = [
        Subject("usage_group", "g1", "Quarry Lane Print & Sign (tenant)"),
        Subject("usage_group", "g2", "harbor.onmicrosoft.com"),
        Subject("usage_group", "g3", "Tenant 07 (not linked)"),
    ]
    found = {s.subject.pax8_id: s for s in suggest_usage_groups(groups, companies)}
    assert (found["g1"].best.halo_id, found["g1"].is_sure) == (231, True)
    assert found["g2"].best.details["pax8_company_id"] == "c3"
    assert "g3" not in found


def test_an_item_is_found_by_id_before_code_before_name_and_plans_are_not_mixed() -> None:
    products = [Subject("item", p, "Exchange Online (Plan 1) (NCE)") for p in ("p1", "p2", "p3")]
    items = [Item(1, "Mail", frozenset({"p1"})), Item(2, "Post", part_code="EX-1"), Item(3, "Exchange Online (Plan 2)")]
    found = {s.subject.pax8_id: s for s in suggest_items(products, items, {"p2": "ex-1"})}
    assert [(found[p].best.halo_id, found[p].best.score) for p in ("p1", "p2")] == [(1, 99), (2, 96)]
    assert "p3" not in found
