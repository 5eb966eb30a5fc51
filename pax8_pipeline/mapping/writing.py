"""Writes accepted mappings into the operator's files: sorted by id, one row a line, so that two people's changes merge.

Contains: which row a decision becomes, and the file. Does not contain: what is right to accept. A file is written whole
or not at all; rows and notes that are there stay, and a row is only replaced when that was asked for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pax8_pipeline.errors import ConfigError, PipelineError, os_error_sentence
from pax8_pipeline.mapping.files import COLUMNS, load_mappings, read_cells
from pax8_pipeline.mapping.suggestion import Kind
from pax8_pipeline.text import textfiles

FILES: Mapping[Kind, str] = {"client": "clients.csv", "subscription": "subscriptions.csv", "item": "items.csv"}


@dataclass(frozen=True)
class Decision:
    """A person's decision: this of Pax8 is that of Halo. `place` names where it was read, for messages."""

    kind: Kind
    pax8_id: str
    halo_id: int | None = None
    recurring_invoice_id: int | None = None
    line_id: int | None = None
    licence_id: int | None = None
    note: str = ""
    place: str = ""

    def targets(self) -> tuple[str, ...]:
        """Return the cells of its row between the Pax8 id and the note."""
        ids = (
            (self.recurring_invoice_id, self.line_id, self.licence_id)
            if self.kind == "subscription"
            else (self.halo_id,)
        )
        return tuple("" if one is None else str(one) for one in ids)


@dataclass
class Written:
    """What was written: the ids of new and of replaced rows by kind; `same`: rows that were there already."""

    added: dict[Kind, list[str]] = field(default_factory=dict)
    replaced: dict[Kind, list[str]] = field(default_factory=dict)
    same: int = 0

    @property
    def count(self) -> int:
        """The number of rows that are new or other than before."""
        return sum(map(len, (*self.added.values(), *self.replaced.values())))


def write_decisions(folder: Path, decisions: Sequence[Decision], *, replace: bool = False) -> Written:
    """Add decisions to the mapping files in `folder`; with `replace` they may change rows that are there.

    Raises ConfigError, with nothing written, when a file cannot be read or a row says something else and `replace` is
    off, and PipelineError when a file cannot be written.
    """
    load_mappings(folder)  # a file with an error would lose it by being written again
    written, texts = Written(), {}
    for kind, name in FILES.items():
        of_kind = sorted((d for d in decisions if d.kind == kind), key=lambda d: d.pax8_id)
        if of_kind:
            path = folder / name
            rows = _merged(path, kind, of_kind, written, replace=replace)
            texts[path] = _csv(COLUMNS[name], rows)
    for path, text in texts.items():
        _write(path, text)
    return written


def _merged(
    path: Path, kind: Kind, decisions: Sequence[Decision], written: Written, *, replace: bool
) -> list[tuple[str, ...]]:
    columns = COLUMNS[path.name]
    rows = {cells[columns[0]].lower(): tuple(cells.get(c, "") for c in columns) for cells in read_cells(path)}
    for decision in decisions:
        key = decision.pax8_id.lower()
        old = rows.get(key)
        if old is not None and old[1:-1] == decision.targets():
            written.same += 1
            continue
        if old is not None and not replace:
            raise ConfigError(
                f"{decision.place or kind}: {path} maps {key} to {', '.join(filter(None, old[1:-1]))} already; nothing was "
                f"written. Add --replace to map it to {', '.join(filter(None, decision.targets()))}"
            )
        note = decision.note if old is None or not old[-1] else f"{old[-1]}; {decision.note}".rstrip("; ")
        rows[key] = (key, *decision.targets(), note)
        (written.added if old is None else written.replaced).setdefault(kind, []).append(key)
    return [rows[key] for key in sorted(rows)]


def remove_decision(folder: Path, kind: Kind, pax8_id: str) -> None:
    """Take one row out of its file again. Raises PipelineError when the file cannot be written."""
    path = folder / FILES[kind]
    columns = COLUMNS[path.name]
    rows = [tuple(cells.get(c, "") for c in columns) for cells in read_cells(path)]
    _write(path, _csv(columns, [row for row in rows if row[0].lower() != pax8_id.lower()]))


def _csv(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        textfiles.write_whole(path, text)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, path)) from error
