"""Reads and writes `data/tenant.yaml`: what runs learned about this Halo tenant.

The file has no names, amounts or secrets. It may be deleted: its content is learned again. Learning is in
`transport.quota`; the operator's settings are in `settings`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.text import textfiles
from pax8_pipeline.transport.quota import Quota

FILE = "tenant.yaml"
_HEADING = "# Learned by pax8-pipeline about this Halo tenant. Delete this file to learn it again.\n"
_lock = threading.Lock()


def halo_quota(data: Path) -> Quota | None:
    """Return the limit of requests that Halo named in a refusal; None while it never did.

    Raises ConfigError when the file cannot be read.
    """
    limit = _read(data / FILE).get("halo_limit")
    if limit is None:
        return None
    try:
        quota = Quota(int(limit["requests"]), float(limit["window_seconds"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(data / FILE, f"halo_limit needs requests and window_seconds ({error!r})") from error
    if quota.requests < 1 or quota.window_s <= 0:
        raise _unreadable(data / FILE, "halo_limit must be above zero")
    return quota


def store_halo_quota(data: Path, quota: Quota, learned_on: date) -> None:
    """Store the limit that Halo named. That the file cannot be written does not stop the run."""
    path = data / FILE
    with _lock:
        try:
            known = _read(path)
        except ConfigError:
            known = {}
        limit = {"requests": quota.requests, "window_seconds": quota.window_s, "learned_on": learned_on.isoformat()}
        if {**known.get("halo_limit", {}), "learned_on": None} == {**limit, "learned_on": None}:
            return
        text = _HEADING + yaml.safe_dump({**known, "halo_limit": limit}, sort_keys=True)
        with suppress(OSError):
            textfiles.write_whole(path, text)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unreadable(path, " ".join(str(error).split())) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _unreadable(path, "it is not a list of `key: value` lines")
    return content


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path}: not readable: {why}. Delete the file; a run learns its content again.")
