"""A table of guardrail cases: three-line clients and a total wipe included."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing.model import Change
from pax8_pipeline.billing.planning.guardrails import check
from pax8_pipeline.settings import Guardrails
from pax8_pipeline_tests.support.billing import change, new_licence, new_line


def some(
    n: int, *, client: int = 1, ends: bool = False, money: str = "10", currency: str | None = "USD"
) -> list[Change]:
    base = change("end_line" if ends else "set_licence_count", None if ends else 8)
    return [
        replace(base, row_id=f"{client}-{i}", client_id=client, money_per_month=Decimal(money), currency=currency)
        for i in range(n)
    ]


def wipe(clients: int, lines: int) -> list[Change]:
    return [c for client in range(clients) for c in some(lines, client=client, ends=True, money="-10")]


CASES: dict[str, tuple[list[Change], dict[int | None, int], dict[str, Any], str | None, set[int]]] = {
    # changes, lines per client, limits, word in the run's sentence, clients held
    "a quiet day": (some(2), {1: 3, 2: 60}, {}, None, set()),
    "three-line client, all three change: too few lines for a percentage": (some(3), {1: 3, 2: 60}, {}, None, set()),
    "eleven lines, six change: 54.5 % of a client": (some(6), {1: 11, 2: 60}, {}, None, {1}),
    "ten lines, six change: not above ten lines": (some(6), {1: 10, 2: 60}, {}, None, set()),
    "twelve lines, six change: exactly 50 % is allowed": (some(6), {1: 12, 2: 60}, {}, None, set()),
    "six lines of a client end": (some(6, ends=True), {1: 200}, {}, None, {1}),
    "five lines of a client end": (some(5, ends=True), {1: 200}, {}, None, set()),
    "a client moves too much money": (some(2, money="1250.01"), {1: 200}, {}, None, {1}),
    "a client moves money up and down: nothing cancels out": (
        some(1, money="1500") + some(1, money="-1500"),
        {1: 200},
        {},
        None,
        {1},
    ),
    "money of two currencies is not added up": (
        some(1, money="1500") + some(1, money="1500", currency="EUR"),
        {1: 200},
        {},
        None,
        set(),
    ),
    "fifty-one lines of a client": (some(51, money="0"), {1: 300}, {}, None, {1}),
    "the run: 21 of 100 lines": (
        [c for k in range(21) for c in some(1, client=k)],
        dict.fromkeys(range(20), 5),
        {},
        "%",
        set(),
    ),
    "the run: 20 of 50 lines: not above fifty": (
        [c for k in range(20) for c in some(1, client=k)],
        dict.fromkeys(range(25), 2),
        {},
        None,
        set(),
    ),
    "the run: 26 lines end, one a client": (
        [c for k in range(26) for c in some(1, client=k, ends=True)],
        dict.fromkeys(range(26), 100),
        {},
        "lines_ended",
        set(),
    ),
    "total wipe of three-line clients": (wipe(60, 3), dict.fromkeys(range(60), 3), {}, "lines_ended", set()),
    "total wipe: small clients do not slip through while big ones are held": (
        wipe(5, 4) + [c for k in range(10, 14) for c in some(12, client=k, ends=True)],
        {**dict.fromkeys(range(5), 4), **dict.fromkeys(range(10, 14), 12)},
        {},
        "lines_ended",
        {10, 11, 12, 13},
    ),
    "null is no limit": (
        some(60, ends=True, money="9999"),
        {1: 60},
        {
            "run": dict.fromkeys(("lines_changed_pct", "lines_changed", "lines_ended", "money_delta")),
            "client": dict.fromkeys(("lines_changed_pct", "lines_changed", "lines_ended", "money_delta")),
        },
        None,
        set(),
    ),
    "zero means none at all": (some(1), {1: 100}, {"run": {"lines_changed": 0}}, "lines_changed", set()),
}


@pytest.mark.parametrize("name", CASES)
def test_guardrail(name: str) -> None:
    changes, lines, limits, run, clients = CASES[name]
    holds = check(changes, lines, Guardrails.model_validate(limits))
    assert set(holds.clients) == clients
    assert (holds.run is None) == (run is None)
    assert run is None or run in (holds.run or "")


def test_the_sentence_carries_figure_and_limit() -> None:
    holds = check(some(6, ends=True), {1: 200}, Guardrails())
    assert "6 lines ended, limit lines_ended is 5" in holds.clients[1]


def test_new_lines_count_with_their_money_and_seats_and_have_a_limit_of_their_own() -> None:
    changes = [new_licence(), new_line()]

    def held(**limits: Any) -> set[int | None]:
        return set(check(changes, {231: 60}, Guardrails.model_validate({"client": limits})).clients)

    assert held(new_charges=1, money_up=111, seats_up=5) == set()
    assert held(new_charges=0) == held(money_up=110) == held(seats_up=4) == held(lines_changed=1) == {231}
