"""Which licence and line of its client a subscription is suggested, and when nobody can tell."""

from __future__ import annotations

from decimal import Decimal

from pax8_pipeline.mapping.subscriptions import Target, Wanted, suggest_subscriptions
from pax8_pipeline.mapping.suggestion import Subject, Suggestion

VENDOR_ID = "00000000-0000-4000-8000-0000000000e1"


def wanted(number: int = 1, **changes: object) -> Wanted:
    values = {"product": "Suite Business (NCE)", "quantity": Decimal(20), "price": Decimal(22), **changes}
    return Wanted(Subject("subscription", f"s{number}", f"Suite {number}"), 231, "p1", **values)  # type: ignore[arg-type]


def target(number: int, **changes: object) -> Target:
    values = {"client_id": 231, "name": "Suite Business", "quantity": Decimal(20), "price": Decimal("22.00"),
              "licence_id": number, "line_id": 900 + number, "recurring_invoice_id": -94, **changes}  # fmt: skip
    return Target(**values)  # type: ignore[arg-type]


def only(subscriptions: list[Wanted], *targets: Target) -> Suggestion:
    return suggest_subscriptions(subscriptions, targets)[0]


def test_product_quantity_and_price_make_a_sure_suggestion_with_all_three_ids() -> None:
    found = only([wanted()], target(7), target(8, name="Backup"))
    assert found.is_sure
    assert found.best.details == {
        "halo_recurring_invoice_id": -94,
        "halo_line_id": 907,
        "halo_licence_id": 7,
    }


def test_the_product_alone_is_a_hint() -> None:
    assert not only([wanted()], target(7, quantity=Decimal(3), price=Decimal(9))).is_sure


def test_two_licences_alike_are_a_question_and_the_vendors_id_answers_it() -> None:
    assert only([wanted()], target(7), target(8)).best.score == 50
    found = only([wanted(vendor_id=VENDOR_ID)], target(7), target(8, ids=frozenset({VENDOR_ID})))
    assert (found.best.halo_id, found.best.score) == (8, 96)


def test_one_licence_for_two_subscriptions_says_so() -> None:
    found = suggest_subscriptions([wanted(1), wanted(2)], [target(7)])
    assert [s.is_sure for s in found] == [False, False]
    assert "it is suggested for Suite 2 (s2) too" in found[0].best.reasons


def test_a_licence_of_another_client_or_product_is_no_candidate() -> None:
    other_plan = target(8, name="Suite Business 2")
    assert suggest_subscriptions([wanted()], [target(7, client_id=232), other_plan]) == []


def test_a_licence_and_a_line_of_one_number_are_two_things() -> None:
    first, second = wanted(1), wanted(2, product="Backup")
    line = target(907, name="Backup", licence_id=None, line_id=7)
    assert all(s.is_sure for s in suggest_subscriptions([first, second], [target(7), line]))
