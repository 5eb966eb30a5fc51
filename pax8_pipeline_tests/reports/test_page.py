"""The report's page: what it shows, that it needs nothing else, and that no name can become markup."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline.reports.links import Addresses, addresses
from pax8_pipeline.reports.page import page
from pax8_pipeline.reports.page.context import ReportContext
from pax8_pipeline.reports.page.usage_tables import month_state
from pax8_pipeline.settings import load_settings
from pax8_pipeline_tests.support import pages
from pax8_pipeline_tests.support.pages import Made, Outline


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("page")
    return pages.write_page(pages.hostile_names(folder), folder)


@pytest.fixture(scope="module")
def parsed(made: Made) -> Outline:
    return pages.outline(made.html)


def test_no_name_becomes_markup_or_steers(made: Made, parsed: Outline) -> None:
    assert not {"\u202e", "\u202c", "\x1b"} & set(made.html)
    assert len(parsed.found("script")) == 1
    assert parsed.found("img") == []
    assert not [
        name for _, attributes in parsed.tags for name in attributes if name.startswith("on") or name == "style"
    ]
    text = "".join(parsed.text)
    for name in (pages.FORMULA, pages.SCRIPT, pages.LONG, "Acme <U+202E>gnp.exe"):
        assert name in text


def test_the_page_loads_nothing_and_only_its_own_script_and_style_may_run(made: Made, parsed: Outline) -> None:
    loaded = [
        (tag, attributes) for tag, attributes in parsed.tags
        if tag in ("link", "iframe", "object", "embed", "source", "base", "form") or {"src", "srcset"} & set(attributes)
    ]  # fmt: skip
    assert loaded == []
    (policy,) = [str(m["content"]) for m in parsed.found("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        (text,) = re.findall(f"<{kind}>(.*?)</{kind}>", made.html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert [a["href"] for a in parsed.found("a") if not str(a["href"]).startswith("#")] == []


def test_tables_have_captions_headings_and_labels_and_ids_are_unique(parsed: Outline) -> None:
    assert (
        len(parsed.found("caption"))
        == len(parsed.found("table"))
        == len(parsed.found("tfoot")) + len([rows for rows in parsed.tables.values() if rows[-1][0] != "Total"])
    )
    assert {attributes.get("scope") for attributes in parsed.found("th")} == {"col", "row"}
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for label in parsed.found("label"):
        assert label["for"] in ids
    for _, attributes in parsed.tags:
        for name in str(attributes.get("aria-labelledby") or "").split():
            assert name in ids
    assert [tag for tag, _ in parsed.tags if tag == "h1"] == ["h1"]
    assert parsed.found("html") == [{"lang": "en"}]


def test_every_section_of_the_navigation_exists(parsed: Outline) -> None:
    ids = {attributes.get("id") for _, attributes in parsed.tags}
    targets = [str(a["href"])[1:] for a in parsed.found("a") if str(a["href"]).startswith("#")]
    assert len(targets) == 10
    assert set(targets) <= ids


def test_the_first_screen_has_the_six_figures_with_what_they_are(parsed: Outline) -> None:
    text = " ".join(" ".join(parsed.text).split())
    for words in (
        "Paid to Pax8 August 2026", "Billed to clients August 2026", "Margin August 2026", "Not billed to any client now",
        "Changed last night", "Waiting for a decision", "Approved Pax8 invoices dated in the month", "July 2026: not known",
    ):  # fmt: skip
        assert words in text


def test_losses_come_first_by_amount_with_next_step_and_since(parsed: Outline) -> None:
    heads, *rows = parsed.tables["Not billed to any client"]
    first = dict(zip(heads, rows[0], strict=True))
    assert (first["Amount"], first["Currency"], first["For"]) == ("24,690.00", "USD", "a month")
    assert first["Next step"] == "add the line in Halo, or link it in data/mappings/subscriptions.csv"
    usage = dict(zip(heads, rows[1], strict=True))
    assert (usage["Client"], usage["Amount"], usage["For"]) == ("no company assigned", "30.00", "once")
    totals = [row for row in rows if row[0] == "Total"]
    assert [(row[1], row[2], row[3]) for row in totals] == [("24,690.00", "USD", "a month"), ("55.00", "USD", "once")]


def test_a_client_has_cost_price_and_margin_of_the_list(parsed: Outline) -> None:
    heads, client, total = parsed.tables["Subscriptions by client"]
    row = dict(zip(heads, client, strict=True))
    # 20 of 25 seats are billed at 22.00; 20 seats of the other subscription are not billed at all.
    assert (row["Cost a month"], row["Billed a month"], row["Not billed a month"]) == (
        "20,425.00",
        "440.00",
        "24,690.00",
    )
    assert row["Margin a month"] == "-19,985.00"
    assert total[0] == "Total"


def test_months_before_billing_began_say_so(parsed: Outline) -> None:
    states = {row[0]: row[1] for row in parsed.tables["Usage by month"][1:]}
    assert states["2026-06"] == "closed, before the first month billed here"
    assert states["2026-07"] == "closed"
    assert parsed.tables["Usage by client and month"][0] == [
        "Client",
        "Currency",
        "2026-07",
        "2026-06, before billing here",
    ]
    nothing_set = ReportContext(None, policy_known=True)
    assert month_state("2026-07", "closed", nothing_set) == "closed, not billed: usage.first_month is not set"
    assert month_state("2026-07", "closed", ReportContext()) == "closed"


def test_a_long_table_ends_and_says_how_many_rows_are_left(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_ROWS", 1)
    with made.warehouse.connect() as connection:
        html = page.page(connection, made.plan_id, ReportContext())
    assert "2 more rows in the CSV file beside this page" in html
    assert len(pages.outline(html).tables["Not billed to any client"]) == 2


def test_links_lead_to_the_records_where_the_addresses_are_known(made: Made) -> None:
    where = Addresses(pax8="https://app.pax8.com", halo="https://acme.halopsa.com")
    with made.warehouse.connect() as connection:
        parsed = pages.outline(page.page(connection, made.plan_id, ReportContext(addresses=where)))
    links = {str(a["href"]) for a in parsed.found("a") if not str(a["href"]).startswith("#")}
    assert links == {
        "https://app.pax8.com/companies/5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11",
        "https://acme.halopsa.com/customers?mainview=client&clientid=231",
    }
    assert where.pax8_company("../x?y=1#z") == where.pax8_company("../x?y=1#z")
    assert where.pax8_company("a/b")[0].address == "https://app.pax8.com/companies/a%2Fb"


@pytest.mark.parametrize(
    ("halo", "known"),
    [("https://acme.halopsa.com/api", "https://acme.halopsa.com"), ("http://127.0.0.1:4000/halo/api", ""), ("", ""),
     ("https://127.0.0.1/api", ""), ("javascript:alert(1)", ""), ("https://user@acme.halopsa.com/api", ""), ("https://[x/api", "")],
)  # fmt: skip
def test_only_a_web_address_of_halo_is_linked(halo: str, known: str, tmp_path: Path) -> None:
    settings = load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), "HALO_API_URL": halo, "PAX8_CLIENT_ID": "x"})
    assert addresses(settings) == Addresses(pax8="https://app.pax8.com", halo=known)
    assert addresses(load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})) == Addresses()


def test_the_page_has_every_amount_of_the_plan(made: Made, parsed: Outline) -> None:
    (planned,) = pages.cells(
        made, f"SELECT sum(money_per_month) FROM billing.plan WHERE plan_id = '{made.plan_id}' AND class = 'safe'"
    )
    shown = sum(Decimal(row[1].replace(",", "")) for row in parsed.tables["Changes"][1:] if row[0] != "Total")
    assert shown == planned[0]
