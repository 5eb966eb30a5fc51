"""Which requests pass: our own pages and programs on this machine; what another site's page can send does not."""

from __future__ import annotations

import pytest

from pax8_pipeline.orchestration.ui_server import guarded_command, rules

PORT = "localhost:3000"
JSON = ("content-type", "application/json")
CHECKS = rules("127.0.0.1", ("billing.example.com",))

PASS = {
    "a program": ("GET", "/server_info", "", [("host", "127.0.0.1:3000")]),
    "IPv6 loopback": ("GET", "/", "", [("host", "[::1]:3000")]),
    "the UI's own query": ("POST", "/graphql", "", [("host", PORT), ("origin", f"http://{PORT}"), JSON]),
    "with a charset": (
        "POST", "/graphql", "", [("host", PORT), ("content-type", "application/json; charset=utf-8")]
    ),
    "a link in a mail opens a page": (
        "GET", "/runs/1", "",
        [("host", PORT), ("referer", "https://mail.example.com/"), ("sec-fetch-site", "cross-site"),
         ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
    ),
    "a proxy that keeps the Host": (
        "POST", "/graphql", "", [("host", "billing.example.com"), ("origin", "https://billing.example.com"), JSON]
    ),
    "a proxy that rewrites the Host": (
        "POST", "/graphql", "", [("host", PORT), ("origin", "https://billing.example.com"), JSON]
    ),
    "GraphiQL": ("GET", "/graphql", "", [("host", PORT), ("accept", "text/html")]),
}  # fmt: skip

REFUSE = {
    "DNS rebinding": (403, "GET", "/", "", [("host", "evil.example:3000")]),
    "a name that begins like ours": (403, "GET", "/", "", [("host", "localhost.evil.example")]),
    "a name that ends like the proxy's": (403, "GET", "/", "", [("host", "evil-billing.example.com")]),
    "no Host": (403, "GET", "/", "", []),
    "two Hosts": (400, "GET", "/", "", [("host", PORT), ("host", "evil.example")]),
    "user in the Host": (403, "GET", "/", "", [("host", "evil.example@localhost")]),
    "another address": (403, "GET", "/", "", [("host", "192.168.1.9:3000")]),
    "GET of a query": (405, "GET", "/graphql", "query=mutation{x}", [("host", PORT)]),
    "GET with a slash": (405, "GET", "/graphql/", "query=mutation{x}", [("host", PORT)]),
    "HEAD of a query": (405, "HEAD", "/graphql", "query=mutation{x}", [("host", PORT)]),
    "foreign Origin": (403, "POST", "/graphql", "", [("host", PORT), ("origin", "https://evil.example"), JSON]),
    "Origin null": (403, "POST", "/graphql", "", [("host", PORT), ("origin", "null"), JSON]),
    "another port of this machine": (
        403, "POST", "/graphql", "", [("host", PORT), ("origin", "http://localhost:8080"), JSON]
    ),
    "foreign Referer": (403, "POST", "/graphql", "", [("host", PORT), ("referer", "https://evil.example/x"), JSON]),
    "image tag": (
        403, "GET", "/download_debug/1", "", [("host", PORT), ("referer", "https://evil.example/")]
    ),
    "script tag without Referer": (
        403, "GET", "/server_info", "", [("host", PORT), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]
    ),
    "page in a frame": (
        403, "GET", "/", "",
        [("host", PORT), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
    ),
    "link to a query": (
        403, "GET", "/graphql", "query=mutation{x}",
        [("host", PORT), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
    ),
    "text/plain": (415, "POST", "/graphql", "", [("host", PORT), ("content-type", "text/plain")]),
    "a form": (415, "POST", "/graphql", "", [("host", PORT), ("content-type", "application/x-www-form-urlencoded")]),
    "application/graphql": (415, "POST", "/graphql", "", [("host", PORT), ("content-type", "application/graphql")]),
    "JSON named in text": (
        415, "POST", "/graphql", "", [("host", PORT), ("content-type", "text/plain; x=application/json")]
    ),
    "no content type": (415, "POST", "/report_asset_check/a", "", [("host", PORT)]),
    "preflight": (405, "OPTIONS", "/graphql", "", [("host", PORT)]),
    "PUT": (405, "PUT", "/graphql", "", [("host", PORT), JSON]),
}  # fmt: skip


@pytest.mark.parametrize("case", PASS)
def test_our_own_pages_and_programs_are_answered(case: str) -> None:
    assert CHECKS.refusal(*PASS[case]) is None


@pytest.mark.parametrize("case", REFUSE)
def test_what_another_sites_page_can_send_is_refused(case: str) -> None:
    status, *request = REFUSE[case]
    refused = CHECKS.refusal(*request)  # type: ignore[arg-type]
    assert refused is not None
    assert refused.status == status


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ([("host", PORT)], True),
        ([("host", PORT), ("origin", f"http://{PORT}")], True),
        ([("host", PORT), ("origin", "https://evil.example")], False),
        ([("host", "evil.example"), ("origin", "http://evil.example")], False),
    ],
)
def test_a_websocket_is_opened_by_our_own_pages_only(headers: list[tuple[str, str]], passes: bool) -> None:
    assert (CHECKS.refusal("GET", "/graphql", "", headers, websocket=True) is None) is passes


@pytest.mark.parametrize(
    ("listens", "host", "passes"),
    [
        ("192.168.1.9", "192.168.1.9:3000", True),
        ("192.168.1.9", "192.168.1.8:3000", False),
        ("0.0.0.0", "192.168.1.9:3000", False),
        ("0.0.0.0", "billing.example.com", True),
        ("0.0.0.0", "localhost:3000", True),
    ],
)
def test_an_address_that_was_chosen_with_host_is_a_name_of_ours(listens: str, host: str, passes: bool) -> None:
    chosen = rules(listens, ("billing.example.com",))
    assert (chosen.refusal("GET", "/", "", [("host", host)]) is None) is passes


def test_dagsters_web_server_is_replaced_and_an_unknown_process_is_not_started() -> None:
    assert guarded_command(["python", "-m", "dagster_webserver", "--port", "1"]) == [
        "python", "-m", "pax8_pipeline.orchestration.ui_server", "webserver", "--port", "1",
    ]  # fmt: skip
    daemon = ["python", "-m", "dagster._daemon", "run"]
    assert guarded_command(daemon) == daemon
    with pytest.raises(RuntimeError, match="not known here"):
        guarded_command(["python", "-m", "dagster_other_webserver"])
