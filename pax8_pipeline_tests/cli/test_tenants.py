"""The commands about tenants, and `--tenant` with other commands."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import yaml

from pax8_pipeline_tests.support.cli import quick


def test_a_new_tenant_has_private_files_that_write_nothing(tmp_path: Path) -> None:
    done = quick(tmp_path, "tenants", "add", "acme", "--timezone", "Europe/London")
    folder = tmp_path / "tenants" / "acme"
    assert done.code == 0
    assert done.out.endswith("Next: pax8-pipeline --tenant acme init\n")
    policy = yaml.safe_load((folder / "policy.yaml").read_text())
    assert (policy["timezone"], policy["trust"]["default"], policy["write_mode"]) == (
        "Europe/London",
        "observe",
        "dry_run",
    )
    assert {path.name for path in folder.iterdir()} == {".env", "policy.yaml", "mappings", "acknowledged.csv"}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / ".env")] == [0o700, 0o600]


def test_adding_again_leaves_what_is_there(tmp_path: Path) -> None:
    quick(tmp_path, "tenants", "add", "acme")
    env = tmp_path / "tenants" / "acme" / ".env"
    env.write_text("PAX8_CLIENT_ID=mine\n")
    assert quick(tmp_path, "tenants", "add", "acme").code == 0
    assert env.read_text() == "PAX8_CLIENT_ID=mine\n"


def test_a_name_that_cannot_be_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = quick(tmp_path, "tenants", "add", "../acme")
    assert done.code == 1
    assert "'../acme' cannot be the name of a tenant" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_list_names_each_tenant_and_its_last_run(tmp_path: Path) -> None:
    assert "No tenants in" in quick(tmp_path, "tenants", "list").out
    for name in ("beta", "acme"):
        quick(tmp_path, "tenants", "add", name)
    end = {"run_id": "r", "job": "daily_sync", "success": False, "ended_at": "2026-08-20T06:01:00+00:00"}
    (tmp_path / "tenants" / "beta" / "last_run.json").write_text(json.dumps(end))
    assert quick(tmp_path, "tenants", "list").out == (
        "acme            no run yet\nbeta            daily_sync failed 2026-08-20 06:01 UTC\n"
    )
    data = json.loads(quick(tmp_path, "tenants", "list", "--json").out)
    assert [(one["name"], (one["last_run"] or {}).get("success")) for one in data["tenants"]] == [
        ("acme", None), ("beta", False),
    ]  # fmt: skip


def test_the_workspace_has_a_code_location_for_each_tenant(tmp_path: Path) -> None:
    for name in ("acme", "beta-it"):
        quick(tmp_path, "tenants", "add", name)
    own = yaml.safe_load(quick(tmp_path, "tenants", "workspace").out)["load_from"]
    assert own[1]["python_module"] == {
        "module_name": "pax8_pipeline.tenants", "attribute": "beta-it", "location_name": "beta-it",
    }  # fmt: skip
    apart = yaml.safe_load(quick(tmp_path, "tenants", "workspace", "--host", "t-{name}.local").out)["load_from"]
    assert apart[0]["grpc_server"] == {"host": "t-acme.local", "port": 4000, "location_name": "acme"}
    shared = quick(tmp_path, "tenants", "workspace", "--host", "one-host")
    assert (shared.code, "two tenants never share a code server" in shared.err) == (1, True)


def test_init_writes_into_the_tenants_folder(tmp_path: Path) -> None:
    quick(tmp_path, "tenants", "add", "acme")
    secret = tmp_path / "secret"
    secret.write_text("s\n")
    words = [
        "init", "--tenant", "acme", "--no-input", "--no-test", "--pax8-client-id", "id", "--pax8-secret-file", str(secret),
        "--halo-api-url", "https://acme.halopsa.com/api", "--halo-auth-url", "https://acme.halopsa.com/auth",
        "--halo-tenant", "acme", "--halo-client-id", "id", "--halo-secret-file", str(secret),
    ]  # fmt: skip
    done = quick(tmp_path, *words)
    assert done.code == 0, done.err
    assert "PAX8_CLIENT_ID=id" in (tmp_path / "tenants" / "acme" / ".env").read_text()
    assert not (tmp_path / ".env").exists()
    assert not (tmp_path / "data").exists()
    other = quick(tmp_path, *words, "--data", "elsewhere")
    assert (other.code, "a tenant's data folder is its own folder" in other.err) == (1, True)


def test_what_is_missing_is_to_be_set_in_the_tenants_own_file(tmp_path: Path) -> None:
    quick(tmp_path, "tenants", "add", "acme")
    (tmp_path / ".env").write_text("PAX8_CLIENT_ID=of-an-installation-without-tenants\n")
    done = quick(tmp_path, "run", "--tenant", "acme", HALO_CLIENT_SECRET="of-the-shell")
    assert done.code == 1
    assert "not set: PAX8_CLIENT_ID, PAX8_CLIENT_SECRET, HALO_API_URL" in done.err
    assert "HALO_CLIENT_SECRET. Put them into" in done.err
    assert str(tmp_path / "tenants" / "acme" / ".env") in done.err


def test_the_demo_has_no_tenants(tmp_path: Path) -> None:
    quick(tmp_path, "tenants", "add", "acme")
    done = quick(tmp_path, "demo", "--tenant", "acme")
    assert (done.code, "the demo has no tenants" in done.err) == (1, True)
