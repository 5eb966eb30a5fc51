"""`init` takes credentials from a person, flags or the environment, tests each, and writes what a first run needs."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pax8_pipeline.commands.init import command
from pax8_pipeline.commands.init.variables import Variable, full_address
from pax8_pipeline.errors import ConfigError, Forbidden
from pax8_pipeline.mapping.writing import write_decisions
from pax8_pipeline.reports.mapping.decision_file import read_decisions
from pax8_pipeline.sandbox.server.app import Sandbox, running_sandbox
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import dotenv_writer, load_policy, load_settings
from pax8_pipeline.settings.template_files import template
from pax8_pipeline_tests import make_reference
from pax8_pipeline_tests.support.cli import OURS
from pax8_pipeline_tests.support.no_waiting import without_waiting

TODAY = date(2026, 8, 20)
SECRETS = ("sandbox-pax8-secret", "sandbox-halo-secret")


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with without_waiting(), running_sandbox(World(1, TODAY, companies=12)) as sandbox:
        yield sandbox


@dataclass
class Newcomer:
    """Somebody in an empty folder, with the sandbox as both vendors."""

    sandbox: Sandbox
    folder: Path
    env: dict[str, str]
    monkeypatch: pytest.MonkeyPatch

    def init(self, *arguments: str, answers: dict[str, list[str]] | None = None) -> Result:
        person = None if answers is None else Scripted(answers)
        self.monkeypatch.setattr(command, "terminal", lambda: person)
        return CliRunner().invoke(command.init, list(arguments), env=self.env)

    def dotenv(self) -> dict[str, str]:
        return dotenv_writer.values_of((self.folder / ".env").read_text())

    def without(self, *names: str) -> None:
        for name in names:
            self.env.pop(name)


@dataclass
class Scripted:
    """A person with prepared answers by variable; a question without one is answered with Enter."""

    answers: dict[str, list[str]]
    asked: list[str] = field(default_factory=list)

    def value(self, variable: Variable, current: str) -> str:
        self.asked.append(variable.name)
        rest = self.answers.get(variable.name, [])
        return rest.pop(0) if rest else current

    def confirm(self, question: str, *, default: bool) -> bool:
        rest = self.answers.get("confirm", [])
        return rest.pop(0) == "yes" if rest else default


@pytest.fixture
def newcomer(served: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newcomer]:
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    before = served.world.halo.switches.to_json()
    yield Newcomer(served, tmp_path, served.env(), monkeypatch)
    served.world.halo.switches.change(before)
    assert served.world.halo.writes == []
    assert served.world.pax8.write_attempts == []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_without_a_terminal_the_environment_is_enough_and_a_first_run_only_observes(newcomer: Newcomer) -> None:
    done = newcomer.init("--timezone", "Europe/London")
    assert done.exit_code == 0, done.output
    assert mode(newcomer.folder / ".env") == 0o600
    assert newcomer.dotenv() == {n: v for n, v in newcomer.env.items() if n != "PAX8_PIPELINE_TODAY"}
    policy = load_policy(newcomer.folder / "data" / "policy.yaml")
    assert (policy.trust.default, policy.write_mode, policy.timezone) == ("observe", "dry_run", "Europe/London")
    assert not any(secret in done.output for secret in SECRETS)
    assert "Next:" in done.output


def test_a_second_time_nothing_changes(newcomer: Newcomer) -> None:
    newcomer.init()
    files = [path for path in newcomer.folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    done = newcomer.init("--json")
    assert {file["change"] for file in _data(done)["files"]} == {"unchanged"}
    assert {path: path.read_bytes() for path in files} == before


def _data(done: Result) -> dict[str, Any]:
    import json

    return dict(json.loads(done.stdout))


def test_where_nobody_can_be_asked_all_that_is_missing_is_named_at_once(newcomer: Newcomer) -> None:
    newcomer.without("PAX8_CLIENT_SECRET", "HALO_CLIENT_ID")
    done = newcomer.init()
    assert isinstance(done.exception, ConfigError)
    message = str(done.exception)
    assert "PAX8_CLIENT_SECRET_FILE" in message
    assert "--halo-client-id" in message
    assert "HALO_CLIENT_SECRET" not in message
    assert list(newcomer.folder.iterdir()) == []


@pytest.mark.parametrize("variable", ["PAX8_CLIENT_SECRET", "HALO_CLIENT_SECRET"])
def test_refused_credentials_are_not_written_and_not_shown(newcomer: Newcomer, variable: str) -> None:
    newcomer.env[variable] = "hush-hush-9876"
    done = newcomer.init()
    assert done.exit_code == 1, done.output
    assert "Nothing was written" in done.output
    assert variable in done.output
    assert "hush" not in done.output
    assert list(newcomer.folder.iterdir()) == []


def test_other_lines_of_dotenv_stay_and_another_value_needs_a_yes(newcomer: Newcomer) -> None:
    mine = "# mine\nexport HALO_TENANT = 'old'\n\nOTHER=1 # why\n# HALO_CLIENT_ID=\n"
    (newcomer.folder / ".env").write_text(mine)
    (newcomer.folder / ".env").chmod(0o644)
    refused = newcomer.init()
    assert isinstance(refused.exception, ConfigError)
    assert "HALO_TENANT" in str(refused.exception)
    assert "--force" in str(refused.exception)
    assert isinstance(newcomer.init(answers={}).exception, ConfigError)  # Enter is no yes
    assert (newcomer.folder / ".env").read_text() == mine
    assert newcomer.init("--force").exit_code == 0
    lines = (newcomer.folder / ".env").read_text().splitlines()
    assert lines[:5] == ["# mine", "HALO_TENANT=sandbox", "", "OTHER=1 # why", "HALO_CLIENT_ID=sandbox-halo"]
    assert mode(newcomer.folder / ".env") == 0o600


def test_a_secret_from_a_file_stays_in_its_file(newcomer: Newcomer) -> None:
    secret = newcomer.folder / "pax8_secret"
    secret.write_text(newcomer.env.pop("PAX8_CLIENT_SECRET"))
    assert newcomer.init("--pax8-secret-file", str(secret)).exit_code == 0
    assert newcomer.dotenv()["PAX8_CLIENT_SECRET_FILE"] == str(secret)
    assert SECRETS[0] not in (newcomer.folder / ".env").read_text()
    assert load_settings(newcomer.dotenv()).secret("PAX8_CLIENT_SECRET").get_secret_value() == SECRETS[0]


def test_a_person_types_and_corrects_and_halo_names_its_own_addresses(newcomer: Newcomer) -> None:
    url, secret = newcomer.env["HALO_API_URL"], newcomer.env["HALO_CLIENT_SECRET"]
    newcomer.without("HALO_API_URL", "HALO_AUTH_URL", "HALO_TENANT", "HALO_CLIENT_SECRET")
    answers = {"HALO_API_URL": [url], "HALO_CLIENT_SECRET": ["hush-hush-9876", secret]}
    done = newcomer.init(answers=answers)
    assert done.exit_code == 0, done.output
    assert newcomer.dotenv()["HALO_TENANT"] == "sandbox"
    assert newcomer.dotenv()["HALO_CLIENT_SECRET"] == secret
    assert "[bad]  Halo token" in done.output
    assert "hush" not in done.output


def test_a_missing_right_to_read_says_where_to_give_it(newcomer: Newcomer) -> None:
    newcomer.sandbox.world.halo.switches.change({"scopes": ["read:customers", "read:items", "read:invoices"]})
    done = newcomer.init()
    assert done.exit_code == 1
    assert "read:softwarelicensing" in done.output
    assert "View Applications" in done.output
    assert (newcomer.folder / ".env").exists()  # the credentials themselves are right


def test_rights_to_read_are_enough_for_a_start(newcomer: Newcomer) -> None:
    reads = ["read:customers", "read:items", "read:invoices", "read:softwarelicensing"]
    newcomer.sandbox.world.halo.switches.change({"scopes": reads})
    done = newcomer.init()
    assert done.exit_code == 0
    assert "to write, later, it also needs edit:invoices, edit:softwarelicensing" in " ".join(done.output.split())


def test_halos_own_integration_is_named_with_the_way_to_take_over(newcomer: Newcomer) -> None:
    newcomer.sandbox.world.halo.switches.change({"native_sync": "on"})
    data = _data(newcomer.init("--json"))
    assert data["integration"]["state"] == "on"
    assert "pax8-pipeline cutover" in " ".join(data["integration"]["take_over"])
    assert data["ready"] is True  # a dry run may begin all the same


@pytest.fixture
def linked(newcomer: Newcomer) -> Iterator[list[dict[str, Any]]]:
    """Halo's own integration is on and links four clients: two that are there, one gone from Pax8, one from Halo."""
    world = newcomer.sandbox.world
    world.halo.switches.change({"native_sync": "on"})
    companies = [row for row in world.pax8.companies.values() if row["status"] == "Active"][:3]
    clients = [row["id"] for row in world.halo.clients.values() if not row["inactive"]][:3]
    links = [
        {"third_party_id": companies[0]["id"].upper(), "halo_id": clients[0]},
        {"third_party_id": companies[1]["id"], "halo_id": clients[1]},
        {"third_party_id": "00000000-0000-4000-8000-000000000000", "halo_id": clients[2]},
        {"third_party_id": companies[2]["id"], "halo_id": 987654},
    ]
    before = world.halo.integration["client_mappings"]
    world.halo.integration["client_mappings"] = links
    yield links
    world.halo.integration["client_mappings"] = before


def test_the_links_of_halos_own_integration_are_proposed_as_mapping_suggest_does(
    newcomer: Newcomer, linked: list[dict[str, Any]]
) -> None:
    shown = " ".join(newcomer.init().output.split())
    path = newcomer.folder / "data" / "links-of-halo.csv"
    assert "It links 4 clients: 2 mappings proposed; 2 name what is mapped, inactive or gone." in shown
    assert f"pax8-pipeline mapping accept {path}" in shown
    rows = list(csv.DictReader(path.open()))
    assert {(row["pax8_id"], row["halo_id"]) for row in rows} == {
        (link["third_party_id"].lower(), str(link["halo_id"])) for link in linked[:2]
    }
    assert {(row["accept"], row["kind"]) for row in rows} == {("", "client")}
    assert all("Halo's own Pax8 integration links the two" in row["reasons"] for row in rows)
    assert read_decisions(path) == []  # nobody has marked anything
    assert (newcomer.folder / "data" / "mappings" / "clients.csv").read_text().count("\n") == 1


def test_what_a_person_marked_in_the_proposals_stays_and_what_is_mapped_is_not_proposed_again(
    newcomer: Newcomer, linked: list[dict[str, Any]]
) -> None:
    newcomer.init()
    path = newcomer.folder / "data" / "links-of-halo.csv"
    marked = path.read_text().replace("\n,", "\nyes,")
    path.write_text(marked)
    decisions = read_decisions(path)
    assert len(decisions) == 2
    data = _data(newcomer.init("--json"))["proposals"]
    assert (data["change"], len(data["suggestions"]), data["links"]) == ("kept", 2, 4)
    assert path.read_text() == marked
    write_decisions(newcomer.folder / "data" / "mappings", decisions)
    assert _data(newcomer.init("--json"))["proposals"]["suggestions"] == []


def test_links_that_cannot_be_read_now_are_said_and_stop_nothing(
    newcomer: Newcomer, linked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise Forbidden("Pax8 GET /companies: 403", vendor="Pax8")

    monkeypatch.setattr("pax8_pipeline.pax8.client.Pax8Client.companies", refuse)
    done = newcomer.init()
    assert done.exit_code == 0
    assert "Its links could not be read now (Pax8 GET /companies: 403)" in " ".join(done.output.split())
    assert not (newcomer.folder / "data" / "links-of-halo.csv").exists()


def test_a_policy_of_a_person_is_kept_and_the_shipped_one_is_not(newcomer: Newcomer) -> None:
    policy = newcomer.folder / "data" / "policy.yaml"
    policy.parent.mkdir()
    policy.write_text("trust: {default: approve}\n")
    assert "trust.default is approve" in newcomer.init().output
    assert policy.read_text() == "trust: {default: approve}\n"
    policy.write_text(template("policy.yaml"))
    newcomer.init()
    assert load_policy(policy).trust.default == "observe"


def test_the_data_folder_can_be_another(newcomer: Newcomer, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    assert newcomer.init("--data", str(place), "--no-test").exit_code == 0
    assert (place / "policy.yaml").exists()
    assert newcomer.dotenv()["PAX8_PIPELINE_DATA"] == str(place)


def test_the_templates_are_the_files_of_the_repository() -> None:
    """Else: python -m pax8_pipeline_tests.make_reference."""
    folder = make_reference.TEMPLATES
    found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert found == make_reference.templates()


@pytest.mark.parametrize(
    "value", ["plain-1", "two words", "a#b", "it's", 'say "x"', "back\\slash", "a=b", "$HOME", "ü"]
)
def test_a_value_comes_back_from_dotenv_as_it_was(value: str) -> None:
    text = dotenv_writer.with_values("A=1\n", {"HALO_CLIENT_SECRET": value})
    assert dotenv_writer.values_of(text) == {"A": "1", "HALO_CLIENT_SECRET": value}


def test_a_value_that_dotenv_cannot_hold_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError, match="HALO_CLIENT_SECRET_FILE") as refused:
        dotenv_writer.with_values("", {"HALO_CLIENT_SECRET": "hush-${HOME}"})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("acme.halopsa.com", "https://acme.halopsa.com/api"),
        (" https://acme.halopsa.com/ ", "https://acme.halopsa.com/api"),
        ("https://acme.halopsa.com/api/", "https://acme.halopsa.com/api"),
        ("http://127.0.0.1:1/halo/api", "http://127.0.0.1:1/halo/api"),
    ],
)
def test_an_address_may_be_typed_short(typed: str, address: str) -> None:
    assert full_address(typed, "api") == address
