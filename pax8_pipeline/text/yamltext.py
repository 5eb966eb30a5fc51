"""Reads YAML in the way people mean it. All YAML files of an operator go through this module.

It makes Python objects from text, and reports the line and key of an error. What a key means is in `settings`. YAML
1.1, as PyYAML reads it, turns 0231 into 153, 010 into 8, 1_000 into 1000, 12:30 into 750 and `off` into false, and
takes the last of two equal keys. Here plain values are those of the core schema of YAML 1.2, and numbers keep their
digits. A value that either edition reads as another number than it looks like is an error.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar

import yaml


class YamlError(ValueError):
    """The text cannot be used. The message names line and key."""


def loads(text: str) -> Any:
    """Parse one YAML document. Fractions become Decimal with exactly their digits. Raises YamlError."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that resolves fewer types
    except yaml.MarkedYAMLError as error:
        raise YamlError(_sentence(error)) from error
    except yaml.YAMLError as error:
        raise YamlError(f"not readable as YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise YamlError("is nested too deeply") from None


class _NotPlain(ValueError):
    """A plain value that two readers of YAML would read differently."""


class _Loader(yaml.SafeLoader):
    """PyYAML's loader with the plain values of YAML 1.2, without repeated keys, and without tags (`!!int`)."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - the name PyYAML looks it up by
    yaml_constructors: ClassVar[dict[Any, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", None)
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._keys: list[str] = []

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Any, Any]:
        """Raise an error for a repeated key: nobody knows which of the two is right."""
        assert isinstance(node, yaml.MappingNode)
        mapping: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        for key_node, value_node in node.value:
            key = self._plain(key_node)
            if not isinstance(key, str | int | Decimal | None):
                raise _error(self._at("a key must be plain text or a number"), key_node)
            self._keys.append(str(key))
            if key in mapping:
                raise _error(self._at(f"is on line {lines[key]} already; keep one of the two"), key_node)
            lines[key] = key_node.start_mark.line + 1
            mapping[key] = self._plain(value_node)
            self._keys.pop()
        return mapping

    def _plain(self, node: yaml.Node) -> Any:
        try:
            return self.construct_object(node, deep=True)
        except _NotPlain as error:
            raise _error(self._at(str(error)), node) from None

    def _at(self, problem: str) -> str:
        return f"{'.'.join(self._keys)}: {problem}" if self._keys else problem

    def construct_yaml_map(self, node: yaml.MappingNode) -> Any:
        """Return the mapping at once. Anchors that refer to themselves are not supported."""
        yield self.construct_mapping(node, deep=True)


def _error(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)


_CORRECT = "correct it there or on the line before (indent with spaces, close brackets and quotes)"


def _sentence(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}" if mark else "somewhere"
    if isinstance(error, yaml.constructor.ConstructorError):
        return f"{place}: {' '.join(str(error.problem).split())}"
    parts = ["not readable as YAML:", error.context, error.problem]
    return f"{place}: {' '.join(' '.join(filter(None, parts)).split())}; {_CORRECT}"


def _null(_: yaml.SafeLoader, node: yaml.ScalarNode) -> None:
    return None


def _bool(_: yaml.SafeLoader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() == "true"


def _int(_: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(str(node.value))


def _fraction(_: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(node.value))


def _misleading(_: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    raise _NotPlain(
        f"{node.value} is read as different numbers by different programs; write the number in plain digits, or put "
        "text into quotes"
    )


_MISLEADING = (
    r"[-+]?0[0-9_]+|[-+]?0[xX][0-9A-Fa-f_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+"  # octal, hexadecimal, binary
    r"|[-+]?[0-9][0-9_]*_[0-9_.]*|[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"  # 1_000, 12:30
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\+[0-9].*|[-+]?\.[0-9]+|[-+]?[0-9]+\.|[-+]?0[0-9]+\.[0-9]*"
)
_RESOLVERS: tuple[tuple[str, str, str, Any], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN\0", _null),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF", _bool),
    ("misleading", _MISLEADING, "-+.0123456789", _misleading),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789", _int),
    ("fraction", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?", "-0123456789", _fraction),
)
for _name, _pattern, _first, _construct in _RESOLVERS:
    _tag = f"!{_name}"  # our own tag: a value that is tagged by hand (`!!int 010`) has no constructor
    _starts = [c if c != "\0" else "" for c in _first]
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _starts)
    _Loader.add_constructor(_tag, _construct)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)
