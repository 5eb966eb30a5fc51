"""What a look at something found: a level, the point, a sentence, and what to do.

Here belongs: the record and its printing. Not here: what is looked at (`doctor_local`, `doctor_vendors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console

from pax8_pipeline.commands.common import styled
from pax8_pipeline.transport.redact import redact

Level = Literal["ok", "warn", "bad"]
_STYLES: dict[Level, str] = {"ok": "green", "warn": "yellow", "bad": "bold red"}


@dataclass(frozen=True)
class Diagnosis:
    """One point of the examination. `advice` says what to do, empty when nothing is to be done."""

    level: Level
    point: str
    text: str
    advice: str = ""

    def __post_init__(self) -> None:
        # Texts come from vendors' answers too: nothing secret may ride along.
        object.__setattr__(self, "text", redact(self.text))
        object.__setattr__(self, "advice", redact(self.advice))


def ok(point: str, text: str) -> Diagnosis:
    """All is well."""
    return Diagnosis("ok", point, text)


def warn(point: str, text: str, advice: str = "") -> Diagnosis:
    """It works, but a person should look."""
    return Diagnosis("warn", point, text, advice)


def bad(point: str, text: str, advice: str = "") -> Diagnosis:
    """It cannot work like this."""
    return Diagnosis("bad", point, text, advice)


def worst(findings: Sequence[Diagnosis]) -> Level:
    """Return the worst level there is."""
    levels = {finding.level for finding in findings}
    return "bad" if "bad" in levels else "warn" if "warn" in levels else "ok"


def as_data(findings: Sequence[Diagnosis]) -> dict[str, Any]:
    """Return findings as data for --json."""
    return {
        "schema": "pax8-pipeline/doctor/1",
        "worst": worst(findings),
        "findings": [asdict(finding) for finding in findings],
    }


def show(console: Console, finding: Diagnosis) -> None:
    """Print one finding: a line, and its advice on the next."""
    label = f"[{finding.level}]"
    line = styled((f"{label:<7}", _STYLES[finding.level]), (f"{finding.point}: ", "bold"), finding.text)
    console.print(line, soft_wrap=True)
    if finding.advice:
        console.print(f"       -> {finding.advice}", soft_wrap=True)
