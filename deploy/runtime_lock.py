"""Prints the part of requirements.lock that the product needs to run, without the tools of developers.

    python runtime_lock.py pyproject.toml requirements.lock > runtime.lock

Every package of the lock must be installed where this runs: its own metadata say what it needs.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(requirements: Iterable[str], extras: Iterable[str] = ("",)) -> set[tuple[str, str]]:
    """Return the (package, extra) pairs that these requirements lead to on this system."""
    found: set[tuple[str, str]] = set()
    waiting = [(text, extra) for text in requirements for extra in extras]
    while waiting:
        text, asked_by = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": asked_by}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                waiting += [(inner, extra) for inner in metadata.requires(name) or []]
    return found


def entries(lock: str) -> dict[str, str]:
    """Return the entries of a lock by the name of their package, each with its hashes."""
    parts = re.findall(r"^([A-Za-z0-9._-]+)(.*(?:\n[ \t].*)*)", lock, re.MULTILINE)
    return {canonicalize_name(name): f"{name}{rest}" for name, rest in parts}


def runtime_lock(project: str, lock: str) -> str:
    """Return the entries of `lock` that the dependencies in the text of pyproject.toml need, and the build's own tool."""
    stated = tomllib.loads(project)
    names = {name for name, _ in needed([*stated["project"]["dependencies"], *stated["build-system"]["requires"]])}
    locked = entries(lock)
    return "".join(f"{locked[name]}\n" for name in sorted(names))


if __name__ == "__main__":
    print(runtime_lock(*(Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3])), end="")
