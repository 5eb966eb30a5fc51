"""What the Pax8 client asks for, what it believes, and that it cannot write: docs/vendors/pax8.md."""

from __future__ import annotations

import inspect
import threading
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from pax8_pipeline.errors import (
    AuthRefused,
    BadAnswer,
    ConfigError,
    Forbidden,
    IncompleteRead,
    NotFound,
    ServerFault,
)
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline_tests.pax8.conftest import Connect, Row, paged
from pax8_pipeline_tests.support.scripted_http import (
    FakeTime,
    ScriptedRequest,
    ScriptedResponse,
    TokenServer,
    html,
    json_response,
)


def rows(number: int) -> list[Row]:
    return [{"id": f"id-{n}", "name": f"n {n}"} for n in range(number)]


def test_the_token_is_asked_for_as_json_with_the_audience(connect: Connect) -> None:
    client, server = connect(lambda asked: paged(asked, []))
    client.companies()
    (call,) = server.token_calls
    assert (call.method, call.path) == ("POST", "/v1/token")
    assert call.headers["content-type"] == "application/json"
    assert call.json == {
        "client_id": "partner-app",
        "client_secret": "partner-app-secret",
        "audience": "https://api.pax8.com",
        "grant_type": "client_credentials",
    }
    assert {asked.token for asked in server.sent("GET")} == {"token-1"}


def test_bad_credentials_name_the_variables_to_check(connect: Connect) -> None:
    refusal = json_response({"error": "access_denied", "error_description": "Unauthorized"}, 401)
    client, server = connect(lambda asked: refusal, tokens=False)
    with pytest.raises(AuthRefused, match=r"access_denied.*PAX8_CLIENT_ID and PAX8_CLIENT_SECRET"):
        client.check()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("read", "path", "sort"),
    [
        (Pax8Client.companies, "/v1/companies", "name,asc"),
        (Pax8Client.products, "/v1/products", "name,asc"),
        (Pax8Client.subscriptions, "/v1/subscriptions", "createdDate,asc"),
        (Pax8Client.invoices, "/v1/invoices", "invoiceDate,asc"),
        (lambda client: client.usage_summaries("s 1"), "/v1/subscriptions/s%201/usage-summaries", "resourceGroup,asc"),
        (lambda client: client.invoice_items("i1"), "/v1/invoices/i1/items", None),
    ],
)
def test_a_list_is_asked_for_in_pages_of_200_sorted_and_unfiltered(
    read: Any, path: str, sort: str | None, connect: Connect
) -> None:
    client, server = connect(lambda asked: paged(asked, rows(450)))
    listing = read(client)
    assert [row["id"] for row in listing.objects] == [f"id-{n}" for n in range(450)]
    assert (listing.endpoint, listing.expected, listing.requests) == (path.removeprefix("/v1"), 450, 3)
    asked = server.sent("GET")
    assert {one.path for one in asked} == {path}
    assert sorted(one.params["page"] for one in asked) == ["0", "1", "2"]
    rest = {key: value for key, value in asked[0].params.items() if key != "page"}
    assert rest == ({"size": "200"} if sort is None else {"size": "200", "sort": sort})


def test_pages_after_the_first_are_read_side_by_side(connect: Connect) -> None:
    all_started = threading.Barrier(3)

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if asked.params["page"] != "0":
            all_started.wait(30)
        return paged(asked, rows(800))

    client, _ = connect(script)
    assert len(client.subscriptions().objects) == 800


def test_a_server_that_uses_smaller_pages_is_believed(connect: Connect) -> None:
    def script(asked: ScriptedRequest) -> ScriptedResponse:
        return paged(ScriptedRequest(**{**vars(asked), "params": {**asked.params, "size": "10"}}), rows(25))

    client, _ = connect(script)
    listing = client.subscriptions()
    assert (len(listing.objects), listing.requests) == (25, 3)


def test_a_list_with_no_content_and_no_pages_is_empty(connect: Connect) -> None:
    client, _ = connect(
        lambda asked: json_response({"page": {"size": 200, "totalElements": 0, "totalPages": 0, "number": 0}})
    )
    listing = client.invoices()
    assert (listing.objects, listing.expected) == ((), 0)


def test_a_list_without_its_page_object_is_a_bad_answer(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response({"content": []}))
    with pytest.raises(BadAnswer, match="page"):
        client.subscriptions()


def test_a_page_that_comes_short_once_is_read_again(connect: Connect) -> None:
    shortened: list[int] = []

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if asked.params["page"] == "1" and not shortened:
            shortened.append(1)
            page = {"size": 200, "totalElements": 450, "totalPages": 3, "number": 1}
            return json_response({"content": rows(450)[200:399], "page": page})
        return paged(asked, rows(450))

    client, _ = connect(script)
    listing = client.subscriptions()
    assert {row["id"] for row in listing.objects} == {f"id-{n}" for n in range(450)}


def test_a_page_that_always_comes_short_gives_nothing(connect: Connect) -> None:
    def script(asked: ScriptedRequest) -> ScriptedResponse:
        return paged(asked, rows(5), totalElements=6)

    client, _ = connect(script)
    with pytest.raises(IncompleteRead) as caught:
        client.subscriptions()
    assert (caught.value.got, caught.value.expected) == (5, 6)


def test_one_page_that_fails_for_good_fails_the_list(connect: Connect) -> None:
    client, _ = connect(
        lambda asked: html(500) if asked.params["page"] == "1" else paged(asked, rows(450)), retry=RetryPolicy(tries=2)
    )
    with pytest.raises(ServerFault, match="500"):
        client.subscriptions()


def test_a_token_that_expires_in_the_middle_of_paging_is_renewed_without_loss(connect: Connect) -> None:
    desk = TokenServer()

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        if asked.params["page"] == "0":
            desk.expire()
        return paged(asked, rows(1000))

    client, server = connect(desk.guards(script), tokens=False)
    assert len(client.subscriptions().objects) == 1000
    assert len(server.token_calls) == 2


def test_a_subscription_is_read_by_id_whatever_its_case(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response({"id": "ABC-1", "quantity": 3}))
    assert client.subscription("abc-1")["quantity"] == 3


@pytest.mark.parametrize("body", [{"id": "other"}, {}, [], None, {"content": []}])
def test_another_object_than_asked_for_is_a_bad_answer(body: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body))
    with pytest.raises(BadAnswer, match="not the object that was asked for"):
        client.subscription("abc-1")


@pytest.mark.parametrize("bad", ["", " ", ".", ".."])
def test_an_id_that_would_name_another_resource_is_never_sent(bad: str, connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({}))
    with pytest.raises(ValueError, match="not an id"):
        client.subscription(bad)
    assert server.asked == []


def test_an_id_cannot_leave_its_segment(connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({"id": "a/../b?x"}))
    client.usage_summary("a/../b?x")
    assert server.sent("GET")[0].path == "/v1/usage-summaries/a%2F..%2Fb%3Fx"


def test_usage_of_an_unknown_subscription_is_an_error_not_an_empty_list(connect: Connect) -> None:
    """404 is documented for an unknown id, not for "no usage" (docs/vendors/pax8.md#usage-summaries)."""
    client, _ = connect(lambda asked: json_response({"type": "NOT_FOUND", "message": "Subscription Not Found"}, 404))
    with pytest.raises(NotFound, match="Subscription Not Found"):
        client.usage_summaries("s1")


def test_usage_lines_are_asked_for_by_day_and_checked_here(connect: Connect) -> None:
    lines = [
        {"usageDate": "2026-07-31", "productId": "P1", "quantity": 1},
        {"usageDate": "2026-07-31T00:00:00Z", "productId": "p1", "quantity": 2},
        {"usageDate": "2026-07-30", "productId": "p1", "quantity": 3},
        {"usageDate": "2026-07-31", "productId": "p2", "quantity": 4},
    ]
    client, server = connect(lambda asked: paged(asked, lines))
    every = client.usage_lines("u1", date(2026, 7, 31))
    assert [line["quantity"] for line in every.objects] == [1, 2, 4]
    assert (every.expected, len(every.objects)) == (3, 3)
    assert [asked.params["usageDate"] for asked in server.sent("GET")] == ["2026-07-31"]


def test_equal_usage_lines_are_all_kept(connect: Connect) -> None:
    line = {"usageDate": "2026-07-31", "quantity": 1}
    client, _ = connect(lambda asked: paged(asked, [line, line, line]))
    assert len(client.usage_lines("u1", date(2026, 7, 31)).objects) == 3


def test_a_company_that_is_not_ours_is_forbidden(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response({"type": "FORBIDDEN", "message": "Not your company"}, 403))
    with pytest.raises(Forbidden, match="Not your company"):
        client.invoice_items("i1")


def test_the_draft_is_that_of_next_month(connect: Connect) -> None:
    client, server = connect(lambda asked: paged(asked, [{"type": "subscription"}]))
    assert client.draft_items().objects == ({"type": "subscription"},)
    (asked,) = server.sent("GET")
    assert (asked.path, asked.params["monthOffset"]) == ("/v1/invoices/draftItems", "1")


def test_a_draft_that_pax8_cannot_give_is_asked_for_once_more_only(connect: Connect) -> None:
    client, server = connect(lambda asked: ScriptedResponse(503))
    with pytest.raises(ServerFault, match="given up after 2 tries"):
        client.draft_items()
    assert len(server.sent("GET")) == 2


def test_a_history_is_the_snapshots_of_one_subscription(connect: Connect) -> None:
    content = [{"id": "S1", "quantity": 2}, {"id": "s1", "quantity": 1}]
    client, server = connect(lambda asked: json_response({"content": content}))
    assert client.subscription_history("s1").objects == tuple(content)
    (asked,) = server.sent("GET")
    assert asked.path == "/v1/subscriptions/s1/history"


@pytest.mark.parametrize("body", [[], {}, {"content": None}, {"content": [{"id": "s2"}]}, {"content": ["s1"]}])
def test_a_history_of_something_else_is_refused(body: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body))
    with pytest.raises(BadAnswer, match="snapshots of this subscription"):
        client.subscription_history("s1")


def test_many_keeps_the_order_of_the_ids_and_tells_progress(connect: Connect) -> None:
    client, _ = connect(lambda asked: paged(asked, [{"id": asked.path.split("/")[3]}]))
    progress: list[tuple[int, int]] = []
    ids = [f"s{n}" for n in range(20)]
    listings = client.many(client.usage_summaries, ids, lambda done, total: progress.append((done, total)))
    assert [listing.objects[0]["id"] for listing in listings] == ids
    assert progress[-1] == (20, 20)


def test_many_fails_as_a_whole(connect: Connect) -> None:
    client, _ = connect(lambda asked: ScriptedResponse(404) if "/s7/" in asked.path else paged(asked, []))
    with pytest.raises(NotFound):
        client.many(client.usage_summaries, [f"s{n}" for n in range(20)])


def test_check_reads_one_row(connect: Connect) -> None:
    client, server = connect(lambda asked: paged(asked, rows(60)))
    assert client.check().companies == 60
    assert server.sent("GET")[0].params == {"page": "0", "size": "1"}


def test_the_rate_limit_is_the_configured_one(connect: Connect, time: FakeTime) -> None:
    client, _ = connect(lambda asked: paged(asked, rows(4), size=1, totalPages=4), page_size=1, rate_limit=4)
    client.companies()  # one token and four pages: one more than a minute allows
    assert time.now - 1000.0 >= 60.0


def test_there_is_no_way_to_write_to_pax8(connect: Connect) -> None:
    client, server = connect(lambda asked: json_response({}))
    with pytest.raises(TypeError, match="read only"):
        client._transport.post_json("/subscriptions/s1", {"quantity": 0})
    assert server.asked == []


def test_whatever_is_called_only_get_leaves_but_for_the_token(connect: Connect) -> None:
    client, server = connect(lambda asked: paged(asked, [{"id": "x"}]))
    arguments: dict[str, tuple[Any, ...]] = {
        "usage_lines": ("x", date(2026, 7, 31)),
        "many": (client.usage_summaries, ["x"]),
    }
    called = set()
    for name, method in inspect.getmembers(client, inspect.ismethod):
        if name.startswith("_") or name == "close":
            continue
        needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
        with suppress(BadAnswer):  # a page where one object was asked for
            method(*arguments.get(name, ("x",) * len(needed)))
        called.add(name)
    assert {"companies", "products", "subscriptions", "invoice_items", "check"} <= called
    assert {asked.method for asked in server.asked} == {"GET", "POST"}
    assert {asked.path for asked in server.asked if asked.method == "POST"} == {"/v1/token"}


@pytest.mark.parametrize("variable", ["api_url", "token_url"])
def test_an_unencrypted_address_is_refused(variable: str, connect: Connect) -> None:
    with pytest.raises(ConfigError, match=f"PAX8_{variable.upper()}"):
        connect(lambda asked: json_response({}), **{variable: "http://api.pax8.com/v1"})
