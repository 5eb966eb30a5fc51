"""Reads secrets, from the environment or from files: `PAX8_CLIENT_SECRET` or `PAX8_CLIENT_SECRET_FILE`.

A file keeps a secret out of the environment, which children inherit and tools print. Docker, Kubernetes and systemd give
secrets as files. What the other variables mean is in `environment`.

A message never shows a secret. It shows the path of a file only where the file's folder exists: people write the secret
itself into `..._FILE` by mistake.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.text import textfiles

# Addresses of alerts and pings contain a key of the service that takes them.
VENDOR_SECRETS = ("PAX8_CLIENT_SECRET", "HALO_CLIENT_SECRET")
_SINGLE = (*VENDOR_SECRETS, "PAX8_PING_URL")
SECRETS = (*_SINGLE, "PAX8_ALERT_URLS")
_LARGEST = 64 * 1024  # bytes; what is larger is not a secret, and must not be read whole


@dataclass(frozen=True)
class Secrets:
    """The secrets that are set, by the name of their variable, and the files that some of them came from."""

    values: Mapping[str, SecretStr] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def get(self, name: str) -> SecretStr:
        """Return one secret; an empty one when it is not set."""
        return self.values.get(name, SecretStr(""))


def file_variable(name: str) -> str:
    """Return the variable that names the file of a secret."""
    return f"{name}_FILE"


def load_secrets(environment: Mapping[str, str]) -> Secrets:
    """Read every secret that is set. One that is set in neither way is left out.

    Raises ConfigError when a secret is set in both ways, or when its file is missing, unreadable, empty, or not what
    the secret can be.
    """
    secrets: dict[str, SecretStr] = {}
    paths: dict[str, Path] = {}
    for name in SECRETS:
        direct, place = (environment.get(key, "").strip() for key in (name, file_variable(name)))
        if direct and place:
            raise ConfigError(f"{name} and {file_variable(name)} are both set; remove one of the two")
        if place:
            paths[name] = _checked_path(file_variable(name), place)
            secrets[name] = SecretStr(_read(name, paths[name]))
        elif direct:
            secrets[name] = SecretStr(direct)
    return Secrets(secrets, paths)


def without_secrets(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return an environment in which these secrets are set in neither way."""
    removed = {key for name in names for key in (name, file_variable(name))}
    return {key: value for key, value in environment.items() if key not in removed}


def readable_by_everybody(path: Path) -> bool:
    """True when each user of this machine can read the file. A group may: container users and systemd rely on it."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _checked_path(variable: str, place: str) -> Path:
    path = Path(place)
    if not path.is_absolute() or path.parent == Path("/") or not path.parent.is_dir():
        raise ConfigError(
            f"{variable}: must be the full path of a file in a folder that this user can enter "
            "(what it is now is not shown: it may be the secret itself)"
        )
    return path


def _read(name: str, path: Path) -> str:
    variable = file_variable(name)
    try:
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise ConfigError(f"{variable}: {path} is larger than {_LARGEST // 1024} KiB; name the file of the secret")
    except OSError as error:
        raise ConfigError(f"{variable}: {path} cannot be used ({error.strerror}); check the rights") from error
    try:
        text = textfiles.read(path)
    except ConfigError as error:
        raise ConfigError(f"{variable}: {error}") from error
    if text is None:
        raise ConfigError(f"{variable}: {path} does not exist; make it, or correct the path")
    if not (secret := text.strip()):
        raise ConfigError(f"{variable}: {path} is empty; write the secret into it")
    if name in _SINGLE and len(secret.split()) > 1:
        raise ConfigError(f"{variable}: {path} contains several words or lines; it must contain the secret alone")
    return secret
