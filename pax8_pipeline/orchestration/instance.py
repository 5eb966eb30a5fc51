"""Finds Dagster's instance: where runs, checks and schedules are remembered, and who still works on a run.

Here belongs: the history's folder, opening it, ending runs whose process died, deleting old runs. Not here: what
runs (`definitions`, `runs`). The history follows the data folder, so that what happened on the sandbox never
looks like something that happened to customers: DAGSTER_HOME if set, else `<data folder>/dagster_home`, with
the settings of the checkout's dagster.yaml.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.orchestration.dagster_patches import quick_history
from pax8_pipeline.settings import Settings
from pax8_pipeline.text.private_files import make_folder

_HEAD = "# Written by pax8-pipeline from the checkout's dagster.yaml; edit that one.\n"
_CHECKOUT = Path(__file__).resolve().parents[2]
# Neither is a run at work: a finished one has its result, an unstarted one belongs to whoever will start it.
_AT_WORK = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING]
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def project_file(name: str) -> Path:
    """Return dagster.yaml or workspace.yaml of the folder we are in, else of the checkout; ConfigError if neither."""
    for folder in (Path.cwd(), _CHECKOUT):
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"{name} not found; start this from the checkout, where README.md and {name} are")


def instance_home(settings: Settings) -> Path:
    """Return the folder to use as DAGSTER_HOME, made if need be, with a dagster.yaml that keeps all history in it.

    A DAGSTER_HOME that is set is taken as it is. Raises ConfigError if that is relative or missing, which Dagster
    itself would answer with a stack trace.
    """
    chosen = settings.value("DAGSTER_HOME")
    if chosen:
        home = Path(chosen).expanduser()
        if not home.is_absolute() or not home.is_dir():
            raise ConfigError(
                f"DAGSTER_HOME: {chosen!r} must be an absolute path to a folder that exists; "
                "leave it unset to keep the history in the data folder"
            )
        return home
    home = settings.data / "dagster_home"
    make_folder(home)
    _write_if_new(home / "dagster.yaml", _HEAD + yaml.safe_dump(_config(home), sort_keys=False))
    return home


def _config(home: Path) -> dict[str, Any]:
    source = project_file("dagster.yaml")
    try:
        config = yaml.safe_load(source.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not readable as YAML: {' '.join(str(error).split())}") from error
    storage = config.get("storage", {})
    if "sqlite" in storage:  # Postgres keeps its history where it says
        storage["sqlite"]["base_dir"] = str(home)
    config["local_artifact_storage"]["config"]["base_dir"] = str(home)
    config["compute_logs"]["config"]["base_dir"] = str(home / "compute_logs")
    return dict(config)


def _write_if_new(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Open the instance that `pax8-pipeline dev` shows, and end what dead processes left behind in it."""
    with quick_history(), DagsterInstance.from_config(str(instance_home(settings))) as instance:
        end_dead_runs(instance)
        yield instance


# Who is alive
# -------------------------------------------------------------------------------------------------------------------


@contextmanager
def at_work(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Mark this process as the one that executes `run_id`. The mark is a lock, so it dies with the process."""
    path = _mark(instance, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # waits only while somebody looks whether we live
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Fail runs whose marked process is gone and give back their pool slots; return their ids.

    Without this a killed `pax8-pipeline run` would hold the DuckDB slot for ever where no daemon runs, and the next
    one would wait for it. Runs without a mark (started in the UI) are left to Dagster's own run monitoring.
    """
    ended = []
    for run in instance.get_runs(filters=RunsFilter(statuses=_AT_WORK)):
        if _is_dead(_mark(instance, run.run_id)):
            instance.report_run_failed(run, "The process of this run died. The next run settles what it left open.")
            ended.append(run.run_id)
    storage = instance.event_log_storage
    for run_id in storage.get_concurrency_run_ids():
        if run_id in ended or _is_dead(_mark(instance, run_id)):
            storage.free_concurrency_slots_for_run(run_id)
            ended += [] if run_id in ended else [run_id]
    for run_id in ended:
        _mark(instance, run_id).unlink(missing_ok=True)
    return ended


def _mark(instance: DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "at_work" / f"{run_id}.lock"


def _is_dead(path: Path) -> bool:
    try:
        with path.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # locked: its process lives
        return False


# What is old
# -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Swept:
    """What went (or would go): `runs` with their events and logs, `orphans` event and log files of runs long gone."""

    runs: int
    orphans: int


def delete_old_runs(
    instance: DagsterInstance,
    before: datetime,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Swept:
    """Delete ended runs created before `before` (with time zone), their events and their logs.

    The newest successful run of each job stays, however old: it is what "last materialized" means.
    """
    keep = _newest_good(instance)
    old = instance.get_run_records(filters=RunsFilter(statuses=_ENDED, created_before=before))
    doomed = [record.dagster_run.run_id for record in old if record.dagster_run.run_id not in keep]
    for number, run_id in enumerate(doomed, start=1):
        if not dry_run:
            instance.delete_run(run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            _remove_shard(instance, run_id)
        if progress is not None:
            progress(number, len(doomed))
    return Swept(len(doomed), _sweep_orphans(instance, before, dry_run, doomed))


def _newest_good(instance: DagsterInstance) -> set[str]:
    newest: dict[str, str] = {}
    for record in instance.get_run_records(filters=RunsFilter(statuses=[DagsterRunStatus.SUCCESS])):
        newest.setdefault(record.dagster_run.job_name, record.dagster_run.run_id)  # newest come first
    return set(newest.values())


def _shards(instance: DagsterInstance) -> Path:
    return Path(instance.root_directory) / "history" / "runs"


def _remove_shard(instance: DagsterInstance, run_id: str) -> None:
    """SQLite keeps the events of each run in a file of its own, and leaves the emptied file lying about."""
    for path in _shards(instance).glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)


def _sweep_orphans(instance: DagsterInstance, before: datetime, dry_run: bool, doomed: list[str]) -> int:
    """Event files of runs that no longer exist, untouched since `before`."""
    gone = 0
    for path in _shards(instance).glob("*.db"):
        stale = path.stat().st_mtime < before.timestamp()
        if stale and path.stem != "index" and path.stem not in doomed and not instance.has_run(path.stem):
            gone += 1
            if not dry_run:
                _remove_shard(instance, path.stem)
    return gone
