"""What is written can be read by its user alone, also what was written before."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline.commands.doctor import local
from pax8_pipeline.orchestration.instance import instance_home
from pax8_pipeline.text.private_files import make_private, readable_by_others
from pax8_pipeline_tests.support.assets import out_of_step


@pytest.fixture
def everybody_reads() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("everybody_reads")
def test_a_run_leaves_nothing_that_others_can_read(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path)
    old = tmp_path / "reports"
    old.mkdir(mode=0o755)
    (old / "plan-old.html").write_text("old")
    assert harness.sync().success
    instance_home(harness.settings)
    made = [tmp_path / name for name in ("warehouse.duckdb", "published.duckdb", "writer.lock")]
    made += [
        p for name in ("reports", "backups", "dagster_home") for p in (tmp_path / name, *(tmp_path / name).rglob("*"))
    ]
    assert {oct(mode(p)) for p in made if p.is_file()} == {"0o600"}
    assert {oct(mode(p)) for p in made if p.is_dir()} == {"0o700"}
    assert (tmp_path / "reports" / "plan-old.html") in made


def test_what_is_not_ours_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("")
    (tmp_path / "policy.yaml").chmod(0o644)
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "elsewhere").chmod(0o644)
    (tmp_path / "reports").symlink_to(tmp_path / "elsewhere")
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert [mode(p) for p in (tmp_path, tmp_path / "policy.yaml", tmp_path / "elsewhere")] == [0o755, 0o644, 0o644]
    assert list(readable_by_others(tmp_path)) == []


def test_doctor_names_what_others_can_read_and_the_command(tmp_path: Path) -> None:
    settings = out_of_step(tmp_path).settings
    env_file = tmp_path / ".env"
    assert local.permissions(settings, env_file).level == "ok"
    env_file.write_text("HALO_CLIENT_SECRET=x")
    env_file.chmod(0o644)
    settings.warehouse_path.write_bytes(b"")
    settings.warehouse_path.chmod(0o640)
    found = local.permissions(settings, env_file)
    assert (found.level, found.advice) == ("warn", f"chmod go-rwx {env_file} {settings.warehouse_path}")
    os.system(found.advice)
    assert local.permissions(settings, env_file).level == "ok"
