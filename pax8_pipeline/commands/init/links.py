"""What `init` proposes from the links of Halo's own Pax8 integration: the same suggestions as `mapping suggest`, in a file.

It reads both lists and writes one file. Nothing is billed by it: a person marks what is right, and `mapping accept`
reads it back. A file that is there stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pax8_pipeline import values
from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.commands.init.files import Change
from pax8_pipeline.errors import ConfigError, VendorError
from pax8_pipeline.extract.halo_lists import Integration
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.mapping.clients import Client, ClientEvidence, Evidence, suggest_clients
from pax8_pipeline.mapping.files import Mappings, load_mappings
from pax8_pipeline.mapping.suggestion import Subject, Suggestion
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.reports.mapping.tables import file_table
from pax8_pipeline.reports.table import csv_text
from pax8_pipeline.settings import Settings
from pax8_pipeline.text import textfiles
from pax8_pipeline.text.plurals import plural

FILE = "links-of-halo.csv"
_REASON = "Halo's own Pax8 integration links the two"
Row = Mapping[str, Any]
Id = TypeVar("Id")


@dataclass(frozen=True)
class Proposals:
    """The suggestions from the links, the file that has them (None: not written), and why they could not be read."""

    links: int
    found: tuple[Suggestion, ...] = ()
    file: Path | None = None
    change: Change = "unchanged"
    problem: str = ""

    @property
    def command(self) -> str:
        """The command that takes what a person marked; "" when there is nothing to take."""
        return f"pax8-pipeline mapping accept {self.file}" if self.file else ""

    def sentences(self) -> Iterator[str]:
        """Say what was read and what to do with it."""
        if self.problem:
            yield f"Its links could not be read now ({self.problem}): `pax8-pipeline mapping suggest` proposes them later."
            return
        if not self.links:
            yield "It links no clients."
            return
        left = self.links - len(self.found)
        more = f"; {left} name what is mapped, inactive or gone" if left else ""
        yield f"It links {plural(self.links, 'client')}: {plural(len(self.found), 'mapping')} proposed{more}."
        if self.file is None:
            return
        there = ", which was there and stays as it is" if self.change == "kept" else ""
        yield f"They are in {self.file}{there}. Nothing is billed by them."
        yield "After the first run: write `yes` into its column `accept` where it is right, then:"
        yield self.command


def propose(settings: Settings, integration: Integration | None, data: Path) -> Proposals | None:
    """Read the links' companies and clients, and write the suggestions into the data folder. None: no links to read.

    `data`: the data folder. Raises ConfigError for a mapping file that cannot be read.
    """
    if integration is None or not integration.accounts:
        return None
    links = _links(integration)
    if not links:
        return Proposals(0)
    mappings = load_mappings(data / "mappings")
    try:
        with Pax8Client(pax8_config(settings)) as pax8:
            companies = pax8.companies().objects
        with HaloClient(halo_config(settings)) as halo:
            clients = halo.clients().objects
    except (VendorError, ConfigError) as error:
        return Proposals(len(links), problem=str(error).rstrip("."))
    found = tuple(suggestions(links, companies, clients, mappings))
    return _written(Proposals(len(links), found), data / FILE)


def suggestions(
    links: Sequence[tuple[str, int]], companies: Sequence[Row], clients: Sequence[Row], mappings: Mappings
) -> list[Suggestion]:
    """Return a suggestion for each linked company that is neither deleted nor mapped; `links`: Pax8 and Halo ids."""
    mapped = {m.pax8_company_id for m in mappings.clients}
    named = {_read(row.get("id"), values.pax8_id): row for row in companies}
    linked = dict.fromkeys(company for company, _ in links)
    subjects = [
        Subject("client", company, str(named[company].get("name") or company))
        for company in linked
        if company in named and company not in mapped and str(named[company].get("status") or "").lower() != "deleted"
    ]
    known = [
        Client(client_id, str(row.get("name") or ""))
        for row in clients
        if (client_id := _read(row.get("id"), values.halo_id)) is not None and not row.get("inactive")
    ]
    ids = [Evidence(company, client_id, "native_link", _REASON) for company, client_id in links]
    taken = {m.halo_client_id: str(named.get(m.pax8_company_id, {}).get("name") or m.pax8_company_id)
             for m in mappings.clients}  # fmt: skip
    found = suggest_clients(ClientEvidence(subjects, known, ids, taken=taken))
    pairs = set(links)
    return [s for s in found if (s.subject.pax8_id, s.best.halo_id) in pairs]  # what only names say is no link


def _links(integration: Integration) -> list[tuple[str, int]]:
    """Return the pairs of Pax8 company and Halo client that every account of the integration links."""
    found: dict[tuple[str, int], None] = {}
    for account in integration.accounts:
        rows = account.get("client_mappings")
        for row in rows if isinstance(rows, list) else ():
            company = _read(row.get("third_party_id"), values.pax8_id) if isinstance(row, dict) else None
            client_id = _read(row.get("halo_id"), values.halo_id) if isinstance(row, dict) else None
            if company is not None and client_id is not None:
                found[company, client_id] = None
    return list(found)


def _read(value: Any, reader: Callable[[Any], Id]) -> Id | None:
    try:
        return reader(value)
    except ValueError:
        return None


def _written(proposals: Proposals, path: Path) -> Proposals:
    if not proposals.found:
        return proposals
    text, present = csv_text(file_table(proposals.found)), textfiles.read(path)
    change: Change = "written" if present is None else "unchanged" if present == text else "kept"
    if present is None:
        textfiles.write(path, text)
    return Proposals(proposals.links, proposals.found, path, change)
