"""`pax8-pipeline doctor --probe`: asks both vendors what no document says, and stores the answers in data/tenant.yaml.

The questions are in `extract.probe_pax8` and `extract.probe_halo`; here are the sentences. It only reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad, ok, warn
from pax8_pipeline.errors import ConfigError, PipelineError, VendorError, os_error_sentence
from pax8_pipeline.extract.pax8_lists import NOT_ASKED_DAYS
from pax8_pipeline.extract.probe import Problems
from pax8_pipeline.extract.probe_halo import HaloProbe
from pax8_pipeline.extract.probe_pax8 import Pax8Probe
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings
from pax8_pipeline.settings.tenant import FILE, Vendor, named_quota, store_answers, store_quota
from pax8_pipeline.settings.tenant_answers import HaloAnswers, Pax8Answers
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.text.private_files import make_folder
from pax8_pipeline.transport.quota import Quota
from pax8_pipeline.transport.retry import RetryPolicy

# A call that takes too long is an answer here (draft items may answer 408).
_RETRY = RetryPolicy(tries=2, deadline_s=60.0, retry_after_max_s=30.0, refusals_for_s=120.0)
_PATIENCE: dict[str, Any] = {"retry": _RETRY, "read_timeout_s": 60.0}
_DRAFTS = {
    "empty": "{}: a run reads them once, for its forecast",
    "answered": "{}: a run reads them once, for its forecast",
    "too slow": f"{{}}: runs leave them out for {NOT_ASKED_DAYS} days; a month has no forecast",
    "refused": f"{{}}: runs leave them out for {NOT_ASKED_DAYS} days; a month has no forecast",
}
_USAGE_COMPANY = {
    "in lists": "a summary names it {}: the others are asked by id once a week",
    "only by id": "a summary names it {}: runs ask for each summary",
    "neither": "a summary names it {} in lists nor by id: runs ask by id once a week",
}
_NOTHING_SHOWN = "not known: this account has too little to show it"


def examine(settings: Settings) -> Iterator[Diagnosis]:
    """Ask both vendors, store the answers, and yield a sentence for each. Raises ConfigError without credentials."""
    settings.require(REQUIRED_PAX8 + REQUIRED_HALO)
    with ExitStack() as stack:
        try:
            pax8_client, halo_client = _clients(settings, stack)
            pax8_client.check()
            halo_client.check()
        except VendorError as error:
            yield bad(f"{error.vendor or 'vendor'} probe", str(error), "pax8-pipeline doctor says what to do")
            return
        pax8 = Pax8Probe(pax8_client, settings.today)
        pax8_answers = pax8.answers()
        yield from pax8_sentences(pax8_answers, _limit_of(settings, "pax8"))
        field = settings.policy.matching.client_custom_field
        halo = HaloProbe(halo_client, settings.today, pax8.subscriptions, pax8.companies, field)
        halo_answers = halo.answers()
        licence_field, limit = settings.policy.matching.licence_id_field, _limit_of(settings, "halo")
        yield from halo_sentences(halo_answers, licence_field, halo.other_fields, limit)
    yield from _unanswered(pax8.problems, halo.problems)
    yield _stored(settings, pax8_answers, halo_answers)


def _clients(settings: Settings, stack: ExitStack) -> tuple[Pax8Client, HaloClient]:
    """Connect to both; a limit that one of them names meanwhile is stored."""
    store = partial(store_quota, settings.data, learned_on=settings.today)
    pax8 = Pax8Client(replace(pax8_config(settings), **_PATIENCE), on_quota=lambda quota: store("pax8", quota))
    halo = HaloClient(replace(halo_config(settings), **_PATIENCE), on_quota=lambda quota: store("halo", quota))
    return stack.enter_context(pax8), stack.enter_context(halo)


def pax8_sentences(found: Pax8Answers, limit: Quota | None = None) -> Iterator[Diagnosis]:
    """Say what Pax8 answered. `limit`: the one that it named in a refusal, if it did."""
    larger = {
        "honoured": f"{found.page_size} rows a page: more than documented is honoured",
        "cut": f"{found.page_size} rows a page: a larger page is cut to that",
        "refused": f"{found.page_size} rows a page: a larger page is refused",
        "not known": f"{found.page_size} rows a page, as documented; no list is long enough to show more",
    }
    yield ok("Pax8 page size", larger[found.above_200])
    yield ok("Pax8 commitment", _known(found.commitment_member, "member of a subscription: {}"))
    yield ok("Pax8 invoice status", _known(found.invoice_status, "shown: {}"))
    yield ok("Pax8 item ids", _known(found.item_ids, "invoice items that have one: {}"))
    yield ok("Pax8 draft items", _known(found.draft_items, _DRAFTS.get(found.draft_items, "{}")))
    yield ok("Pax8 usage company", _known(found.usage_company, _USAGE_COMPANY.get(found.usage_company, "{}")))
    yield ok("Pax8 usage lines", _known(found.usage_lines, "there are some: {}"))
    yield _members("Pax8", found.missing_members)
    yield _limit("Pax8", found.limit_headers, limit)


def halo_sentences(
    found: HaloAnswers, licence_field: str, other_fields: Collection[str] = (), limit: Quota | None = None
) -> Iterator[Diagnosis]:
    """Say what Halo answered, and what to set where the answer differs from the policy.

    `other_fields`: the custom fields besides the policy's that hold Pax8 company ids. `limit`: the one that Halo named in
    a refusal, if it did.
    """
    sizes = ", ".join(f"{name} {size}" for name, size in found.page_sizes.items())
    yield ok("Halo page sizes", f"smaller than 1000: {sizes}" if sizes else "1000 rows, or all that there are")
    yield ok("Halo record_count", _known(found.record_count, "is {}"))
    yield _lines(found)
    yield _subscription_ids(found, licence_field)
    yield _company_ids(found, other_fields)
    yield ok("Halo integration", f"Halo's own Pax8 integration: {found.integration}")
    yield _members("Halo", found.missing_members)
    yield _limit("Halo", found.limit_headers, limit)


def _lines(found: HaloAnswers) -> Diagnosis:
    if found.lines_in_lists == "no":
        text = "the list of recurring invoices leaves lines out: each is read one by one"
        return warn(
            "Halo lines in lists",
            text,
            "no harm: a run takes longer; raise halo.requests_per_5_minutes if it is too long",
        )
    if found.lines_in_lists == "not known":
        return ok("Halo lines in lists", _NOTHING_SHOWN)
    links = " and ".join(map(str, found.links_in_lists))
    shown = (
        f"with the links of lines of type {links}"
        if links
        else "but not their links: such invoices are read one by one"
    )
    return ok("Halo lines in lists", f"yes, {shown}")


def _subscription_ids(found: HaloAnswers, field: str) -> Diagnosis:
    point = "Halo subscription ids"
    held = found.subscription_id_members
    if field in held:
        return ok(point, f"in {field} of {plural(held[field], 'licence')}, as policy.yaml says")
    if held:
        member = next(iter(held))
        text = f"in {member} of {plural(held[member], 'licence')}, and not in {field}"
        return warn(point, text, f"set matching.licence_id_field: {member} in policy.yaml")
    if found.vendor_id_members:
        member = next(iter(found.vendor_id_members))
        text = f"none; {member} holds the vendor's subscription ids instead"
        return warn(point, text, "pax8-pipeline mapping suggest links them by those")
    return warn(point, "no licence that was read holds one", "pax8-pipeline mapping suggest proposes links")


def _company_ids(found: HaloAnswers, other_fields: Collection[str]) -> Diagnosis:
    places = ", ".join(found.company_id_places)
    text = places or "in none of the clients that were read; data/mappings/clients.csv matches without it"
    if found.client_ids_in_list == "no":
        text += "; the list of clients leaves them out, so runs read clients one by one"
    if found.only_another_field:
        names = " or ".join(sorted(other_fields))
        return warn("Halo company ids", text, f"set matching.client_custom_field: {names} in policy.yaml")
    return ok("Halo company ids", text)


def _members(vendor: str, missing: Mapping[str, tuple[str, ...]]) -> Diagnosis:
    if not missing:
        return ok(f"{vendor} members", "all that a run reads are there")
    text = "; ".join(f"{name}: {', '.join(members)}" for name, members in missing.items())
    return ok(f"{vendor} members", f"not sent by this account: {text}")


def _limit(vendor: str, headers: tuple[str, ...], limit: Quota | None) -> Diagnosis:
    named = f"headers {', '.join(headers)}" if headers else "no header names it"
    if limit is None:
        return ok(f"{vendor} limit", f"{named}; its text is stored when a request is refused (none is provoked)")
    known = f"{plural(limit.requests, 'request')} in {limit.window_s:g} s, as a refusal said; runs stay below"
    return ok(f"{vendor} limit", f"{named}; {known}")


def _limit_of(settings: Settings, vendor: Vendor) -> Quota | None:
    """Return the stored limit; None also where the file cannot be read, which the probe replaces."""
    try:
        return named_quota(settings.data, vendor)
    except ConfigError:
        return None


def _known(answer: str, sentence: str) -> str:
    return _NOTHING_SHOWN if answer == "not known" else sentence.format(answer)


def _unanswered(*problems: Problems) -> Iterator[Diagnosis]:
    for sentence in (sentence for one in problems for sentence in one.sentences):
        yield warn("not answered", sentence, "pax8-pipeline doctor says which right is missing")


def _stored(settings: Settings, pax8: Pax8Answers, halo: HaloAnswers) -> Diagnosis:
    make_folder(settings.data)
    try:
        path = store_answers(settings.data, pax8, halo)
    except OSError as error:
        raise PipelineError(os_error_sentence(error, settings.data / FILE)) from error
    return ok("stored", f"{path}: runs use it. It has no names, ids, amounts or secrets")
