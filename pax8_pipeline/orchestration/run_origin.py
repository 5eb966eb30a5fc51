"""Lets a run that a program starts belong to its job in the UI: on the job's page, the timeline and the asset history.

Dagster shows a run there only when the run names the code location that it comes from. `execute_in_process` leaves that
out and has no argument for it, so it is added where the instance creates the run. The test
`test_launch.test_a_run_of_a_program_belongs_to_its_job` fails when another Dagster no longer takes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from dagster import DagsterInstance
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from pax8_pipeline.orchestration.tenancy import ATTRIBUTE, LOCATION, MODULE, REPOSITORY


@contextmanager
def named_origin(instance: DagsterInstance, job: str) -> Iterator[None]:
    """Let the runs that `instance` creates meanwhile name our code location and `job` as their origin."""
    target = LoadableTargetOrigin(module_name=MODULE, attribute=ATTRIBUTE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)
    create = instance.create_run_for_job
    setattr(instance, "create_run_for_job", partial(create, remote_job_origin=origin))  # noqa: B010 - a method is replaced
    try:
        yield
    finally:
        delattr(instance, "create_run_for_job")
