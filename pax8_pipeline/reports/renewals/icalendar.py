"""The renewals as an iCalendar file (RFC 5545), which calendar programs import or subscribe to.

Contains only the form of the file: one all-day event for each row. Which rows there are is in `renewals`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.renewals.renewals import EVENTS, Renewals
from pax8_pipeline.text.plaintext import show_hidden

_LINE_BYTES = 75
_ESCAPES = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}


def icalendar(renewals: Renewals) -> str:
    """Return the calendar as text with the line ends that the format asks for. The same rows give the same text."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//pax8-pipeline//renewals//EN"]
    for event in renewals.events:
        lines += _event(event, renewals.today)
    return "".join(f"{part}\r\n" for line in (*lines, "END:VCALENDAR") for part in _folded(line))


def _event(event: Any, today: date) -> list[str]:
    client = event["client_name"] or event["company_name"] or "?"
    seats = f"{formatting.plain(event['quantity'])} seats"
    summary = f"{client}: {event['product_name'] or '?'}, {seats}, {EVENTS[event['event']]}"
    facts = [f"Pax8 subscription {event['subscription_id']}"]
    if event["commitment_term"]:
        facts.append(f"Commitment: {event['commitment_term']}")
    if event["reduce_until"]:
        facts.append(f"{seats} may be reduced until {event['reduce_until']}")
    if event["moves_to"]:
        facts.append(f"{event['moves_to']} seems to carry it on")
    return [
        "BEGIN:VEVENT",
        # The same thing keeps its id, so that a calendar that imports the file again does not show it twice.
        f"UID:{event['event']}-{event['day']:%Y%m%d}-{_escaped(event['subscription_id'])}@pax8-pipeline",
        f"DTSTAMP:{today:%Y%m%d}T000000Z",
        f"DTSTART;VALUE=DATE:{event['day']:%Y%m%d}",
        f"DTEND;VALUE=DATE:{event['day'] + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(summary)}",
        f"DESCRIPTION:{_escaped(chr(10).join(facts))}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in "\n".join(map(show_hidden, text.split("\n"))))


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 bytes, each but the first after a space. No letter is cut."""
    part, size = "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > _LINE_BYTES:
            yield part
            part, size = " ", 1
        part, size = part + letter, size + width
    yield part
