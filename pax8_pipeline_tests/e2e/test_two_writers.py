"""Two data folders apply to one Halo in the same moment: both runs end with 3 and name the key, until a person decides."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.sandbox.faults.middleware import App, Receive, Scope, Send
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk

ITEM = 81


class Together:
    """Lets the first two POSTs of an invoice through only when both are there: nobody has seen the other's by then."""

    def __init__(self, inner: App) -> None:
        self.inner = inner
        self.waiting = 0
        self.both = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/halo/api/Invoice"):
            self.waiting += 1
            if self.waiting >= 2:
                self.both.set()
            await self.both.wait()
        await self.inner(scope, receive, send)


def keys(at: Operator) -> Counter[str]:
    """How many live invoices Halo has of each key."""
    live = [d for d in at.sandbox.world.halo.invoices.values() if not d["voided"]]
    return Counter(key for d in live for key in usage_documents.keys_of(d))


@pytest.mark.proof
def test_two_folders_that_write_one_key_both_end_with_3_and_one_goes_on_once_a_person_claims(tmp_path: Path) -> None:
    world = World(8, TODAY, companies=14, subscriptions=60)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        policy = f"usage: {{first_month: '2026-07', default_halo_item_id: {ITEM}}}\n"
        (folder / "policy.yaml").write_text(policy, encoding="utf-8")
        world.write_mappings(folder / "mappings")
    with desk(folders[0], world) as first:
        second = Operator(first.sandbox, folders[1])
        first.sandbox.app.app = Together(first.sandbox.app.app)
        runs = [at.start("run", "--json") for at in (first, second)]
        shown = [run.communicate(timeout=280) for run in runs]
        assert [run.returncode for run in runs] == [3, 3], shown
        ((key, number),) = [(k, n) for k, n in keys(first).items() if n > 1]
        assert number == 2
        for out, _ in shown:
            assert f"more than one invoice has the key {key}".lower() in json.loads(out)["sentence"].lower()
        # The night after, neither writes anything.
        before = len(first.posts())
        assert [at.run().code for at in (first, second)] == [3, 3]
        assert len(first.posts()) == before
        # A person stops the second, voids its invoice, and says that the first folder writes.
        mine = first.command("writer", "show", "--json").data
        for document in first.sandbox.world.halo.invoices.values():
            if usage_documents.writer_of(document) not in (None, mine["writer"]):
                document["voided"] = True
        assert [row["writer"] for row in mine["others"]] == [second.command("writer", "show", "--json").data["writer"]]
        assert first.command("writer", "claim", "--why", "the other machine is off", "--by", "Ada").code == 0
        again = first.run()
        assert again.code == 0, again.out
        assert len(keys(first)) == 3
        assert set(keys(first).values()) == {1}
