"""Secrets come from the environment or from files; a file that cannot be used is named, and no message has a secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pax8_pipeline.commands.doctor import local
from pax8_pipeline.commands.target import sandbox_environment, sandbox_settings
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.settings.secret_files import SECRETS, file_variable

SECRET = "s3cret/Value=="


def settings(tmp_path: Path, **env: str) -> Settings:
    return load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), **env})


def secret_file(tmp_path: Path, content: bytes = f"{SECRET}\n".encode(), mode: int = 0o400) -> str:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def message(tmp_path: Path, **env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, **env)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_the_file_of_each_secret_is_in_env_example() -> None:
    example = (Path(__file__).parents[1] / ".env.example").read_text()
    assert [name for name in SECRETS if f"# {file_variable(name)}=" not in example] == []


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    made = settings(tmp_path, **{file_variable(name): secret_file(tmp_path)})
    assert made.secret(name).get_secret_value() == SECRET
    assert made.missing((name,)) == []
    assert SECRET not in repr(made) + str(made.secrets)
    assert SECRET not in "".join(made.environment.values())  # children inherit these


def test_credentials_with_secrets_from_files_are_complete(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    env = {file_variable(name) if name in SECRETS else name: path for name in REQUIRED_PAX8 + REQUIRED_HALO}
    settings(tmp_path, **env).require(REQUIRED_PAX8 + REQUIRED_HALO)
    assert settings(tmp_path, PAX8_CLIENT_SECRET_FILE=path).has_credentials
    with pytest.raises(ConfigError, match="not set: PAX8_CLIENT_ID, HALO_API_URL"):
        settings(tmp_path, PAX8_CLIENT_SECRET_FILE=path).require(REQUIRED_PAX8 + REQUIRED_HALO)


def test_a_file_of_alert_addresses_may_have_one_in_each_line(tmp_path: Path) -> None:
    path = secret_file(tmp_path, b"slack://one\nmailto://two\n")
    assert [url.get_secret_value() for url in settings(tmp_path, PAX8_ALERT_URLS_FILE=path).alert_urls] == [
        "slack://one",
        "mailto://two",
    ]
    ping = settings(tmp_path, PAX8_PING_URL_FILE=secret_file(tmp_path, b"https://ping.example/x")).ping_url
    assert ping is not None
    assert ping.get_secret_value() == "https://ping.example/x"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_set_in_both_ways_is_an_error(name: str, tmp_path: Path) -> None:
    found = message(tmp_path, **{name: SECRET, file_variable(name): secret_file(tmp_path)})
    assert found == f"{name} and {name}_FILE are both set; remove one of the two"
    # An empty line of .env sets nothing.
    assert settings(tmp_path, **{name: " ", file_variable(name): secret_file(tmp_path)}).missing((name,)) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; write the secret into it"),
        (b" \n\t\n", "is empty; write the secret into it"),
        (b"one\ntwo\n", "contains several words or lines"),
        (b"PAX8_CLIENT_SECRET = abc\n", "contains several words or lines"),
        (b"\xff\xfe\xfa", "not UTF-16 text; save it as UTF-8"),
        (b"abc\0def", "contains bytes that are not text"),
        (b"x" * 70000, "is larger than 64 KiB"),
    ],
)
def test_a_file_that_is_no_secret_is_named_with_the_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = secret_file(tmp_path, content)
    found = message(tmp_path, HALO_CLIENT_SECRET_FILE=path)
    assert found.startswith(f"HALO_CLIENT_SECRET_FILE: {path}")
    assert reason in found


def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gone"
    assert message(tmp_path, PAX8_CLIENT_SECRET_FILE=str(path)) == (
        f"PAX8_CLIENT_SECRET_FILE: {path} does not exist; make it, or correct the path"
    )
    assert "is a folder, but a file is needed" in message(tmp_path, PAX8_CLIENT_SECRET_FILE=f"{tmp_path}/./")
    secret_file(tmp_path)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # the tests' user may be root, whom nothing is refused
    assert "may not be used by this user; change its owner or rights" in message(
        tmp_path, PAX8_CLIENT_SECRET_FILE=str(tmp_path / "secret")
    )


@pytest.mark.parametrize("place", [SECRET, f"/{SECRET}", "/s3cret", "relative/path", f"/no/such/folder/{SECRET}"])
def test_a_secret_in_the_variable_of_the_file_is_not_repeated(place: str, tmp_path: Path) -> None:
    found = message(tmp_path, PAX8_CLIENT_SECRET_FILE=place)
    assert found.startswith("PAX8_CLIENT_SECRET_FILE: must be the full path of a file")
    assert place not in found


def test_a_changed_file_counts_at_the_next_reading(tmp_path: Path) -> None:
    path = secret_file(tmp_path, b"old", mode=0o600)
    env = {"PAX8_CLIENT_SECRET_FILE": path}
    assert settings(tmp_path, **env).secret("PAX8_CLIENT_SECRET").get_secret_value() == "old"
    Path(path).write_text("new")
    assert settings(tmp_path, **env).secret("PAX8_CLIENT_SECRET").get_secret_value() == "new"


def test_the_sandbox_takes_no_file_of_a_live_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret_file(tmp_path)
    for name in SECRETS:
        monkeypatch.setenv(file_variable(name), path)
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
    vendors = {"PAX8_CLIENT_SECRET": "sandbox", "HALO_CLIENT_SECRET": "sandbox"}
    live = load_settings()
    assert not {file_variable(name) for name in SECRETS} & set(sandbox_environment(live, vendors))
    made = sandbox_settings(live, vendors)
    assert made.secret("HALO_CLIENT_SECRET").get_secret_value() == "sandbox"
    assert (made.alert_urls, made.ping_url) == ((), None)
    assert load_settings().secret("PAX8_CLIENT_SECRET").get_secret_value() == "sandbox"  # and so do Dagster's runs
    assert "PAX8_PING_URL_FILE" not in os.environ


def test_doctor_warns_of_a_secret_that_everybody_can_read(tmp_path: Path) -> None:
    assert list(local.secret_files(settings(tmp_path))) == []
    path = secret_file(tmp_path, mode=0o444)
    made = settings(tmp_path, HALO_CLIENT_SECRET_FILE=path)
    (found,) = local.secret_files(made)
    assert (found.level, found.advice) == ("warn", f"chmod o-rwx {path}")
    Path(path).chmod(0o440)  # of a container's group, or a credential of systemd
    (found,) = local.secret_files(made)
    assert (found.level, found.text) == ("ok", "HALO_CLIENT_SECRET comes from a file")
