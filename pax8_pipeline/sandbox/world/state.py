"""A world on disk: saved completely, or not at all.

What a world's JSON has is in `world.py` and the two stores; when it is saved is in `server/app.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext


class StateFileError(ValueError):
    """The file is not a state that this version can read. The text names the file and says what to do."""


def save(world: World, path: Path) -> None:
    """Write the world to `path`. A crash during the write leaves the older file."""
    with world.pax8.lock, world.halo.lock:
        text = jsontext.dumps(world.to_json())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load(path: Path) -> World:
    """Read a world from `path`. Raises StateFileError when this version's `save` did not write it."""
    try:
        return World.from_json(jsontext.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateFileError(
            f"{path}: not a sandbox state of this version ({error}); remove it to start again"
        ) from error
