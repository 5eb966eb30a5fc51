"""What may change on a recurring invoice beside others' lines: the planned member of the planned line, nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pax8_pipeline.billing.actions import registry
from pax8_pipeline.billing.actions.action import TargetAction, line_members_allowed
from pax8_pipeline.billing.actions.differences import unplanned
from pax8_pipeline_tests.support.billing import change
from pax8_pipeline_tests.support.vendor_data import invoice, line, manual_line


@pytest.mark.parametrize(
    ("action", "before", "after", "allowed"),
    [
        ("end_line", {"isinactive": False}, {"isinactive": True}, True),
        ("reopen_line", {"isinactive": True}, {"isinactive": False}, True),
        ("end_licence", {"isinactive": False}, {"isinactive": True}, True),
        ("reopen_licence", {"isinactive": True}, {"isinactive": False}, True),
        ("set_line_quantity", {"qty_order": 20}, {"qty_order": 25}, True),
        ("set_licence_count", {"isinactive": False}, {"isinactive": True}, False),
        ("reopen_line", {"unit_price": 22}, {"unit_price": 0}, False),
    ],
)
def test_only_the_planned_member_of_the_line_may_change(
    action: str, before: dict[str, Any], after: dict[str, Any], allowed: bool
) -> None:
    make = manual_line if action == "set_line_quantity" else line
    planned = registry.action_of(replace(change(action, 25), line_id=24967))
    assert isinstance(planned, TargetAction)
    found = unplanned(line_members_allowed([planned]), invoice([make(**before)]), invoice([make(**after)]))
    assert (not found) == allowed
    assert unplanned({}, invoice([make(**before)]), invoice([make(**after)]))
