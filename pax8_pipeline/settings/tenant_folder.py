"""Finds the folder of a tenant, and makes the environment that the tenant's settings are read from.

A tenant is one Pax8 partner and one Halo. Its folder `tenants/NAME` is its data folder, with its .env in it. The variable
PAX8_TENANT (or `--tenant`) selects a tenant for the whole process, PAX8_TENANTS names the folder of all tenants. Without
PAX8_TENANT nothing here has an effect.

The environment of a tenant is made from its own files. What the process has is ignored, but for a few variables that hold
no secret, and nothing of the tenant gets into the process's environment: children and other tenants' processes would
inherit it. What the variables mean is in `environment`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import dotenv_file
from pax8_pipeline.settings.secret_files import SECRETS, file_variable

SELECTED, ROOT = "PAX8_TENANT", "PAX8_TENANTS"
ENV_FILE = ".env"
DATA = "PAX8_PIPELINE_DATA"
_MODE = "HALO_WRITE_MODE"
_OURS = ("PAX8_", "HALO_")
# Of the deployment: the same for all tenants, never a secret.
_SHARED = (SELECTED, ROOT, "PAX8_PIPELINE_TODAY", "PAX8_DEBUG")
_NOT_A_TENANTS = (SELECTED, ROOT, DATA, "PAX8_DEBUG")
# A part of asset keys, of paths with `tenant=NAME`, and of names in Docker and Kubernetes.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_RULE = "1 to 40 small letters, digits and hyphens, with a letter first and no hyphen last"


def selected(environment: Mapping[str, str]) -> str | None:
    """Return the name of the selected tenant; None without one. The name is not checked."""
    return environment.get(SELECTED, "").strip() or None


def tenants_root(environment: Mapping[str, str]) -> Path:
    """Return the folder of all tenants: PAX8_TENANTS, else `tenants` in the current folder."""
    return Path(environment.get(ROOT, "").strip() or "tenants").expanduser().absolute()


def tenant_names(root: Path) -> list[str]:
    """Return the names of all tenants in the folder, in order. A folder whose name no tenant can have is none."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())


def check_name(name: str) -> str:
    """Return the name. Raises ConfigError when no tenant can have it."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot be the name of a tenant; a name has {_RULE}")
    return name


def tenant_folder(environment: Mapping[str, str], name: str) -> Path:
    """Return the folder of a tenant.

    Raises ConfigError when the name cannot be one, when there is no such folder, and when the folder is a link: two names
    for one folder would be two tenants with one ledger.
    """
    root = tenants_root(environment)
    folder = root / check_name(name)
    if not folder.is_dir():
        others = ", ".join(tenant_names(root)) or "none yet"
        raise ConfigError(
            f"there is no tenant {name!r}: {folder} is not a folder (tenants there: {others}). "
            f"`pax8-pipeline tenants add {name}` makes it, {ROOT} names another place"
        )
    if folder.resolve() != root.resolve() / name:
        raise ConfigError(f"{folder} is a link; a tenant needs a folder of its own")
    return folder


def process_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment that settings are read from: the process's own, or that of the selected tenant.

    `environment`: used instead of the process's own. Raises ConfigError as `tenant_folder` does, and for a .env that
    cannot be used.
    """
    process = dict(os.environ if environment is None else environment)
    name = selected(process)
    if name is None:
        return process
    folder = tenant_folder(process, name)
    env = {**of_deployment(process), **_own_values(folder)}
    if process.get(_MODE, "").strip() == "dry_run":
        env[_MODE] = "dry_run"  # a brake for all tenants; nobody can let all of them write at once
    return {**env, SELECTED: name, DATA: str(folder)}


def of_deployment(process: Mapping[str, str]) -> dict[str, str]:
    """Return what counts of a process's environment for every tenant; no secret is in it."""
    return {key: value for key, value in process.items() if not key.startswith(_OURS) or key in _SHARED}


def _own_values(folder: Path) -> dict[str, str]:
    """Return the variables of a tenant's .env. Raises ConfigError for what a tenant cannot set."""
    path = folder / ENV_FILE
    _require_own(path, folder, ENV_FILE)
    # Not expanded: `${NAME}` would read a variable of the process.
    values = {key: value for key, value in dotenv_file.read(path, expand=False).items() if value.strip()}
    for key in values:
        if key in _NOT_A_TENANTS or not key.startswith(_OURS):
            raise ConfigError(f"{path}: {key} cannot be set for a tenant; remove it, or set it for the whole process")
    for secret in SECRETS:
        variable = file_variable(secret)
        if values.get(variable):
            _require_own(Path(values[variable]), folder, f"{path}: {variable}")
    return values


def _require_own(path: Path, folder: Path, what: str) -> None:
    """Raise ConfigError when a file is in the folder of another tenant. Files outside of all tenants are allowed."""
    place, root = path.resolve(), folder.parent.resolve()
    if place.is_relative_to(root) and not place.is_relative_to(folder.resolve()):
        raise ConfigError(f"{what} leads into the folder of another tenant; a tenant has its own files")
