"""What `doctor` checks on this machine: settings, mapping files, clock, history, warehouse, schedule. No vendor is
asked, and nothing is repaired.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad, ok, warn
from pax8_pipeline.errors import ConfigError, PipelineError, WarehouseBusy, WarehouseTooNew
from pax8_pipeline.mapping.files import load_mappings
from pax8_pipeline.settings import Settings
from pax8_pipeline.settings.secret_files import readable_by_everybody
from pax8_pipeline.settings.tenant import FILE as TENANT_FILE
from pax8_pipeline.settings.tenant import load_tenant
from pax8_pipeline.settings.tenant_answers import HaloAnswers
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.text.private_files import is_open, readable_by_others
from pax8_pipeline.warehouse import schema
from pax8_pipeline.warehouse.connection import Warehouse

_SHOWN = 5
_MODES = ("", "dry_run", "apply")


def examine(settings: Settings, *, sandbox: bool) -> Iterator[Diagnosis]:
    """Check everything on this machine, point by point."""
    yield data_folder(settings)
    yield permissions(settings, (settings.data if settings.tenant else Path.cwd()) / ".env")
    yield from secret_files(settings)
    yield policy(settings)
    yield mappings(settings)
    yield tenant(settings)
    yield calendar(settings, sandbox=sandbox)
    yield write_mode(settings)
    yield from warehouse(settings)
    yield from history(settings)
    yield alerts(settings)


def data_folder(settings: Settings) -> Diagnosis:
    """Check that the data folder exists or can be made, and can be written to."""
    place = next((p for p in (settings.data, *settings.data.parents) if p.exists()), Path("/"))
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return bad("data folder", f"{settings.data} cannot be written to", f"give this user the right to write {place}")
    return ok("data folder", str(settings.data))


def permissions(settings: Settings, env_file: Path) -> Diagnosis:
    """Check that only this user can read the credentials and what clients pay; the next run closes open files."""
    open_paths = [path for path in (env_file, *readable_by_others(settings.data)) if is_open(path)]
    if not open_paths:
        return ok("permissions", "only this user can read .env and the data")
    names = " ".join(shlex.quote(str(path)) for path in open_paths[:_SHOWN])
    more = f" and {len(open_paths) - _SHOWN} more" if len(open_paths) > _SHOWN else ""
    return warn("permissions", f"other users of this machine can read {names}{more}", f"chmod go-rwx {names}")


def secret_files(settings: Settings) -> Iterator[Diagnosis]:
    """Check that not everybody on this machine can read the files of secrets; nothing is said where there are none."""
    files = settings.secrets.files
    names = ", ".join(files)
    everybody = [shlex.quote(str(path)) for path in files.values() if readable_by_everybody(path)]
    if everybody:
        text = f"every user of this machine can read {' '.join(everybody)}"
        yield warn("secret files", text, f"chmod o-rwx {' '.join(everybody)}")
    elif files:
        yield ok("secret files", f"{names} {'comes from a file' if len(files) == 1 else 'come from files'}")


def policy(settings: Settings) -> Diagnosis:
    """Report policy.yaml. It was readable, otherwise there would be no settings."""
    path = settings.data / "policy.yaml"
    if not path.exists():
        return ok("policy", f"no {path}: all defaults")
    return ok("policy", f"{path} is readable (fingerprint {settings.policy.fingerprint})")


def mappings(settings: Settings) -> Diagnosis:
    """Check that the mapping files are readable, and count their rows."""
    try:
        loaded = load_mappings(settings.mappings_path)
    except ConfigError as error:
        return bad("mapping files", str(error), "correct that row; no run is possible before")
    rows = f"{plural(len(loaded.clients), 'client')}, {plural(len(loaded.subscriptions), 'subscription')}, {plural(len(loaded.items), 'item')}"
    return ok("mapping files", f"{rows} in {settings.mappings_path}")


def tenant(settings: Settings) -> Diagnosis:
    """Report whether a probe has asked how these vendors behave."""
    try:
        known = load_tenant(settings.data)
    except ConfigError as error:
        return bad("probe", str(error))
    days = [str(part.probed_on) for part in (known.pax8, known.halo) if part is not None]
    if not days:
        return ok("probe", "not done yet: `pax8-pipeline doctor --probe` finds out how these two vendors behave")
    if known.halo is not None and (advice := _other_setting(settings, known.halo)):
        return warn("probe", f"answers of {max(days)} do not fit policy.yaml", advice)
    return ok("probe", f"answers of {max(days)} in {settings.data / TENANT_FILE}")


def _other_setting(settings: Settings, found: HaloAnswers) -> str:
    """Say what to set where the probe saw ids in another member than the policy names; "" where they agree."""
    held = found.subscription_id_members
    if held and settings.policy.matching.licence_id_field not in held:
        return f"set matching.licence_id_field: {next(iter(held))} in policy.yaml; the licences hold their ids there"
    if found.only_another_field:
        return "`pax8-pipeline doctor --probe` names the value for matching.client_custom_field in policy.yaml"
    return ""


def calendar(settings: Settings, *, sandbox: bool) -> Diagnosis:
    """Report the day of the sync. A fixed day is for replays: on live systems it would never change."""
    zone = settings.policy.timezone
    text = f"it is {settings.today} in {zone} ({datetime.now(ZoneInfo(zone)):%H:%M} there)"
    if settings.value("PAX8_PIPELINE_TODAY"):
        text = f"today is fixed at {settings.today} by PAX8_PIPELINE_TODAY"
        if not sandbox:
            return warn("today", text, "remove PAX8_PIPELINE_TODAY from the environment and .env")
    return ok("today", text)


def write_mode(settings: Settings) -> Diagnosis:
    """Report whether a run writes. Anything but exactly `apply` is a dry run, so a typing error is reported."""
    set_to = settings.value("HALO_WRITE_MODE")
    source = "HALO_WRITE_MODE" if set_to else "policy.yaml"
    if settings.write_mode == "apply":
        return ok("write mode", f"apply ({source}): the schedule and `run` write to Halo what policy and limits allow")
    if (set_to or settings.policy.write_mode) not in _MODES:
        text = f"{set_to or settings.policy.write_mode!r} ({source}) is not a mode, so runs are dry runs"
        return warn("write mode", text, "write dry_run or apply")
    return ok("write mode", f"dry run ({source}): nothing is written to Halo")


def warehouse(settings: Settings) -> Iterator[Diagnosis]:
    """Check that the warehouse can be opened; if not, report who uses it."""
    path = settings.warehouse_path
    if not path.exists():
        yield ok("warehouse", f"{path} does not exist yet; the first run makes it")
        return
    try:
        with Warehouse(path, patience=0).connect(read_only=True) as connection:
            newest = connection.execute("SELECT max(loaded_at) FROM meta.snapshots WHERE complete").fetchall()[0][0]
            older = schema.check_version(connection, path) < schema.SCHEMA_VERSION
    except WarehouseBusy as error:
        yield warn("warehouse", str(error), "that is normal while a run is active")
    except WarehouseTooNew as error:
        yield bad("warehouse", str(error))
    except PipelineError as error:
        yield bad("warehouse", str(error), "put back a copy of the data folder, or move the file away to start again")
    except Exception as error:  # a file of another program or shape: DuckDB has many errors for it
        yield bad("warehouse", f"{path}: {error}", "move the file away to start again")
    else:
        content = f"newest complete read {newest:%Y-%m-%d %H:%M} UTC" if newest else "empty"
        upgrade = "; of an older version: the next run copies the file and upgrades it" if older else ""
        yield ok("warehouse", f"{path}, {content}{upgrade}")


def history(settings: Settings) -> Iterator[Diagnosis]:
    """Check Dagster's home, and whether the daily schedule is on and a daemon runs it."""
    from dagster import DagsterInstance

    from pax8_pipeline.orchestration.instance import instance_home

    try:
        home = instance_home(settings)
        with DagsterInstance.from_config(str(home)) as instance:
            yield _home(settings, home)
            yield _schedule(settings, instance)
    except ConfigError as error:
        yield bad("dagster home", str(error))
    except Exception as error:  # any error of Dagster about a broken dagster.yaml or database
        yield bad("dagster home", f"cannot be opened: {' '.join(str(error).split())[:300]}", "check dagster.yaml there")


def _home(settings: Settings, home: Path) -> Diagnosis:
    if settings.value("DAGSTER_HOME") and not (home / "dagster.yaml").exists():
        text = f"{home} (DAGSTER_HOME) has no dagster.yaml, so run limits and pools are not in force"
        return warn("dagster home", text, f"copy dagster.yaml to {home}, or leave DAGSTER_HOME unset")
    return ok("dagster home", str(home))


def _schedule(settings: Settings, instance: object) -> Diagnosis:
    from dagster import DagsterInstance

    from pax8_pipeline.orchestration.partitions import code_location_settings
    from pax8_pipeline.orchestration.tenancy import LOCATION
    from pax8_pipeline.orchestration.write_permission import SCHEDULE

    assert isinstance(instance, DagsterInstance)
    at = f"{settings.policy.schedule.hour:02}:{settings.policy.schedule.minute:02} {settings.policy.timezone}"
    chosen = [
        state
        for state in instance.all_instigator_state()
        if state.instigator_name == SCHEDULE
        and state.origin.repository_origin.code_location_origin.location_name == LOCATION
    ]
    on = any(state.is_running for state in chosen) if chosen else code_location_settings(settings).schedule_on
    if not on:
        return ok("schedule", f"off: nothing runs automatically. PAX8_SCHEDULE=on, or the UI, starts it daily at {at}")
    beats = [beat for beat in instance.get_daemon_heartbeats().values() if beat.daemon_type == "SCHEDULER"]
    alive = any(datetime.now(ZoneInfo("UTC")).timestamp() - beat.timestamp < 300 for beat in beats)
    if not alive:
        return warn("schedule", f"on, daily at {at}, but no daemon is running", "keep `pax8-pipeline dev` running")
    return ok("schedule", f"on, daily at {at}")


def alerts(settings: Settings) -> Diagnosis:
    """Say how many addresses get alerts and whether there is a ping address; the addresses are secret."""
    ping = "" if settings.ping_url else "; PAX8_PING_URL adds an alert when no run ends well"
    if not settings.alert_urls:
        return ok("alerts", f"to the log only; PAX8_ALERT_URLS adds chat or e-mail{ping}")
    return ok("alerts", f"to {len(settings.alert_urls)} addresses of PAX8_ALERT_URLS{ping}")
