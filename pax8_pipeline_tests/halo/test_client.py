"""What the Halo client asks for and what it believes: docs/vendors/halo.md, docs/architecture.md#write-usage."""

from __future__ import annotations

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
from pax8_pipeline.halo.client import NEEDED_SCOPES, HaloClient
from pax8_pipeline_tests.halo.conftest import Connect, Row, paged
from pax8_pipeline_tests.support.scripted_http import FakeTime, ScriptedRequest, ScriptedResponse, html, json_response

LINKED = [{"id": 901, "kind": 4, "licence_id": 4127}]


def rows(number: int) -> list[Row]:
    return [{"id": n + 1, "client_id": 7} for n in range(number)]


def line(quantity_type: int, links: Any = None) -> Row:
    return {"id": 1, "recurring_invoice_quantity_type": quantity_type, "quantity_subscriptions": links}


def test_the_token_is_asked_for_as_a_form_with_tenant_and_scope(connect: Connect) -> None:
    client, server = connect(lambda asked: paged(asked, "clients", []))
    client.clients()
    (call,) = server.token_calls
    assert (call.method, call.path, call.params) == ("POST", "/auth/token", {"tenant": "acme"})
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.body == b"grant_type=client_credentials&client_id=halo-app&client_secret=halo-app-secret&scope=all"


@pytest.mark.parametrize("suffix", ["", "/", "/token", "/token/"])
def test_token_is_added_to_the_auth_address_unless_it_is_there(suffix: str, connect: Connect) -> None:
    _, server = connect(lambda asked: paged(asked, "clients", []))
    other, _ = connect(lambda asked: paged(asked, "clients", []), auth_url=f"{server.url}/auth{suffix}")
    other.check()
    assert [call.path for call in server.token_calls] == ["/auth/token"]


def test_without_a_tenant_none_is_sent(connect: Connect) -> None:
    client, server = connect(lambda asked: paged(asked, "clients", []), tenant="")
    client.check()
    assert server.token_calls[0].params == {}


def test_bad_credentials_name_the_variables_to_check(connect: Connect) -> None:
    refusal = json_response({"error": "invalid_client", "error_description": "The client is unknown"}, 401)
    client, server = connect(lambda asked: refusal, tokens=False)
    with pytest.raises(AuthRefused, match=r"invalid_client: The client is unknown.*HALO_CLIENT_ID, HALO_CLIENT_SECRET"):
        client.check()
    assert len(server.asked) == 1


def test_a_wrong_tenant_is_named_though_halo_only_says_500(connect: Connect) -> None:
    client, _ = connect(lambda asked: html(500, "Server Error"), tokens=False, tenant="acmee")
    with pytest.raises(ServerFault, match=r"check HALO_TENANT \('acmee'\)"):
        client.check()


@pytest.mark.parametrize(
    ("read", "path", "key", "filters"),
    [
        (HaloClient.clients, "/api/Client", "clients", {"includeinactive": "true"}),
        (HaloClient.items, "/api/Item", "items", {"includeinactive": "true"}),
        (HaloClient.licences, "/api/SoftwareLicence", "licences", {"includeinactive": "true"}),
    ],
)
def test_a_list_is_asked_for_in_ordered_pages_with_inactive_rows(
    read: Any, path: str, key: str, filters: dict[str, str], connect: Connect
) -> None:
    client, server = connect(lambda asked: paged(asked, key, rows(2_500)))
    listing = read(client)
    assert [row["id"] for row in listing.objects] == list(range(1, 2_501))
    assert (listing.endpoint, listing.expected, listing.requests) == (path.removeprefix("/api"), 2_500, 4)
    asked = server.sent("GET")
    assert {one.path for one in asked} == {path}
    assert sorted(one.params.pop("page_no") for one in asked) == ["1", "2", "3", "4"]
    assert asked[0].params == {"pageinate": "true", "page_size": "1000", "order": "id", **filters}


def test_a_tenant_that_caps_pages_at_fifty_loses_nothing(connect: Connect) -> None:
    def script(asked: ScriptedRequest) -> ScriptedResponse:
        return paged(
            ScriptedRequest(**{**vars(asked), "params": {**asked.params, "page_size": "50"}}), "licences", rows(170), 50
        )

    client, _ = connect(script)
    assert [row["id"] for row in client.licences().objects] == list(range(1, 171))


def test_fewer_rows_than_named_give_nothing(connect: Connect) -> None:
    client, _ = connect(lambda asked: paged(asked, "licences", rows(170), 171))
    with pytest.raises(IncompleteRead) as caught:
        client.licences()
    assert (caught.value.got, caught.value.expected) == (170, 171)


def test_a_list_without_its_key_is_a_bad_answer(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response({"record_count": 0}))
    with pytest.raises(BadAnswer, match="clients"):
        client.clients()


def test_a_bare_list_is_a_list(connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(rows(3) if asked.params["page_no"] == "1" else []))
    assert len(client.items().objects) == 3


def test_a_recurring_invoice_whose_lines_are_told_is_not_read_again(connect: Connect) -> None:
    row = {"id": -94, "lines": [line(4, LINKED), line(0, []), line(1, LINKED), line(2)]}
    client, server = connect(lambda asked: paged(asked, "invoices", [row]))
    assert client.recurring_invoices().objects == (row,)
    assert {asked.path for asked in server.sent("GET")} == {"/api/RecurringInvoice"}
    assert server.sent("GET")[0].params["includelines"] == "true"


@pytest.mark.parametrize(
    "poor",
    [
        {"id": -94},
        {"id": -94, "lines": None},
        {"id": -94, "lines": []},
        {"id": -94, "lines": [line(4, None)]},
        {"id": -94, "lines": [line(4, LINKED), line(1, [])]},
        {"id": -94, "lines": [{"recurring_invoice_quantity_type": 4}]},
    ],
)
def test_a_recurring_invoice_that_does_not_tell_its_links_is_read_by_id(poor: Row, connect: Connect) -> None:
    whole = {"id": -94, "lines": [line(4, LINKED)]}
    fine = {"id": -95, "lines": [line(0)]}

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        return (
            json_response(whole)
            if asked.path == "/api/RecurringInvoice/-94"
            else paged(asked, "invoices", [poor, fine])
        )

    client, server = connect(script)
    progress: list[tuple[int, int]] = []
    listing = client.recurring_invoices(lambda done, total: progress.append((done, total)))
    assert listing.objects == (whole, fine)
    assert progress == [(1, 1)]
    assert server.sent("GET", "/api/RecurringInvoice/-94")[0].params == {"includedetails": "true"}


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda client: client.client(5), "/api/Client/5"),
        (lambda client: client.licence(5), "/api/SoftwareLicence/5"),
        (lambda client: client.recurring_invoice(-94), "/api/RecurringInvoice/-94"),
        (lambda client: client.invoice(5), "/api/Invoice/5"),
    ],
)
def test_one_object_is_read_with_all_its_details(read: Any, path: str, connect: Connect) -> None:
    found = {"id": int(path.rsplit("/", 1)[1]), "customfields": []}
    client, server = connect(lambda asked: json_response(found))
    assert read(client) == found
    (asked,) = server.sent("GET")
    assert (asked.path, asked.params) == (path, {"includedetails": "true"})


@pytest.mark.parametrize("body", [{"id": 6}, {}, [], [{"id": 5}], None])
def test_another_object_than_asked_for_is_a_bad_answer(body: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body))
    with pytest.raises(BadAnswer):
        client.licence(5)


def test_invoices_are_asked_for_by_date_and_checked_here(connect: Connect) -> None:
    def invoice(number: int, day: str | None, **other: Any) -> Row:
        return {"id": number, "invoice_date": day, "client_id": 7, "lines": [{"id": 1}], **other}

    served = [
        invoice(1, "2026-07-31T23:59:59"),
        invoice(2, "2026-08-01T00:00:00"),
        invoice(3, "2026-08-31T23:00:00", voided=True, posted=True),
        invoice(4, "2026-09-01T00:00:00"),
        invoice(5, "2026-08-05T00:00:00", client_id=8),
        invoice(6, "1900-01-01T00:00:00"),
        invoice(7, None, client_id=None),
        invoice(-94, "2026-08-05T00:00:00"),
    ]
    client, server = connect(lambda asked: paged(asked, "invoices", served))
    listing = client.invoices(date(2026, 8, 1), date(2026, 8, 31), [7])
    assert [row["id"] for row in listing.objects] == [2, 3, 6, 7]
    asked = server.sent("GET")[0]
    assert asked.path == "/api/Invoice"
    assert {
        "includelines": "true",
        "datesearch": "invoice_date",
        "start_date": "2026-07-31",
        "end_date": "2026-09-01",
        "client_id": "7",
    }.items() <= asked.params.items()
    assert not {"postedonly", "notpostedonly"} & set(asked.params)


def test_empty_lines_are_believed_where_other_rows_have_lines_and_one_detail_agrees(connect: Connect) -> None:
    listed = [{"id": -90, "lines": [line(0)]}, *({"id": -number, "lines": []} for number in range(91, 100))]
    client, server = connect(
        lambda asked: (
            json_response({"id": -91, "lines": []}) if asked.path.endswith("/-91") else paged(asked, "invoices", listed)
        )
    )
    assert list(client.recurring_invoices().objects) == listed
    assert [one.path for one in server.sent("GET") if "/-" in one.path] == ["/api/RecurringInvoice/-91"]


def test_empty_lines_are_not_believed_once_a_detail_shows_lines(connect: Connect) -> None:
    listed: list[Row] = [{"id": -90, "lines": [line(0)]}, *({"id": -number, "lines": []} for number in (91, 92, 93))]

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        number = asked.path.rpartition("/")[2]
        return (
            json_response({"id": int(number), "lines": [line(0)]})
            if number.startswith("-")
            else paged(asked, "invoices", listed)
        )

    client, server = connect(script)
    assert all(row["lines"] for row in client.recurring_invoices().objects)
    assert len([one for one in server.sent("GET") if "/-" in one.path]) == 3


def test_a_list_that_leaves_lines_out_is_read_one_by_one_and_says_so(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    listed = [{"id": -number, "lines": None} for number in range(90, 105)]

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        number = asked.path.rpartition("/")[2]
        return (
            json_response({"id": int(number), "lines": []})
            if number.startswith("-")
            else paged(asked, "invoices", listed)
        )

    client, _ = connect(script)
    with caplog.at_level("INFO", logger="pax8_pipeline.progress"):
        assert all(row["lines"] == [] for row in client.recurring_invoices().objects)
    assert "/RecurringInvoice leaves out lines or their licences: reading 15 of 15 one by one" in caplog.text


def test_an_invoice_without_lines_in_the_list_is_read_by_id(connect: Connect) -> None:
    whole = {"id": 5, "invoice_date": "2026-08-05T00:00:00", "lines": [{"id": 1}]}

    def script(asked: ScriptedRequest) -> ScriptedResponse:
        poor = {"id": 5, "invoice_date": "2026-08-05T00:00:00"}
        return json_response(whole) if asked.path == "/api/Invoice/5" else paged(asked, "invoices", [poor])

    client, _ = connect(script)
    assert client.invoices(date(2026, 8, 1), date(2026, 8, 31)).objects == (whole,)


@pytest.mark.parametrize(
    "body",
    [
        [{"id": 1, "integrator_enabled": True}],
        {"id": 1, "integrator_enabled": True},
        {"record_count": 1, "pax8details": [{"id": 1, "integrator_enabled": True}]},
        {"accounts": [{"id": 1, "integrator_enabled": True}]},
        {"id": 1, "integrator_enabled": True, "client_mappings": [{"halo_id": 7}]},
    ],
)
def test_the_native_integration_is_found_in_whatever_shape(body: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body))
    (account,) = client.integration()
    assert account["integrator_enabled"] is True


@pytest.mark.parametrize("body", [[], {"record_count": 0, "pax8details": []}])
def test_no_native_integration_is_an_empty_list(body: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body))
    assert client.integration() == []


@pytest.mark.parametrize("row", [{"id": 3}, {"id": 3, "integrator_enabled": None}])
def test_an_account_that_does_not_say_whether_it_is_on_is_read_by_id(row: Row, connect: Connect) -> None:
    whole = {"id": 3, "integrator_enabled": True}
    client, _ = connect(lambda asked: json_response(whole if asked.path == "/api/Pax8Details/3" else [row]))
    assert client.integration() == [whole]


@pytest.mark.parametrize("body", [None, "text", {}, {"a": [], "b": []}, ["x"]])
def test_an_answer_that_may_hide_the_native_integration_is_never_taken_for_none(body: Any, connect: Connect) -> None:
    client, _ = connect(lambda asked: json_response(body))
    with pytest.raises(BadAnswer):
        client.integration()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ScriptedResponse(401), Forbidden),
        (json_response({"error": "unauthorized", "error_description": "No permission"}, 401), Forbidden),
        (ScriptedResponse(403), Forbidden),
        (html(404, "Not found"), NotFound),
    ],
)
def test_what_the_agent_may_not_see_is_told_from_bad_credentials(
    answer: ScriptedResponse, kind: type[Exception], connect: Connect
) -> None:
    client, _ = connect(lambda asked: answer)
    with pytest.raises(kind):
        client.integration()


def test_auth_info_needs_no_credentials(connect: Connect) -> None:
    client, server = connect(
        lambda asked: json_response({"auth_url": "https://acme.halopsa.com/auth", "tenant_id": "acme"})
    )
    assert client.auth_info()["tenant_id"] == "acme"
    (asked,) = server.asked
    assert "authorization" not in asked.headers
    assert asked.path.lower() == "/api/authinfo"


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ("all", ()),
        ("", ()),
        (" ".join(NEEDED_SCOPES), ()),
        ("read:customers read:items read:invoices read:softwarelicensing", ("edit:invoices", "edit:softwarelicensing")),
    ],
)
def test_check_tells_which_scopes_are_missing(scope: str, missing: tuple[str, ...], connect: Connect) -> None:
    client, _ = connect(lambda asked: paged(asked, "clients", rows(3)), scope=scope)
    check = client.check()
    assert check.missing_scopes == missing
    assert check.sees_clients


def test_check_tells_that_the_agent_sees_nothing(connect: Connect) -> None:
    client, _ = connect(lambda asked: paged(asked, "clients", []))
    assert not client.check().sees_clients


def test_the_rate_limit_is_the_configured_one(connect: Connect, time: FakeTime) -> None:
    client, _ = connect(lambda asked: paged(asked, "clients", rows(3)), rate_limit=2)
    client.clients()  # a token and two pages: one more than five minutes allow
    assert time.now - 1000.0 >= 300.0


@pytest.mark.parametrize("variable", ["api_url", "auth_url"])
def test_an_unencrypted_address_is_refused(variable: str, connect: Connect) -> None:
    with pytest.raises(ConfigError, match=f"HALO_{variable.upper()}"):
        connect(lambda asked: json_response({}), **{variable: "http://acme.halopsa.com/api"})
