"""`make bench`: measure the product beside other ways of doing the same, and write a table, a chart and JSON."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from pax8_pipeline_tests.bench import applying, fixed_cost, halo_calls, night, planning, reading, results
from pax8_pipeline_tests.bench.rounds import Figure, Say

_REQUIREMENTS = Path(__file__).parent / "rivals" / "requirements.txt"
Part = Callable[[Path, int, Say], Iterator[Figure]]


_PARTS: Mapping[str, Part] = {
    "reading": lambda folder, rounds, say: reading.measure(folder, _rivals_python(say), rounds, say),
    "planning": planning.measure,
    "applying": applying.measure,
    "calls": halo_calls.measure,
    "fixed": fixed_cost.measure,
    "night": night.measure,
}


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="The median of so many is shown.")
@click.option(
    "--only", type=click.Choice(tuple(_PARTS)), multiple=True, help="Measure only this part (may be repeated)."
)
@click.option(
    "--into", type=click.Path(path_type=Path), default=Path("data/bench"), show_default=True,
    help="Write bench.json, bench.md and bench.svg here.",
)  # fmt: skip
def bench(rounds: int, only: tuple[str, ...], into: Path) -> None:
    """Measure the product beside dlt, a plain loop, pandas and empty Dagster: an hour for everything, mostly waiting.

    Figures are ratios of two ways that took turns in this run. docs/performance.md explains them.
    """
    into.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="pax8-bench-") as name:
        for part, measure in _PARTS.items():
            if only and part not in only:
                continue
            folder = Path(name) / part
            folder.mkdir()
            for figure in measure(folder, rounds, click.echo):
                figures.append(figure)
                _write(figures, rounds, into)  # after each figure: a bench that is stopped keeps what it has
    click.echo(results.as_markdown(figures))
    click.echo(f"Written: {into}/bench.json, {into}/bench.md, {into}/bench.svg")


def _write(figures: list[Figure], rounds: int, into: Path) -> None:
    (into / "bench.json").write_text(results.as_json(figures, rounds), encoding="utf-8")
    (into / "bench.md").write_text(results.as_markdown(figures), encoding="utf-8")
    (into / "bench.svg").write_text(results.chart(figures), encoding="utf-8")


def _rivals_python(say: Say) -> Path:
    """Return the Python of the rivals' own environment, which is made the first time."""
    folder = Path(".bench-venv")
    python, ready = folder / "bin" / "python", folder / ".ready"
    wanted = _REQUIREMENTS.read_text(encoding="utf-8")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        say(f"Setting up {folder} for the rivals (once)")
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(_REQUIREMENTS)]
        if subprocess.run(pip, check=False).returncode:
            sys.exit(f"dlt could not be installed. Try: {' '.join(pip)}; or measure the rest with --only")
        ready.write_text(wanted, encoding="utf-8")
    return python.absolute()


if __name__ == "__main__":
    bench()
