"""A group of commands of which each is imported only when it is used: one command's libraries cost the others nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows where its commands are. `places`: name -> (module of pax8_pipeline.commands, attribute), in the
    order in which help lists them.
    """

    def __init__(self, *arguments: Any, places: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `places`."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None for an unknown name."""
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name]
        command = getattr(importlib.import_module(f"pax8_pipeline.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command
