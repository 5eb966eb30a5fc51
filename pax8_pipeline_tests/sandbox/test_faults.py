"""Faults of the line: which request they hit, and what a client then sees on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from pax8_pipeline.sandbox.faults.registry import Fault, Faults
from pax8_pipeline.sandbox.faults.traffic import RollingLimit, default_limits
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.support.pax8_http import TIMEOUT, Pax8Caller, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Pax8Caller]:
    with serving(World(2, date(2026, 8, 20), companies=15)) as caller:
        yield caller


@pytest.fixture
def pax8(running: Pax8Caller) -> Iterator[Pax8Caller]:
    running.log_in()
    running.sandbox.requests.clear()
    yield running
    running.sandbox.faults.remove()


class HaloCaller:
    """Asks and writes to the emulated Halo as any client would."""

    def __init__(self, caller: Pax8Caller) -> None:
        env = caller.sandbox.env()
        self.url = env["HALO_API_URL"]
        form = {
            "grant_type": "client_credentials",
            "client_id": env["HALO_CLIENT_ID"],
            "client_secret": env["HALO_CLIENT_SECRET"],
            "scope": "all",
        }
        query = {"tenant": env["HALO_TENANT"]}
        answer = requests.post(f"{env['HALO_AUTH_URL']}/token", params=query, data=form, timeout=TIMEOUT)
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def get(self, path: str, **query: Any) -> requests.Response:
        return requests.get(self.url + path, params=query, headers=self.headers, timeout=TIMEOUT)

    def post(self, path: str, body: Any) -> requests.Response:
        headers = self.headers | {"Content-Type": "application/json"}
        return requests.post(self.url + path, data=jsontext.dumps(body), headers=headers, timeout=TIMEOUT)


# Which request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "hit"),
    [
        ({}, True),
        ({"vendor": "halo"}, False),
        ({"vendor": "pax8", "method": "get"}, True),
        ({"method": "POST"}, False),
        ({"path": "/subscriptions"}, True),
        ({"path": "/SUBSCRIPTIONS"}, True),
        ({"path": "/pax8/v1/subscriptions"}, True),
        ({"path": "/subscriptions/*"}, False),
        ({"path": "*scrip*"}, True),
    ],
)
def test_a_fault_hits_what_it_names(order: dict[str, Any], hit: bool) -> None:
    faults = Faults()
    faults.add("500", **order)
    assert bool(faults.take("pax8", "GET", "/pax8/v1/subscriptions", {})) is hit


def test_token_endpoints_are_hit_only_by_name() -> None:
    faults = Faults()
    faults.add("500", times=None)
    assert faults.take("halo", "POST", "/halo/auth/token", {}) == []
    named = faults.add("502", path="/auth/token")
    assert faults.take("halo", "POST", "/halo/auth/token", {}) == [named]


def test_a_fault_skips_the_first_and_ends_after_its_times() -> None:
    faults = Faults()
    faults.add("500", after=2, times=3)
    hits = [bool(faults.take("pax8", "GET", "/pax8/v1/companies", {})) for _ in range(8)]
    assert hits == [False, False, True, True, True, False, False, False]


def test_chance_comes_from_the_seed() -> None:
    def draw(seed: int) -> list[bool]:
        fault = Fault("500", times=None, probability=0.5, seed=seed)
        return [fault.hits() for _ in range(64)]

    assert draw(1) == draw(1) != draw(2)
    assert 16 < sum(draw(1)) < 48


def test_latency_combines_with_another_fault_and_others_do_not() -> None:
    faults = Faults()
    slow, wrong, _third = faults.add("latency"), faults.add("500"), faults.add("502")
    assert faults.take("pax8", "GET", "/pax8/v1/companies", {}) == [slow, wrong]


@pytest.mark.parametrize("order", [{"kind": "fire"}, {"kind": "500", "vendor": "sherweb"}, {"kind": "500", "tiems": 2}])
def test_an_order_that_cannot_be_is_refused(order: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fire|sherweb|tiems"):
        Faults().add_json(order)


# What a client sees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503])
def test_gateway_errors_are_html(pax8: Pax8Caller, status: int) -> None:
    pax8.sandbox.faults.add(str(status))
    answer = pax8.call("/companies")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html")
    assert pax8.call("/companies").status_code == 200


def test_429_tells_seconds_or_a_date_or_nothing(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("429", params={"retry_after": 7})
    assert pax8.call("/companies").headers["Retry-After"] == "7"
    pax8.sandbox.faults.add("429", params={"retry_after": 120, "style": "date"})
    headers = pax8.call("/companies").headers
    until, now = (parsedate_to_datetime(headers[name]) for name in ("Retry-After", "Date"))
    assert (until - now).total_seconds() == 120  # both by the world's clock
    pax8.sandbox.faults.add("429_no_header")
    answer = pax8.call("/companies")
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers


def test_the_body_of_a_429_is_an_envelope_once_and_plain_text_once(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("429", times=2)
    kinds = {pax8.call("/companies").headers["content-type"] for _ in range(2)}
    assert kinds == {"application/json", "text/plain"}


def test_a_connection_is_cut_in_the_middle_of_the_body(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        pax8.call("/companies")
    assert [row.status for row in pax8.sandbox.requests] == [0]


def test_a_connection_is_cut_before_the_first_byte(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("cut", params={"at": "start"})
    with pytest.raises(requests.exceptions.ConnectionError):
        pax8.call("/companies")


def test_a_hanging_request_ends_when_released(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("hang", params={"limit": 30})
    with pytest.raises(requests.exceptions.ReadTimeout):
        pax8.session.get(pax8.sandbox.env()["PAX8_API_URL"] + "/companies", timeout=0.2)
    pax8.sandbox.faults.remove()
    assert pax8.call("/companies").status_code == 200


def test_a_hang_ends_by_its_limit_with_a_cut(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("hang", params={"limit": 0.05})
    with pytest.raises(requests.exceptions.ConnectionError):
        pax8.call("/companies")


def test_expired_tokens_give_401_until_a_new_one(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("expire_token", after=1)
    assert [pax8.call("/companies").status_code for _ in range(3)] == [200, 401, 401]
    pax8.log_in()
    assert pax8.call("/companies").status_code == 200


def test_a_short_page_keeps_its_totals(pax8: Pax8Caller) -> None:
    whole = pax8.get("/companies", sort="name,asc")
    pax8.sandbox.faults.add("short_page", params={"rows": 2})
    short = pax8.get("/companies", sort="name,asc")
    assert short["content"] == whole["content"][:-2]
    assert short["page"] == whole["page"]


def test_a_shifted_page_begins_with_the_last_row_of_the_one_before(pax8: Pax8Caller) -> None:
    query = {"sort": "name,asc", "size": 4}
    first, second = (pax8.get("/companies", page=number, **query)["content"] for number in (0, 1))
    pax8.sandbox.faults.add("shifted_page")
    assert pax8.get("/companies", page=0, **query)["content"] == first
    assert pax8.get("/companies", page=1, **query)["content"] == [first[-1], *second[:-1]]


def test_an_empty_list_says_that_there_is_nothing(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("empty", path="/subscriptions")
    answer = pax8.get("/subscriptions", size=200)
    assert answer["content"] == []
    assert (answer["page"]["totalElements"], answer["page"]["totalPages"]) == (0, 0)


def test_what_is_no_list_leaves_a_list_fault_for_the_next(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("empty")
    key = next(iter(pax8.sandbox.pax8.companies))
    assert pax8.get(f"/companies/{key}")["id"] == key
    assert pax8.get("/companies")["content"] == []


def test_an_answer_may_be_no_json(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("not_json")
    answer = pax8.call("/companies")
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


def test_halo_lists_are_shortened_shifted_and_emptied_too(pax8: Pax8Caller) -> None:
    halo = HaloCaller(pax8)
    query = {"pageinate": "true", "page_size": 4, "order": "id", "includeinactive": "true"}
    first, second = (halo.get("/Client", page_no=number, **query).json() for number in (1, 2))
    pax8.sandbox.faults.add("shifted_page", path="/client")
    shifted = halo.get("/Client", page_no=2, **query).json()
    assert shifted["clients"] == [first["clients"][-1], *second["clients"][:-1]]
    pax8.sandbox.faults.add("short_page", path="/client")
    assert halo.get("/Client", page_no=1, **query).json()["clients"] == first["clients"][:-1]
    pax8.sandbox.faults.add("empty", path="/client")
    emptied = halo.get("/Client", page_no=1, **query).json()
    assert (emptied["record_count"], emptied["clients"]) == (0, [])


def _lose(caller: Pax8Caller, kind: str, send: Callable[[], requests.Response]) -> int | None:
    """Send a write whose answer goes wrong; the status seen, None for none."""
    caller.sandbox.faults.add(kind, vendor="halo", method="POST", path="/SoftwareLicence")
    try:
        return send().status_code
    except requests.exceptions.ConnectionError:
        return None


@pytest.mark.parametrize(
    ("kind", "status", "applied"),
    [("reply_lost", None, True), ("reply_lost_502", 502, True), ("502", 502, False), ("500", 500, False)],
)
def test_a_write_whose_answer_is_lost_may_have_taken_effect(
    pax8: Pax8Caller, kind: str, status: int | None, applied: bool
) -> None:
    halo = HaloCaller(pax8)
    licence = next(iter(pax8.sandbox.halo.licences.values()))
    before = licence["count"]
    body = [{"id": licence["id"], "client_id": licence["client_id"], "count": before + 1}]
    seen = _lose(pax8, kind, lambda: halo.post("/SoftwareLicence", body))
    assert seen == status
    held = pax8.sandbox.halo.licences[licence["id"]]["count"]
    assert held == (before + 1 if applied else before)


def test_408_comes_in_the_vendors_own_form(pax8: Pax8Caller) -> None:
    pax8.sandbox.faults.add("408", path="/invoices/draftItems")
    answer = pax8.call("/invoices/draftItems")
    assert (answer.status_code, answer.json()["type"]) == (408, "REQUEST_TIMEOUT")


# Rate limits ------------------------------------------------------------------------------------------------


def test_a_rolling_limit_frees_what_is_older_than_its_window() -> None:
    now = [0.0]
    limit = RollingLimit(2, 60, lambda: now[0])
    for moment in (0.0, 10.0):
        now[0] = moment
        assert limit.wait() == 0
        limit.count()
    now[0] = 20.0
    assert limit.wait() == 40
    now[0] = 60.0
    assert limit.wait() == 0


def test_the_vendors_limits_are_theirs() -> None:
    limits = default_limits(lambda: 0.0)
    assert {vendor: (one.limit, one.window) for vendor, one in limits.items()} == {
        "pax8": (1000, 60),
        "halo": (300, 300),
    }


def test_over_the_limit_everything_is_429_with_the_header_the_switch_wants() -> None:
    with serving(World(2, date(2026, 8, 20), companies=2), rate_limits=True) as caller:
        limit = caller.sandbox.app.limits["pax8"]
        limit.limit = 3  # one was the token
        assert [caller.call("/companies").status_code for _ in range(3)] == [200, 200, 429]
        assert int(caller.call("/companies").headers["Retry-After"]) in range(50, 61)
        caller.sandbox.pax8.switches.change({"retry_after": "none"})
        assert "Retry-After" not in caller.call("/companies").headers
        assert [row.fault for row in caller.sandbox.requests][-1] == "rate limit"


def test_what_fails_does_not_count_against_pax8s_limit() -> None:
    with serving(World(2, date(2026, 8, 20), companies=2), rate_limits=True) as caller:
        caller.sandbox.app.limits["pax8"].limit = 2
        assert [caller.call("/nothing").status_code for _ in range(5)] == [404] * 5
        assert caller.call("/companies").status_code == 200
        assert caller.call("/companies").status_code == 429


def test_halos_refusal_names_its_limit_and_the_window_or_neither() -> None:
    with serving(World(2, date(2026, 8, 20), companies=2), rate_limits=True) as caller:
        caller.sandbox.halo.switches.change({"rate_limit": 1})
        address = f"{caller.sandbox.env()['HALO_API_URL']}/Client"
        caller.session.get(address, timeout=TIMEOUT)
        assert (
            caller.session.get(address, timeout=TIMEOUT).text == "API calls quota exceeded! Maximum admitted 1 per 5m."
        )
        caller.sandbox.halo.switches.change({"rate_text": "silent"})
        assert caller.session.get(address, timeout=TIMEOUT).text == "Too many requests"
