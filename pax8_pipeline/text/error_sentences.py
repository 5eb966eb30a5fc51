"""Makes one sentence from any exception: what went wrong and what to do.

It knows the exceptions of Python, the operating system, DuckDB and click. The messages of `errors` are such sentences
already.
"""

from __future__ import annotations

import json

import click

from pax8_pipeline.errors import PipelineError, duckdb_error_sentence, os_error_sentence


def to_sentence(error: BaseException) -> str:
    """Return the sentence for an error: one line, without a full stop at the end."""
    return " ".join(_message(error).split()).rstrip(".")


def _message(error: BaseException) -> str:
    if isinstance(error, PipelineError):
        return str(error)
    if isinstance(error, click.ClickException):
        return _of_click(error)
    if isinstance(error, OSError):
        return os_error_sentence(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs and run again"
    if type(error).__module__ in ("duckdb", "_duckdb"):
        return duckdb_error_sentence(error)
    if isinstance(error, UnicodeError):
        return f"a text cannot be read or shown as UTF-8 ({error}); set PYTHONUTF8=1, or save the file as UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"a file or an answer is not readable as JSON ({error}); --debug shows more"
    return (
        f"an error in this program: {type(error).__name__}: {error}; no data is lost; report it with the output "
        "of --debug"
    )


def _of_click(error: click.ClickException) -> str:
    text = error.format_message().strip().rstrip(".")
    if not isinstance(error, click.UsageError):
        return text
    command = error.ctx.command_path if error.ctx is not None else "pax8-pipeline"
    return f"{text}; `{command} --help` shows what is possible"
