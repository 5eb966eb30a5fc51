"""Says in one sentence what went wrong and what to do, whatever was raised.

Here belongs: exceptions of Python, the operating system, DuckDB and click -> words for the person at the terminal. Not
here: what is raised on purpose (`errors`, whose texts are such sentences already).
"""

from __future__ import annotations

import json

import click

from pax8_pipeline.errors import PipelineError, because, because_duckdb


def sentence(error: BaseException) -> str:
    """Return the sentence, without a full stop at the end and on one line."""
    return " ".join(_words(error).split()).rstrip(".")


def _words(error: BaseException) -> str:
    if isinstance(error, PipelineError):
        return str(error)
    if isinstance(error, click.ClickException):
        return _of_click(error)
    if isinstance(error, OSError):
        return because(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs and run again"
    if type(error).__module__ in ("duckdb", "_duckdb"):
        return because_duckdb(error)
    if isinstance(error, UnicodeError):
        return f"a text cannot be read or shown as UTF-8 ({error}); set PYTHONUTF8=1, or save the file as UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"a file or an answer is not readable as JSON ({error}); look at it with --debug"
    return (
        f"a fault of this program: {type(error).__name__}: {error}; nothing is lost by it, report it with what "
        "--debug shows"
    )


def _of_click(error: click.ClickException) -> str:
    text = error.format_message().strip().rstrip(".")
    if not isinstance(error, click.UsageError):
        return text
    command = error.ctx.command_path if error.ctx is not None else "pax8-pipeline"
    return f"{text}; `{command} --help` says what is possible"
