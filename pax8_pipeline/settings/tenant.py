"""Reads and writes `data/tenant.yaml`: what runs and `doctor --probe` learned about this Pax8 account and Halo tenant.

The file has no names, ids, amounts or secrets, so that it can be attached to a fault report. It may be deleted: its
content is learned again. Learning is in `transport.quota` and `extract.probe_pax8`, `extract.probe_halo`; the operator's
settings are in `settings`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import complaints
from pax8_pipeline.settings.tenant_answers import HaloAnswers, Pax8Answers, Tenant, UsageCompany
from pax8_pipeline.text import textfiles, yamltext
from pax8_pipeline.transport.quota import Quota

FILE = "tenant.yaml"
Vendor = Literal["pax8", "halo"]
_HEADING = (
    "# Learned by pax8-pipeline about this Pax8 account and this Halo tenant. It has no names, ids, amounts or secrets.\n"
    "# Delete this file to learn it again; `pax8-pipeline doctor --probe` answers all of it at once.\n"
)
_lock = threading.Lock()


def load_tenant(data: Path) -> Tenant:
    """Return what is known; without the file nothing is. Raises ConfigError with file, place, reason and remedy."""
    path = data / FILE
    text = textfiles.read(path)
    if text is None:
        return Tenant()
    try:
        raw = yamltext.loads(text)
    except yamltext.YamlError as error:
        raise _unreadable(path, str(error)) from error
    if raw is None:
        return Tenant()
    if not isinstance(raw, dict):
        raise _unreadable(path, "it is not a list of `key: value` lines")
    try:
        return Tenant.model_validate(raw)
    except ValidationError as error:
        raise _unreadable(path, "; ".join(map(_reason, error.errors()))) from error


def named_quota(data: Path, vendor: Vendor) -> Quota | None:
    """Return the limit of requests that a vendor named in a refusal; None while it never did.

    Raises ConfigError when the file cannot be read.
    """
    tenant = load_tenant(data)
    limit = tenant.pax8_limit if vendor == "pax8" else tenant.halo_limit
    return None if limit is None else Quota(limit.requests, limit.window_seconds, limit.text)


def store_quota(data: Path, vendor: Vendor, quota: Quota, learned_on: date) -> None:
    """Store the limit that a vendor named. That the file cannot be written does not stop the run."""
    with suppress(ConfigError):  # a file that cannot be read is replaced
        if named_quota(data, vendor) == quota:
            return
    limit = {"requests": quota.requests, "window_seconds": quota.window_s, "text": quota.text, "learned_on": learned_on}
    with suppress(OSError):
        _store(data, **{f"{vendor}_limit": limit})


def store_answers(data: Path, pax8: Pax8Answers | None, halo: HaloAnswers | None) -> Path:
    """Store what a probe answered. None leaves what is stored for that vendor. Returns the file. Raises OSError."""
    parts = {name: part.model_dump() for name, part in (("pax8", pax8), ("halo", halo)) if part is not None}
    return _store(data, **parts)


def learn_usage_company(data: Path, answer: UsageCompany) -> None:
    """Replace the answer of an earlier probe that a run found to be wrong. That it cannot be written stops nothing."""
    answers = load_tenant(data).pax8
    if answers is not None:
        with suppress(OSError):
            store_answers(data, answers.model_copy(update={"usage_company": answer}), None)


def _store(data: Path, **parts: Any) -> Path:
    """Replace parts of the file. A file that cannot be read is replaced: nothing in it is a person's."""
    path = data / FILE
    with _lock:
        try:
            known = load_tenant(data)
        except ConfigError:
            known = Tenant()
        changed = Tenant.model_validate({**known.model_dump(), **parts})
        content = changed.model_dump(mode="json", exclude_none=True)
        textfiles.write_whole(path, _HEADING + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
    return path


def _reason(error: Any) -> str:
    unknown = error["type"] == "extra_forbidden"
    return f"{complaints.key_of(error)}: {'unknown key' if unknown else complaints.reason(error)}"


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path}: {why}. Delete the file: a run works without it, and `pax8-pipeline doctor --probe` makes it again."
    )
