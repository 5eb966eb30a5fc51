"""Action `create_client`: a Halo client for a Pax8 company that Halo does not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pax8_pipeline.billing.actions.compare import Object, flag, same
from pax8_pipeline.billing.actions.creation import CreationAction, HaloReading, text, whole_or_none

_READERS = {"company_id": text, "name": text, "custom_field": text, "toplevel_id": whole_or_none}


@dataclass(frozen=True)
class CreateClient(CreationAction):
    """Make a client with the company's name, and the Pax8 company id in the custom field where matching reads it."""

    name: ClassVar[str] = "create_client"
    label: ClassVar[str] = "make a client"
    readers = _READERS
    key_member = "company_id"
    makes = "client"
    turn = 1

    def drift(self, reading: HaloReading) -> list[str]:
        """It needs nothing in Halo."""
        return []

    def find(self, reading: HaloReading) -> list[Object]:
        """Return the clients that carry the company id, and those with its name: a second one is never made."""
        return [row for row in reading.clients if self.key in self._ids_of(row) or self.has_name(row)]

    def has_name(self, client: Object) -> bool:
        """Return whether a client has the company's name, but for case and spaces."""
        return _plain(client.get("name")) == _plain(self.planned["name"])

    def body(self, reading: HaloReading) -> dict[str, Any]:
        """Return the new client."""
        field = {"name": self.planned["custom_field"], "value": self.key}
        top = self.planned["toplevel_id"]
        return {"name": self.planned["name"], "customfields": [field], **({} if top is None else {"toplevel_id": top})}

    def differences(self, made: Object) -> list[str]:
        """Compare name, company id and the switch."""
        found = []
        if not self.has_name(made):
            found.append(f"its name is {made.get('name')!r}, not {self.planned['name']!r}")
        if self.key not in self._ids_of(made):
            found.append(
                f"its custom field {self.planned['custom_field']} does not hold {self.key}: does Halo have this field "
                "for clients? Name the client in data/mappings/clients.csv"
            )
        if flag(made.get("inactive"), absent=False) is not False:
            found.append("it is inactive")
        top = self.planned["toplevel_id"]
        if top is not None and not same(made.get("toplevel_id"), top):
            found.append(f"its toplevel_id is {made.get('toplevel_id')}, not {top}")
        return found

    def describe(self, made: Object) -> str:
        """Return its number in Halo."""
        return f"client {made.get('id')}"

    def undo_by_hand(self, detail: str) -> tuple[str, str] | None:
        """Say what a person does: people and other programs use a client at once."""
        return "new_client", "a client is never taken back from here: make it inactive in Halo by hand"

    def _ids_of(self, client: Object) -> set[str]:
        fields: Iterable[Any] = client.get("customfields") or ()
        wanted = self.planned["custom_field"].lower()
        return {
            str(field.get("value") or "").strip().lower()
            for field in fields
            if isinstance(field, Mapping) and str(field.get("name") or "").lower() == wanted
        }


def _plain(name: Any) -> str:
    return " ".join(str(name or "").split()).casefold()
