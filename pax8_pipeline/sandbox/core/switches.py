"""What the switches of both emulated vendors share: checked values, changes by name, their form on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self


@dataclass
class Switches:
    """A set of switches whose values are plain JSON. Subclasses add one field with a default for each.

    The constructor and `change` raise ValueError for a value that is not allowed.
    """

    vendor: ClassVar[str]
    choices: ClassVar[Mapping[str, tuple[object, ...]]]  # by switch, where only some values are allowed

    def __post_init__(self) -> None:
        for name, allowed in self.choices.items():
            value = getattr(self, name)
            if not any(value == choice and type(value) is type(choice) for choice in allowed):
                raise ValueError(f"{type(self).__name__}.{name} cannot be {value!r}; it is one of {list(allowed)}")

    def change(self, values: Mapping[str, Any]) -> None:
        """Set several switches by name, all or none; ValueError names an unknown switch or a bad value."""
        unknown = sorted(set(values) - {f.name for f in fields(self)})
        if unknown:
            raise ValueError(f"unknown {self.vendor} switch: {', '.join(unknown)}")
        checked = type(self)(**{**self.to_json(), **values})
        for name in values:
            setattr(self, name, getattr(checked, name))

    def to_json(self) -> dict[str, Any]:
        """All switches as a JSON-able dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; switches left out keep their default."""
        switches = cls()
        switches.change(data)
        return switches
