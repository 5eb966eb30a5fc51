"""The words of the reconciled tables: what more there is to say about a verdict, and the state of a usage month.

Contains: texts by the name that a query gives them, and how a query asks for one. Does not contain: when a text applies
(that is SQL), the sentences of a plan (billing/planning/wording.py).

A query writes `wording('subscription_details', found.detail)`; before it runs, that call becomes one CASE over the texts
of that name. With a name in quotes it becomes that one text. A text names columns of the query in braces:

    {licence_id}           the value; the whole text is NULL when the value is
    {status|(none)}        the value, or the words behind the bar when there is none
    {quantity:plain}       a decimal as people write it: 20, not 20.0000000000
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pax8_pipeline.warehouse.month_wording import MONTH_WORDS

SUBSCRIPTION_DETAILS: Mapping[str, str] = {
    "company_not_listed": "the company is not in the Pax8 company list",
    "match_problem": "{match_problem}",
    "licence_problem": "{licence_problem}",
    "line_problem": "{line_problem}",
    "problem": "{problem}",
    "contradiction": "{contradiction}",
    "match_state": "{match_state}",
    "key_conflict": "{key_conflict}",
    "two_licences": "several licences carry this subscription id",
    "mapped_licence_missing": "the mapped licence {mapped_licence} is not in Halo",
    "mapped_line_missing": "the mapped line {mapped_line} is not in Halo",
    "other_invoice": "line {line_id} stands on recurring invoice {recurring_invoice_id}, not {mapped_invoice}",
    "not_linked": "line {line_id} does not follow licence {licence_id}",
    "unreadable_subscription": "another subscription that cannot be read points at the same licence or line",
    "nameless_line": "a line without a readable id follows licence {licence_id}",
    "open_line": "{open_line} cannot be read and may follow licence {licence_id} too",
    "open_licence": "{open_licence} carries no readable subscription id and may stand for this subscription too",
    "unreadable_licence": "line {line_id} also follows what cannot be read: {unreadable_licence}",
    "manual_and_licence_line": "the mapped manual line {line_id} and a line that follows licence {licence_id}",
    "several_lines": "{live_lines} lines follow licence {licence_id}",
    "target_shared": "another subscription points at the same licence or line",
    "licence_of_other_client": "licence {licence_id} belongs to client {licence_client_id}",
    "invoice_of_other_client": "recurring invoice {recurring_invoice_id} bills client {invoice_client_id}",
    "no_pax8_currency": "Pax8 names no currency",
    "no_halo_currency": "Halo names none for client {client_id}, and does for others; set it there or in policy "
    "matching.default_currency",
    "no_pax8_price": "Pax8 states no price",
    "other_client_currency": "Pax8 {currency}, Halo {client_currency}",
    "other_invoice_currency": "Pax8 {currency}, Halo {invoice_currency}",
    "quantity_source": "{quantity_source}",
    "no_licence_known": "line {line_id} follows {line_licences|0} licences and none is known as this subscription",
    "licence_not_listed": "the line follows a licence that Halo did not list",
    "no_halo_price": "Halo states no price for line {line_id}",
    "no_period": "recurring invoice {recurring_invoice_id} has no period",
    "unknown_period": "recurring invoice {recurring_invoice_id} has period {period}",
    "status": "{status|(none)}",
    "end_date_passed": "end date {end_date} has passed, status is {status}",
    "billing_term": "{billing_term|(none)}",
    "no_line_follows": "no line follows the licence",
    "off_because": "{off_because}",
    "pending_pro_rata": "pending_pro_rata",
    "quantity_requested": "quantity_requested",
    "nothing_in_halo": "no licence and no line",
    "no_line_of_licence": "no line follows licence {licence_id}",
    "licence_id": "licence {licence_id}",
    "quantity": "{quantity:plain}",
    "licence_requested": "{licence_requested} is ordered for licence {licence_id}, its count is {licence_count}",
    "quantity_differs": "quantity differs",
    "no_end_date": "cancelled without an end date",
    "moved_to": "{moved_to}, by mappings/subscriptions.csv",
}

# Of one charge of usage, by its verdict.
USAGE_DETAILS: Mapping[str, str] = {
    "bill": "billed to the client",
    "bill_assigned_later": "billed to the client; its group was assigned after Pax8 made the invoice",
    "credited": "Pax8 took this invoice back ({invoice_status|?})",
    "unreadable": "it cannot be read, so the month of its company waits: {trouble}",
    "trial": "a trial is not billed",
    "zero": "nothing is charged",
    "unassigned": "no company assigned ({shape}): nobody is billed until it is assigned in the Pax8 portal",
    "billed_by_pax8": "Pax8 bills this company itself",
    "unmatched_company": "the Pax8 company is not mapped to one active Halo client ({match_state|unknown})",
    "contradicted_company": "the Pax8 company is not mapped to one active Halo client ({match_state}: {contradiction})",
    "no_price": "Pax8 charges you for it and states no total for the client",
    "currency_mismatch": "charged in {currency|no currency}, the client is billed in "
    "{halo_currency|no currency that Halo names, or the month has several}",
    "no_item": "no Halo item: add the product to mappings/items.csv or set usage.default_halo_item_id",
    "item_missing": "Halo item {wanted_item} does not exist",
    "estimate": "so far, from usage lines; billed from the approved invoice",
    "not_the_source": "policy usage.source bills from usage lines",
}

# Of the match of a company with a client: what cannot be read of it, and what contradicts it.
MATCH_TEXTS: Mapping[str, str] = {
    "company_problem": "company: {c.problem}",
    "client_problem": "client {k.client_id}: {k.problem}",
    "nameless_client": "a client without a readable id carries this company",
    "links_unread": "a client whose custom fields or links cannot be read may carry this company",
    "not_an_id": 'external_id "{c.external_id}" is not a Halo id',
    "licence": "licence {licence_id}",
    "invoice_of_licence": "recurring invoice {r.recurring_invoice_id} with licence {c.licence_id}",
    "mapped_licence": "licence {c.licence_id} in mappings/subscriptions.csv",
    "mapped_line": "line {l.line_id} in mappings/subscriptions.csv",
    "mapped_invoice": "recurring invoice {r.recurring_invoice_id} in mappings/subscriptions.csv",
    "other_client": "{what} belongs to client {client_id}",
    "unreadable_client": "{what} does not say in a readable way to whom it belongs",
    "claimed_twice": "client {o.client_id} is claimed by {o.claimant} too ({o.what})",
    "more": "; and {more} more",
}

# What fits, and what does not, of two subscriptions of which one may carry the other's line on.
MOVE_REASONS: Mapping[str, str] = {
    "same_product": "same product",
    "other_product": "other product of the same vendor",
    "next_day": ", starts the day after",
    "gap": ", {gap_days} days between the two",
    "overlap": ", {both_days} days of both",
    "same_quantity": ", same seats",
    "other_quantity": ", {new_quantity:plain} seats after {quantity:plain}",
    "same_price": ", same price",
    "other_terms": ", other terms",
    "rival": "; another subscription fits nearly as well",
}

# What a discrepancy is about, by its kind; that of a subscription is its id.
DISCREPANCY_SUBJECTS: Mapping[str, str] = {
    "orphaned_licence": "licence {licence_id}, line {line_id}",
    "orphaned_line": "mapped line {line_id} of {subscription_id}",
    "charged_by_halo_only": "line {line_id} of {subscription_id}",
}
DISCREPANCY_DETAILS: Mapping[str, str] = {"not_listed": "Pax8 lists no subscription {subscription_id}"}

WORDS: Mapping[str, Mapping[str, str]] = {
    "discrepancy_subjects": DISCREPANCY_SUBJECTS,
    "discrepancy_details": DISCREPANCY_DETAILS,
    "match_texts": MATCH_TEXTS,
    "move_reasons": MOVE_REASONS,
    "subscription_details": SUBSCRIPTION_DETAILS,
    "usage_details": USAGE_DETAILS,
    **MONTH_WORDS,
}

_CALL = re.compile(r"wording\('(?P<texts>\w+)', (?:'(?P<literal>\w+)'|(?P<name>[\w.]+))\)")
_VALUE = re.compile(r"\{(?P<column>[\w.]+)(?::(?P<form>plain))?(?:\|(?P<otherwise>[^}]*))?\}")


def with_words(query: str, words: Mapping[str, Mapping[str, str]] = WORDS) -> str:
    """Return a query with each `wording(...)` in it replaced by its texts. Raises KeyError when there are none of that name."""

    def text_of(call: re.Match[str]) -> str:
        texts = words[call["texts"]]
        return f"({expression(texts[call['literal']])})" if call["literal"] else f"({choice(call['name'], texts)})"

    return _CALL.sub(text_of, query)


def choice(name: str, texts: Mapping[str, str]) -> str:
    """Return the SQL expression that gives the text named by the expression `name`; NULL for a name without a text."""
    cases = "\n".join(f"  WHEN '{text_name}' THEN {expression(text)}" for text_name, text in texts.items())
    return f"CASE {name}\n{cases}\nEND"


def expression(text: str) -> str:
    """Return one text as an SQL expression over the columns that it names."""
    parts, end = [], 0
    for value in _VALUE.finditer(text):
        parts += [_literal(text[end : value.start()]), _column(value)]
        end = value.end()
    parts.append(_literal(text[end:]))
    return " || ".join(part for part in parts if part) or "''"


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'" if text else ""


def _column(value: re.Match[str]) -> str:
    column = f"meta.plain({value['column']})" if value["form"] else f"{value['column']}::VARCHAR"
    return (
        column if value["otherwise"] is None else f"coalesce({column}, {_literal(value['otherwise']) or chr(39) * 2})"
    )
