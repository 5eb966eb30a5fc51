"""`pax8-pipeline mapping`: the group of the commands about mapping files; each is a module of this package."""

from __future__ import annotations

import click

from pax8_pipeline.commands.lazy_group import LazyGroup

PLACES = {
    "suggest": ("mapping.suggest", "suggest"),
    "accept": ("mapping.accept", "accept"),
    "check": ("mapping.check", "check"),
    "review": ("mapping.review", "review"),
}


@click.group(cls=LazyGroup, places=PLACES)
def mapping() -> None:
    """Find out what of Pax8 is what of Halo, and write it into the mapping files."""
