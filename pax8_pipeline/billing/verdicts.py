"""What can be so of a subscription, and what each verdict leads to.

The one table of verdicts is `verdicts.csv`. The SQL that finds those of a subscription is
warehouse/sql/reconciled/subscriptions.sql; of usage (a company's month, or a group of charges)
billing/planning/usage/document_verdicts.sql; of a thing in Halo that no subscription of the plan stands for
reconciled/discrepancies.sql. A verdict without a row is blocked. A class is `safe` (a write, if trust and limits
allow), `needs_approval` (a write that a person has to agree to), `blocked` (reported, never written) or `no_op`
(looked at and fine).

Whatever is blocked or needs approval belongs to exactly one check, by what a person does about it: the check lists it
under that name, with its money and what to do. A test goes through all of them. What may be made in Halo (`new`) has
no check: its loss is shown with the subscription or the company that it is for.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Literal, NamedTuple, cast

Class = Literal["safe", "needs_approval", "blocked", "no_op"]


class Verdict(NamedTuple):
    """One verdict: its class, its check, two or three words for a short table, the sentence people read, and in at most
    14 characters what a person does next (empty where nothing is needed).
    """

    of: str
    name: str
    cls: Class
    check: str
    label: str
    sentence: str
    step: str = ""


def _read() -> tuple[Verdict, ...]:
    text = files(__package__).joinpath("verdicts.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return tuple(Verdict(of, name, cast(Class, cls), *rest) for of, name, cls, *rest in rows)


ALL_VERDICTS = _read()
VERDICTS, USAGE_VERDICTS, HALO_VERDICTS, NEW_VERDICTS = (
    tuple(v for v in ALL_VERDICTS if v.of == of) for of in ("subscription", "usage", "halo", "new")
)
# Where a verdict goes that this version has no row for: what nobody foresaw must not be lost.
ANY_OTHER = "needs_decision"


def check_of(verdict: str) -> str | None:
    """Return the check that reports a verdict, None for one that holds nothing back."""
    return next((v.check for v in ALL_VERDICTS if v.name == verdict and v.check), None)


def known_label(verdict: str) -> str:
    """Return what a row with this verdict is about, in two or three words; empty where nothing needs to be done."""
    return next((v.label for v in ALL_VERDICTS if v.name == verdict), "")


def label_of(verdict: str) -> str:
    """Return the label of a verdict, or its name as words where it has none."""
    return known_label(verdict) or verdict.replace("_", " ")


def step_of(verdict: str) -> str:
    """Return what a person does next about a row with this verdict; `explain it` for a verdict without a row."""
    return next((v.step for v in ALL_VERDICTS if v.name == verdict), "explain it")
