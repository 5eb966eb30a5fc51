"""A world of 300 Pax8 companies and the Halo clients of an MSP, with difficult names and the right answers.

It knows how people misspell and how companies are named; it shares no table with the product. The answers (`right`) are
for the test only: a company's client, or None when it has none in Halo or nobody could tell by what is planted.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

_FIRST = [
    "Ashgrove",
    "Brackwell",
    "Coldharbour",
    "Dunmere",
    "Eastlake",
    "Fernhollow",
    "Glenrowan",
    "Hartsfield",
    "Ivybridge",
    "Jarrowdale",
    "Kestrelwood",
    "Larkspur",
    "Mosswater",
    "Northolme",
    "Oldcastle",
    "Pennywhistle",
    "Quillfeather",
    "Ravensmoor",
    "Silverbirch",
    "Thornbury",
    "Underhill",
    "Valebrook",
    "Westmarch",
    "Yarrowfield",
    "Zephyrhill",
    "Ambleside",
    "Birchmoor",
    "Cranleigh",
    "Derwentside",
    "Elmsworth",
    "Foxglove",
    "Greywell",
]
_SECOND = [
    "Dental",
    "Print & Sign",
    "Accountancy",
    "Logistics",
    "Veterinary Care",
    "Joinery",
    "Legal",
    "Pharmacy",
    "Foods",
    "Interiors",
    "Roofing",
    "Optics",
]
_ACCENTED = [
    "Señor Piñata Catering",
    "Café Crème Traiteur",
    "Škoda Brothers Bakery",
    "Françoise Légère Couture",
    "Łukasz Wiśniewski Meble",
    "Åkerlund Bygg",
    "Çelik Makina",
    "Jürgensen Möbelhaus",
    "Größer Bauelemente",
    "Kærgaard Møbler",
    "Bjørn Håkonsen Rør",
    "Pão de Açúcar Doces",
]
_FORMS = (
    ("Ltd", "Limited"), ("Inc.", "Incorporated"), ("L.L.C.", "LLC"), ("GmbH", "G.m.b.H."), ("B.V.", "BV"), ("S.A.", "SA"),
    ("S.r.l.", "Srl"), ("Sp. z o.o.", "Sp. z o. o."), ("Pty Ltd", "Pty. Limited"), ("A/S", "AS"), ("plc", "PLC"),
    ("S.A. de C.V.", "SA de CV"), ("Oy", "OY"), ("d.o.o.", "doo"), ("GmbH & Co. KG", "GmbH und Co KG"),
)  # fmt: skip


@dataclass
class DifficultNames:
    """Companies and clients by id, their domains, and for each company the right client."""

    companies: dict[str, str] = field(default_factory=dict)
    clients: dict[int, str] = field(default_factory=dict)
    company_domains: dict[str, str] = field(default_factory=dict)
    client_domains: dict[int, str] = field(default_factory=dict)
    right: dict[str, int | None] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


class _Planter:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.world = DifficultNames()
        self._bases = [f"{first} {second}" for second in _SECOND for first in _FIRST]
        self.rng.shuffle(self._bases)

    def base(self) -> str:
        return self._bases.pop()

    def company(self, kind: str, name: str, client: int | None, domain: str = "") -> str:
        company_id = f"{len(self.world.companies):08x}-0000-4000-8000-{self.rng.randrange(16**12):012x}"
        self.world.companies[company_id] = name
        self.world.right[company_id] = client
        self.world.kinds[company_id] = kind
        if domain:
            self.world.company_domains[company_id] = domain
        return company_id

    def client(self, name: str, domain: str = "") -> int:
        client_id = 1000 + 7 * len(self.world.clients)
        self.world.clients[client_id] = name
        if domain:
            self.world.client_domains[client_id] = domain
        return client_id

    def pair(self, kind: str, in_pax8: str, in_halo: str) -> None:
        self.company(kind, in_pax8, self.client(in_halo))

    # Each kind plants one difficulty ---------------------------------------------------------------------------

    def same(self) -> None:
        name = self.base()
        self.pair("same", name, self.rng.choice((name, name.upper(), f" {name} ")))

    def legal_form(self) -> None:
        name, (one, other) = self.base(), self.rng.choice(_FORMS)
        left, right = self.rng.choice(((f"{name} {one}", f"{name}, {other}"), (name, f"{name} {one}"),
                                       (f"{name.upper()} {other}", name)))  # fmt: skip
        self.pair("legal form", left, right)

    def accents(self) -> None:
        name = f"{self.rng.choice(_ACCENTED)} {self.base().split()[0]}"
        bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        bare = bare.replace("ß", "ss").replace("æ", "ae").translate(str.maketrans("łŁøØ", "lLoO"))
        self.pair("accents", name, self.rng.choice((bare, f"{bare} GmbH", unicodedata.normalize("NFD", name))))

    def umlaut(self) -> None:
        tail = self.base()
        self.pair("umlaut", f"Möller {tail}", f"Moeller {tail}")

    def punctuation(self) -> None:
        name = self.base()
        first, second = name.split(" ", 1)
        forms = ((f"{first}'s {second}", f"{first}s {second}"), (f"{first}-{second}", name), (f"{first}, {second}", name),
                 (name.replace("&", "and"), name.replace(" and ", " & ")), (f"J.R. {name}", f"JR {name}"))  # fmt: skip
        self.pair("punctuation", *self.rng.choice(forms))

    def order(self) -> None:
        first, second = self.base().split(" ", 1)
        self.pair("word order", f"{second}, {first}", f"{first} {second}")

    def abbreviation(self) -> None:
        name = self.base()
        words = (("International", "Intl."), ("Manufacturing", "Mfg"), ("Associates", "Assoc."), ("Brothers", "Bros"))
        long, short = self.rng.choice(words)
        self.pair("abbreviation", f"{name} {long}", f"{name} {short}")

    def spacing(self) -> None:
        first, second = self.base().split(" ", 1)
        half = len(first) // 2
        self.pair("spacing", f"{first[:half]} {first[half:]} {second}", f"{first} {second}")

    def renamed_with_domain(self) -> None:
        domain = f"{self.base().split()[0].lower()}{self.rng.randrange(10**4)}.test"
        self.company("renamed, same domain", self.base(), self.client(self.base(), domain), domain)

    def former_name(self) -> None:
        old, new = self.base(), self.base()
        self.pair("former name", f"{new} (formerly {old})", self.rng.choice((old, new)))

    def renamed(self) -> None:
        self.company("renamed", self.base(), None)
        self.client(self.base())

    def branches(self) -> None:
        name = self.base()
        places = self.rng.sample(["Leeds", "York", "Bristol", "Cardiff", "Truro"], 3)
        clients = {place: self.client(f"{name} - {place}") for place in places[:2]}
        self.company("branch", f"{name} ({places[0]})", clients[places[0]])
        self.company("branch without a client", f"{name} {places[2]}", None)

    def numbers(self) -> None:
        name, one, other, third = self.base(), *self.rng.sample(range(1, 30), 3)
        self.client(f"{name} {other}")
        self.company("number", f"{name} #{one:02d}", self.client(f"{name} {one}"))
        self.company("number without a client", f"{name} {third}", None)

    def roman(self) -> None:
        name = self.base()
        self.client(f"{name} III")
        self.company("number", f"{name} II Ltd", self.client(f"{name} 2"))

    def one_letter(self) -> None:
        name = self.base()
        place = self.rng.randrange(1, len(name.split()[0]))
        letter = self.rng.choice([c for c in "aeioulnrst" if c != name[place]])
        other = name[:place] + letter + name[place + 1 :]
        self.client(other)
        if self.rng.random() < 0.5:
            self.company("one letter", name, self.client(name))
        else:
            self.company("one letter, without a client", name, None)

    def plural(self) -> None:
        name = self.base()
        self.client(f"{name} Services")
        self.company("one letter, without a client", f"{name} Service", None)

    def duplicate_clients(self) -> None:
        name = self.base()
        self.client(name)
        self.client(f"{name} Ltd" if self.rng.random() < 0.5 else name)
        self.company("two clients of one name", name.upper(), None)

    def duplicate_companies(self) -> None:
        name = self.base()
        self.client(name)
        self.company("two companies of one name", name, None)
        self.company("two companies of one name", f"{name} Ltd", None)

    def reused(self) -> None:
        """A name that another company has today, in another trade: the domains show it."""
        name = self.base()
        self.client(name, f"{name.split()[0].lower()}-holidays.test")
        self.company("reused name", name, None, f"{name.split()[0].lower()}{self.rng.randrange(10**4)}.test")

    def two_forms(self) -> None:
        name = self.base()
        one, other = self.rng.sample(["Ltd", "GmbH", "LLC", "B.V."], 2)
        clients = [self.client(f"{name} {form}") for form in (one, other)]
        self.company("two legal forms", f"{name} {one}", clients[0])
        if self.rng.random() < 0.5:
            self.company("two legal forms", f"{name} {other}", clients[1])

    def part_of_group(self) -> None:
        name = self.base()
        self.client(f"{name} Group")
        self.company("part of a group, without a client", name, None)


def plant(seed: int, number: int = 300) -> DifficultNames:
    """Return a world of at least `number` companies."""
    planter = _Planter(seed)
    kinds: list[Callable[[], None]] = [
        planter.same, planter.same, planter.same, planter.legal_form, planter.legal_form, planter.legal_form,
        planter.accents, planter.umlaut, planter.punctuation, planter.punctuation, planter.order, planter.abbreviation,
        planter.spacing, planter.renamed_with_domain, planter.former_name, planter.renamed, planter.branches,
        planter.numbers, planter.roman, planter.one_letter, planter.one_letter, planter.plural,
        planter.duplicate_clients, planter.duplicate_companies, planter.reused, planter.two_forms, planter.part_of_group,
    ]  # fmt: skip
    while len(planter.world.companies) < number:
        for kind in kinds:
            kind()
    return planter.world
