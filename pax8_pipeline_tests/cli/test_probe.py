"""`doctor --probe` finds out how these two vendors behave, and the next reads use it. One world, turned by its switches."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.commands.doctor import local
from pax8_pipeline.commands.doctor.command import doctor
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.extract.probe_halo import HaloProbe
from pax8_pipeline.extract.probe_pax8 import Pax8Probe
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.settings.tenant import load_tenant, store_answers
from pax8_pipeline.settings.tenant_answers import HaloAnswers, Pax8Answers
from pax8_pipeline_tests.support.cli import OURS
from pax8_pipeline_tests.support.no_waiting import without_waiting

TODAY = date(2026, 8, 20)
BARE = 5  # recurring invoices with a computed line that follows nothing


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    world = World(1, TODAY, companies=45, subscriptions=260)
    linked = [line for header in world.halo.recurring_invoices.values() for line in header["lines"]
              if line["recurring_invoice_quantity_type"] == 4]  # fmt: skip
    seen: set[int] = set()
    for line in linked:
        if line["ihid"] not in seen and len(seen) < BARE:
            seen.add(line["ihid"])
            line["quantity_subscriptions"], line["quantity_licences"] = [], []
    with without_waiting(), running_sandbox(world) as sandbox:
        yield sandbox


@dataclass
class Tenant:
    """The sandbox as a tenant, and the settings of a data folder."""

    sandbox: Sandbox
    settings: Settings

    def turn(self, vendor: str, **switches: Any) -> None:
        getattr(self.sandbox.world, vendor).switches.change(switches)

    def pax8(self) -> Pax8Answers:
        with Pax8Client(pax8_config(self.settings)) as client:
            return Pax8Probe(client, TODAY).answers()

    def halo(self, kind: type[HaloClient] = HaloClient) -> HaloAnswers:
        ids = {row["id"].lower(): str(row["vendorSubscriptionId"]).lower()
               for row in self.sandbox.world.pax8.subscriptions.values()}  # fmt: skip
        with kind(halo_config(self.settings)) as client:
            return HaloProbe(client, TODAY, ids, set(self.sandbox.world.pax8.companies), "CFPax8CompanyId").answers()

    def calls(self, path: str) -> int:
        return sum(1 for exchange in self.sandbox.requests if exchange.path.lower().endswith(path.lower()))

    def single_reads(self) -> int:
        return sum(1 for exchange in self.sandbox.requests if re.search(r"/RecurringInvoice/-\d+$", exchange.path))


@pytest.fixture
def tenant(served: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    before = [(vendor, vendor.switches.to_json()) for vendor in (served.world.pax8, served.world.halo)]
    served.requests.clear()
    yield Tenant(served, load_settings({**served.env(), "PAX8_PIPELINE_DATA": str(tmp_path / "data")}))
    for vendor, switches in before:
        vendor.switches.change(switches)
    assert served.world.halo.writes == []
    assert served.world.halo.violations == []
    assert served.world.pax8.write_attempts == []


@pytest.mark.parametrize(
    ("switches", "answers"),
    [
        ({"over_max": "clamp", "commitment_key": "commitment"}, {"page_size": 200, "above_200": "cut", "commitment_member": "commitment"}),
        ({"over_max": "400", "item_ids": "none"}, {"page_size": 200, "above_200": "refused", "item_ids": "none"}),
        ({"over_max": "honour", "item_ids": "all"}, {"page_size": 1000, "above_200": "honoured", "item_ids": "all"}),
        ({"draft_items_timeout": True, "invoice_status": False}, {"draft_items": "too slow", "invoice_status": "no"}),
        ({"summary_company": "listed"}, {"usage_company": "in lists", "usage_lines": "yes", "draft_items": "answered"}),
        ({"summary_company": "only_by_id"}, {"usage_company": "only by id"}),
    ],
)  # fmt: skip
def test_pax8_is_asked_what_is_not_documented(
    tenant: Tenant, switches: dict[str, Any], answers: dict[str, Any]
) -> None:
    tenant.turn("pax8", **switches)
    found = tenant.pax8().model_dump()
    assert {name: found[name] for name in answers} == answers


@pytest.mark.parametrize(
    ("switches", "answers"),
    [
        ({}, {"page_sizes": {}, "record_count": "the total", "lines_in_lists": "yes", "links_in_lists": (1, 4), "integration": "off"}),
        ({"page_caps": {"Client": 10, "SoftwareLicence": 100}, "native_sync": "on"},
         {"page_sizes": {"clients": 10, "licences": 100}, "integration": "on"}),
        ({"list_ignores_includelines": True}, {"lines_in_lists": "no", "links_in_lists": ()}),
        ({"list_lines_without_links": True}, {"lines_in_lists": "yes", "links_in_lists": ()}),
        ({"record_count": "fifty", "pax8details": "forbidden"}, {"record_count": "not the total", "integration": "unknown"}),
        ({"licence_ids": "vendor"}, {"lines_in_lists": "yes"}),
        ({"forbidden_for_agent": ["Item"]}, {"lines_in_lists": "yes"}),
    ],
)  # fmt: skip
def test_halo_is_asked_what_is_not_documented(
    tenant: Tenant, switches: dict[str, Any], answers: dict[str, Any]
) -> None:
    tenant.turn("halo", **switches)
    found = tenant.halo().model_dump()
    assert {name: found[name] for name in answers} == answers
    assert list(found["subscription_id_members"]) == ["snowid"]
    assert "custom field of the policy" in found["company_id_places"]


class ListsWithEmptyFields(HaloClient):
    """A Halo whose list of clients has the member for custom fields, and leaves out what is in it."""

    def raw(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        body = super().raw(path, params)
        if path == "/Client":
            for row in body["clients"]:
                row["customfields"] = self.fields_of(row["id"])
        return body

    def fields_of(self, client_id: int) -> Any:
        return []


class ListsWithFields(ListsWithEmptyFields):
    """One whose list shows them."""

    def fields_of(self, client_id: int) -> Any:
        return self.client(client_id)["customfields"]


@pytest.mark.parametrize(
    ("kind", "answer"), [(HaloClient, "not known"), (ListsWithEmptyFields, "no"), (ListsWithFields, "yes")]
)
def test_a_list_of_clients_that_shows_less_than_the_single_read_is_found(
    tenant: Tenant, kind: type[HaloClient], answer: str
) -> None:
    assert tenant.halo(kind).client_ids_in_list == answer


def test_a_custom_field_that_the_policy_does_not_name_is_shown_with_what_to_set_and_not_stored(tenant: Tenant) -> None:
    (tenant.settings.data / "policy.yaml").write_text("matching: {client_custom_field: CFOther}\n")
    env = dict(tenant.settings.environment)
    shown = " ".join(CliRunner().invoke(doctor, ["--probe"], env=env, catch_exceptions=False).output.split())
    assert "Halo company ids: another custom field" in shown
    assert "set matching.client_custom_field: CFPax8CompanyId in policy.yaml" in shown
    assert "CFPax8CompanyId" not in (tenant.settings.data / "tenant.yaml").read_text()
    doubt = local.tenant(load_settings(env))
    assert (doubt.level, "matching.client_custom_field" in doubt.advice) == ("warn", True)


def test_a_policy_that_names_another_member_than_licences_use_is_doubted_by_the_doctor(tenant: Tenant) -> None:
    store_answers(tenant.settings.data, None, tenant.halo())
    assert local.tenant(tenant.settings).level == "ok"
    (tenant.settings.data / "policy.yaml").write_text("matching: {licence_id_field: other}\n")
    doubt = local.tenant(load_settings(dict(tenant.settings.environment)))
    assert "matching.licence_id_field: snowid" in doubt.advice


def test_larger_pages_mean_fewer_calls(tenant: Tenant) -> None:
    tenant.turn("pax8", over_max="honour")
    with Pax8Client(pax8_config(tenant.settings)) as client:
        before = client.subscriptions().objects
    assert tenant.calls("/subscriptions") == 2
    store_answers(tenant.settings.data, tenant.pax8(), None)
    tenant.sandbox.requests.clear()
    with Pax8Client(pax8_config(tenant.settings)) as client:
        assert client.subscriptions().objects == before
        assert tenant.calls("/subscriptions") == 1
        tenant.turn("pax8", over_max="400")  # Pax8 takes it back: the documented size is asked for again
        assert client.subscriptions().objects == before


def test_links_that_the_list_shows_are_not_read_again_one_by_one(tenant: Tenant) -> None:
    with HaloClient(halo_config(tenant.settings)) as client:
        before = client.recurring_invoices().objects
    assert tenant.single_reads() >= BARE
    store_answers(tenant.settings.data, None, tenant.halo())
    tenant.sandbox.requests.clear()
    with HaloClient(halo_config(tenant.settings)) as client:
        after = client.recurring_invoices().objects
    assert tenant.single_reads() == 0
    assert [_billed_by(row) for row in after] == [_billed_by(row) for row in before]


def _billed_by(row: Any) -> Any:
    members = ("id", "qty_order", "recurring_invoice_quantity_type", "quantity_subscriptions", "quantity_licences")
    return row["id"], [{name: line[name] for name in members} for line in row["lines"]]


def test_an_answer_that_does_not_hold_any_more_is_not_believed(tenant: Tenant) -> None:
    store_answers(tenant.settings.data, None, tenant.halo())
    tenant.turn("halo", list_lines_without_links=True)  # an update of Halo
    tenant.sandbox.requests.clear()
    with HaloClient(halo_config(tenant.settings)) as client:
        rows = client.recurring_invoices().objects
    assert tenant.single_reads() >= sum(
        1 for row in rows if any(line["quantity_subscriptions"] for line in row["lines"])
    )


def test_the_command_stores_what_can_be_attached_to_a_fault_report(tenant: Tenant) -> None:
    done = CliRunner().invoke(
        doctor, ["--probe", "--json"], env=dict(tenant.settings.environment), catch_exceptions=False
    )
    assert done.exit_code == 0
    points = {finding["point"] for finding in json.loads(done.stdout)["findings"]}
    assert {"Pax8 page size", "Halo lines in lists", "Halo subscription ids", "stored"} <= points
    text = (tenant.settings.data / "tenant.yaml").read_text().lower()
    world = tenant.sandbox.world
    names = [str(row["name"]).lower() for row in (*world.pax8.companies.values(), *world.halo.clients.values())]
    assert [name for name in names if name in text] == []
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)
    assert "secret" not in text.replace("no names, ids, amounts or secrets", "")
    assert load_tenant(tenant.settings.data).halo is not None


def test_a_vendor_that_refuses_the_credentials_is_named_and_nothing_is_stored(tenant: Tenant) -> None:
    env = {**tenant.settings.environment, "HALO_CLIENT_SECRET": "hush-hush-9876"}
    done = CliRunner().invoke(doctor, ["--probe"], env=env, catch_exceptions=False)
    assert done.exit_code == 1
    assert "[bad]  Halo probe" in done.output
    assert "hush" not in done.output
    assert not (tenant.settings.data / "tenant.yaml").exists()


def test_a_right_that_is_missing_leaves_the_other_answers(tenant: Tenant) -> None:
    tenant.turn("halo", forbidden_for_agent=["Item"])
    done = CliRunner().invoke(doctor, ["--probe"], env=dict(tenant.settings.environment), catch_exceptions=False)
    assert "[warn] not answered: Halo GET /Item" in done.output
    assert "[ok]   stored" in done.output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pax8: {probed_on: 2026-08-20, page_size: 5000}\n", "pax8.page_size"),
        ("halo: {probed_on: 2026-08-20, lines_in_lists: perhaps}\n", "halo.lines_in_lists"),
        ("hallo: {}\n", "hallo: unknown key"),
        ("halo: {probed_on: 2026-08-20, page_sizes: {clients: 0}}\n", "halo.page_sizes.clients"),
        ("halo:\n  - a\n b\n", "line 3"),
    ],
)
def test_a_damaged_file_is_named_with_place_and_remedy(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "tenant.yaml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_tenant(tmp_path)
    message = str(refused.value)
    assert str(tmp_path / "tenant.yaml") in message
    assert says in message
    assert "Delete the file" in message
