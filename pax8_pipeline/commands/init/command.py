"""`pax8-pipeline init`: asks for the credentials, tests each, and writes .env and the data folder.

It reads from the vendors and changes nothing there. It overwrites nothing without asking.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from pax8_pipeline.commands.common import console, json_option, notify, print_json, print_wrapped
from pax8_pipeline.commands.doctor import diagnosis
from pax8_pipeline.commands.init import files
from pax8_pipeline.commands.init.conversation import Conversation
from pax8_pipeline.commands.init.credentials import Tested, take_over
from pax8_pipeline.commands.init.links import Proposals, propose
from pax8_pipeline.commands.init.questions import Questions, terminal
from pax8_pipeline.commands.init.variables import HALO, HALO_URL, PAX8
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.reports.mapping.suggestions import as_data
from pax8_pipeline.settings.secret_files import file_variable
from pax8_pipeline.settings.tenant_folder import DATA, process_environment, selected

_WIDEST = 90  # columns; longer lines are hard to read
NEXT = (
    ("pax8-pipeline doctor --probe", "how these two behave"),
    ("pax8-pipeline run", "a dry run: writes nothing"),
    ("pax8-pipeline mapping suggest", "what belongs together"),
    ("pax8-pipeline plan show", "what would change, and why"),
    ("pax8-pipeline status --trust", "what each client lacks"),
)
_INTEGRATION = "native integration"
_RIGHTS = (
    "Pax8: a developer app (Integrations). It has no read-only key; this product never writes to Pax8.",
    "Halo: an API application with client id and secret, Login Type Agent. To read: read:customers read:items "
    "read:invoices read:softwarelicensing. Later, to write: edit:invoices edit:softwarelicensing.",
    "Halo: its agent must see all clients and may read Clients, Items, Invoices, Software "
    "(Configuration > Teams & Agents > Agents).",
)


def _options(command: Any) -> Any:
    for variable in reversed((*PAX8, HALO_URL, *HALO)):
        name = variable.name.lower()
        if variable.secret:
            kind = click.Path(dir_okay=False, path_type=Path)
            text = f"File that contains the {variable.question} alone; .env then names the file."
            command = click.option(variable.option, name, type=kind, metavar="FILE", help=text)(command)
        else:
            command = click.option(variable.option, name, metavar="TEXT", help=f"{variable.question}.")(command)
    return command


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline init               asks, on a terminal\n"
    "  pax8-pipeline init --no-input --halo-api-url acme.halopsa.com \\\n"
    "      --pax8-client-id ID --pax8-secret-file /run/secrets/pax8 \\\n"
    "      --halo-client-id ID --halo-secret-file /run/secrets/halo\n\n"
    "Without a terminal nothing is asked: what no flag, variable or .env gives is an error. A secret is never a flag: "
    "it is typed unseen, or comes from PAX8_CLIENT_SECRET, HALO_CLIENT_SECRET or a file.\n\n"
    "Exit codes: 0 ready for a first run, 1 nothing was written, or a right to read is missing."
)
@_options
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data folder; else ./data.")
@click.option("--timezone", metavar="ZONE", help="Whose midnight ends a day, such as Europe/London.")
@click.option("--no-input", is_flag=True, help="Ask nothing, also on a terminal.")
@click.option("--no-test", is_flag=True, help="Do not connect to Pax8 and Halo.")
@click.option("--force", is_flag=True, help="Replace other values in .env without asking.")
@json_option
def init(
    data: Path | None,
    timezone: str | None,
    no_input: bool,
    no_test: bool,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Set up this folder: credentials in .env, and a data folder whose policy only observes.

    Each credential is tested when it is entered, with a token and a few reads. It may be repeated: what is there stays,
    unless you say otherwise.
    """
    questions = None if no_input else terminal()
    flags = _flags(given, data)
    talk = Conversation(
        flags,
        process_environment(),
        questions,
        say=lambda text: notify(_filled(text)),
        show=lambda tested: None if as_json else _show(tested),
        test=not no_test,
    )
    _start(talk, questions)
    zone = _zone(timezone, talk.environment)
    tested = [talk.pax8(), talk.halo()]
    failed = [vendor for vendor, one in zip(("Pax8", "Halo"), tested, strict=True) if not one.works]
    data_folder = _data_folder(talk, flags)
    written = [] if failed else _write(talk, flags, data_folder, zone, questions, force=force)
    proposals = None if failed or no_test else propose(talk.settings(), tested[1].integration, data_folder)
    works = not failed and not any(f.level == "bad" for one in tested for f in one.findings if _to_read(f.point))
    if as_json:
        print_json(_data(written, tested, proposals, works=works))
    else:
        _summary(written, tested, proposals, failed, works=works)
    raise SystemExit(0 if works else 1)


def _flags(given: Mapping[str, Any], data: Path | None) -> dict[str, str]:
    flags: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, Path):
            flags[file_variable(name.upper())] = str(value.expanduser().absolute())
        elif value is not None:
            flags[name.upper()] = str(value)
    if data is not None and selected(os.environ):
        raise ConfigError("--data: a tenant's data folder is its own folder; leave the option out")
    if data is not None:
        flags["PAX8_PIPELINE_DATA"] = str(data)
    return flags


def _start(talk: Conversation, questions: Questions | None) -> None:
    """Say what is needed; where nobody can be asked, name all that is missing at once."""
    if questions is not None:
        notify("What is needed:")
        for line in _RIGHTS:
            notify(_filled(f"* {line}"))
        notify("")
        return
    found_by_halo = ("HALO_AUTH_URL", "HALO_TENANT") if talk.test else ()
    missing = [variable.how_to_give for variable in talk.missing() if variable.name not in found_by_halo]
    if missing:
        raise ConfigError(f"nobody can be asked here (no terminal, or --no-input). Give {'; '.join(missing)}.")


def _filled(text: str) -> str:
    """Return a paragraph in lines that the terminal does not break within a word."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _zone(flag: str | None, environment: Mapping[str, str]) -> str:
    """Return the time zone of the flag, else this machine's. Raises ConfigError for a flag that is none."""
    zone = (flag or environment.get("TZ", "") or _machine_zone()).strip().lstrip(":") or "UTC"
    zone = "UTC" if zone == "Etc/UTC" else zone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if flag is None:
            return "UTC"
        raise ConfigError(f"--timezone: {zone!r} is not a time zone; use a name such as Europe/London") from error
    return zone


def _machine_zone() -> str:
    place = os.path.realpath("/etc/localtime")
    return place.partition("zoneinfo/")[2]


def _data_folder(talk: Conversation, flags: Mapping[str, str]) -> Path:
    data = flags.get("PAX8_PIPELINE_DATA") or talk.environment.get("PAX8_PIPELINE_DATA", "").strip() or "data"
    return Path(data).expanduser().absolute()


def _write(
    talk: Conversation, flags: Mapping[str, str], data: Path, zone: str, questions: Questions | None, *, force: bool
) -> list[files.WrittenFile]:
    path = _folder(talk.environment) / ".env"
    text = files.read_env(path)
    values = {**talk.values}
    if "PAX8_PIPELINE_DATA" in flags:
        values["PAX8_PIPELINE_DATA"] = flags["PAX8_PIPELINE_DATA"]
    others = files.replaced(text, values)
    if others and not force:
        names = ", ".join(others)
        if questions is None:
            raise ConfigError(f"{path} has other values for {names}; nothing was written. Give --force to replace them")
        if not questions.confirm(f".env has other values for {names}. Replace them?", default=False):
            raise ConfigError(f"{path} stays as it is; nothing was written")
    return [files.write_env(path, text, values), *files.write_data_folder(data, zone)]


def _folder(environment: Mapping[str, str]) -> Path:
    """Return the folder for .env: the tenant's, else the current one."""
    return Path(environment[DATA]) if selected(environment) else Path.cwd()


def _to_read(point: str) -> bool:
    """False for what a first dry run does not need."""
    return point != _INTEGRATION


def _show(tested: Tested) -> None:
    out = console()
    for finding in tested.findings:
        if finding.point != _INTEGRATION:  # it has a paragraph of its own at the end
            diagnosis.show(out, finding)


def _summary(
    written: Iterable[files.WrittenFile],
    tested: Iterable[Tested],
    proposals: Proposals | None,
    failed: list[str],
    *,
    works: bool,
) -> None:
    out = console()
    if failed:
        print_wrapped(out, f"Nothing was written: {' and '.join(failed)} did not take the credentials.")
        return
    out.print()
    for file in written:
        print_wrapped(out, _line(file))
    for one in tested:
        lines = list(take_over(one.integration))
        if lines:
            out.print("\nHalo's own Pax8 integration:")
        for line in [*lines, *(proposals.sentences() if lines and proposals else ())]:
            print_wrapped(out, f"  {line}")
    if not works:
        out.print("\nA right to read is missing: see [bad] above. Give it, then repeat `pax8-pipeline init`.")
    out.print("\nNext:")
    for command, why in NEXT:
        print_wrapped(out, f"  {command:<30}{why}")


def _line(file: files.WrittenFile) -> str:
    return f"{file.change:<10}{_short(file.path)}{f' ({file.note})' if file.note else ''}"


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _data(
    written: Iterable[files.WrittenFile], tested: Iterable[Tested], proposals: Proposals | None, *, works: bool
) -> dict[str, Any]:
    integration = next((one.integration for one in tested if one.integration is not None), None)
    return {
        "schema": "pax8-pipeline/init/1",
        "ready": works,
        "files": [{"path": str(file.path), "change": file.change, "note": file.note} for file in written],
        "findings": [asdict(finding) for one in tested for finding in one.findings],
        "integration": None
        if integration is None
        else {"state": integration.state, "sentence": integration.sentence, "take_over": list(take_over(integration))},
        "proposals": None
        if proposals is None
        else {
            "links": proposals.links,
            "suggestions": [as_data(suggestion) for suggestion in proposals.found],
            "file": None if proposals.file is None else str(proposals.file),
            "change": proposals.change,
            "problem": proposals.problem,
            "next": proposals.command,
        },
        "next": [command for command, _ in NEXT],
    }
