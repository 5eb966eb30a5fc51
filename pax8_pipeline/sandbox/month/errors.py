"""Errors at the end of a month, one function each: what people, Pax8 or Halo do wrong, and the class that it has.

An error of the invoices is planted again each month, on another subscription. One of the recurring data lasts.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pax8_pipeline.sandbox.core.links import LineLink
from pax8_pipeline.sandbox.month.planter import MonthEnds, Plant, Planted, invoice_items_of, requantify, seats
from pax8_pipeline.sandbox.pax8 import invoices
from pax8_pipeline.sandbox.pax8.store import Row

# Pax8's invoice ------------------------------------------------------------------------------------------


def pax8_invoices_more(m: MonthEnds) -> list[Planted]:
    """Pax8 invoices five seats more than it lists."""
    row = m.pick()
    requantify(m.item(row), row["quantity"] + 5)
    return seats("pax8_invoices_more", row, "under_billed")


def pax8_invoices_fewer(m: MonthEnds) -> list[Planted]:
    """Pax8 invoices two seats fewer than it lists."""
    row = m.pick()
    requantify(m.item(row), row["quantity"] - 2)
    return seats("pax8_invoices_fewer", row, "over_billed")


def pax8_does_not_invoice(m: MonthEnds) -> list[Planted]:
    """Pax8 forgets the item."""
    row = m.pick()
    invoice_items_of(m, row).remove(m.item(row))
    return seats("pax8_does_not_invoice", row, "over_billed")


def invoiced_twice(m: MonthEnds) -> list[Planted]:
    """The same item stands on the invoice twice."""
    row = m.pick()
    m.add_item(row, "subscription")
    return seats("invoiced_twice", row, "under_billed")


def second_invoice(m: MonthEnds) -> list[Planted]:
    """A second invoice of the month repeats an item."""
    row = m.pick()
    copy = {**m.item(row), "id": f"{m.item(row)['id'][:-4]}aaaa"}
    invoices.second_invoice(
        m.full_world.pax8, m.month, on=m.full_world.today, like=m.pax8_invoice(row), items=[copy]
    )  # fmt: skip
    return seats("second_invoice", row, "under_billed")


def replaced_by_a_wrong_invoice(m: MonthEnds) -> list[Planted]:
    """Pax8 takes its invoice back, and the new one has four seats too many."""
    row = m.pick()
    old = m.pax8_invoice(row)
    invoices.credit_and_rebill(m.full_world.pax8, old["id"], on=m.full_world.today, share=Decimal(1))
    requantify(m.item(row), row["quantity"] + 4)
    return seats("replaced_by_a_wrong_invoice", row, "under_billed")


def unknown_kind_of_charge(m: MonthEnds) -> list[Planted]:
    """Pax8 charges something of a type that nobody knows."""
    item = m.add_item(m.pick(), "adjustment-2027")
    return [Planted("unknown_kind_of_charge", item["productName"], "unknown", "not_checked")]


def charge_without_company(m: MonthEnds) -> list[Planted]:
    """Pax8 charges something for no company."""
    row = m.pick()
    item = m.add_item(row, "one-time", term="One-Time", companyId=None, companyName=None, subscriptionId=None)
    return [Planted("charge_without_company", item["productName"], "one_time", "unbilled")]


def one_time_not_billed(m: MonthEnds) -> list[Planted]:
    """A charge that comes once is on no Halo invoice."""
    item = m.add_item(m.pick(), "one-time", term="One-Time", subscriptionId=None)
    return [Planted("one_time_not_billed", item["productName"], "one_time", "unbilled")]


# Halo's invoice ------------------------------------------------------------------------------------------


def halo_invoice_bills_fewer(m: MonthEnds) -> list[Planted]:
    """A person takes two seats off the Halo invoice."""
    row = m.pick()
    m.bill(row)[1]["qty_order"] -= 2
    return seats("halo_invoice_bills_fewer", row, "under_billed")


def halo_invoice_bills_more(m: MonthEnds) -> list[Planted]:
    """A person puts three seats more on the Halo invoice."""
    row = m.pick()
    m.bill(row)[1]["qty_order"] += 3
    return seats("halo_invoice_bills_more", row, "over_billed")


def halo_invoice_lacks_the_line(m: MonthEnds) -> list[Planted]:
    """A person deletes the line of the Halo invoice."""
    row = m.pick(lambda row: len(m.bill(row)[0]["lines"]) > 1)
    made, line = m.bill(row)
    made["lines"].remove(line)
    return seats("halo_invoice_lacks_the_line", row, "unbilled")


def line_twice_on_halo_invoice(m: MonthEnds) -> list[Planted]:
    """The Halo invoice has the line twice."""
    row = m.pick()
    made, line = m.bill(row)
    made["lines"].append(m.full_world.halo.line_row({k: v for k, v in line.items() if k not in ("id", "ihid")}, made))
    return seats("line_twice_on_halo_invoice", row, "over_billed")


def halo_bills_the_month_twice(m: MonthEnds) -> list[Planted]:
    """A second Halo invoice bills the same line again."""
    row = m.pick()
    made, line = m.bill(row)
    m.bill_again(made, [line])
    return seats("halo_bills_the_month_twice", row, "over_billed")


def halo_invoice_of_another_price(m: MonthEnds) -> list[Planted]:
    """A person changes the price on the Halo invoice."""
    row = m.pick()
    m.bill(row)[1]["unit_price"] += Decimal("1.50")
    return seats("halo_invoice_of_another_price", row, "price_drift")


def part_of_halo_only(m: MonthEnds) -> list[Planted]:
    """The Halo invoice bills a part period that Pax8 does not charge."""
    row = m.pick()
    m.bill_part(row, 2, Decimal("1.11"))
    return [Planted("part_of_halo_only", row["id"], "pro_rata", "over_billed")]


# Recurring data ------------------------------------------------------------------------------------------


def line_switched_off(m: MonthEnds) -> list[Planted]:
    """A person switches the Halo line off."""
    row = m.pick()
    m.line(row)["isinactive"] = True
    return seats("line_switched_off", row, "unbilled", lasting=True)


def nobody_bills_it(m: MonthEnds) -> list[Planted]:
    """A new subscription has no line in Halo."""
    row = m.buy(m.pick()["companyId"], "Keyring Business Vault", quantity=7, days_ago=45)
    m.use(row)
    return seats("nobody_bills_it", row, "unbilled", lasting=True)


def ended_and_billed_on(m: MonthEnds) -> list[Planted]:
    """A subscription ends, and Halo bills on."""
    row = m.pick()
    last_day = (m.month - timedelta(days=1)).isoformat()
    m.full_world.pax8.change_subscription(
        row["id"], {"status": "Cancelled", "endDate": last_day}, at=f"{last_day}T08:00:00.000"
    )
    return seats("ended_and_billed_on", row, "orphaned", lasting=True)


def licence_of_nothing(m: MonthEnds) -> list[Planted]:
    """A Halo line bills the licence of a subscription that Pax8 does not have."""
    row = m.pick(lambda row: m.licence(row) is not None)
    stranger = f"{row['id'][:-4]}bbbb"
    licence = {k: v for k, v in (m.licence(row) or {}).items() if k != "id"}
    licence_id = m.full_world.halo.add_licence(**{**licence, "snowid": stranger, "count": 3})
    link = {"licence_id": licence_id, "qty_free": 0, "minimum_qty": 0, "pro_rata": 1}
    line = {**_line_members(m.line(row)), "quantity_subscriptions": [link], "quantity_licences": []}
    line["recurring_invoice_quantity_type"] = 4
    m.header(row)["lines"].append(m.full_world.halo.line_row(line, m.header(row)))
    return [Planted("licence_of_nothing", stranger, "seats", "orphaned", lasting=True)]


def two_lines_bill_it(m: MonthEnds) -> list[Planted]:
    """Two Halo lines follow one licence."""
    row = m.pick(lambda row: m.licence(row) is not None)
    m.full_world.halo_generator.follow_twice(m.full_world.links.lines[row["id"]])
    return seats("two_lines_bill_it", row, "over_billed", lasting=True)


def line_of_another_price(m: MonthEnds) -> list[Planted]:
    """The Halo line has another price."""
    row = m.pick()
    m.line(row)["unit_price"] += Decimal(2)
    return seats("line_of_another_price", row, "price_drift", lasting=True)


def line_of_another_cost(m: MonthEnds) -> list[Planted]:
    """The Halo line has another cost."""
    row = m.pick()
    m.line(row)["unit_cost"] += Decimal("0.75")
    return seats("line_of_another_cost", row, "price_drift", lasting=True)


def trial_that_is_billed(m: MonthEnds) -> list[Planted]:
    """A subscription is a trial, and Halo bills it."""
    row = m.pick()
    m.full_world.pax8.change_subscription(row["id"], {"status": "Trial"})
    return seats("trial_that_is_billed", row, "over_billed", lasting=True)


def annual_price_on_a_monthly_line(m: MonthEnds) -> list[Planted]:
    """A monthly Halo line has the price of a year."""
    near = m.pick(manual=True)
    row = m.buy(near["companyId"], "Keyring Business Vault", quantity=6, term="Annual", days_ago=100)
    m.use(row)
    bill_monthly(m, near, row, row["price"], row["partnerCost"])
    return seats("annual_price_on_a_monthly_line", row, "price_drift", lasting=True)


def bill_monthly(m: MonthEnds, near: Row, row: Row, price: Decimal, cost: Decimal) -> None:
    """Let a person add a manual line for `row` to the recurring invoice of `near`, at a price a month."""
    line = {
        **_line_members(m.line(near)),
        "qty_order": Decimal(row["quantity"]),
        "unit_price": price,
        "unit_cost": cost,
    }
    made = m.full_world.halo.line_row({**line, "recurring_invoice_quantity_type": 0}, m.header(near))
    m.header(near)["lines"].append(made)
    m.full_world.links.lines[row["id"]] = LineLink(m.header(near)["id"], made["id"], None, "mapping_file", True)


def _line_members(line: Row) -> Row:
    return {k: v for k, v in line.items() if k not in ("id", "ihid", "sequenceid", "quantity_subscriptions",
                                                       "quantity_licences", "prorata_data")}  # fmt: skip


# The month before ----------------------------------------------------------------------------------------


def part_not_billed(m: MonthEnds) -> list[Planted]:
    """Seats are added in mid-month, and a manual line gets its new quantity without an entry for the part."""
    row = m.pick(manual=True)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 3})
    m.set_seats(row, row["quantity"])
    return [Planted("part_not_billed", row["id"], "pro_rata", "unbilled")]


def part_credit_not_passed_on(m: MonthEnds) -> list[Planted]:
    """Seats are given back in mid-month, and a manual line gets no entry for the part."""
    row = m.pick(manual=True)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] - 2})
    m.set_seats(row, row["quantity"])
    return [Planted("part_credit_not_passed_on", row["id"], "pro_rata", "over_billed")]


def never_synced(m: MonthEnds) -> list[Planted]:
    """Seats are added in mid-month, and nobody changes Halo."""
    row = m.pick()
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 2})
    return [
        Planted("never_synced", row["id"], "seats", "under_billed", lasting=True),
        Planted("never_synced", row["id"], "pro_rata", "unbilled"),
    ]


# What only the history shows ----------------------------------------------------------------------------


def part_without_a_change(m: MonthEnds) -> list[Planted]:
    """Pax8 charges three seats for a part of the month before, in which no seats changed."""
    row = m.pick(manual=True)
    m.add_part(row, Decimal(3), m.day_before(15))
    return [Planted("part_without_a_change", row["id"], "pro_rata", "unbilled")]


def part_from_a_wrong_day(m: MonthEnds) -> list[Planted]:
    """Seats change on the 15th on both sides, and Pax8 charges the part from the 4th."""
    row = m.pick(lambda row: m.licence(row) is not None)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 3})
    m.set_seats(row, row["quantity"])
    m.wrong_days.append(row)
    return [Planted("part_from_a_wrong_day", row["id"], "pro_rata", "under_billed")]


def price_of_nobody(m: MonthEnds) -> list[Planted]:
    """Pax8 invoices a price that the subscription never had."""
    row = m.pick()
    item = m.item(row)
    item["price"] = Decimal(item["price"]) + Decimal("1.25")
    requantify(item, row["quantity"])
    return seats("price_of_nobody", row, "price_drift")


def invoice_lags_behind_a_change(m: MonthEnds) -> list[Planted]:
    """Seats changed in the month before on both sides, and Pax8 still invoices the old ones."""
    row = m.pick(lambda row: m.licence(row) is not None)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 4})
    m.set_seats(row, row["quantity"])
    m.lagging.append(row)
    return seats("invoice_lags_behind_a_change", row, "over_billed")


def put_wrong_days(m: MonthEnds) -> list[Planted]:
    """Put what `part_from_a_wrong_day` and `invoice_lags_behind_a_change` are on Pax8's invoice."""
    for row in m.wrong_days:
        m.move_part(row, m.day_before(4))
    for row in m.lagging:
        requantify(m.item(row), row["quantity"] - 4)
    m.wrong_days, m.lagging = [], []
    return []


EACH_MONTH: dict[str, dict[str, Plant]] = {
    "middle": {f.__name__: f for f in (part_not_billed, part_credit_not_passed_on, never_synced, part_from_a_wrong_day,
                                       invoice_lags_behind_a_change)},
    "replaced": {f.__name__: f for f in (replaced_by_a_wrong_invoice,)},
    "items": {f.__name__: f for f in (put_wrong_days,)},
    "after": {
        f.__name__: f
        for f in (
            pax8_invoices_more, pax8_invoices_fewer, pax8_does_not_invoice, invoiced_twice,
            second_invoice, unknown_kind_of_charge, charge_without_company, one_time_not_billed, halo_invoice_bills_fewer,
            halo_invoice_bills_more, halo_invoice_lacks_the_line, line_twice_on_halo_invoice, halo_bills_the_month_twice,
            halo_invoice_of_another_price, part_of_halo_only, part_without_a_change, price_of_nobody,
        )
    },
}  # fmt: skip
LASTING: dict[str, dict[str, Plant]] = {
    "before": {
        f.__name__: f
        for f in (
            line_switched_off, nobody_bills_it, ended_and_billed_on, licence_of_nothing, two_lines_bill_it,
            line_of_another_price, line_of_another_cost, trial_that_is_billed, annual_price_on_a_monthly_line,
        )
    },
}  # fmt: skip
