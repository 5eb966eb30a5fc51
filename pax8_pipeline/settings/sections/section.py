"""What all sections of policy.yaml share: unknown keys are errors, ids and numbers are read strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from pax8_pipeline import values

# These are read strictly: 0231, 2.01e2 and 231.0 are no client ids, 1_000 is no limit.
HaloId = Annotated[int, BeforeValidator(values.halo_id)]
Pax8Id = Annotated[str, BeforeValidator(values.pax8_id)]
Whole = Annotated[int, BeforeValidator(values.whole_number)]
Number = Annotated[Decimal, BeforeValidator(values.decimal)]


class Section(BaseModel):
    """An unknown key is an error: a misspelt guardrail must not mean "no guardrail"."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def without_repeated_ids(value: Any, read: Callable[[Any], Any]) -> Any:
    """Return the value. Raises ValueError for two spellings of one key (231 and "231"): only one would count."""
    seen: dict[Any, Any] = {}
    for key in value if isinstance(value, Mapping) else ():
        name = read(key)
        if name in seen:
            raise ValueError(f"{key!r} and {seen[name]!r} are the same id; keep one of the two")
        seen[name] = key
    return value


def off_as_word(value: Any) -> Any:
    """Return the word for a bare `off`, which YAML reads as false."""
    return "off" if value is False else value
