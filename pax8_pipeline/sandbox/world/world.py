"""A synthetic MSP: its Pax8, its Halo, the links between them, and a clock that plays days.

It combines the parts, and has what tests, the server and the demo need of a world. How each side is made is in
`generate_pax8.py` and `generate_halo.py`, events are in `scenario.py` and `simulation.py`, HTTP is in `server`.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

from pax8_pipeline.sandbox.core.clock import WorldClock, add_months, month_start
from pax8_pipeline.sandbox.core.links import Links
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.halo.switches import HaloSwitches
from pax8_pipeline.sandbox.oracle.subscriptions import Oracle
from pax8_pipeline.sandbox.oracle.usage import ExpectedUsage, expected_usage
from pax8_pipeline.sandbox.pax8 import invoices
from pax8_pipeline.sandbox.pax8.store import Pax8Store, Row
from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES, Pax8Switches
from pax8_pipeline.sandbox.pax8.wire import SUITE_VENDOR, vendor_subscription_id
from pax8_pipeline.sandbox.world import generate_pax8, simulation, usage_events
from pax8_pipeline.sandbox.world.event import WorldEvent
from pax8_pipeline.sandbox.world.generate_halo import HaloGenerator
from pax8_pipeline.sandbox.world.scenario import ScriptedDay

DEMO_TODAY = date(2026, 8, 20)
DEMO_SEED = 8
_STATE_VERSION = 1
_INVOICE_MONTHS = 3  # the months of invoices at the start of the world
# Of the demo: an invoice charges the usage of the month before, so these are two years of usage for a backfill.
_DEMO_INVOICE_MONTHS = 25


class World:
    """One synthetic world. The same seed, date and sizes give exactly the same world.

    Sizes: `companies`, `subscriptions` (of all kinds, default `subscriptions_per_company` each) and `usage` (how many
    of them are usage subscriptions, default a `usage_share`). `unassigned`: forms of usage groups without a company
    (`pax8.switches.UNASSIGNED_SHAPES`). `invoice_months`: months of invoices at the start. At the start Halo is exactly
    in step with Pax8; companies that Pax8 bills itself (one in forty) have no lines in Halo.
    """

    def __init__(
        self,
        seed: int = DEMO_SEED,
        today: date = DEMO_TODAY,
        *,
        companies: int = 60,
        subscriptions: int | None = None,
        usage: int | None = None,
        subscriptions_per_company: float = 7,
        usage_share: float = 0.05,
        unassigned: Sequence[str] = (),
        invoice_months: int = _INVOICE_MONTHS,
        pax8_switches: Pax8Switches | None = None,
        halo_switches: HaloSwitches | None = None,
    ) -> None:
        self.seed = seed
        self.clock = WorldClock(today)
        self.pax8 = Pax8Store(now=self.clock.now, switches=pax8_switches)
        self.halo = HaloStore(now=self.clock.now, switches=halo_switches)
        self.links = Links({}, {}, {})
        self.story: list[WorldEvent] = []
        total = round(companies * subscriptions_per_company) if subscriptions is None else subscriptions
        sizes = generate_pax8.Sizes(companies, total, round(total * usage_share) if usage is None else usage)
        rng = random.Random(f"{seed}|{today}")
        generate_pax8.fill_pax8(self.pax8, rng, sizes, tuple(unassigned))
        self._connect()
        self.halo_generator.fill()
        self._make_invoices(invoice_months)

    @classmethod
    def demo(cls, today: date | None = None, *, seed: int = DEMO_SEED, companies: int = 60) -> World:
        """A world that was in step until yesterday. Its last day has one event of each kind (`scenario.py`)."""
        day = today or DEMO_TODAY
        world = cls(seed, day, companies=companies, unassigned=UNASSIGNED_SHAPES, invoice_months=_DEMO_INVOICE_MONTHS)
        ScriptedDay(world, random.Random(f"{seed}|{day}|story")).play()
        return world

    def _connect(self) -> None:
        self.oracle = Oracle(self.pax8, self.halo, self.links)
        self.halo_generator = HaloGenerator(self.pax8, self.halo, random.Random(f"{self.seed}|halo"), self.links)
        self.halo.native_counts = self._native_counts
        self.halo.vendor_id_of = self._vendor_id_of

    def _native_counts(self) -> dict[str, int]:
        """Return what Halo's own Pax8 integration would import: one seat less than is true, so that it can be seen."""
        return {row["id"]: max(0, int(row["quantity"]) - 1) for row in self.pax8.subscriptions.values()}

    def _vendor_id_of(self, subscription_id: str) -> str | None:
        row = self.pax8.subscriptions.get(subscription_id)
        return vendor_subscription_id(row["id"]) if row and row.get("_vendor") == SUITE_VENDOR else None

    def _make_invoices(self, months: int) -> None:
        """Make the invoices of the last months: one credited and billed again, one void, the newest plain."""
        newest = month_start(self.today)
        if self.today.day < invoices.GENERATED_ON:
            newest = add_months(newest, -1)
        for back in range(months - 1, -1, -1):
            period = add_months(newest, -back)
            new_invoices = invoices.generate(self.pax8, period)
            if back:
                for row in new_invoices:
                    row["status"] = "Paid"
            if back == 2 and new_invoices:
                invoices.credit_and_rebill(self.pax8, new_invoices[0]["id"], on=period.replace(day=12))
            if back == 1 and new_invoices:
                invoices.void_invoice(self.pax8, period, on=period.replace(day=6))

    # The clock --------------------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        """The world's calendar day."""
        return self.clock.today

    def play_day(self) -> None:
        """Play one day: seats, cancellations, renewals, purchases; invoices on their days; Halo's night."""
        with self.pax8.lock, self.halo.lock:
            simulation.play_day(self)

    def play_to(self, day: date) -> None:
        """Play day after day until `day`. Raises ValueError for a day in the past."""
        if day < self.today:
            raise ValueError(f"the clock stands at {self.today} and does not run back to {day}")
        while self.today < day:
            self.play_day()

    # What is true -----------------------------------------------------------------------------------------

    def expected_halo(self) -> dict[str, dict[int, dict[str, Any]]]:
        """Return the state of Halo after a correct sync of today; its form is that of `Oracle.halo_state`."""
        with self.pax8.lock, self.halo.lock:
            return self.oracle.expected_halo()

    def halo_state(self) -> dict[str, dict[int, dict[str, Any]]]:
        """Return the present state of Halo, to compare with `expected_halo`."""
        with self.halo.lock:
            return self.oracle.halo_state()

    def expected_verdicts(self) -> dict[str, str]:
        """The verdict of every subscription, by id."""
        with self.pax8.lock, self.halo.lock:
            return self.oracle.verdicts()

    def expected_usage(self, month: date | str, *, confirmed: Collection[str] = ()) -> ExpectedUsage:
        """Return the expected usage of a month from the invoices of today; see `oracle.usage`."""
        return expected_usage(self.pax8, self.halo, self.links, month, confirmed=confirmed)

    def halo_ids(self, subscription_id: str) -> dict[str, int]:
        """Return client_id, recurring_invoice_id, line_id and licence_id of a subscription, if they exist."""
        row = self.pax8.subscriptions[subscription_id.lower()]
        client = self.links.clients.get(row["companyId"])
        line = self.links.lines.get(row["id"])
        ids = {"client_id": client.client_id} if client else {}
        if line:
            ids |= {"recurring_invoice_id": line.recurring_invoice_id, "line_id": line.line_id}
            if line.licence_id is not None:
                ids["licence_id"] = line.licence_id
        return ids

    def bill_in_halo(self, subscription_id: str) -> dict[str, int]:
        """Let a person in Halo add the licence and line of a subscription that is not billed yet."""
        with self.pax8.lock, self.halo.lock:
            self.halo_generator.bill(subscription_id)
        return self.halo_ids(subscription_id)

    # Usage: what people and vendors do to it (usage_events.py) ----------------------------------------------

    def assign_group(self, group_id: str, company_id: str) -> Row:
        """Let a person link a usage group to a company in Pax8's portal."""
        with self.pax8.lock:
            return usage_events.assign_group(self.pax8, group_id, company_id)

    def charge(self, month: date, **item: Any) -> Row:
        """Let Pax8 charge something odd in arrears for a usage month; see `usage_events.charge`."""
        with self.pax8.lock:
            return usage_events.charge(self.pax8, month, **item)

    def credit_and_rebill(self, **which: Any) -> Row:
        """Let Pax8 take back an invoice (`invoice_id`, or `invoice_month`) and make another; returns the new one."""
        with self.pax8.lock:
            return usage_events.credit_and_rebill(self.pax8, **which)

    # Mapping files ----------------------------------------------------------------------------------------

    def write_mappings(self, folder: Path) -> None:
        """Write clients.csv, subscriptions.csv and items.csv with the links that no id in either system shows."""
        folder.mkdir(parents=True, exist_ok=True)
        clients = [
            (company, link.client_id, self.pax8.companies[company]["name"])
            for company, link in self.links.clients.items()
            if link.way == "mapping_file"
        ]
        lines = [
            (
                key,
                link.recurring_invoice_id if link.file_names_line else "",
                link.line_id if link.file_names_line else "",
                "" if link.licence_id is None else link.licence_id,
                "manual line" if link.licence_id is None else "licence without id",
            )
            for key, link in self.links.lines.items()
            if link.way == "mapping_file"
        ]
        items = [(key, item, self.pax8.products[key]["name"]) for key, item in self.links.items.items()]
        _write_csv(folder / "clients.csv", "pax8_company_id,halo_client_id,note", clients)
        _write_csv(
            folder / "subscriptions.csv",
            "pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id,note",
            lines,
        )
        _write_csv(folder / "items.csv", "pax8_product_id,halo_item_id,note", items)

    # Saving -----------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The whole world as JSON-able data. Rows are shared with it, so write the result before the world changes."""
        return {
            "version": _STATE_VERSION,
            "seed": self.seed,
            "today": self.today.isoformat(),
            "pax8": self.pax8.to_json(),
            "halo": self.halo.to_json(),
            "links": self.links.to_json(),
            "story": [event.to_json() for event in self.story],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> World:
        """The inverse of `to_json`. Raises ValueError for a state of another version."""
        if data.get("version") != _STATE_VERSION:
            raise ValueError(f"sandbox state of version {data.get('version')}; this one reads {_STATE_VERSION}")
        world = cls.__new__(cls)
        world.seed = data["seed"]
        world.clock = WorldClock(date.fromisoformat(data["today"]))
        world.pax8 = Pax8Store.from_json(data["pax8"], now=world.clock.now)
        world.halo = HaloStore.from_json(data["halo"], now=world.clock.now)
        world.links = Links.from_json(data["links"])
        names = [one.name for one in fields(WorldEvent)]
        world.story = [WorldEvent(**{name: event[name] for name in names}) for event in data["story"]]
        world._connect()
        return world


def _write_csv(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)
