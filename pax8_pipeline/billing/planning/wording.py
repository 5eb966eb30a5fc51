"""The words of a plan: sentences, targets, and states of a target, by the name that a query gives them.

When a text applies is decided in SQL; how it gets into a query is in warehouse/wording.py.
"""

from __future__ import annotations

from collections.abc import Mapping

PLAN_WORDS: Mapping[str, Mapping[str, str]] = {
    "plan_words": {"no_rule": "no rule for this verdict"},
    # Why a change is not written by itself, by the reason code of decisions.sql.
    "plan_reasons": {
        "native_integration_on": "Halo's own Pax8 integration is on: two writers never",
        "native_integration_unknown": "Halo's own Pax8 integration is not known to be off: two writers never",
        "trust_observe": "the client's trust mode is observe",
        "trust_propose": "the client's trust mode is propose",
        "trust_approve": "the client's trust mode is approve",
        "rolled_back": "a person undid this change",
        "pro_rata_entry": "a part-period entry on a manual line waits for a person",
        "move_proposed": "its end waits because policy renewals.hold_endings is true",
        "negative_pro_rata": "Halo would add a negative part-period entry, and policy pro_rata.negative is false",
        "new_quantity": "its quantity is not a whole number above 0",
        "new_no_item": "data/mappings/items.csv names no Halo item that is there for the product",
        "new_no_price": "no price above 0 is known for the line (policy new_subscriptions.price)",
        "new_currency": "Pax8 and Halo do not name the same currency for it",
        "new_no_invoice": "no rule names the recurring invoice: set policy new_subscriptions.recurring_invoice, or give it "
        "a row in data/mappings/subscriptions.csv",
        "new_invoice": "the named recurring invoice is gone, off, unreadable or of another client",
        "new_period": "the period of the named recurring invoice is not the subscription's billing term",
        "new_licence_differs": "its licence in Halo is off or has another count: put it right by hand first",
        "new_same_name": "a Halo client has the same name: name it in data/mappings/clients.csv if it is the company",
        "new_made_before": "it was made before, and Halo does not bill by it: look at it in Halo, or name its line in "
        "data/mappings/subscriptions.csv",
        "new_unsettled": "an earlier try to make it has no known end yet",
        "auto_direction": "beyond trust.auto.direction",
        "auto_seats": "beyond trust.auto.seats",
        "auto_money": "beyond trust.auto.money",
        "auto_new_kind": "beyond trust.auto.new.kind",
    },
    "seat_notes": {
        "rebuy": "; it seems to follow the cancelled subscription {rebuy_of}",
        "commitment": "; inside a commitment until {commitment_end_date}",
        "vendor_id": "; licence {licence_id} is known by the Microsoft subscription id",
        "pro_rata_entry": "; the entry charges about {pro_rata_money} {currency|} for {days_left} of {days_of_period} days, "
        "and Halo adds its seats to the line with the next invoice",
        "pro_rata": "; Halo adds a part-period entry of about {pro_rata_money} {currency|} "
        "for {days_left} of {days_of_period} days",
        "move": "; {moves_to} seems to carry it on (score {move_score}): if so, `pax8-pipeline renewals --accept {moves_to}`",
        "freeze": "; in the freeze window of recurring invoice {recurring_invoice_id}, made on {creation_date}: "
        "it goes on by itself on {goes_on_date}",
        "pending_pro_rata": "; {pending_pro_rata} part-period entries of this line are not invoiced yet",
    },
    "seat_targets": {
        "licence": "licence {licence_id}",
        "line": "line {line_id} of recurring invoice {recurring_invoice_id}",
        "line_and_licence": "line {line_id} of recurring invoice {recurring_invoice_id} and licence {licence_id}",
    },
    "price_notes": {
        "change": "; {line_price:plain} becomes {wanted_price:plain}",
        "target": "price of line {line_id} of recurring invoice {recurring_invoice_id}",
    },
    # Which part of policy `prices` asks for a price.
    "price_rules": {
        "product": " (prices.products)",
        "client": " (prices.clients)",
        "general": " (prices.price)",
    },
    "seat_states": {
        "line_active": "line active",
        "line_inactive": "line inactive",
        "licence_active": ", licence active",
        "licence_inactive": ", licence inactive",
        "quantity": ", quantity {halo_quantity:plain}",
    },
    "new_notes": {
        "move": "; or move the line of subscription {moved_from} to it, which ends (docs/renewals.md)",
    },
    # What is made.
    "new_targets": {
        "new_licence": "new licence of client {client_id}",
        "new_line": "new line on recurring invoice {recurring_invoice_id|(none)}",
        "new_client": "new client",
    },
    "new_states": {
        "before": "not in Halo",
        "new_licence": "licence with count {quantity:plain}",
        "new_line": "line with quantity {quantity:plain} at {price:plain} {currency}",
        "new_client": "client {company_name}",
    },
    # What is left of a target that ends.
    "seat_ends": {
        "line": "line inactive",
        "line_and_licence": "line inactive, licence inactive",
        "licence": "line kept, licence inactive, count 0",
    },
    # What a rejected row is, by its table; rows of other tables are not planned by themselves.
    "record_names": {
        "staging.companies": "Pax8 company",
        "staging.clients": "Halo client",
        "staging.licences": "Halo licence",
        "staging.recurring_invoices": "recurring invoice",
        "staging.recurring_invoice_lines": "Halo line",
        "staging.line_licences": "link of Halo line",
        "staging.halo_invoices": "Halo invoice",
        "staging.invoices": "Pax8 invoice",
    },
    "line_texts": {
        "collapsed": "Metered usage, {month_name}",
        "subscription": "{name}, {month_name}",
        "product": "{name}, {month_name}",
    },
    "correction_texts": {"text": "Correction of {h.ref}", "note": "no longer charged by Pax8"},
    "line_notes": {"assigned_later": " (assigned later)"},
    # What is added to a document's verdict, by what decided its class.
    "usage_reasons": {
        "usage_held": "; held until policy usage.first_month says from which month on",
        "usage_not_read": "; Halo's or Pax8's invoices were not read whole in this run",
        "usage_hold": "; {hold}",
        "usage_missing": "; an earlier run saw it",
        "other_usage_missing": "; another invoice of the month is missing",
        "other_usage_changed": "; another invoice of the month changed in Halo",
        "other_usage_voided": "; another invoice of the month was voided in Halo",
        "usage_backfill": "; a month of a backfill",
        "usage_other_payer": "; Halo bills this client through client {billed_client_id}",
        "usage_present": ": {found_ids}",
        "usage_differs": ": {found_ids}",
        "usage_unsettled": ": {unsettled_writes}",
    },
    "usage_words": {
        "product": "Usage of {month_name}",
        "target": "invoice {usage_key}",
        "billed": "billed {billed_text} {currency_text}",
        "no_invoice": "no invoice",
        "one_line": "{due_text} {currency_text} in 1 line",
        "lines": "{due_text} {currency_text} in {line_count} lines",
        "group": " (group {resource_group|without a name})",
        "group_of_vendor": " ({vendor}, group {resource_group|without a name})",
        "estimate": "{month_name} so far, from usage lines; billed once Pax8's invoice is approved",
        "so_far": "about {amount_text} {currency_text} so far",
        "not_made_here": "; it was not made from here, so it is not made again from here",
        "hold": "; {hold}",
        "known_target": "invoice {row_id}",
        "again": "{net_text} {currency} in {line_count} lines, made again",
        "again_without_currency": "{net_text} in {line_count} lines, made again",
    },
    "document_states": {"missing": "missing in Halo", "changed": "changed in Halo", "voided": "voided in Halo"},
}
