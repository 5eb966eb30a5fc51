"""Harmless cases at the end of a month that look like errors, one function each. Each is equal, or a matter of dates."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pax8_pipeline.sandbox.core.links import LineLink
from pax8_pipeline.sandbox.month.errors import bill_monthly
from pax8_pipeline.sandbox.month.planter import MonthEnds, Plant, Planted, requantify, seats
from pax8_pipeline.sandbox.pax8 import invoices
from pax8_pipeline.sandbox.pax8.store import Row

# Pax8's invoice ------------------------------------------------------------------------------------------


def credited_and_replaced(m: MonthEnds) -> list[Planted]:
    """The invoice of another currency or partner is taken back; an equal one replaces it."""
    row = m.pick()
    old = m.pax8_invoice(row)
    invoices.credit_and_rebill(m.full_world.pax8, old["id"], on=m.full_world.today, share=Decimal(1))
    return seats("credited_and_replaced", row, "equal")


def void_invoice(m: MonthEnds) -> list[Planted]:
    """Pax8 makes an invoice by mistake and declares it void."""
    row = m.pick()
    invoices.void_invoice(m.full_world.pax8, m.month, on=m.full_world.today)
    return seats("void_invoice", row, "equal")


def two_items_of_one_subscription(m: MonthEnds) -> list[Planted]:
    """Two items add up to the seats."""
    row = m.pick()
    first = m.item(row)
    second = m.add_item(row, "subscription")
    requantify(first, row["quantity"] - 2)
    requantify(second, 2)
    return seats("two_items_of_one_subscription", row, "equal")


def equal_halves(m: MonthEnds) -> list[Planted]:
    """Two items with the same seats that are no repetition."""
    row = m.pick(lambda row: row["quantity"] % 2 == 0)
    second = m.add_item(row, "subscription")
    for item in (m.item(row), second):
        requantify(item, row["quantity"] // 2)
    return seats("equal_halves", row, "equal")


def credit_beside_a_surplus(m: MonthEnds) -> list[Planted]:
    """A credit on the same invoice takes a surplus back."""
    row = m.pick()
    requantify(m.item(row), row["quantity"] + 5)
    requantify(m.add_item(row, "service-credit"), -5)
    return seats("credit_beside_a_surplus", row, "equal")


def money_of_the_partner(m: MonthEnds) -> list[Planted]:
    """A rebate, a payment and a fee of the partner's own."""
    row = m.pick()
    found = []
    for kind, charge in (("rebate", "rebate"), ("payment-credit", "payment"), ("service-charge", "fee")):
        item = m.add_item(row, kind, subscriptionId=None, companyId=None, companyName=None)
        found.append(Planted("money_of_the_partner", item["productName"], charge, "equal"))
    return found


def free_one_time_item(m: MonthEnds) -> list[Planted]:
    """A charge that comes once, of no money."""
    item = m.add_item(m.pick(), "one-time", term="One-Time", subscriptionId=None)
    item |= {"price": Decimal(0), "cost": Decimal(0)}
    requantify(item, 1)
    return [Planted("free_one_time_item", item["productName"], "one_time", "equal")]


def one_time_item_billed(m: MonthEnds) -> list[Planted]:
    """A charge that comes once, and a person's Halo invoice for it."""
    row = m.pick()
    item = m.add_item(row, "one-time", term="One-Time", subscriptionId=None)
    line = {"_itemid": m.full_world.links.items[row["productId"]], "qty_order": Decimal(1), "unit_price": item["total"]}
    client = m.full_world.links.clients[row["companyId"]].client_id
    m.full_world.halo.add_invoice(lines=[line], client_id=client, invoice_date=f"{m.full_world.today}T00:00:00")
    return [Planted("one_time_item_billed", item["productName"], "one_time", "equal")]


def price_of_three_decimals(m: MonthEnds) -> list[Planted]:
    """Pax8's price has a third decimal."""
    row = m.pick()
    item = m.item(row)
    item["price"] = Decimal(item["price"]) + Decimal("0.004")
    requantify(item, row["quantity"])
    return seats("price_of_three_decimals", row, "equal")


# Halo's invoice ------------------------------------------------------------------------------------------


def draft(m: MonthEnds) -> list[Planted]:
    """The Halo invoice is not posted yet."""
    row = m.pick()
    m.bill(row)[0]["posted"] = False
    return seats("draft", row, "equal")


def corrected_by_a_second_invoice(m: MonthEnds) -> list[Planted]:
    """The Halo invoice lacks two seats, and a second one bills them."""
    row = m.pick()
    made, line = m.bill(row)
    line["qty_order"] -= 2
    m.bill_again(made, [{**line, "qty_order": Decimal(2)}])
    return seats("corrected_by_a_second_invoice", row, "equal")


def credited_by_a_second_invoice(m: MonthEnds) -> list[Planted]:
    """The Halo invoice has four seats too many, and a second one credits them."""
    row = m.pick()
    made, line = m.bill(row)
    line["qty_order"] += 4
    m.bill_again(made, [{**line, "qty_order": Decimal(-4)}])
    return seats("credited_by_a_second_invoice", row, "equal")


def voided_and_made_again(m: MonthEnds) -> list[Planted]:
    """A Halo invoice is voided and made again."""
    row = m.pick()
    made, _ = m.bill(row)
    m.bill_again(made, made["lines"])
    made["voided"] = True
    return seats("voided_and_made_again", row, "equal")


# Dates ---------------------------------------------------------------------------------------------------


def seats_change_after_both_invoices(m: MonthEnds) -> list[Planted]:
    """Seats change after both invoices were made."""
    row = m.pick(lambda row: m.licence(row) is not None)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 2})
    m.set_seats(row, row["quantity"])
    return seats("seats_change_after_both_invoices", row, "timing")


def bought_after_the_invoice(m: MonthEnds) -> list[Planted]:
    """A subscription is bought after Pax8's invoice, and Halo bills the month."""
    near = m.pick(manual=True)
    row = m.buy(near["companyId"], "Keyring Business Vault", quantity=6, days_ago=2)
    m.use(row)
    bill_monthly(m, near, row, row["price"], row["partnerCost"])
    made, line = m.bill(near)
    mine = {k: v for k, v in line.items() if k not in ("id", "ihid")}
    mine |= {"recurring_invoice_line_id": m.line(row)["id"], "qty_order": Decimal(6), "unit_price": row["price"]}
    made["lines"].append(m.full_world.halo.line_row({**mine, "unit_cost": row["partnerCost"]}, made))
    return seats("bought_after_the_invoice", row, "timing")


def part_on_both_sides(m: MonthEnds) -> list[Planted]:
    """Seats change in mid-month; Halo follows the licence the same day and makes its own part."""
    row = m.pick(lambda row: m.licence(row) is not None)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 3})
    m.set_seats(row, row["quantity"])
    return [
        Planted("part_on_both_sides", row["id"], "seats", "equal"),
        Planted("part_on_both_sides", row["id"], "pro_rata", "equal or timing"),
    ]


def ended_on_both_sides(m: MonthEnds) -> list[Planted]:
    """A subscription ends, and so does its Halo line."""
    row = m.pick()
    last_day = (m.month - timedelta(days=1)).isoformat()
    m.full_world.pax8.change_subscription(
        row["id"], {"status": "Cancelled", "endDate": last_day}, at=f"{last_day}T08:00:00.000"
    )
    m.line(row)["isinactive"] = True
    return seats("ended_on_both_sides", row, "no row", lasting=True)


# What only the history shows ----------------------------------------------------------------------------


def seats_change_between_both_invoices(m: MonthEnds) -> list[Planted]:
    """Seats change after the day that Pax8 invoices, and a person changes the Halo invoice for the whole month."""
    row = m.pick(manual=True)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 3})
    m.set_seats(row, row["quantity"])
    m.bill(row)[1]["qty_order"] += 3
    return seats("seats_change_between_both_invoices", row, "timing")


def seats_change_after_the_invoice_was_shown(m: MonthEnds) -> list[Planted]:
    """Seats change after Pax8's invoice came, and a person changes the Halo invoice for the whole month."""
    row = m.pick(manual=True)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] - 2})
    m.set_seats(row, row["quantity"])
    m.bill(row)[1]["qty_order"] -= 2
    return seats("seats_change_after_the_invoice_was_shown", row, "timing")


def part_of_halo_first(m: MonthEnds) -> list[Planted]:
    """Seats change after Pax8's invoice came; Halo bills the part at once, and Pax8 on its next invoice."""
    row = m.pick(manual=True)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 2})
    m.set_seats(row, row["quantity"])
    m.bill_part(row, 2, Decimal("3.30"))
    return [Planted("part_of_halo_first", row["id"], "pro_rata", "timing")]


def part_from_a_later_day(m: MonthEnds) -> list[Planted]:
    """Seats change on the 15th, and Halo follows five days later: the part is of other days on both sides."""
    row = m.pick(lambda row: m.licence(row) is not None)
    m.full_world.pax8.change_subscription(row["id"], {"quantity": row["quantity"] + 2})
    m.full_world.clock.set(m.day_before(20))
    m.set_seats(row, row["quantity"])
    m.full_world.clock.set(m.day_before(15))
    return [Planted("part_from_a_later_day", row["id"], "pro_rata", "equal or timing")]


# Recurring data ------------------------------------------------------------------------------------------


def stuck_status(m: MonthEnds) -> list[Planted]:
    """The status of a subscription is stuck; its dates decide."""
    row = m.pick()
    m.full_world.pax8.change_subscription(row["id"], {"status": "PendingAutomated"})
    return seats("stuck_status", row, "equal", lasting=True)


def twin_of_one_product(m: MonthEnds) -> list[Planted]:
    """A second subscription of one product, with a licence that the same line follows."""
    row = m.pick(lambda row: m.licence(row) is not None)
    twin = m.buy(row["companyId"], row["productName"], quantity=4, price=row["price"], days_ago=60)
    twin["partnerCost"] = row["partnerCost"]
    m.use(twin)
    follow_too(m, row, twin)
    return seats("twin_of_one_product", row, "equal", lasting=True) + seats(
        "twin_of_one_product", twin, "equal", lasting=True
    )


def follow_too(m: MonthEnds, row: Row, twin: Row) -> None:
    """Let the line of `row` follow a new licence of `twin` as well."""
    line, link = m.line(row), m.full_world.links.lines[row["id"]]
    licence = {k: v for k, v in (m.licence(row) or {}).items() if k != "id"}
    licence_id = m.full_world.halo.add_licence(**{**licence, "snowid": twin["id"], "count": int(twin["quantity"])})
    for member in ("quantity_subscriptions", "quantity_licences"):
        if line[member]:
            line[member].append({**line[member][0], "id": 0, "licence_id": licence_id})
    m.full_world.halo.adopt_children(line)
    m.full_world.links.lines[twin["id"]] = LineLink(link.recurring_invoice_id, line["id"], licence_id, "snowid")


def bundle(m: MonthEnds) -> list[Planted]:
    """One manual line for two products."""
    row = m.pick(manual=True)
    other = m.buy(row["companyId"], "Keyring Business Vault", quantity=row["quantity"], days_ago=60)
    m.use(other)
    link = m.full_world.links.lines[row["id"]]
    m.full_world.links.lines[other["id"]] = LineLink(
        link.recurring_invoice_id, link.line_id, None, "mapping_file", True
    )
    return seats("bundle", row, "equal", lasting=True) + seats("bundle", other, "equal", lasting=True)


def minimum_quantity(m: MonthEnds) -> list[Planted]:
    """The Halo line bills a minimum of three seats more."""
    row = m.pick(lambda row: m.licence(row) is not None)
    _link(m.line(row))["minimum_qty"] = int(row["quantity"]) + 3
    return seats("minimum_quantity", row, "equal", lasting=True)


def free_units(m: MonthEnds) -> list[Planted]:
    """Two units of the Halo line are free."""
    row = m.pick(lambda row: m.licence(row) is not None)
    _link(m.line(row))["qty_free"] = 2
    return seats("free_units", row, "equal", lasting=True)


def _link(line: Row) -> Row:
    links: list[Row] = line["quantity_subscriptions"] or line["quantity_licences"]
    return links[0]


def moved_to_a_new_line(m: MonthEnds) -> list[Planted]:
    """The licence is followed by a new line; the old one is off."""
    row = m.pick(lambda row: m.licence(row) is not None)
    link = m.full_world.links.lines[row["id"]]
    new_line = m.full_world.halo_generator.follow_twice(link)
    m.line(row)["isinactive"] = True
    link.line_id = new_line
    return seats("moved_to_a_new_line", row, "equal", lasting=True)


def annual_price_divided_by_twelve(m: MonthEnds) -> list[Planted]:
    """A term of a year, billed monthly at a twelfth."""
    near = m.pick(manual=True)
    row = m.buy(near["companyId"], "Keyring Business Vault", quantity=6, term="Annual", days_ago=100)
    row |= {"price": Decimal("118.00"), "partnerCost": Decimal("94.00")}
    m.use(row)
    bill_monthly(m, near, row, Decimal("9.83"), Decimal("7.83"))
    return seats("annual_price_divided_by_twelve", row, "equal", lasting=True)


def trial_that_nobody_bills(m: MonthEnds) -> list[Planted]:
    """A trial without a Halo line."""
    company = m.pick()["companyId"]
    row = m.buy(company, "Quillsign Business", quantity=5, price=Decimal(0), status="Trial", term="Trial", days_ago=40)
    m.use(row)
    return seats("trial_that_nobody_bills", row, "equal or no row", lasting=True)


EACH_MONTH: dict[str, dict[str, Plant]] = {
    "middle": {f.__name__: f for f in (part_on_both_sides, part_from_a_later_day)},
    "between": {f.__name__: f for f in (seats_change_between_both_invoices,)},
    "replaced": {f.__name__: f for f in (credited_and_replaced,)},
    "after": {
        f.__name__: f
        for f in (
            void_invoice, two_items_of_one_subscription, equal_halves, credit_beside_a_surplus,
            money_of_the_partner, free_one_time_item, one_time_item_billed, price_of_three_decimals, draft,
            corrected_by_a_second_invoice, credited_by_a_second_invoice, voided_and_made_again,
            seats_change_after_both_invoices, bought_after_the_invoice, seats_change_after_the_invoice_was_shown,
            part_of_halo_first,
        )
    },
}  # fmt: skip
LASTING: dict[str, dict[str, Plant]] = {
    "before": {
        f.__name__: f
        for f in (
            ended_on_both_sides, stuck_status, twin_of_one_product, bundle, minimum_quantity, free_units,
            moved_to_a_new_line, annual_price_divided_by_twelve, trial_that_nobody_bills,
        )
    },
}  # fmt: skip
