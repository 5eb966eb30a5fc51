"""`pax8-pipeline mapping accept`: a person's decision, written into the mapping files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pax8_pipeline import values
from pax8_pipeline.commands.common import console, json_option, notify
from pax8_pipeline.commands.mapping.suggest import find_suggestions
from pax8_pipeline.commands.target import data_target
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.mapping.review import decision_of
from pax8_pipeline.mapping.suggestion import FLOOR, KINDS, Candidate, Kind, Suggestion, shown
from pax8_pipeline.mapping.writing import FILES, Decision, Written, write_decisions
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.mapping.decision_file import read_decisions
from pax8_pipeline.reports.mapping.known_ids import KnownIds
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Warehouse

SCHEMA = "pax8-pipeline/mapping-accept/1"
EPILOG = """\b
Examples:
  pax8-pipeline mapping accept map.xlsx       the rows with yes in the column accept
  pax8-pipeline mapping accept --above 95     every suggestion of at least this score
  pax8-pipeline mapping accept client 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11        the suggestion for one company
  pax8-pipeline mapping accept client 5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11 231    this client, whatever is suggested

Rows that are there stay, with their notes. With one error nothing is written. The next run uses the new rows."""


@click.command(epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[FILE | KIND PAX8_ID [HALO_ID]]")
@click.option("--above", type=click.IntRange(FLOOR, 100), metavar="SCORE",
              help=f"Accept every suggestion of at least this score, {FLOOR} to 100.")  # fmt: skip
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="With --above: only this kind.")
@click.option("--replace", is_flag=True, help="Let a decision change a row that is in the file already.")
@json_option
def accept(words: Sequence[str], above: int | None, kinds: Sequence[Kind], replace: bool, as_json: bool) -> None:
    """Write mappings into data/mappings: those marked in a FILE, all above a score, or one.

    Usage groups are assigned in Pax8, so for them it says what to do there.
    """
    settings = data_target(load_settings(), notify)
    decisions = _decisions(settings, words, above, kinds)
    groups = [d for d in decisions if d.kind == "usage_group"]
    rows = [d for d in decisions if d.kind != "usage_group"]
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        known = KnownIds(connection)
    for decision in rows:
        known.ensure(decision)
    written = write_decisions(settings.mappings_path, rows, replace=replace)
    steps = _group_steps(settings, groups)
    if as_json:
        click.echo(formatting.to_json({"schema": SCHEMA, "added": written.added, "replaced": written.replaced,
                                       "same": written.same, "steps_in_pax8": steps}))  # fmt: skip
    else:
        _print(settings, written, steps)


def _decisions(settings: Settings, words: Sequence[str], above: int | None, kinds: Sequence[Kind]) -> list[Decision]:
    if above is not None:
        if words:
            raise PipelineError("give --above SCORE, a FILE, or KIND PAX8_ID [HALO_ID]: one of the three")
        found = find_suggestions(settings, kinds or KINDS)
        return [decision_of(s, s.best) for s in found if s.best.score >= above]
    if len(words) == 1:
        return read_decisions(Path(words[0]))
    if len(words) in (2, 3):
        return [_one(settings, *words)]
    raise PipelineError("give --above SCORE, a FILE, or KIND PAX8_ID [HALO_ID]: one of the three")


def _one(settings: Settings, word: str, pax8_id: str, halo_id: str | None = None) -> Decision:
    kind = _kind(word)
    wanted = _read(pax8_id, values.pax8_id) if kind != "usage_group" else pax8_id
    number = None if halo_id is None else _read(halo_id, values.halo_id)
    if number is not None and kind in ("client", "item"):
        return Decision(kind, wanted, number, note="chosen by a person")
    suggestion = next((s for s in find_suggestions(settings, [kind]) if s.subject.pax8_id == wanted), None)
    if number is None:
        return _sure(kind, wanted, suggestion)
    for candidate in (suggestion.best, *suggestion.others) if suggestion else ():
        if suggestion and number in (candidate.halo_id, candidate.details.get("halo_line_id")):
            return decision_of(suggestion, candidate)
    if kind == "subscription":
        return _licence_or_line(settings, wanted, number)
    raise PipelineError(f"{number} is no candidate for {kind} {wanted}")


def _sure(kind: Kind, pax8_id: str, suggestion: Suggestion | None) -> Decision:
    """Return the best candidate as a decision. Raises PipelineError when there is none, or none that is sure."""
    if suggestion is None:
        raise PipelineError(
            f"there is no suggestion for {kind} {pax8_id}; name the Halo id too, or see "
            f"`pax8-pipeline mapping suggest --kind {kind}`"
        )
    if not suggestion.is_sure:
        best = suggestion.best
        raise PipelineError(
            f"the suggestion for {kind} {pax8_id} is not sure ({shown(best)}, score {best.score}: {'; '.join(best.reasons)}); "
            "name the Halo id too"
        )
    return decision_of(suggestion, suggestion.best)


def _licence_or_line(settings: Settings, pax8_id: str, halo_id: int) -> Decision:
    """Return the decision for a licence or line that a person names, whatever is suggested."""
    with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
        licences = connection.execute("SELECT 1 FROM staging.licences WHERE licence_id = ?", [halo_id]).fetchall()
        lines = connection.execute(
            "SELECT recurring_invoice_id FROM staging.recurring_invoice_lines WHERE line_id = ?", [halo_id]
        ).fetchall()
    if bool(licences) == bool(lines):
        what = "both a licence and a line" if lines else "neither a licence nor a line"
        raise PipelineError(
            f"{halo_id} is {what} in Halo (by the last run); write the row into data/mappings/subscriptions.csv"
        )
    note = "chosen by a person"
    if licences:
        return Decision("subscription", pax8_id, licence_id=halo_id, note=note)
    return Decision("subscription", pax8_id, recurring_invoice_id=lines[0][0], line_id=halo_id, note=note)


def _kind(word: str) -> Kind:
    for kind in KINDS:
        if word.lower().replace("-", "_") == kind:
            return kind
    raise PipelineError(f"{word!r} is none of the kinds {', '.join(KINDS)}")


def _read(text: str, reader: Any) -> Any:
    try:
        return reader(text)
    except ValueError as error:
        raise PipelineError(str(error)) from None


def _group_steps(settings: Settings, groups: Sequence[Decision]) -> list[str]:
    wanted = {d.pax8_id for d in groups}
    found = find_suggestions(settings, ["usage_group"]) if groups else []
    return [step_in_pax8(s, s.best) for s in found if s.subject.pax8_id in wanted]


def step_in_pax8(suggestion: Suggestion, candidate: Candidate) -> str:
    """Return what to click in Pax8 for a usage group: this product writes nothing to Pax8."""
    return (
        f'Pax8 portal: Subscriptions, {suggestion.subject.details["subscription_id"]}, Usage tab, "..." menu of '
        f'"{suggestion.subject.name}", Assign company: {candidate.name}'
    )


def _print(settings: Settings, written: Written, steps: Sequence[str]) -> None:
    out = console()
    for kind, name in FILES.items():
        for verb, ids in (("added to", written.added.get(kind)), ("replaced in", written.replaced.get(kind))):
            if ids:
                out.print(f"{plural(len(ids), 'row')} {verb} {settings.mappings_path / name}", soft_wrap=True)
    if written.same:
        out.print(f"{plural(written.same, 'row was', 'rows were')} there already", soft_wrap=True)
    for step in steps:
        out.print(step, soft_wrap=True)
    if written.count:
        out.print("Next: pax8-pipeline run --dry-run, then pax8-pipeline mapping check", soft_wrap=True)
    elif not steps and not written.same:
        out.print("Nothing was accepted: no row is marked, or no suggestion has that score.", soft_wrap=True)
