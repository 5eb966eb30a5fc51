"""The words of a month that was compared: why a row has its class, and what a person does about it.

Contains: texts by the name that a query gives them (`warehouse/sql/monthly/rows.sql`). In a text, {listed}, {invoiced} and
{billed} are units, {lines} and {invoices} Halo's lines and invoices, {a} to {c} what the row names besides. Does not
contain: when a text applies (that is SQL).
"""

from __future__ import annotations

from collections.abc import Mapping

_UNREAD = {
    "pax8_list_unread": "Pax8's list of subscriptions was not read whole",
    "pax8_invoices_unread": "Pax8's list of invoices was not read whole",
    "items_unread": "the items of a Pax8 invoice of the month were not read whole",
    "no_pax8_invoice": "Pax8 has no approved invoice of the month yet",
    "invoice_not_replaced": "Pax8 took the invoice of the month back and no other replaces it yet",
    "halo_lists_unread": "Halo's clients, licences or recurring invoices were not read whole",
    "halo_invoices_unread": "Halo's invoices were not read whole",
    "halo_invoices_not_covered": "Halo's invoices of the month were not read",
}
_UNREAD_STEPS = {
    **dict.fromkeys(
        ("pax8_list_unread", "pax8_invoices_unread", "items_unread", "halo_lists_unread", "halo_invoices_unread"),
        "run `pax8-pipeline run` again",
    ),
    "no_pax8_invoice": "wait for the invoice (about the 5th), then run `pax8-pipeline run`",
    "invoice_not_replaced": "wait for the new invoice, or ask Pax8 for it",
    "halo_invoices_not_covered": "set month.bill_days in policy.yaml to the days since the month began or more, then run "
    "`pax8-pipeline run` and compare again",
}
_ITEMS = {
    "invoice_unreadable": "the Pax8 invoice cannot be read",
    "item_unreadable": "the item cannot be read",
    "kind_unknown": "Pax8 charges something of a kind that is not known here",
    "no_currency": "the item names no currency",
    "no_subscription": "the item names no subscription",
    "no_company": "Pax8 charges it for no company",
    "company_not_listed": "Pax8 charges it for a company that it does not list",
    "usage_without_company": "Pax8 charges usage that belongs to no company",
}
_ITEM_STEPS = {
    **dict.fromkeys(
        ("invoice_unreadable", "item_unreadable", "kind_unknown", "no_currency", "no_subscription"),
        "look at item {c} of the Pax8 invoice, then bill it by hand or acknowledge it",
    ),
    **dict.fromkeys(
        ("no_company", "company_not_listed"), "find out whose charge item {c} is, and bill it or ask Pax8 for a credit"
    ),
    "usage_without_company": "assign the group to a company in the Pax8 portal",
}

MONTH_REASONS: Mapping[str, str] = {
    **_UNREAD,
    **_ITEMS,
    "subscription_unreadable": "the subscription cannot be read: {c|(no reason)}",
    "two_currencies": "Pax8 charges it in two currencies",
    "other_currency": "Pax8 charges it in another currency than Halo bills",
    "line_unreadable": "what Halo bills cannot be read, or is computed from something else",
    "period_unknown": "the period of the recurring invoice is not known",
    "agree": "list, invoice and bill agree",
    "long_term": "the term is longer than a month: it is not on this invoice, and the bill agrees with the list",
    "no_money": "no money is charged for it",
    "corrected": "a later Halo invoice corrected the first one",
    "several_items": "several items of the invoice add up to it",
    "bundle": "one line bills several products",
    "line_rules": "the line has free units or a minimum: for {a} seats it bills {billed}",
    "by_pax8": "Pax8 bills the company itself; Halo bills {billed|nothing}",
    "trial": "a trial; Halo bills {billed|nothing}",
    "list_moved": "Pax8's list changed to {listed|?} after the invoice of {invoiced|?}",
    "changed_after_invoice": "Pax8 invoiced {invoiced|?}; its list changed after that, and Halo bills {billed}",
    "pax8_part_follows": "Pax8 invoiced {invoiced|?} and settles the change on its next invoice; Halo bills {billed}",
    "halo_part_follows": "Halo billed {billed} of {a} and the rest as a part period on its next invoice",
    "pro_rata_waits": "Halo bills it as a part period on its next invoice",
    "not_listed": "Pax8 invoices {invoiced|0} and does not list the subscription; Halo bills {billed}",
    "ended": "the subscription ended on {c|?}; Halo bills {billed}",
    "ended_later": "the subscription ended on {c|?}, after Halo billed it",
    "not_started": "Pax8 bills it from {c|?}, after the invoice of the month",
    "no_term": "its term does not come again, and Halo bills {billed}",
    "metered": "Pax8 charges only its usage, and Halo bills {billed}",
    "not_invoiced": "Pax8 lists {listed|?} and invoiced none; Halo bills {billed}",
    "no_client": "Pax8 charges it, and the company has no Halo client",
    "no_line": "Pax8 invoices {invoiced|a term} and no Halo line bills it",
    "not_on_invoice": "Halo's invoice {invoices} of the month does not have the line; it should bill {a}",
    "voided": "Halo's invoice of the month was voided and not made again; it should bill {a}",
    "skipped": "Halo made no invoice for the month; it should bill {a}",
    "line_off": "Pax8 invoices {invoiced|a term}; the Halo line is off",
    "line_zero": "Pax8 invoices {invoiced|a term}; the Halo line bills none",
    "several_lines": "several Halo lines bill it: {billed} instead of {a}",
    "invoiced_twice": "the same seats are on Pax8's invoices more than once: {invoiced|?}; Pax8 lists {listed|?}, Halo bills {billed}",
    "invoice_differs": "the Halo line is right, and its invoice of the month bills {billed} instead of {a}",
    "shared_line": "a Halo line of several subscriptions bills {billed} for this one instead of {a}",
    "invoice_against_list": "Pax8 invoices {invoiced|?}; its list and Halo's bill have {listed|?}",
    "quantity": "Pax8 lists {listed|?} and invoices {invoiced|none}; Halo bills {billed}",
    "price": "the seats agree; Halo's price is not Pax8's",
    "price_changed": "the seats agree; Pax8's price changed, and Halo bills the old one",
    "price_against_history": "the seats agree; Pax8 invoices a price that the subscription did not have",
    "cost": "the seats agree; Halo's cost is not Pax8's",
    "parts_agree": "the part periods agree",
    "part_days": "both bill the change for a part of the period, from another day: Pax8 {a|0}, Halo {b|0}",
    "part_billed_before": "Halo billed the change for the whole month before; Pax8 charges {a|0} for the part",
    "part_not_billed": "Pax8 charges {a|0} for a part of the period; Halo bills none",
    "part_credit_not_passed_on": "Pax8 credits {a|0} for a part of the period; Halo credits none",
    "part_of_halo_only": "Halo bills {b|0} for a part of the period; Pax8 charges none",
    "part_differs": "Pax8 charges {a|0} for a part of the period, Halo bills {b|0}",
    "part_follows": "Halo bills {b|0} for a part of the period, before Pax8 does on its next invoice",
    "part_without_change": "Pax8 charges {a|0} for a part of the period in which no seats changed; Halo bills none",
    "part_against_history": "Pax8 charges {a|0} for a part of the period in which its seats did not change so; Halo bills {b|0}",
    "usage_held": "the usage of {a} is not billed: {b|?}",
    "usage_not_billed": "nothing of the usage of {a} is for the client to pay",
    "usage_by_hand": "the usage of {a} is not billed by this product (usage.first_month); whether a person did is not known",
    "usage_no_invoice": "no Halo invoice bills the usage of {a}",
    "usage_agrees": "the usage invoice of {a} agrees",
    "usage_differs": "the usage of {a}: {invoiced|0} are owed, Halo bills {billed}",
    "partner_only": "between Pax8 and the partner",
    "credit": "Pax8 credits {invoiced|?}; whether the client gets it is for a person",
    "fee": "Pax8 charges a fee of {invoiced|?}; whether the client pays it is for a person",
    "late": "Pax8 invoices seats of {b} on this invoice",
    "once_billed": "Halo billed it on invoice {invoices|?}",
    "once_no_item": "a charge that comes once; no Halo item is mapped to the product, so its bill cannot be found",
    "once_not_billed": "a charge that comes once, and no Halo invoice has its item and amount",
    "no_source": "Pax8 neither lists nor invoices it; Halo bills {billed|?}",
}  # fmt: skip

MONTH_STEPS: Mapping[str, str] = {
    **_UNREAD_STEPS,
    **_ITEM_STEPS,
    "subscription_unreadable": "look at it with `pax8-pipeline explain {subscription_id}`",
    "two_currencies": "ask Pax8 which currency is right",
    "other_currency": "put the currency right in Halo",
    "line_unreadable": "look at line {lines|?} in Halo",
    "period_unknown": "set a known period on the recurring invoice in Halo",
    "by_pax8": "end line {lines|?} in Halo and credit the client",
    "trial": "end line {lines|?} in Halo until the trial is paid",
    "not_listed": "ask Pax8 why it invoices a subscription that it does not list",
    "ended": "end line {lines|?} in Halo and credit the client",
    "no_term": "look whether line {lines|?} in Halo is still wanted",
    "metered": "look whether line {lines|?} in Halo is still wanted",
    "not_invoiced": "ask Pax8 whether an invoice follows",
    "no_client": "map the company in data/mappings/clients.csv",
    "no_line": "add the line in Halo, or link it in data/mappings/subscriptions.csv",
    "not_on_invoice": "bill {a} on an invoice of its own",
    "voided": "make the invoice of the month again in Halo",
    "skipped": "make the invoice of the month in Halo",
    "line_off": "switch line {lines|?} on in Halo",
    "line_zero": "set line {lines|?} to {a} in Halo",
    "several_lines": "end the line too many in Halo ({lines|?}) and credit the client",
    "invoiced_twice": "ask Pax8 for a credit",
    "invoice_differs": "correct invoice {invoices|?} in Halo: {a} units",
    "shared_line": "compare line {lines|?} in Halo with its licences",
    "invoice_against_list": "ask Pax8 which number is right: a credit, or {a} units in Halo",
    "quantity": "let the daily sync set line {lines|?}, and bill or credit this month's difference",
    "price": "set the price of line {lines|?} in Halo; month.compare_price in policy.yaml switches this off",
    "price_changed": "set the price of line {lines|?} in Halo, and bill this month's difference",
    "price_against_history": "ask Pax8 which price is right, and for a credit",
    "cost": "set the cost of line {lines|?} in Halo; month.compare_cost in policy.yaml switches this off",
    "part_not_billed": "bill {a|0} for the part of the period",
    "part_credit_not_passed_on": "credit the client, if the policy is to pass it on",
    "part_of_halo_only": "look why Halo bills a part of the period",
    "part_without_change": "ask Pax8 why it charges this part of the period, and for a credit",
    "part_against_history": "ask Pax8 about the days and seats that it charges",
    "part_differs": "bill or credit the difference",
    "usage_held": "remove what holds it (`pax8-pipeline explain`)",
    "usage_by_hand": "look whether it was billed, then set usage.first_month",
    "usage_no_invoice": "run `pax8-pipeline run`, and approve the usage invoice",
    "usage_differs": "approve the adjustment, or correct the invoice in Halo",
    "credit": "credit the client, or acknowledge it",
    "fee": "bill the client, or acknowledge it",
    "late": "compare the month {b} with Halo's invoices",
    "once_no_item": "map the product in data/mappings/items.csv, or bill it by hand",
    "once_not_billed": "bill it in Halo",
    "no_source": "end line {lines|?} in Halo and credit the client, or acknowledge it",
}  # fmt: skip

# What Pax8's history of the subscription shows; it stands behind the reason.
MONTH_HISTORY: Mapping[str, str] = {
    "seats_change": "; in Pax8's history the seats changed from {changed_from:plain} to {changed_to:plain} on {changed_on}",
    "price_change": "; in Pax8's history the price changed from {changed_from:plain} to {changed_to:plain} on {changed_on}",
    "no_change": "; Pax8's history shows no such change",
}

MONTH_WORDS: Mapping[str, Mapping[str, str]] = {
    "month_reasons": MONTH_REASONS,
    "month_steps": MONTH_STEPS,
    "month_history": MONTH_HISTORY,
}
