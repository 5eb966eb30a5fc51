"""Makes a typed error with a clear message from a vendor's answer.

It reads error bodies of every known shape. Whether a request is sent again is decided in `client`. Body shapes:
docs/vendors/halo.md#errors, docs/vendors/pax8.md#addresses, #errors.
"""

from __future__ import annotations

import html
import re
from typing import Any, TypeVar

from pax8_pipeline.errors import BadAnswer, BadRequest, Forbidden, NotFound, VendorError
from pax8_pipeline.transport.redact import redact
from pax8_pipeline.transport.session import Answer

Kind = TypeVar("Kind", bound=VendorError)

_LONGEST = 300
# The most helpful first. Halo's .NET exceptions use capitals.
_TEXT_KEYS = ("message", "Message", "errorMessage", "error_description", "detail", "title", "error", "ClassName")
_LIST_KEYS = ("details", "errors")


def vendor_text(answer: Answer) -> str:
    """Return what the vendor says about an error: one line, no secrets, at most 300 characters; or ""."""
    try:
        text = _from_json(answer.json())
    except ValueError:
        text = _from_markup(answer.body.decode("utf-8", "replace"))
    return shortened(text)


def shortened(text: str) -> str:
    """Return the text as one line without control characters and secrets, at most 300 characters."""
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
    details = "; ".join(filter(None, (_details(body.get(key)) for key in _LIST_KEYS)))
    return f"{message}: {details}" if message and details else message or details


def _details(value: Any) -> str:
    if isinstance(value, dict):  # ASP.NET: {"errors": {"field": ["what is wrong", ...]}}
        return "; ".join(f"{key}: {_joined(v) if isinstance(v, list) else v}" for key, v in value.items())
    return _joined(value) if isinstance(value, list) else ""


def _joined(items: list[Any]) -> str:
    return "; ".join(filter(None, (_from_json(item) for item in items)))


def _from_markup(text: str) -> str:
    if not re.search(r"<\s*(!doctype|html|head|body|h1|title|p|div)\b", text, re.IGNORECASE):
        return text
    body = re.sub(r"(?is)<(head|script|style)\b.*?</\1\s*>", " ", text)
    texts = (html.unescape(re.sub(r"(?s)<[^>]*>", " ", part)) for part in (body, text))
    return next((part for part in texts if part.strip()), "")


def error_sentence(vendor: str, where: str, status: int | str, message: str, advice: str) -> str:
    """Compose a message: vendor, request, status, the vendor's own words if any, what to do."""
    quoted = f' ("{message}")' if message else ""
    return f"{vendor} {where}: {status}{quoted}. {advice}"


def vendor_error(
    kind: type[Kind], vendor: str, where: str, answer: Answer, advice: str, message: str | None = None
) -> Kind:
    """Return an error about an answer; `message` is what the vendor says (`vendor_text`) unless given."""
    text = vendor_text(answer) if message is None else message
    sentence = error_sentence(vendor, where, answer.status, text, advice)
    return kind(sentence, vendor=vendor, where=where, status=answer.status)


def refused_read(vendor: str, where: str, answer: Answer) -> VendorError:
    """Return the error for a read with any other status than 2xx, 401, 408, 429 and 5xx."""
    status = answer.status
    if 300 <= status < 400:
        advice = f"The answer is a redirect, and redirects are not followed. Correct {vendor.upper()}_API_URL."
        return vendor_error(BadAnswer, vendor, where, answer, advice)
    if status == 403:
        return forbidden(vendor, where, answer)
    kind: type[VendorError] = BadRequest
    advice = "The service refused the request: it is wrong for this version of the service."
    if status == 404:
        kind = NotFound
        advice = (
            f"No such id, or this {vendor} has no such resource; if every request gets a 404, "
            f"check {vendor.upper()}_API_URL."
        )
    return vendor_error(kind, vendor, where, answer, advice)


def forbidden(vendor: str, where: str, answer: Answer, scopes: tuple[str, ...] = ()) -> Forbidden:
    """Return the error for credentials that work but may not use this resource."""
    granted = f" Granted scopes: {' '.join(scopes)}." if scopes else ""
    advice = (
        f"The credentials work but may not do this: give the {vendor} API application, and the agent it logs "
        f"in as, permission for this resource.{granted}"
    )
    return vendor_error(Forbidden, vendor, where, answer, advice)
