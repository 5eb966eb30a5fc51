"""The files in deploy/ name what exists: commands, options, variables, ports, users, folders; the tools of each accept them."""

from __future__ import annotations

import configparser
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from pax8_pipeline.cli import COMMANDS
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8
from pax8_pipeline.settings.secret_files import SECRETS, file_variable
from pax8_pipeline_tests.shown_commands import ROOT, in_blocks, resolved

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
HOME = "/opt/pax8-pipeline"
KNOWN = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
OTHERS = {"PATH", "HOME", "SHELL", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "DAGSTER_DISABLE_TELEMETRY"}


def accepted(words: list[str]) -> str:
    """Parse a command of the product with its options, as the program does; return its name."""
    command, context, rest = resolved(tuple(words))
    command.make_context(context.info_name, rest, parent=context.parent)
    return words[1]


# Container
# -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with its arguments."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def service(compose: dict[str, Any]) -> dict[str, Any]:
    (only,) = compose["services"].values()
    return dict(only)


def arguments(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for word, rest in instructions if word == name]


def test_the_image_starts_the_ui_and_takes_any_other_command(dockerfile: list[tuple[str, str]]) -> None:
    (entry,), (default,) = (list(map(yaml.safe_load, arguments(dockerfile, word))) for word in ("ENTRYPOINT", "CMD"))
    assert accepted([*entry, *default]) == "dev"
    assert arguments(dockerfile, "EXPOSE") == [default[default.index("--port") + 1]]


def test_the_image_runs_as_a_user_without_rights_on_the_version_that_ci_runs(
    dockerfile: list[tuple[str, str]],
) -> None:
    assert arguments(dockerfile, "USER") == ["10001:10001"]
    assert len({line.split(" AS ")[0] for line in arguments(dockerfile, "FROM")}) == 1
    constraints = (ROOT / "constraints.txt").read_text()
    (python,) = re.findall(r"tested with \(Python ([\d.]+)\)", constraints)
    assert arguments(dockerfile, "FROM")[0].startswith(f"python:{python}-slim")


def test_everything_that_is_installed_has_a_hash_and_everything_that_is_copied_gets_into_the_build(
    dockerfile: list[tuple[str, str]],
) -> None:
    installs = [part for rest in arguments(dockerfile, "RUN") for part in rest.split("&&") if "pip install" in part]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-deps --no-build-isolation ." in part for part in installs)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for rest in arguments(dockerfile, "COPY") if "--from" not in rest for name in rest.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in allowed)
    assert not {".env", "data", "deploy/secrets"} & allowed


def test_variables_and_paths_of_image_and_compose_file_are_the_products(
    dockerfile: list[tuple[str, str]], service: dict[str, Any]
) -> None:
    (env,) = arguments(dockerfile, "ENV")
    named = dict(part.split("=", 1) for part in env.split())
    assert (set(named) | set(service["environment"])) - OTHERS <= KNOWN
    (volume,) = service["volumes"]
    assert volume["target"] == named["PAX8_PIPELINE_DATA"] == arguments(dockerfile, "VOLUME")[0]
    outside = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert outside - {"DATA_FOLDER", "RUN_AS"} <= KNOWN


def test_the_compose_file_gives_all_credentials_and_the_secrets_only_as_files(
    compose: dict[str, Any], service: dict[str, Any]
) -> None:
    environment = service["environment"]
    wanted = {file_variable(name) if name in SECRETS else name for name in REQUIRED_PAX8 + REQUIRED_HALO}
    assert wanted <= set(environment)
    assert not set(SECRETS) & set(environment)
    files = {value for name, value in environment.items() if name.endswith("_FILE")}
    assert files == {f"/run/secrets/{name}" for name in service["secrets"]}
    assert set(service["secrets"]) == set(compose["secrets"])
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/deploy/.env", "/deploy/secrets/"} <= set(ignored)


def test_the_container_may_as_little_as_possible_and_only_this_machine_reaches_it(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert service["user"] == "${RUN_AS:-10001:10001}"
    assert service["ports"] == ["127.0.0.1:3000:3000"]
    assert "dry_run" in service["environment"]["HALO_WRITE_MODE"]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# What the image installs
# -------------------------------------------------------------------------------------------------------------------


IMPORT = """
import importlib, json, sys
from importlib.metadata import packages_distributions
locked = {*json.loads(sys.argv[1]), "pax8-pipeline"}
names = {module: {d.lower().replace("_", "-").replace(".", "-") for d in found}
         for module, found in packages_distributions().items()}

class OnlyLocked:
    # As if nothing else were installed; what is imported only where it is there stays possible.
    def find_spec(self, name, path=None, target=None):
        found = names.get(name.partition(".")[0])
        if found and not found & locked:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, OnlyLocked())
for name in sys.argv[2:]:
    importlib.import_module(name)
try:
    import pytest
except ModuleNotFoundError:
    print("without pytest")
"""


@pytest.fixture(scope="module")
def runtime_lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runtime_lock", DEPLOY / "runtime_lock.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_image_has_what_the_product_imports_and_no_tools_of_developers(runtime_lock: ModuleType) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = runtime_lock.entries(runtime_lock.runtime_lock((ROOT / "pyproject.toml").read_text(), lock))
    full = runtime_lock.entries(lock)
    assert all(full[name] == text and "--hash=sha256:" in text for name, text in entries.items())
    assert not {"pytest", "mypy", "ruff", "playwright", "hypothesis", "psutil"} & set(entries)
    modules = [f"pax8_pipeline.commands.{module}" for module, _, _ in COMMANDS.values()]
    modules += ["pax8_pipeline.definitions", "pax8_pipeline.reports.frames", "pax8_pipeline.sandbox.server.app"]
    modules += ["dagster_webserver.cli", "dagster._daemon.cli"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, json.dumps(sorted(entries)), *modules],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "without pytest"), done.stderr


# systemd and cron
# -------------------------------------------------------------------------------------------------------------------


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(path.read_text())
    return parser


SERVICES = [path for path in UNITS if path.suffix == ".service"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_calls_a_command_that_exists_with_variables_that_are_known(path: Path) -> None:
    service = unit(path)["Service"]
    program, *rest = shlex.split(service["ExecStart"])
    assert program == f"{service['WorkingDirectory']}/.venv/bin/pax8-pipeline" == f"{HOME}/.venv/bin/pax8-pipeline"
    expected = {"run": "run", "ui": "dev", "prune": "prune"}[path.stem.rpartition("-")[2]]
    assert accepted(["pax8-pipeline", *rest]) == expected
    text = path.read_text()
    named = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    assert set(named) <= KNOWN
    assert named["PAX8_PIPELINE_DATA"] == f"/var/lib/{service['StateDirectory']}"
    credentials = set(re.findall(r"^LoadCredential=(\w+):", text, re.MULTILINE))
    assert {value.removeprefix("%d/") for name, value in named.items() if name.endswith("_FILE")} == credentials


def test_services_have_one_user_and_the_same_limits() -> None:
    parts = [path.read_text().partition("\nUser=")[2].partition("\n[Install]")[0].strip() for path in SERVICES]
    assert len(set(parts)) == 1
    for line in ("ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "UMask=0077"):
        assert line in parts[0].splitlines()


def test_each_timer_has_its_service_and_a_held_run_leaves_it_failed() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert {path.stem for path in timers} < {path.stem for path in SERVICES}
    assert all(unit(path)["Timer"]["Persistent"] == "yes" for path in timers)
    run = unit(DEPLOY / "systemd" / "pax8-pipeline-run.service")["Service"]
    assert run["SuccessExitStatus"] == "2"  # and so neither 1 nor 3


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if (tool := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    program = tmp_path / ".venv" / "bin" / "pax8-pipeline"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace(HOME, str(tmp_path)))
    units = [str(tmp_path / path.name) for path in UNITS]
    done = subprocess.run([tool, "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_line_of_cron_is_a_command_of_the_product() -> None:
    lines = [line for line in (DEPLOY / "pax8-pipeline.cron").read_text().splitlines() if not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z0-9_]+=", line))
    assert set(variables) - OTHERS <= KNOWN
    assert variables["PATH"].startswith(f"{HOME}/.venv/bin:")
    jobs = [re.fullmatch(r"(?:[\d*]+ +){5}pax8-pipeline +cd (\S+) && (.*?) 2>&1 \| logger -t \S+", line)
            for line in lines if not re.match(r"[A-Z0-9_]+=", line)]  # fmt: skip
    assert [accepted(shlex.split(job[2])) for job in jobs if job] == ["run", "prune"]
    assert {job[1] for job in jobs if job} == {HOME}


def test_what_the_deployment_page_shows_of_other_tools_names_files_and_units_that_exist() -> None:
    lines = [" ".join(s.words) for s in in_blocks() if s.words[0] in ("sudo", "docker", "cp")]
    text = "\n".join(lines)
    paths = set(re.findall(r"(?<!\S)((?:deploy|data)/[\w./-]+|\.env\S*)", text))
    made_later = {"deploy/.env", "deploy/secrets", "data/warehouse.duckdb", "data/backups/warehouse-version-1.duckdb"}
    assert {path for path in paths - made_later - {".env"} if not (ROOT / path).exists()} == set()
    assert {path.name for path in UNITS} == set(re.findall(r"deploy/systemd/(\S+)", text))
    (enabled,) = ({word for line in lines if "systemctl enable" in line for word in line.split()[4:]},)
    assert enabled == {path.name for path in UNITS if "[Install]" in path.read_text()}
    assert all(line.split()[1:4] == ["compose", "-f", "deploy/compose.yaml"] for line in lines if line[:6] == "docker")
