"""Tokens, scopes and rights of the Halo emulator (docs/vendors/halo.md#token, #errors)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from pax8_pipeline_tests.support.halo_http import CLIENT, HEADER, HaloKit, running_halo, sample_tenant


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


def test_a_token_says_how_long_it_lives_and_what_it_may(halo: HaloKit) -> None:
    reply = halo.ask_token(scope="read:customers edit:invoices read:nonsense").json()
    assert reply["token_type"] == "Bearer"
    assert reply["expires_in"] == 3600
    assert reply["access_token"].count(".") == 2
    assert reply["scope"] == "edit:invoices read:customers"


@pytest.mark.parametrize("wrong", [{"client_id": "x"}, {"client_secret": "x"}])
def test_bad_credentials_are_invalid_client(halo: HaloKit, wrong: dict[str, str]) -> None:
    reply = halo.ask_token(**wrong)
    assert reply.status_code == 401
    assert reply.json()["error"] == "invalid_client"


def test_a_wrong_tenant_is_a_server_error_and_no_tenant_is_fine(halo: HaloKit) -> None:
    assert halo.ask_token(tenant="other").status_code == 500
    assert "html" in halo.ask_token(tenant="other").headers["content-type"]
    assert halo.ask_token(tenant=None).status_code == 200


def test_the_token_endpoint_takes_a_form_and_no_json(halo: HaloKit) -> None:
    reply = halo.session.post(f"{halo.url}/halo/auth/token", json={"grant_type": "client_credentials"}, timeout=10)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    assert halo.ask_token(grant_type="password").json()["error"] == "unsupported_grant_type"
    assert halo.ask_token(scope="").json()["error"] == "invalid_scope"


def test_discovery_is_anonymous_and_leads_to_the_token_endpoint(halo: HaloKit) -> None:
    found = requests.get(f"{halo.url}/halo/api/authinfo", timeout=10).json()
    assert found == {"auth_url": f"{halo.url}/halo/auth", "tenant_id": "sandbox"}


def test_a_token_dies_after_an_hour_of_the_worlds_clock(halo: HaloKit) -> None:
    halo.get("/Client")
    halo.clock.move(seconds=3599)
    assert halo.call("GET", "/Client").status_code == 200
    halo.clock.move(seconds=1)
    reply = halo.call("GET", "/Client")
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_token")


def test_tokens_can_be_made_to_die_and_a_new_one_works(halo: HaloKit) -> None:
    halo.get("/Client")
    halo.store.expire_tokens()
    assert halo.call("GET", "/Client").status_code == 401
    halo.token = ""
    assert halo.call("GET", "/Client").status_code == 200


def test_a_dead_token_may_be_answered_with_nothing_at_all(halo: HaloKit) -> None:
    halo.store.switches.change({"unauthorized_body": "empty"})
    halo.token = "not.a.token"
    reply = halo.call("GET", "/Client")
    assert (reply.status_code, reply.content) == (401, b"")


@pytest.mark.parametrize("status", [401, 403])
def test_a_write_without_its_scope_is_refused_and_changes_nothing(halo: HaloKit, status: int) -> None:
    halo.store.switches.change({"scopes": ["read:invoices"], "scope_refusal": status})
    assert halo.call("GET", "/RecurringInvoice").status_code == 200
    reply = halo.call("POST", "/RecurringInvoice", body=[{"id": HEADER, "reference": "changed"}])
    assert reply.status_code == status
    assert halo.call("GET", "/SoftwareLicence").status_code == status
    assert halo.store.recurring_invoices[HEADER]["reference"] == "Monthly services"
    assert halo.store.writes == []


def test_an_agent_who_sees_little_gets_empty_lists_not_errors(halo: HaloKit) -> None:
    halo.store.switches.change({"empty_for_agent": ["Client"]})
    assert halo.get("/Client") == {"record_count": 0, "clients": []}
    assert halo.get("/RecurringInvoice")["record_count"] == 1


def test_a_forbidden_resource_is_403_and_a_denied_detail_401(halo: HaloKit) -> None:
    halo.store.switches.change({"forbidden_for_agent": ["Item"], "detail_denied": ["Client"]})
    assert halo.call("GET", "/Item").status_code == 403
    assert halo.call("GET", "/Client").status_code == 200
    assert halo.call("GET", f"/Client/{CLIENT}").status_code == 401


@pytest.mark.parametrize(("mode", "status"), [("forbidden", 403), ("missing", 404), ("ok", 200)])
def test_the_pax8_account_may_be_out_of_reach(halo: HaloKit, mode: str, status: int) -> None:
    halo.store.switches.change({"pax8details": mode})
    assert halo.call("GET", "/Pax8Details").status_code == status


def test_native_sync_shows_as_enabled_on_the_account(halo: HaloKit) -> None:
    assert halo.get("/Pax8Details")[0]["integrator_enabled"] is False
    halo.store.switches.change({"native_sync": "on", "pax8details": "keyed"})
    assert "integrator_enabled" not in halo.get("/Pax8Details")["pax8details"][0]
    assert halo.get("/Pax8Details/1")["integrator_enabled"] is True
