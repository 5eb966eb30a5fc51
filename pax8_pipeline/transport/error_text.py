"""From a vendor's answer to a typed error with a sentence an operator can act on.

Here belongs: reading error bodies of every known shape, and the words. Not here: whether to ask again
(`http`). Body shapes: docs/vendors/halo.md#errors, docs/vendors/pax8.md#addresses, #errors.
"""

from __future__ import annotations

import html
import re
from typing import Any

from pax8_pipeline.errors import BadAnswer, BadRequest, Forbidden, NotFound, VendorError
from pax8_pipeline.transport.redact import redact
from pax8_pipeline.transport.session import Answer

_LONGEST = 300
# In order of how much they tell; Halo's .NET exceptions use capitals.
_TEXT_KEYS = (
    "message",
    "Message",
    "errorMessage",
    "error_description",
    "detail",
    "title",
    "error",
    "ClassName",
)
_LIST_KEYS = ("details", "errors")


def vendor_text(answer: Answer) -> str:
    """What the vendor says went wrong, as one line without secrets, at most 300 characters; "" if nothing."""
    try:
        text = _from_json(answer.json())
    except ValueError:
        text = _from_markup(answer.body.decode("utf-8", "replace"))
    return shortened(text)


def shortened(text: str) -> str:
    """One line, without control characters and secrets, at most 300 characters."""
    line = redact(" ".join("".join(c if c.isprintable() else " " for c in text).split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _from_json(body: Any) -> str:
    if isinstance(body, str):
        return _from_markup(body)
    if isinstance(body, list):
        return _joined(body)
    if not isinstance(body, dict):
        return ""
    message = next((body[key] for key in _TEXT_KEYS if isinstance(body.get(key), str) and body[key].strip()), "")
    more = "; ".join(filter(None, (_more(body.get(key)) for key in _LIST_KEYS)))
    return f"{message}: {more}" if message and more else message or more


def _more(value: Any) -> str:
    if isinstance(value, dict):  # ASP.NET: {"errors": {"field": ["what is wrong", ...]}}
        return "; ".join(f"{key}: {_joined(v) if isinstance(v, list) else v}" for key, v in value.items())
    return _joined(value) if isinstance(value, list) else ""


def _joined(items: list[Any]) -> str:
    return "; ".join(filter(None, (_from_json(item) for item in items)))


def _from_markup(text: str) -> str:
    if not re.search(r"<\s*(!doctype|html|head|body|h1|title|p|div)\b", text, re.IGNORECASE):
        return text
    body = re.sub(r"(?is)<(head|script|style)\b.*?</\1\s*>", " ", text)
    shown = (html.unescape(re.sub(r"(?s)<[^>]*>", " ", part)) for part in (body, text))
    return next((part for part in shown if part.strip()), "")


def error_sentence(vendor: str, where: str, status: int | str, message: str, advice: str) -> str:
    """Compose a message: who, what, status, the vendor's words if any, what to do."""
    quoted = f' ("{message}")' if message else ""
    return f"{vendor} {where}: {status}{quoted}. {advice}"


def refused_read(vendor: str, where: str, answer: Answer) -> VendorError:
    """The error for a read answered with anything but 2xx, 401, 408, 429 and 5xx."""
    message = vendor_text(answer)
    status = answer.status
    if 300 <= status < 400:
        advice = f"It points elsewhere; redirects are not followed. Correct {vendor.upper()}_API_URL."
        return BadAnswer(
            error_sentence(vendor, where, status, message, advice), vendor=vendor, where=where, status=status
        )
    if status == 403:
        return forbidden(vendor, where, status, message)
    kind: type[VendorError] = BadRequest
    advice = "The service understood and refused; the request is wrong for this version of it."
    if status == 404:
        kind = NotFound
        advice = (
            f"No such id, or this {vendor} has no such resource; if everything answers 404, "
            f"check {vendor.upper()}_API_URL."
        )
    return kind(error_sentence(vendor, where, status, message, advice), vendor=vendor, where=where, status=status)


def forbidden(vendor: str, where: str, status: int, message: str, scopes: tuple[str, ...] = ()) -> Forbidden:
    """The credentials are good, this resource is not theirs to use."""
    granted = f" Granted scopes: {' '.join(scopes)}." if scopes else ""
    advice = (
        f"The credentials work but may not do this: give the {vendor} API application, and the agent it logs "
        f"in as, permission for this resource.{granted}"
    )
    return Forbidden(error_sentence(vendor, where, status, message, advice), vendor=vendor, where=where, status=status)
