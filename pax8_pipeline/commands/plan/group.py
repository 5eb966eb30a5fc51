"""`pax8-pipeline plan`: the group of the commands about plans; each is a module of this package."""

from __future__ import annotations

import click

from pax8_pipeline.commands.lazy_group import LazyGroup

PLACES = {
    "apply": ("plan.apply", "apply"),
    "approve": ("plan.approve", "approve"),
    "list": ("plan.list", "list_plans"),
    "rollback": ("plan.rollback", "rollback"),
    "show": ("plan.show", "show"),
}


@click.group(cls=LazyGroup, places=PLACES)
def plan() -> None:
    """Look at a stored plan, agree to it, write it, undo it."""
