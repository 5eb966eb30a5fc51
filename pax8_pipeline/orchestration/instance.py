"""Finds Dagster's instance: where runs, checks and schedules are stored, and which runs are still alive.

It finds and opens the folder of the history, ends runs whose process died, and deletes old runs. What runs is in
`definitions` and `runs`. The history is in the data folder, so that the sandbox's runs never look like runs on the live
systems: DAGSTER_HOME if set, else `<data folder>/dagster_home`, with the settings of the checkout's dagster.yaml.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.orchestration.dagster_patches import quick_history
from pax8_pipeline.orchestration.tenancy import LOCATION, REPOSITORY, TENANT, notes_folder
from pax8_pipeline.settings import Settings
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.private_files import make_folder

_HEAD = "# Written by pax8-pipeline from the checkout's dagster.yaml; edit that one.\n"
_CHECKOUT = Path(__file__).resolve().parents[2]
# A finished run has its result; an unstarted one belongs to the process that will start it.
_RUNNING = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING]
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
# One history may hold the runs of many tenants: each deletes its own. Dagster gives each run this tag by itself.
_OWN_RUNS = {REPOSITORY_LABEL_TAG: f"{REPOSITORY}@{LOCATION}"} if TENANT else None


def project_file(name: str) -> Path:
    """Return dagster.yaml or workspace.yaml of the current folder, else of the checkout. Raises ConfigError if there is
    none.
    """
    for folder in (Path.cwd(), _CHECKOUT):
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"{name} not found; start this from the checkout, where README.md and {name} are")


def instance_home(settings: Settings) -> Path:
    """Return the folder for DAGSTER_HOME, with a dagster.yaml that stores all history in it. The folder is made if
    needed.

    A DAGSTER_HOME that is set is used as it is. Raises ConfigError if it is relative or missing (Dagster would show a
    stack trace).
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
    path, text = home / "dagster.yaml", _HEAD + yaml.safe_dump(_config(home), sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        textfiles.write_whole(path, text)
    return home


def _config(home: Path) -> dict[str, Any]:
    source = project_file("dagster.yaml")
    try:
        config = yaml.safe_load(source.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not readable as YAML: {' '.join(str(error).split())}") from error
    storage = config.get("storage", {})
    if "sqlite" in storage:  # Postgres stores its history where its settings say
        storage["sqlite"]["base_dir"] = str(home)
    config["local_artifact_storage"]["config"]["base_dir"] = str(home)
    config["compute_logs"]["config"]["base_dir"] = str(home / "compute_logs")
    return dict(config)


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Open the instance that `pax8-pipeline dev` shows, and end the runs of processes that died."""
    with quick_history(), DagsterInstance.from_config(str(instance_home(settings))) as instance:
        end_dead_runs(instance)
        yield instance


# Which runs are alive
# -------------------------------------------------------------------------------------------------------------------


@contextmanager
def process_lock(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a lock that shows that this process executes `run_id`. The lock ends with the process."""
    path = _lock_path(instance, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # waits only while another process checks whether this run is alive
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone, and free their pool slots. Return their ids.

    Otherwise a killed `pax8-pipeline run` would hold the DuckDB slot forever where no daemon runs, and the next run
    would wait for it. Runs without a lock file (started in the UI, without tenants) are handled by Dagster's own run
    monitoring. Of a tenant, only its own runs are looked at.
    """
    ended = []
    for run in instance.get_runs(filters=RunsFilter(statuses=_RUNNING, tags=_OWN_RUNS)):
        if _is_dead(_lock_path(instance, run.run_id)):
            instance.report_run_failed(run, "The process of this run died. The next run settles its open writes.")
            ended.append(run.run_id)
    storage = instance.event_log_storage
    for run_id in storage.get_concurrency_run_ids():
        if run_id in ended or _is_dead(_lock_path(instance, run_id)):
            storage.free_concurrency_slots_for_run(run_id)
            ended += [] if run_id in ended else [run_id]
    for run_id in ended:
        _lock_path(instance, run_id).unlink(missing_ok=True)
    return ended


def _lock_path(instance: DagsterInstance, run_id: str) -> Path:
    # A tenant's runs may be executed on several machines; its own folder is on all of them.
    return notes_folder(Path(instance.root_directory)) / "at_work" / f"{run_id}.lock"


def _is_dead(path: Path) -> bool:
    try:
        with path.open("rb") as handle:  # never made here: a file without a lock would say that its run is dead
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # locked: its process lives
        return False


# Deleting old runs


@dataclass(frozen=True)
class DeletedRuns:
    """The number of deleted items (or of those that would be deleted): `runs` with their events and logs, and
    `orphans`, event files of runs that no longer exist.
    """

    runs: int
    orphans: int


def delete_old_runs(
    instance: DagsterInstance,
    before: datetime,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> DeletedRuns:
    """Delete ended runs created before `before` (with time zone), with their events and logs; of a tenant, its own.

    The newest successful run of each job stays, whatever its age: Dagster shows it as "last materialized".
    """
    latest = _latest_successful(instance)
    old = instance.get_run_records(filters=RunsFilter(statuses=_ENDED, created_before=before, tags=_OWN_RUNS))
    run_ids = [record.dagster_run.run_id for record in old if record.dagster_run.run_id not in latest]
    for number, run_id in enumerate(run_ids, start=1):
        if not dry_run:
            instance.delete_run(run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            _delete_check_results(instance, run_id)
            _remove_shard(instance, run_id)
        if progress is not None:
            progress(number, len(run_ids))
    return DeletedRuns(len(run_ids), _delete_orphans(instance, before, dry_run, run_ids))


def _delete_check_results(instance: DagsterInstance, run_id: str) -> None:
    """Delete the results of a run's asset checks: Dagster leaves them, some fifty for each run."""
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            table = AssetCheckExecutionsTable
            connection.execute(table.delete().where(table.c.run_id == run_id))


def _latest_successful(instance: DagsterInstance) -> set[str]:
    newest: dict[str, str] = {}
    for record in instance.get_run_records(filters=RunsFilter(statuses=[DagsterRunStatus.SUCCESS], tags=_OWN_RUNS)):
        newest.setdefault(record.dagster_run.job_name, record.dagster_run.run_id)  # newest come first
    return set(newest.values())


def _shards(instance: DagsterInstance) -> Path:
    return Path(instance.root_directory) / "history" / "runs"


def _remove_shard(instance: DagsterInstance, run_id: str) -> None:
    """Delete the event file of a run: SQLite has one for each run, and Dagster leaves the empty file."""
    for path in _shards(instance).glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)


def _delete_orphans(instance: DagsterInstance, before: datetime, dry_run: bool, deleted_runs: list[str]) -> int:
    """Delete event files of runs that no longer exist, unchanged since `before`. Return their number."""
    count = 0
    for path in _shards(instance).glob("*.db"):
        old = path.stat().st_mtime < before.timestamp()
        if old and path.stem != "index" and path.stem not in deleted_runs and not instance.has_run(path.stem):
            count += 1
            if not dry_run:
                _remove_shard(instance, path.stem)
    return count
