"""The script that people write: one request after the other, every page of every list, into files of JSON lines.

python plain_loop.py FOLDER    vendors from the environment (PAX8_API_URL, PAX8_TOKEN_URL, PAX8_CLIENT_ID, ...)
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

PAGE = 200


class Pax8:
    """A session with a token. Waits as long as a 429 says, and tries again."""

    def __init__(self) -> None:
        self._url = os.environ["PAX8_API_URL"].rstrip("/")
        self._session = requests.Session()
        answer = self._session.post(
            os.environ["PAX8_TOKEN_URL"],
            json={
                "client_id": os.environ["PAX8_CLIENT_ID"],
                "client_secret": os.environ["PAX8_CLIENT_SECRET"],
                "audience": "https://api.pax8.com",
                "grant_type": "client_credentials",
            },
            timeout=60,
        )
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def rows(self, path: str, sort: str) -> Iterator[dict[str, Any]]:
        """Each object of a list, page by page. Without a sort order Pax8's pages may overlap."""
        page = 0
        while True:
            body = self._get(path, {"page": page, "size": PAGE, "sort": sort})
            yield from body["content"]
            page += 1
            if page >= body["page"]["totalPages"]:
                return

    def _get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        while True:
            answer = self._session.get(f"{self._url}{path}", params=params, timeout=60)
            if answer.status_code == 429:
                time.sleep(float(answer.headers.get("Retry-After", "1")))  # noqa: TID251 - a script of its own
                continue
            answer.raise_for_status()
            return dict(answer.json())


def main(folder: Path) -> None:
    """Read companies, subscriptions and the usage summaries of each subscription into `folder`."""
    pax8 = Pax8()
    subscriptions = list(pax8.rows("/subscriptions", "createdDate,asc"))
    _write(folder / "companies.jsonl", pax8.rows("/companies", "name,asc"))
    _write(folder / "subscriptions.jsonl", subscriptions)
    summaries = (
        row
        for one in subscriptions
        for row in pax8.rows(f"/subscriptions/{one['id']}/usage-summaries", "resourceGroup,asc")
    )
    _write(folder / "usage_summaries.jsonl", summaries)


def _write(file: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
