"""What a search says of a usage invoice: found before it was made, made as planned, or made wrong.

Searching and sending are in `usage_invoices`; one document is compared with the plan in `actions`.
"""

from __future__ import annotations

from typing import Any

from pax8_pipeline.billing.actions.action import DocumentAction
from pax8_pipeline.billing.actions.compare import Object
from pax8_pipeline.billing.actions.usage_documents import name_documents
from pax8_pipeline.billing.model import Entry


def found_before(action: DocumentAction, found: list[Object], *, ours: bool) -> Entry:
    """What our own lost write left behind is adopted; what anybody else made is for a person."""
    wrong = action.differences(found[0], fresh=False)
    if len(found) == 1 and not wrong and ours:
        return Entry(action.change, "verified", f"found already in Halo as {name_documents(found)}")
    detail = f"Halo knows the key already: {name_documents(found)}; nothing was created"
    return Entry(action.change, "drifted", "; ".join([detail, *(wrong if len(found) == 1 else [])]))


def compare(
    sent: Entry, action: DocumentAction, made_id: int | None, shown: Object | None, found: list[Object]
) -> tuple[Entry, str]:
    """Decide by what Halo shows: exactly one invoice with the key, equal to the plan, the same by id and by search.

    Returns the final entry and why the whole apply must stop, if so.
    """
    change, key = sent.change, action.key
    documents = {id_of(document): document for document in ([shown] if shown else []) + found}
    if len(documents) > 1:
        sentence = more_than_one(key, list(documents.values()))
        return Entry(change, "duplicate", f"{sent.detail}; {sentence}"), sentence
    for document in documents.values():
        if wrong := _differences_of_both(action, document, shown):
            named = name_documents([document])
            sentence = f"{named} is not as planned: {'; '.join(wrong)}; it is left to a person"
            return Entry(change, "failed", f"{sent.detail}; {sentence}"), sentence
    if found and (made_id is None or shown is not None):
        how = "found in Halo as" if sent.state == "unknown" else "read back as planned:"
        return Entry(change, "verified", f"{sent.detail}; {how} {name_documents(found)}"), ""
    if sent.state == "unknown":
        return Entry(change, "unknown", f"{sent.detail}; not in Halo so far, the next run looks again"), ""
    sentence = f"Halo took the invoice with the key {key} (id {made_id or 'not told'}) and does not list it"
    return Entry(change, "unknown", f"{sent.detail}; {sentence}"), sentence


def _differences_of_both(action: DocumentAction, listed: Object, shown: Object | None) -> list[str]:
    """Compare the invoice as the search shows it, and as it is shown by its id."""
    found = action.differences(listed, fresh=True)
    if shown is not None and listed is not shown:
        found += [wrong for wrong in action.differences(shown, fresh=True) if wrong not in found]
    return found


def more_than_one(key: str, documents: list[Object]) -> str:
    """Return the sentence about a key that several invoices carry."""
    return f"more than one invoice has the key {key}: {name_documents(documents)}; void all but one of them in Halo"


def id_of(document: Any) -> int | None:
    """Return the number of a document as Halo shows it, None when it has none."""
    number = document.get("id") if isinstance(document, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None
