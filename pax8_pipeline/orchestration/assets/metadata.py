"""Small words for metadata: tables, Markdown, money.

Here belongs: turning rows into what the UI shows. Not here: queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg

from pax8_pipeline.text import plaintext

Row = Mapping[str, Any]


def plain(value: Any) -> str:
    """Return a value as people write it: 20, not 20.0000000000; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def markdown(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
    """Return rows as a Markdown table."""
    if not rows:
        return "(no rows)"
    names = list(columns or rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return plaintext.markdown(plain(value))


def table(rows: Sequence[Row], columns: Sequence[str] | None = None) -> dg.TableMetadataValue:
    """Return rows as a table of the UI; numbers as text, exactly as they are."""
    names = list(columns or (rows[0] if rows else ("nothing",)))
    records = [dg.TableRecord({name: plain(row.get(name)) for name in names}) for row in rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in names])
    return dg.MetadataValue.table(records=records, schema=schema)


def money(amounts: Mapping[str, Decimal]) -> str:
    """Return amounts by currency as text: `1,204.50 USD, 12.00 EUR`."""
    return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(amounts.items()) if amount) or "0.00"


def counts(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return metadata of how often each thing came."""
    return {name: int(number) for name, number in pairs}
