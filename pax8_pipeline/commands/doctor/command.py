"""`pax8-pipeline doctor`: checks whether everything is in place, and says what to do if not. It reads only and changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.commands.common import console, json_option, notify, print_json
from pax8_pipeline.commands.doctor import diagnosis, local, mappings, vendors
from pax8_pipeline.commands.doctor import probe as probe_vendors
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad, ok
from pax8_pipeline.commands.target import is_sandbox, open_target
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.transport.retry import RetryPolicy

# A person is waiting: two tries, and not a quarter of an hour.
_SHORT_RETRY = RetryPolicy(tries=2, deadline_s=60.0, retry_after_max_s=30.0)
_READ_TIMEOUT_S = 30.0


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline doctor\n"
    "  pax8-pipeline doctor --probe      once, and after an update of Halo\n"
    "  pax8-pipeline doctor --json | jq '.findings[] | select(.level != \"ok\")'\n\n"
    "Exit codes: 0 nothing is bad (warnings may be there), 1 something is."
)
@click.option("--probe", is_flag=True, help="Ask both vendors what no document says, and store it in data/tenant.yaml.")
@json_option
def doctor(probe: bool, as_json: bool) -> None:
    """Test settings and the connections to Pax8 and Halo, and say in plain words what was found and what to do.

    Connects to both vendors with the credentials that are set; reads only a little and changes nothing. --probe asks
    instead how these two behave (page sizes, lines in lists, where ids are): some 40 reads. Runs use the answers.
    """
    diagnoses = []
    for diagnosed in examine_probe() if probe else examine():
        diagnoses.append(diagnosed)
        if not as_json:
            diagnosis.show(console(), diagnosed)
    if as_json:
        print_json(diagnosis.as_data(diagnoses))
    else:
        counts = {level: sum(1 for f in diagnoses if f.level == level) for level in ("ok", "warn", "bad")}
        notify(f"{counts['ok']} ok, {counts['warn']} warnings, {counts['bad']} bad")
    raise SystemExit(1 if diagnosis.worst(diagnoses) == "bad" else 0)


def examine() -> Iterator[Diagnosis]:
    """Check everything, each thing after those that it depends on."""
    try:
        settings = load_settings()
        if is_sandbox(settings):
            with open_target(settings, notify) as target_settings:
                yield from _everything(target_settings, sandbox=True)
        else:
            yield from _everything(settings, sandbox=False)
    except ConfigError as error:
        yield bad("settings", str(error), "correct it first; everything else depends on it")


def examine_probe() -> Iterator[Diagnosis]:
    """Ask both vendors how they behave, on the sandbox where the other commands work on it."""
    with open_target(load_settings(), notify) as settings:
        yield from probe_vendors.examine(settings)


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
    config = replace(pax8_config(settings), retry=_SHORT_RETRY, read_timeout_s=_READ_TIMEOUT_S)
    try:
        with Pax8Client(config) as client:
            yield from vendors.examine_pax8(client, settings)
            yield from mappings.examine_pax8(client, settings)
    except ConfigError as error:  # an address that would send secrets unencrypted, and the like
        yield bad("Pax8 settings", str(error))


def _halo(settings: Settings) -> Iterator[Diagnosis]:
    config = replace(halo_config(settings), retry=_SHORT_RETRY, read_timeout_s=_READ_TIMEOUT_S)
    try:
        with HaloClient(config) as client:
            yield from vendors.examine_halo(client, settings)
            yield from mappings.examine_halo(client, settings)
    except ConfigError as error:
        yield bad("Halo settings", str(error))
