"""`pax8-pipeline doctor`: is everything in place, and if not, what to do. Reads only, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.commands.common import console, json_option, print_json, tell
from pax8_pipeline.commands.doctor import diagnosis, local, mappings, vendors
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad, ok
from pax8_pipeline.commands.target import is_sandbox, open_target
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.transport.retry import RetryPolicy

# A person is waiting: asked twice, not for a quarter of an hour.
_IMPATIENT = RetryPolicy(tries=2, deadline_s=60.0, retry_after_max_s=30.0)
_READ_TIMEOUT_S = 30.0


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline doctor\n"
    "  pax8-pipeline doctor --json | jq '.findings[] | select(.level != \"ok\")'\n\n"
    "Exit codes: 0 nothing is bad (warnings may be there), 1 something is."
)
@json_option
def doctor(as_json: bool) -> None:
    """Test settings and the connections to Pax8 and Halo, and say in plain words what is so and what to do.

    Looks at both vendors with the credentials that are set; reads only a little and changes nothing.
    """
    found = []
    for finding in examine():
        found.append(finding)
        if not as_json:
            diagnosis.show(console(), finding)
    if as_json:
        print_json(diagnosis.as_data(found))
    else:
        counts = {level: sum(1 for f in found if f.level == level) for level in ("ok", "warn", "bad")}
        tell(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['bad']} bad")
    raise SystemExit(1 if diagnosis.worst(found) == "bad" else 0)


def examine() -> Iterator[Diagnosis]:
    """Look at everything, in the order in which one thing rests on another."""
    try:
        settings = load_settings()
        if is_sandbox(settings):
            with open_target(settings, tell) as used:
                yield from _everything(used, sandbox=True)
        else:
            yield from _everything(settings, sandbox=False)
    except ConfigError as error:
        yield bad("settings", str(error), "correct it first; everything else rests on it")


def _everything(settings: Settings, *, sandbox: bool) -> Iterator[Diagnosis]:
    yield ok("settings", "readable" + (", working on the sandbox" if sandbox else ""))
    yield from local.examine(settings, sandbox=sandbox)
    if not (missing := settings.missing(REQUIRED_PAX8)):
        yield from _pax8(settings)
    else:
        yield _unset("Pax8", missing)
    if not (missing := settings.missing(REQUIRED_HALO)):
        yield from _halo(settings)
    else:
        yield _unset("Halo", missing)


def _unset(vendor: str, missing: list[str]) -> Diagnosis:
    advice = "put them into .env (.env.example says where to find each), or see it work first: make demo"
    return bad(f"{vendor} settings", f"not set: {', '.join(missing)}", advice)


def _pax8(settings: Settings) -> Iterator[Diagnosis]:
    config = replace(pax8_config(settings), retry=_IMPATIENT, read_timeout_s=_READ_TIMEOUT_S)
    try:
        with Pax8Client(config) as client:
            yield from vendors.examine_pax8(client, settings)
            yield from mappings.examine_pax8(client, settings)
    except ConfigError as error:  # an address that would send secrets unencrypted, and the like
        yield bad("Pax8 settings", str(error))


def _halo(settings: Settings) -> Iterator[Diagnosis]:
    config = replace(halo_config(settings), retry=_IMPATIENT, read_timeout_s=_READ_TIMEOUT_S)
    try:
        with HaloClient(config) as client:
            yield from vendors.examine_halo(client, settings)
            yield from mappings.examine_halo(client, settings)
    except ConfigError as error:
        yield bad("Halo settings", str(error))
