"""The files an operator starts from say the truth."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from pax8_pipeline.billing import acknowledgements
from pax8_pipeline.billing.verdicts import ALL_VERDICTS
from pax8_pipeline.cli import COMMANDS
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.orchestration.checks.registry import CHECKS
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Policy, load_policy
from pax8_pipeline_tests import make_reference

ROOT = Path(__file__).parents[2]
CONSTRAINTS = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")
]


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~\[;]", requirement)[0].lower().replace("_", "-").replace(".", "-")


def test_constraints_are_exact_versions_and_name_no_place_to_get_them_from() -> None:
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.+!]+", line)] == []


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {_name(r) for r in project["dependencies"] + project["optional-dependencies"]["dev"]}
    assert declared - {_name(line) for line in CONSTRAINTS} == set()


def test_every_locked_line_has_hashes_and_the_lock_holds_what_the_constraints_say() -> None:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pattern = r"([A-Za-z0-9._-]+)(?:\[[a-z]+\])?==(\S+) (?: *; [^-]+?)?((?: +--hash=sha256:[0-9a-f]{64})+) *"
    found = [re.fullmatch(pattern, line) for line in lines]
    assert [line for line, match in zip(lines, found, strict=True) if match is None] == []
    locked = {_name(match[1]): match[2] for match in found if match is not None}
    listed = {_name(line): line.split("==")[1] for line in CONSTRAINTS}
    only_windows = {_name(line) for line in lines if "sys_platform == 'win32'" in line}
    assert {name: version for name, version in locked.items() if name not in only_windows} == listed
    # A wheel for each system: one hash would lock everybody into the one it was made on.
    assert min(line.count("--hash") for line in lines if line.startswith(("numpy==", "duckdb==", "grpcio=="))) > 10


def test_setting_up_asks_for_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert ["--require-hashes" in line or "--no-deps --no-build-isolation -e ." in line for line in installs] == [
        True,
        True,
        True,
    ]


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    """The keys of a policy as nested dicts; a leaf is empty."""
    inner = {name: field.annotation for name, field in model.model_fields.items()}
    return {
        name: _keys(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
        for name, kind in inner.items()
    }


def _stated(found: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: _stated(value, wanted.get(name, {})) if wanted.get(name) else {} for name, value in found.items()}


def _leaves(keys: dict[str, Any]) -> set[str]:
    return {leaf for name, inner in keys.items() for leaf in (_leaves(inner) if inner else {name})}


def test_policy_yaml_states_every_key_with_its_default() -> None:
    path = ROOT / "data" / "policy.yaml"
    assert load_policy(path) == Policy()
    assert _stated(yaml.safe_load(path.read_text()), _keys(Policy)) == _keys(Policy)


def test_policy_yaml_explains_every_key() -> None:
    comments = make_reference.comments((ROOT / "data" / "policy.yaml").read_text())
    silent = {
        leaf for leaf in _leaves(_keys(Policy)) if not any(path[-1] == leaf and text for path, text in comments.items())
    }
    assert silent == set()


def test_the_reference_is_what_the_code_states() -> None:
    """Else: python -m pax8_pipeline_tests.make_reference."""
    made = make_reference.reference()
    assert {path.name: path.read_text() for path in make_reference.REFERENCE.glob("*.md")} == made


def test_the_reference_holds_every_key_verdict_check_and_command() -> None:
    made = make_reference.reference()
    assert {leaf for leaf in _leaves(_keys(Policy)) if not re.search(rf"[`.]{leaf}`", made["policy.md"])} == set()
    words = {"safe": "changes", "needs_approval": "waits", "blocked": "held back", "no_op": "fine"}
    rows = [f"| `{v.name}` | {words[v.cls]} | {v.sentence} |" for v in ALL_VERDICTS]
    assert [row for row in rows if row not in made["verdicts.md"]] == []
    assert {rule.name for rule in CHECKS} == set(re.findall(r"^\| `(\w+)`", made["checks.md"], re.MULTILINE))
    assert set(re.findall(r"^## pax8-pipeline (\w+)", made["commands.md"], re.MULTILINE)) == set(COMMANDS)


def test_mapping_files_begin_with_their_headings() -> None:
    found = load_mappings(ROOT / "data" / "mappings")
    assert (found.clients, found.subscriptions, found.items) == ((), (), ())
    assert acknowledgements.load(ROOT / "data" / "acknowledged.csv") == ()
    assert (ROOT / "data" / "acknowledged.csv").read_text() == f"{','.join(acknowledgements.COLUMNS)}\n"
    assert sorted(p.name for p in (ROOT / "data" / "mappings").glob("*.csv")) == [
        "clients.csv", "items.csv", "subscriptions.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("variable", REQUIRED_PAX8 + REQUIRED_HALO)
def test_env_example_lists_what_is_required_and_holds_no_value(variable: str) -> None:
    assert re.search(rf"^{variable}=$", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_env_example_lists_every_variable_the_code_reads() -> None:
    code = "\n".join(p.read_text() for p in (ROOT / "pax8_pipeline").rglob("*.py") if "sandbox" not in p.parts)
    read = set(re.findall(r"""["']((?:PAX8|HALO)_[A-Z0-9_]+)["']""", code))
    listed = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read - listed == set()
    assert len(read) > 10
