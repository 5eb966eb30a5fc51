"""Deletes reports of old plans: at 20,000 subscriptions those of one night take 48 MB, most of it CSV and JSON.

The page and its Markdown stay for the retention. The CSV and JSON go after 35 days: `pax8-pipeline plan show PLAN --format
csv` makes them again while the plan's rows are stored. Files with other names are people's own and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

DATA_DAYS = 35
_NAME = re.compile(r"plan-(?P<day>\d{8})-.+\.(?P<ending>md|html|csv|json)")


def prune(folder: Path, today: date, retention_days: int, *, dry_run: bool = False) -> int:
    """Delete the reports of plans older than the retention; return the number of files. With `dry_run` only count."""
    files = list(_old(folder, today, retention_days))
    if not dry_run:
        for file in files:
            file.unlink(missing_ok=True)
    return len(files)


def _old(folder: Path, today: date, retention_days: int) -> Iterator[Path]:
    for file in folder.glob("plan-*"):
        named = _NAME.fullmatch(file.name)
        if named is not None:
            days = retention_days if named["ending"] in ("md", "html") else min(DATA_DAYS, retention_days)
            if named["day"] < f"{today - timedelta(days=days):%Y%m%d}":
                yield file
