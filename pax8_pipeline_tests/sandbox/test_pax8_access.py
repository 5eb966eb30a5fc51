"""Who may ask the emulated Pax8 what: tokens, errors in the common envelope, and no writes (pax8.md 2, 5, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import requests

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.pax8_http import TIMEOUT, Pax8Caller, serving


@pytest.fixture(scope="module")
def pax8() -> Iterator[Pax8Caller]:
    with serving(World(2, date(2026, 8, 20), companies=15)) as caller:
        yield caller


def test_a_token_lives_a_day(pax8: Pax8Caller) -> None:
    answer = pax8.token().json()
    assert answer.keys() == {"access_token", "expires_in", "token_type"}
    assert (answer["expires_in"], answer["token_type"]) == (86400, "Bearer")


@pytest.mark.parametrize(
    "members",
    [
        {"client_secret": "wrong"},
        {"client_id": "wrong"},
        {"audience": "https://example.com"},
        {"audience": None},
        {"grant_type": "password"},
    ],
)
def test_bad_credentials_get_access_denied_outside_the_envelope(pax8: Pax8Caller, members: dict[str, str]) -> None:
    answer = pax8.token(**members)
    assert answer.status_code == 401
    assert answer.json() == {"error": "access_denied", "error_description": "Unauthorized"}


def test_the_token_endpoint_takes_a_form_only_where_the_switch_says_so(pax8: Pax8Caller) -> None:
    env = pax8.sandbox.env()
    form = {
        "client_id": env["PAX8_CLIENT_ID"],
        "client_secret": env["PAX8_CLIENT_SECRET"],
        "audience": "https://api.pax8.com",
        "grant_type": "client_credentials",
    }
    assert requests.post(env["PAX8_TOKEN_URL"], data=form, timeout=TIMEOUT).status_code == 200
    pax8.sandbox.pax8.switches.change({"token_body": "json"})
    assert requests.post(env["PAX8_TOKEN_URL"], data=form, timeout=TIMEOUT).status_code == 400
    pax8.sandbox.pax8.switches.change({"token_body": "json_or_form"})


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic abc"])
def test_without_a_living_token_nothing_is_told(pax8: Pax8Caller, header: str) -> None:
    url = pax8.sandbox.env()["PAX8_API_URL"] + "/companies"
    answer = requests.get(url, headers={"Authorization": header}, timeout=TIMEOUT)
    assert answer.status_code == 401
    assert answer.json()["type"] == "UNAUTHORIZED"


def test_tokens_die_on_demand_and_by_the_clock() -> None:
    with serving(World(2, date(2026, 8, 20), companies=2)) as caller:
        assert caller.call("/companies").status_code == 200
        caller.sandbox.pax8.expire_tokens()
        assert caller.call("/companies").status_code == 401
        caller.log_in()
        assert caller.call("/companies").status_code == 200
        caller.sandbox.world.play_day()
        assert caller.call("/companies").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/companies"),
        ("PUT", "/subscriptions/{id}"),
        ("DELETE", "/subscriptions/{id}"),
        ("PATCH", "/companies/{id}"),
        ("POST", "/orders"),
    ],
)
def test_every_write_is_refused_and_remembered(pax8: Pax8Caller, method: str, path: str) -> None:
    before = len(pax8.sandbox.pax8.write_attempts)
    answer = pax8.call(path.format(id=next(iter(pax8.sandbox.pax8.subscriptions))), method)
    assert answer.status_code == 405
    assert len(pax8.sandbox.pax8.write_attempts) == before + 1
    assert pax8.sandbox.pax8.write_attempts[-1]["method"] == method


def test_asking_for_a_token_is_no_write(pax8: Pax8Caller) -> None:
    before = len(pax8.sandbox.pax8.write_attempts)
    pax8.token()
    assert len(pax8.sandbox.pax8.write_attempts) == before


@pytest.mark.parametrize(
    "path",
    [
        "/usage-summaries",
        "/usage-summaries/{group}/lines",
        "/companies/{company}/subscriptions",
        "/invoices/draft-items",
        "/webhooks",
        "/nonsense",
    ],
)
def test_endpoints_that_do_not_exist_are_404(pax8: Pax8Caller, path: str) -> None:
    store = pax8.sandbox.pax8
    answer = pax8.call(path.format(group=next(iter(store.groups)), company=next(iter(store.companies))))
    assert answer.status_code == 404
    assert answer.json()["type"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/companies/{}",
        "/companies/{}/contacts",
        "/products/{}",
        "/products/{}/pricing",
        "/subscriptions/{}",
        "/subscriptions/{}/history",
        "/subscriptions/{}/usage-summaries",
        "/usage-summaries/{}",
        "/usage-summaries/{}/usage-lines?usageDate=2026-08-01",
        "/invoices/{}",
        "/invoices/{}/items",
    ],
)
def test_an_unknown_id_is_404_in_the_envelope(pax8: Pax8Caller, path: str) -> None:
    asked = path.format("00000000-0000-4000-8000-000000000000")
    answer = pax8.call(asked)
    assert answer.status_code == 404
    error = answer.json()
    assert error.keys() == {"type", "message", "instance", "status", "details"}
    assert error["instance"] == "/public/v1" + asked.partition("?")[0]
    assert error["status"] == 404


def test_ids_are_found_in_any_case(pax8: Pax8Caller) -> None:
    key = next(iter(pax8.sandbox.pax8.subscriptions))
    assert pax8.get(f"/subscriptions/{key.upper()}") == pax8.get(f"/subscriptions/{key}")


def test_a_foreign_company_is_forbidden(pax8: Pax8Caller) -> None:
    foreign = "11111111-0000-4000-8000-000000000000"
    assert pax8.call("/subscriptions", companyId=foreign).status_code == 403
    assert pax8.call("/invoices/draftItems", companyId=foreign).status_code == 404
    pax8.sandbox.pax8.switches.change({"foreign_companies": [foreign]})
    assert pax8.call("/invoices/draftItems", companyId=foreign).status_code == 403
    pax8.sandbox.pax8.switches.change({"foreign_companies": []})


def test_draft_items_know_two_months_and_may_time_out(pax8: Pax8Caller) -> None:
    assert pax8.call("/invoices/draftItems", monthOffset=2).status_code == 422
    pax8.sandbox.pax8.switches.change({"draft_items_timeout": True})
    assert pax8.call("/invoices/draftItems").status_code == 408
    pax8.sandbox.pax8.switches.change({"draft_items_timeout": False})
