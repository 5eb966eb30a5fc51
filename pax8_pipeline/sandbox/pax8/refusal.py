"""How the emulated Pax8 refuses a call. The form of the answer is in `api.py`."""

from __future__ import annotations


class Pax8Refusal(Exception):
    """A refused call: the status, and the vendor's message as text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def not_found(what: str, key: str) -> Pax8Refusal:
    """Return the refusal of an id that is not there."""
    return Pax8Refusal(404, f"{what} Not Found: {key}")
