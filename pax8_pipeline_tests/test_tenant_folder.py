"""The folder of a tenant, and the environment that its settings come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings.tenant_folder import process_environment, tenant_names


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("acme", "beta"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".env").write_text(f"PAX8_CLIENT_ID=id-of-{name}\nHALO_CLIENT_SECRET=secret-of-{name}\n")
    return tmp_path


def of(root: Path, name: str = "acme", **others: str) -> dict[str, str]:
    return process_environment({"PAX8_TENANTS": str(root), "PAX8_TENANT": name, **others})


def test_without_a_tenant_the_environment_is_the_processs_own(root: Path) -> None:
    given = {"PAX8_TENANTS": str(root), "PAX8_CLIENT_ID": "x", "HOME": "/home/ada"}
    assert process_environment(given) == given


def test_values_come_from_the_tenants_own_file_and_data_is_its_folder(root: Path) -> None:
    env = of(root, PATH="/bin", DAGSTER_HOME="/srv/dagster")
    assert (env["PAX8_CLIENT_ID"], env["HALO_CLIENT_SECRET"]) == ("id-of-acme", "secret-of-acme")
    assert env["PAX8_PIPELINE_DATA"] == str(root / "acme")
    assert (env["PATH"], env["DAGSTER_HOME"]) == ("/bin", "/srv/dagster")


def test_the_processs_own_values_do_not_count(root: Path) -> None:
    strange = {
        "PAX8_CLIENT_SECRET": "of-another",
        "PAX8_PIPELINE_DATA": "/srv/other",
        "HALO_CLIENT_SECRET": "of-another",
    }
    env = of(root, **strange, PAX8_SCHEDULE="on")
    assert "of-another" not in env.values()
    assert not {"PAX8_CLIENT_SECRET", "PAX8_SCHEDULE"} & env.keys()
    assert env["PAX8_PIPELINE_DATA"] == str(root / "acme")


@pytest.mark.parametrize(("process", "own", "mode"), [
    ("apply", "", None), ("apply", "dry_run", "dry_run"), ("dry_run", "apply", "dry_run"), ("", "apply", "apply"),
])  # fmt: skip
def test_the_process_can_only_forbid_writing(root: Path, process: str, own: str, mode: str | None) -> None:
    (root / "acme" / ".env").write_text(f"HALO_WRITE_MODE={own}\n")
    assert of(root, HALO_WRITE_MODE=process).get("HALO_WRITE_MODE") == mode


def test_a_value_is_not_filled_in_from_the_process(root: Path) -> None:
    (root / "acme" / ".env").write_text("HALO_CLIENT_SECRET=${OF_ANOTHER}\n")
    assert of(root, OF_ANOTHER="secret-of-beta")["HALO_CLIENT_SECRET"] == "${OF_ANOTHER}"


@pytest.mark.parametrize("line", ["PAX8_PIPELINE_DATA=/srv/beta", "DAGSTER_HOME=/srv/d", "PAX8_TENANT=beta", "PATH=/x"])
def test_what_belongs_to_the_deployment_is_refused_in_a_tenants_file(root: Path, line: str) -> None:
    (root / "acme" / ".env").write_text(f"{line}\n")
    with pytest.raises(ConfigError, match=f"acme/.env: {line.split('=')[0]} cannot be set for a tenant"):
        of(root)


@pytest.mark.parametrize("name", ["Acme", "../acme", "a b", "-a", "a-", "a" * 41, "ac/me"])
def test_a_name_that_no_tenant_can_have_is_refused(root: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a tenant; a name has 1 to 40 small letters"):
        of(root, name)


def test_a_missing_folder_is_named_with_the_tenants_that_are_there(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"no tenant 'gamma': .*/gamma is not a folder \(tenants there: acme, beta\)"):
        of(root, "gamma")


def test_two_names_for_one_folder_are_refused(root: Path) -> None:
    (root / "gamma").symlink_to(root / "acme")
    with pytest.raises(ConfigError, match="gamma is a link; a tenant needs a folder of its own"):
        of(root, "gamma")


def test_a_file_of_another_tenant_is_refused(root: Path) -> None:
    (root / "beta" / "key").write_text("secret")
    (root / "acme" / "key").symlink_to(root / "beta" / "key")
    for place in (root / "beta" / "key", root / "acme" / "key"):
        (root / "acme" / ".env").write_text(f"PAX8_CLIENT_SECRET_FILE={place}\n")
        with pytest.raises(ConfigError, match="PAX8_CLIENT_SECRET_FILE leads into the folder of another tenant"):
            of(root)
    (root / "acme" / ".env").unlink()
    (root / "acme" / ".env").symlink_to(root / "beta" / ".env")
    with pytest.raises(ConfigError, match="leads into the folder of another tenant"):
        of(root)


def test_a_secret_of_the_machine_may_be_named(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("secrets") / "acme"
    (root / "acme" / ".env").write_text(f"PAX8_CLIENT_SECRET_FILE={place}\n")
    assert of(root)["PAX8_CLIENT_SECRET_FILE"] == str(place)


def test_only_folders_with_a_name_of_a_tenant_are_tenants(root: Path) -> None:
    (root / "dagster_home").mkdir()
    (root / "notes.txt").write_text("")
    assert tenant_names(root) == ["acme", "beta"]
    assert tenant_names(root / "missing") == []
