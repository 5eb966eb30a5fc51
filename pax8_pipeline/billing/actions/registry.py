"""Every action by its name, and its properties for those who have only a name (guardrails, SQL).

A module of this folder that defines an action is registered by that alone.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from pax8_pipeline.billing import actions
from pax8_pipeline.billing.actions.action import Action, DocumentAction
from pax8_pipeline.billing.actions.creation import CreationAction
from pax8_pipeline.billing.model import Change
from pax8_pipeline.errors import PipelineError


class UnknownAction(PipelineError):
    """A plan or a ledger holds an action that this version does not know."""


@cache
def all_actions() -> Mapping[str, type[Action]]:
    """Return the class of each action by its name."""
    found = {kind.name: kind for kind in _defined()}
    return MappingProxyType(dict(sorted(found.items())))


def action_of(change: Change) -> Action:
    """Return the action of a planned change. Raises UnknownAction, and BadExpectation when its `expect` is not readable."""
    kind = all_actions().get(change.action)
    if kind is None:
        raise UnknownAction(f"row {change.row_id} asks for {change.action}, which this version does not know")
    return kind.from_change(change)


def is_written(name: str) -> bool:
    """Return whether this version writes the action; a plan of another version may hold others."""
    return name in all_actions()


def is_usage(name: str) -> bool:
    """Return whether the action charges metered usage."""
    return name in usage_actions()


def ends(name: str) -> bool:
    """Return whether the action stops billing of a line or licence."""
    kind = all_actions().get(name)
    return kind is not None and kind.ends


@cache
def usage_actions() -> tuple[str, ...]:
    """Return the names of the actions that charge metered usage, for SQL."""
    return tuple(name for name, kind in all_actions().items() if kind.is_usage)


@cache
def document_actions() -> tuple[str, ...]:
    """Return the names of the actions that make a document with a key, for SQL."""
    return tuple(name for name, kind in all_actions().items() if issubclass(kind, DocumentAction))


@cache
def creation_actions() -> tuple[str, ...]:
    """Return the names of the actions that make a client, a licence or a line, for SQL."""
    return tuple(name for name, kind in all_actions().items() if issubclass(kind, CreationAction))


def makes_line(name: str) -> bool:
    """Return whether the action makes a line that did not exist."""
    kind = all_actions().get(name)
    return kind is not None and issubclass(kind, CreationAction) and kind.makes == "line"


def _defined() -> Iterator[type[Action]]:
    for module_info in pkgutil.iter_modules(actions.__path__, f"{actions.__name__}."):
        module = importlib.import_module(module_info.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            own = kind.__module__ == module.__name__
            if own and issubclass(kind, Action) and not inspect.isabstract(kind):
                yield kind
