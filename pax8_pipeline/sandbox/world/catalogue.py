"""The products and the people of the synthetic world: invented vendors, products and company names.

What is sold, its list price and unit, and lists of words. Who bought what is in `generate_pax8.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Metered:
    """One metered component of a usage product: unit, client's price, partner's cost, usual amount a day."""

    name: str
    unit: str
    price: Decimal
    cost: Decimal
    daily: Decimal


@dataclass(frozen=True)
class Good:
    """A product: `kind` is suite, addon, seat, backup or usage; prices are per unit and month."""

    vendor: str
    name: str
    kind: str
    unit: str
    price: Decimal
    cost: Decimal
    components: tuple[Metered, ...] = ()
    azure_like: bool = False


def _seat(vendor: str, name: str, kind: str, price: str, cost: str, unit: str = "User") -> Good:
    return Good(vendor, name, kind, unit, Decimal(price), Decimal(cost))


def _usage(vendor: str, name: str, *components: Metered, azure_like: bool = False) -> Good:
    return Good(vendor, name, "usage", "Each", Decimal(0), Decimal(0), components, azure_like)


def _meter(name: str, unit: str, price: str, cost: str, daily: str) -> Metered:
    return Metered(name, unit, Decimal(price), Decimal(cost), Decimal(daily))


GOODS = (
    _seat("Contora", "Contora 365 Business Basic", "suite", "7.20", "5.95"),
    _seat("Contora", "Contora 365 Business Standard", "suite", "15.00", "12.40"),
    _seat("Contora", "Contora 365 Business Premium", "suite", "26.40", "21.80"),
    _seat("Contora", "Contora 365 Enterprise E3", "suite", "43.50", "36.10"),
    _seat("Contora", "Contora 365 Frontline F3", "suite", "9.60", "7.90"),
    _seat("Contora", "Contora Exchange Plan 1", "suite", "4.80", "3.95"),
    _seat("Contora", "Contora Phone Standard", "addon", "12.00", "9.90"),
    _seat("Contora", "Contora Audio Meetings", "addon", "4.80", "3.90"),
    _seat("Contora", "Contora Defend Plan 2", "addon", "6.00", "4.95"),
    _seat("Contora", "Contora Identity P2", "addon", "10.80", "8.90"),
    _seat("Contora", "Contora Boards Pro", "addon", "12.00", "9.90"),
    _seat("Contora", "Contora Diagrams Plan 2", "addon", "18.00", "14.85"),
    _seat("Contora", "Contora Analytics Pro", "addon", "12.00", "9.90"),
    _seat("Contora", "Contora Mail Archive", "addon", "3.60", "2.95"),
    _seat("Bastion Security", "Bastion Endpoint Complete", "seat", "8.40", "5.15", "Endpoint"),
    _seat("Bastion Security", "Bastion Managed Watch", "seat", "14.75", "9.20", "Endpoint"),
    _seat("Bastion Security", "Bastion Mail Shield", "seat", "3.95", "2.10", "Mailbox"),
    _seat("Hartwell", "Hartwell Awareness Gold", "seat", "2.95", "1.625"),
    _seat("Hartwell", "Hartwell Phish Drill", "seat", "1.85", "0.975"),
    _seat("Keyring", "Keyring Business Vault", "seat", "5.99", "3.60"),
    _seat("Keyring", "Keyring Privileged", "seat", "11.50", "7.05"),
    _seat("Quillsign", "Quillsign Business", "seat", "28.00", "21.00"),
    _seat("Northlane", "Northlane DNS Filter", "seat", "1.65", "0.90"),
    _seat("Northlane", "Northlane Remote Desk", "seat", "4.40", "2.75", "Device"),
    _seat("Tidewater Backup", "Tidewater Cloud Seat", "backup", "3.75", "2.05"),
    _seat("Tidewater Backup", "Tidewater Server Agent", "backup", "38.00", "24.50", "Server"),
    _seat("Tidewater Backup", "Tidewater Workstation Agent", "backup", "6.25", "3.80", "Device"),
    _seat("Stratum", "Stratum 365 Backup", "backup", "2.85", "1.45"),
    _usage(
        "Contora",
        "Contora Cloud Plan",
        _meter("Contora Cloud Virtual Machines", "Hour", "0.112", "0.0946", "48"),
        _meter("Contora Cloud Storage", "GB", "0.0228", "0.0191", "310"),
        _meter("Contora Cloud Bandwidth", "GB", "0.087", "0.0731", "14"),
        azure_like=True,
    ),
    _usage(
        "Tidewater Backup",
        "Tidewater Backup Storage",
        _meter("Tidewater Backup Storage", "GB", "0.05", "0.038", "16.54"),
        _meter("Tidewater Archive Storage", "GB", "0.009", "0.0064", "41.2"),
    ),
    _usage(
        "Larkvoice",
        "Larkvoice Metered Calling",
        _meter("Larkvoice Outbound Minutes", "Minute", "0.021", "0.0145", "96"),
        _meter("Larkvoice Toll Free Minutes", "Minute", "0.034", "0.0235", "11"),
    ),
    _usage(
        "Bastion Security",
        "Bastion Log Retention",
        _meter("Bastion Log Ingest", "GB", "1.85", "1.32", "0.92"),
    ),
)

NAME_FIRST = (
    "Alder", "Birchwood", "Cedar Point", "Delmont", "Eastgate", "Fairview", "Glenmoor", "Harborview",
    "Ironbridge", "Juniper", "Kestrel", "Lakeside", "Millbrook", "Northwind", "Oakhurst", "Pinecrest",
    "Quarry Lane", "Redwood", "Silverton", "Thornbury", "Upland", "Vantage", "Westbrook", "Yarrow",
    "Ashford", "Briarcliff", "Copper Ridge", "Dunmore", "Elmstead", "Foxglove", "Greystone", "Hollis",
    "Inverness", "Larchmont", "Marlowe", "Norwood", "Orchard Hill", "Prescott", "Ravenswood", "Stonegate",
)  # fmt: skip
NAME_TRADE = (
    "Dental Group", "Accounting", "Legal", "Logistics", "Manufacturing", "Family Clinic", "Architects",
    "Builders", "Insurance", "Veterinary", "Realty", "Engineering", "Foods", "Schools Trust", "Charity",
    "Hotels", "Print & Sign", "Motors", "Optics", "Wealth", "Farms", "Pharmacy", "Media", "Surveyors",
    "Freight",
)  # fmt: skip
TOWNS = (
    ("Springfield", "IL", "62701"), ("Riverton", "WY", "82501"), ("Fairhaven", "MA", "02719"),
    ("Salem", "OR", "97301"), ("Georgetown", "TX", "78626"), ("Clinton", "IA", "52732"),
    ("Madison", "WI", "53703"), ("Auburn", "AL", "36830"),
)  # fmt: skip
BRITISH_TOWNS = (("Reading", "Berkshire", "RG1 1AA"), ("York", "North Yorkshire", "YO1 7HH"))


def company_name(index: int) -> str:
    """Return the name of the company with this number. Names are unique, for any number."""
    first = NAME_FIRST[index % len(NAME_FIRST)]
    trade = NAME_TRADE[(index + index // len(NAME_FIRST)) % len(NAME_TRADE)]
    round_number = index // (len(NAME_FIRST) * len(NAME_TRADE))
    return f"{first} {trade}" + (f" {round_number + 1}" if round_number else "")
