"""Broken inputs as a table: what a person typed or what happened to a file, and the words that the answer must have.

`{plan}` in a command is the id of the plan in the data folder, `{folder}` in a variable the folder of the test. A file's name is relative to the folder in which the
command starts, where the data folder is `data`. With KEEP_SENTENCES=FILE the test writes the table with the complete
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

A = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
CLIENTS = "data/mappings/clients.csv"
LINES = "data/mappings/subscriptions.csv"
ITEMS = "data/mappings/items.csv"
POLICY = "data/policy.yaml"
TENANT = "data/tenant.yaml"
WAREHOUSE = "data/warehouse.duckdb"
HEAD = "pax8_company_id,halo_client_id,note\n"
LINES_HEAD = "pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id,note\n"
ITEMS_HEAD = "pax8_product_id,halo_item_id,note\n"
LIVE = {
    "PAX8_CLIENT_ID": "x", "PAX8_CLIENT_SECRET": "x", "HALO_API_URL": "https://halo.invalid/api", "HALO_TENANT": "x",
    "HALO_AUTH_URL": "https://halo.invalid/auth", "HALO_CLIENT_ID": "x", "HALO_CLIENT_SECRET": "x",
}  # fmt: skip


@dataclass(frozen=True)
class Broken:
    """One broken input. `says`: parts of the one sentence, with the place and the remedy."""

    command: str
    says: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Path], object] = lambda folder: None
    warehouse: bool = False

    @property
    def name(self) -> str:
        """What the table calls it."""
        files = " ".join(f"{n}={_short(t)}" for n, t in self.files.items())
        env = " ".join(f"{n}={v}" for n, v in self.env.items() if n not in LIVE or SECRET in self.env)
        made = "" if self.before.__name__ == "<lambda>" else self.before.__name__.strip("_")
        return " ".join(filter(None, [env, self.command, files, made]))


def _short(text: str | bytes) -> str:
    return ascii(text[-60:])


def made(what: str, path: str) -> Callable[[Path], None]:
    """Return a function that puts a folder, a link to nothing, or a link to itself at `path`."""

    def put(folder: Path) -> None:
        at = folder / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.unlink(missing_ok=True)
        if what == "folder":
            at.mkdir()
        else:
            at.symlink_to(at if what == "loop" else folder / "gone")

    put.__name__ = f"({what} at {path})"
    return put


def cut(path: str, size: int) -> Callable[[Path], None]:
    """Return a function that cuts a file short."""

    def short(folder: Path) -> None:
        at = folder / path
        at.write_bytes(at.read_bytes()[:size])

    short.__name__ = f"({path} cut to {size} bytes)"
    return short


def _overwritten(folder: Path) -> None:
    at = folder / WAREHOUSE
    data = bytearray(at.read_bytes())
    data[12288 : len(data)] = b"\xff" * (len(data) - 12288)
    at.write_bytes(bytes(data))


def _header_changed(folder: Path) -> None:
    at = folder / WAREHOUSE
    data = bytearray(at.read_bytes())
    data[12:20] = (9999).to_bytes(8, "little")
    at.write_bytes(bytes(data))


def _other_tables(folder: Path) -> None:
    import duckdb

    (folder / "data").mkdir(exist_ok=True)
    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        connection.execute("CREATE TABLE x (y INTEGER)")


def _newer_version(folder: Path) -> None:
    import duckdb

    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        connection.execute(
            "INSERT INTO meta.schema_versions (version, since, made_by) VALUES (99, now()::TIMESTAMP, '9.0')"
        )


SECRET = "PAX8_CLIENT_SECRET_FILE"


def of_secret(text: str | bytes | None, *says: str, file: str = "{folder}/secret") -> Broken:
    """A file of a secret that cannot be used; None: there is no such file."""
    return Broken("prune --dry-run", (SECRET, *says), {} if text is None else {"secret": text}, {SECRET: file})


def of_clients(rows: str | bytes, *says: str) -> Broken:
    """A broken clients.csv, read by a run."""
    return Broken("run", ("clients.csv", *says), {CLIENTS: rows}, LIVE)


def of_policy(text: str | bytes, *says: str) -> Broken:
    """A broken policy.yaml, read by the fastest command."""
    return Broken("prune --dry-run", ("policy.yaml", *says), {POLICY: text})


def of_dotenv(text: str | bytes, *says: str) -> Broken:
    """A broken .env, read by the fastest command."""
    return Broken("prune --dry-run", (".env", *says), {".env": text})


UNDER_FILE = {"file": "x"}
ID = ("is not a Halo id", "write the digits only")
UUID = ("is not a Pax8 id", "write it as Pax8 shows it")
DIGITS = ("different numbers by different programs", "plain digits")

FILES = (
    Broken("prune --dry-run", ("PAX8_CLIENT_SECRET and PAX8_CLIENT_SECRET_FILE are both set", "remove one"),
           env={"PAX8_CLIENT_SECRET": "x", SECRET: "/run/secrets/pax8"}),
    of_secret(None, "does not exist", "make it, or correct the path"),
    of_secret("x", "must be the full path of a file", file="secret"),
    of_secret(" \n", "is empty", "write the secret into it"),
    of_secret("one two\n", "several words or lines", "the secret alone"),
    of_secret(b"\xe9x\n", "line 1: not UTF-8 text", "save it as UTF-8"),
    of_secret("x" * 70_000, "is larger than", "name the file of the secret"),
    of_secret(None, "must be the full path of a file", file="{folder}/nothing/secret"),
    of_dotenv("PAX8_CLIENT_ID=Zürich\n".encode("cp1252"), "line 1: not UTF-8 text", "save it as UTF-8"),
    of_dotenv(b"A=1\nB=2\nC=\xff\xfe\n", "line 3: not UTF-8 text", "save it as UTF-8"),
    of_dotenv("A=1\n".encode("utf-16-le"), "bytes that are not text", "save it as UTF-8"),
    of_dotenv("A=1\n".encode("utf-16")[:-1], "UTF-16", "save it as UTF-8"),
    of_dotenv("A=1\n\nHALO_TENANT\n", "line 3: is not NAME=value", "correct it"),
    of_dotenv("A='unclosed\n", "line 1: is not NAME=value", "correct it"),
    of_dotenv("HALO_WRITE_MODE=dry_run\nHALO_WRITE_MODE=apply\n", "HALO_WRITE_MODE is on line 1 already", "keep one"),
    of_dotenv("A=\0\n", "not text", "save it as UTF-8"),
    Broken("prune --dry-run", ("'heute' is not a date", "yyyy-mm-dd"), {".env": "PAX8_PIPELINE_TODAY=heute\n".encode("utf-16")}),
    Broken("prune --dry-run", (".env", "is a folder, but a file is needed"), before=made("folder", ".env")),
    Broken("prune --dry-run", (".env", "a link to a file that does not exist", "remove the link"), before=made("link", ".env")),
    Broken("prune --dry-run", (".env", "leads back to itself", "remove the link"), before=made("loop", ".env")),
    of_policy("timezone: [", "line 1: not readable as YAML", "close brackets"),
    of_policy("\ttimezone: UTC", "line 1", "indent with spaces"),
    of_policy("- a\n- b\n", "must be a list of `key: value` settings"),
    of_policy("# Zürich\n".encode("cp1252"), "line 1: not UTF-8 text", "save it as UTF-8"),
    of_policy("timezone: Mars/Olympus", "timezone", "is not a time zone"),
    of_policy("write_mod: apply", "write_mod: unknown key; is write_mode meant?", "docs/reference/policy.md"),
    of_policy("trust: {clients: {0231: auto}}", "line 1: trust.clients: 0231", *DIGITS),
    of_policy('trust: {clients: {"0231": auto}}', "trust.clients", *ID),
    of_policy("trust: {clients: {Acme: auto}}", "trust.clients: 'Acme'", *ID),
    of_policy("trust: {default: sometimes}", "trust.default", "'observe'", "'sometimes'"),
    of_policy("trust: auto", "trust: 'auto' cannot be used", "write `key: value` lines"),
    of_policy("schedule: {minute: 010}", "schedule.minute: 010", *DIGITS),
    of_policy("schedule: {hour: 12:30}", "schedule.hour: 12:30", *DIGITS),
    of_policy("schedule: {hour: 24}", "schedule.hour: 24 is out of bounds", "write 23 or less"),
    of_policy("guardrails: {run: {money_delta: 1_000}}", "money_delta: 1_000", *DIGITS),
    of_policy("guardrails:\n  run:\n    money_delta: 1.000,50", "money_delta", "is not a number", "one dot"),
    of_policy("guardrails: {run: {lines_changed: many}}", "lines_changed", "is not a whole number", "digits only"),
    of_policy("guardrails: {run: {lines_ended: -1}}", "lines_ended: -1 is out of bounds", "write 0 or more"),
    of_policy("retention_days: 30\nretention_days: 400", "line 2: retention_days", "line 1 already", "keep one"),
    of_policy("usage: {first_month: 2026-13}", "usage.first_month", "write a month as yyyy-mm"),
    of_policy("native_integration: off", "native_integration", "'refuse' or 'ignore'"),
    of_policy("usage: {products: {abc: {price: cost}}}", "usage.products: 'abc'", *UUID),
    Broken("prune --dry-run", ("policy.yaml", "is a folder, but a file is needed"), before=made("folder", POLICY)),
    Broken("prune --dry-run", ("policy.yaml", "a link to a file that does not exist"), before=made("link", POLICY)),
    of_clients(f"{HEAD}{A},231.0,\n", "row 2, column halo_client_id: '231.0'", *ID),
    of_clients(f"{HEAD}{A},2.31E+02,\n", "'2.31E+02'", *ID),
    of_clients(f"{HEAD}{A},00231,\n", "'00231'", *ID),
    of_clients(f"{HEAD}{A},-231,\n", "'-231'", *ID),
    of_clients(f"{HEAD}{A},231\u00a0,\n", "'231\\xa0'", *ID),
    of_clients(f"{HEAD}{A},#REF!,\n", "'#REF!'", *ID),
    of_clients(f"{HEAD}{A},,\n", "row 2, column halo_client_id: is empty", "fill it in, or delete the row"),
    of_clients(f"{HEAD}{{{A}}},231,\n", "row 2, column pax8_company_id", *UUID),
    of_clients(f"{HEAD}Acme Ltd,231,\n", "'Acme Ltd'", *UUID),
    of_clients(f"{HEAD}{A},231,\n{A.upper()},232,\n", "row 3", "is on row 2 already", "keep one"),
    of_clients(f"sep=;\n{HEAD}{A},x,\n".replace(",", ";"), "row 3, column halo_client_id", *ID),
    of_clients(f"pax8_company_id,note\n{A},\n", "row 1: column halo_client_id is missing", "expected"),
    of_clients(f"{HEAD}{A},231,a,b\n", "row 2: 4 cells under 3 headings", "remove a separator"),
    of_clients(f'{HEAD}"{A},231\n', "row 2: not readable as CSV", "close the quotes"),
    of_clients(f"{HEAD}{A},231,Müller\n".encode("cp1252"), "line 2: not UTF-8 text", "save it as CSV UTF-8"),
    of_clients(f"{HEAD}{A},231,\n".encode("utf-16-le"), "bytes that are not text", "save it as CSV UTF-8"),
    of_clients(b"PK\x03\x04\x14\x00\x06\x00 an Excel file", "not text", "save it as CSV UTF-8"),
    Broken("run", ("clients.csv", "is a folder, but a file is needed"), env=LIVE, before=made("folder", CLIENTS)),
    Broken("run", ("items.csv", "a link to a file that does not exist"), env=LIVE, before=made("link", ITEMS)),
    Broken("run", ("mappings", "is under a file, but a folder is needed"), {"data/mappings": "x"}, LIVE),
    Broken("run", ("subscriptions.csv, row 2, column halo_line_id", "'-7'", *ID), {LINES: f"{LINES_HEAD}{A},-94,-7,,\n"}, LIVE),
    Broken("run", ("subscriptions.csv, row 2", "give a line id or a licence id, or the recurring invoice of a new line"), {LINES: f"{LINES_HEAD}{A},,,,\n"}, LIVE),
    Broken("run", ("subscriptions.csv, row 2", "is not a recurring invoice id"), {LINES: f"{LINES_HEAD}{A},-94.0,7,,\n"}, LIVE),
    Broken("run", ("items.csv, row 2, column halo_item_id", *ID), {ITEMS: f"{ITEMS_HEAD}{A},1_000,\n"}, LIVE),
    of_policy("trust: {defualt: auto}", "trust.defualt: unknown key; is default meant?"),
    of_policy("guardrails: {run: {lines_change: 5}}", "guardrails.run.lines_change: unknown key; is lines_changed meant?"),
    of_policy('trust: {clients: {231: auto, "231": observe}}', "trust.clients", "are the same id", "keep one"),
    of_policy("trust: {clients: [231]}", "trust.clients: [231] cannot be used", "write `key: value` lines"),
    of_policy("trust: {auto: {directions: [up]}}", "trust.auto.directions.0: 'up'", "write 'increase', 'decrease' or 'cancel'"),
    of_policy("trust: {auto: {directions: cancel}}", "trust.auto.directions: 'cancel'", "write a list"),
    of_policy("trust: {auto: {new_kinds: perhaps}}", "trust.auto.new_kinds: 'perhaps'", "write true or false"),
    of_policy("trust: {suggest_after_nights: 0}", "trust.suggest_after_nights: 0", "write 1 or more"),
    of_policy("schedule: {hour: six}", "schedule.hour: 'six' is not a whole number", "digits only"),
    of_policy("alerts: {digest: weekly}", "alerts.digest: 'weekly'", "write 'never', 'on_change' or 'daily'"),
    of_policy("month: {compare_price: maybe}", "month.compare_price: 'maybe'", "write true or false"),
    of_policy("matching: {default_currency: dollars}", "matching.default_currency", "three letters of a currency"),
    of_policy("matching: {licence_id_field: snow id}", "matching.licence_id_field", "the name of one member"),
    of_policy("usage: {default_halo_item_id: abc}", "usage.default_halo_item_id", *ID),
    of_policy("usage: {confirmed_groups: [abc]}", "usage.confirmed_groups", "subscription id/resource group"),
    of_policy("ui: {allowed_hosts: ['https://x.example']}", "ui.allowed_hosts", "is not a host name such as"),
    of_policy("reads: {shrink_pct: 101}", "reads.shrink_pct: 101", "write 100 or less"),
    of_policy("timezone: 5", "timezone: 5 cannot be used", "write text"),
    of_clients(f"halo_client_id,{HEAD}", "row 1, column halo_client_id: not known or given twice", "expected"),
    Broken("run", ("subscriptions.csv, row 3", "is on row 2 already", "keep one"), {LINES: f"{LINES_HEAD}{A},-94,7,,\n{A},-94,8,,\n"}, LIVE),
    Broken("run", ("items.csv, row 1, column item: not known", "expected pax8_product_id"), {ITEMS: "pax8_product_id,item,halo_item_id\n"}, LIVE),
    *(Broken("doctor --probe", ("tenant.yaml", *says, "Delete the file"), {TENANT: text}, LIVE) for text, says in (
        ("halo: [", ("line 1: not readable as YAML",)),
        ("- a\n", ("`key: value` lines",)),
        ("hallo: {}\n", ("hallo: unknown key",)),
        ("pax8: {probed_on: 2026-08-20, page_size: many}\n", ("pax8.page_size: 'many'", "whole number")),
        ("pax8: {page_size: 200}\n", ("pax8.probed_on: is missing",)),
        ("halo_limit: 300\n", ("halo_limit: 300 cannot be used",)),
    )),
    *(Broken("doctor --probe", (name, *says), env={**LIVE, name: value}) for name, value, says in (
        ("HALO_API_URL", "http://halo.example.com/api", ("use https",)),
        ("HALO_AUTH_URL", "halo.example.com/auth", ("is not an address such as https://",)),
        ("PAX8_API_URL", "ftp://api.pax8.com/v1", ("is not an address such as https://",)),
    )),
    *(Broken("prune --dry-run", says, {"empty": "", "two": "a b"}, {"PAX8_CLIENT_SECRET_FILE": place}) for place, says in (
        ("relative", ("PAX8_CLIENT_SECRET_FILE: must be the full path", "not shown")),
        ("/tmp/no-such-file-of-a-secret", ("does not exist", "make it, or correct the path")),
    )),
    Broken("prune --dry-run", ("HALO_CLIENT_SECRET and HALO_CLIENT_SECRET_FILE are both set", "remove one"),
           env={"HALO_CLIENT_SECRET": "x", "HALO_CLIENT_SECRET_FILE": "/tmp/x"}),
    Broken("init --no-input", ("nobody can be asked here", "--pax8-client-id", "HALO_CLIENT_SECRET_FILE")),
    Broken("init --no-input --no-test", (".env has other values for HALO_TENANT", "--force"), {".env": "HALO_TENANT=other\n"}, LIVE),
    Broken("init --no-input --timezone Mars", ("--timezone: 'Mars' is not a time zone", "Europe/London"), env=LIVE),
    Broken("init --data file", ("'--data'", "is a file", "--help"), UNDER_FILE),
    Broken("init --pax8-secret S", ("No such option", "--pax8-secret", "--help")),
)  # fmt: skip

NO_PLAN = ("no plan nope", "`pax8-pipeline plan show` shows the newest")
FIRST = ("warehouse.duckdb does not exist yet", "run `pax8-pipeline run` first")
DATA = (
    *(Broken(c, FIRST) for c in ("plan show", "plan show nope", "report", "explain 4127", "cutover", "plan approve nope", "plan apply nope")),
    *(Broken(c, NO_PLAN, warehouse=True) for c in (
        "plan show nope", "plan show nope --json", "report nope", "plan approve nope", "plan approve nope --by Ada",
        "plan approve nope --row x", "plan approve nope --client 231", "plan apply nope")),
    Broken("plan approve {plan} --client 0231", ("'--client'", *ID), warehouse=True),
    Broken("plan approve {plan} --client 231.0", ("'--client'", *ID), warehouse=True),
    Broken("plan approve {plan} --client 2_31", ("'--client'", *ID), warehouse=True),
    Broken("plan approve {plan} --client ٢٣١", ("'--client'", *ID), warehouse=True),
    Broken("plan approve {plan} --client Acme", ("'--client'", *ID), warehouse=True),
    Broken("plan approve {plan} --row nope", ("has no row nope", "lists its rows"), warehouse=True),
    Broken("plan approve {plan} --by ''", ("needs a name", "give --by NAME or set USER"), warehouse=True),
    Broken("plan approve {plan}", ("needs a name", "give --by NAME or set USER"), env={"USER": "", "LOGNAME": ""}, warehouse=True),
    Broken("plan approve", ("Missing argument 'ID'", "--help"), warehouse=True),
    Broken("plan frobnicate", ("No such command 'frobnicate'", "--help")),
    Broken("rum", ("No such command 'rum'", "--help")),
    Broken("run --frob", ("No such option", "--frob", "--help")),
    Broken("plan show --format xml", ("'--format'", "'xml'", "--help"), warehouse=True),
    Broken("plan show --format csv --out missing/plan.csv", ("folder", "missing does not exist", "make it"), warehouse=True),
    Broken("plan show --format csv --out file/plan.csv", ("file/plan.csv", "under a file"), UNDER_FILE, warehouse=True),
    Broken("plan show --format csv --out .", ("'--out'", "is a directory", "--help"), warehouse=True),
    Broken("plan show --format csv --out /dev/full", ("/dev/full", "the disk is full", "make room"), warehouse=True),
    Broken("plan show --format csv --out " + "n" * 300, ("has a name that is too long", "shorter"), warehouse=True),
    Broken("cutover --out missing/x.md", ("missing does not exist", "make it"), warehouse=True),
    Broken("cutover --out /dev/full", ("/dev/full", "the disk is full", "make room"), warehouse=True),
    Broken("report --folder file", ("'--folder'", "is a file", "--help"), UNDER_FILE, warehouse=True),
    Broken("report --folder file/below", ("file/below", "under a file"), UNDER_FILE, warehouse=True),
    Broken("explain nothing", ("nothing has the id or the name nothing", "plan show --all"), warehouse=True),
    Broken("explain 0231", ("nothing has the id or the name 0231",), warehouse=True),
    Broken("explain 4_127", ("nothing has the id or the name 4_127",), warehouse=True),
    Broken("explain 4127 --kind thing", ("'--kind'", "'thing'", "--help"), warehouse=True),
    Broken("prune --days 0", ("'--days'", "--help")),
    Broken("prune --days many", ("'--days'", "'many'", "--help")),
    Broken("prune", ("PAX8_PIPELINE_TODAY: 'tomorrow' is not a date", "yyyy-mm-dd"), env={"PAX8_PIPELINE_TODAY": "tomorrow"}),
    Broken("prune", ("'2026-02-30' is not a day of the calendar",), env={"PAX8_PIPELINE_TODAY": "2026-02-30"}),
    Broken("prune", ("'20260806' is not a date", "yyyy-mm-dd"), env={"PAX8_PIPELINE_TODAY": "20260806"}),
    Broken("prune", ("PAX8_PIPELINE_DATA", "file is a file", "name a folder"), UNDER_FILE, {"PAX8_PIPELINE_DATA": "file"}),
    Broken("plan show", ("under a file, but a folder is needed",), UNDER_FILE, {"PAX8_PIPELINE_DATA": "file/below"}),
    Broken("prune", ("DAGSTER_HOME: 'relative/home' must be an absolute path",), env={"DAGSTER_HOME": "relative/home"}),
    Broken("run", ("not set: PAX8_CLIENT_ID", "HALO_TENANT", ".env.example")),
    Broken("run", ("not set: PAX8_CLIENT_SECRET", ".env.example"), env={"PAX8_CLIENT_ID": "x"}),
    Broken("backfill 2026-8 2026-09", ("FROM: '2026-8' is not a month", "yyyy-mm"), env=LIVE),
    Broken("backfill 2026-08 2026/09", ("TO: '2026/09' is not a month", "yyyy-mm"), env=LIVE),
    Broken("backfill 2026-08 2026-13", ("TO: '2026-13' is not a month", "yyyy-mm"), env=LIVE),
    Broken("backfill ٢٠٢٦-08 2026-09", ("is not a month", "yyyy-mm"), env=LIVE),
    Broken("backfill 2026-03 2026-01", ("FROM 2026-03 is after TO 2026-01",), env=LIVE),
    Broken("backfill 2999-01 2999-02", ("TO 2999-02 has not started yet",), env=LIVE),
    Broken("backfill 1999-01 1999-02", ("history_from", "policy.yaml"), env=LIVE),
    Broken("backfill 2026-01", ("Missing argument 'TO'", "--help"), env=LIVE),
    Broken("backfill 2026-01 2026-02 --lines all", ("'--lines'", "'all'", "--help"), env=LIVE),
    Broken("plan show", ("warehouse.duckdb", "is not a DuckDB file", "data/backups"), {WAREHOUSE: "not a database " * 1000}),
    Broken("plan show", ("warehouse.duckdb", "is a folder"), before=made("folder", WAREHOUSE)),
    Broken("plan show", ("warehouse.duckdb", "damaged or cut short", "data/backups"), before=cut(WAREHOUSE, 20_000), warehouse=True),
    Broken("plan show", ("warehouse.duckdb", "data/backups"), before=cut(WAREHOUSE, 5000), warehouse=True),
    Broken("plan show", ("warehouse.duckdb", "data/backups"), before=_overwritten, warehouse=True),
    Broken("plan show", ("warehouse.duckdb", "data/backups"), before=_header_changed, warehouse=True),
    Broken("plan show", ("by pax8-pipeline 9.0", "tables of version 99", "install that version again", "backups"), before=_newer_version, warehouse=True),
    Broken("doctor", ("warehouse: ", "tables of version 99", "install that version again"), before=_newer_version, warehouse=True),
    Broken("run", ("tables of version 99", "install that version again"), env=LIVE, before=_newer_version, warehouse=True),
    Broken("plan show", ("lacks tables or columns of this version", "run `pax8-pipeline run` once"), before=_other_tables),
    Broken("explain 1", ("lacks tables or columns of this version", "run `pax8-pipeline run` once"), before=_other_tables),
)  # fmt: skip

BUSY = "{busy}"
SETUP = (
    Broken("sandbox --port 99999", ("'--port'", "65535", "--help")),
    Broken("sandbox --port -1", ("'--port'", "--help")),
    Broken("sandbox --port http", ("'--port'", "'http'", "--help")),
    Broken(f"sandbox --port {BUSY}", ("port", "is in use", "take another with --port")),
    Broken("sandbox --seed x", ("'--seed'", "'x'", "--help")),
    Broken("sandbox --companies 0", ("'--companies'", "--help")),
    Broken("sandbox --port 0 --companies 10", ("--companies: 10 are too few", "give more, or leave the option out")),
    Broken("sandbox --companies ١٢x", ("'--companies'", "--help")),
    Broken("sandbox --subscriptions -1", ("'--subscriptions'", "--help")),
    Broken("sandbox --usage 1.5", ("'--usage'", "'1.5'", "--help")),
    Broken("sandbox --date 31/12/2026", ("'--date'", "%Y-%m-%d", "--help")),
    Broken("sandbox --date 2026-02-30", ("'--date'", "--help")),
    Broken("sandbox --state .", ("'--state'", "is a directory", "--help")),
    Broken("sandbox --port 0 --state file/w.json", ("file", "a folder is needed"), UNDER_FILE),
    Broken("sandbox --port 0 --state w.json", ("w.json: not a sandbox state of this version", "remove it"), {"w.json": ""}),
    Broken("sandbox --port 0 --state w.json", ("w.json: not a sandbox state of this version", "remove it"), {"w.json": "{"}),
    Broken("sandbox --port 0 --state w.json", ("w.json: not a sandbox state of this version", "remove it"), {"w.json": "{}"}),
    Broken("sandbox --port 0 --state w.json", ("w.json: not a sandbox state of this version", "remove it"), {"w.json": "[1]"}),
    Broken("sandbox --port 0 --state w.json", ("w.json: not a sandbox state of this version", "remove it"), {"w.json": b"\xff\xfe\x00"}),
    Broken("sandbox --port 0 --state w.json", ("twice", "remove it"), {"w.json": '{"today": "2026-08-20", "today": "2026-08-21"}'}),
    Broken("sandbox --port 0 --state w.json --seed 3", ("w.json contains a world already", "remove it"), {"w.json": "{}"}),
    Broken("sandbox --port 0 --mappings file", ("'--mappings'", "is a file", "--help"), UNDER_FILE),
    Broken("sandbox --rate-limits=maybe", ("--rate-limits", "--help")),
    Broken("sandbox extra", ("Got unexpected extra argument (extra)", "--help")),
    Broken("dev --port 0", ("'--port'", "--help")),
    Broken("dev --port 70000", ("'--port'", "--help")),
    Broken(f"dev --port {BUSY}", ("port", "is in use", "take another with --port")),
    Broken("dev", ("not set: PAX8_CLIENT_SECRET", ".env.example"), env={"PAX8_CLIENT_ID": "x"}),
    Broken("dev", ("policy.yaml", "write_mod: unknown key"), {POLICY: "write_mod: apply"}),
    Broken("dev", ("PAX8_PIPELINE_DATA", "name a folder"), UNDER_FILE, {"PAX8_PIPELINE_DATA": "file"}),
    Broken("dev", (".env, line 1", "save it as UTF-8"), {".env": b"A=\xe9\n"}),
    Broken("dev --reload", ("No such option", "--reload", "--help")),
    Broken("demo --seed x", ("'--seed'", "'x'", "--help")),
    Broken("demo --frob", ("No such option", "--frob", "--help")),
    Broken("demo", ("policy.yaml", "line 1"), {POLICY: "trust: ["}),
    Broken("demo", ("PAX8_PIPELINE_TODAY", "is not a date"), env={"PAX8_PIPELINE_TODAY": "x"}),
    Broken("demo", ("PAX8_PIPELINE_DATA", "name a folder"), UNDER_FILE, {"PAX8_PIPELINE_DATA": "file"}),
    Broken("demo", ("data/sandbox", "a folder is needed"), {"data/sandbox": "x"}),
    Broken("doctor --frob", ("No such option", "--frob", "--help")),
    Broken("doctor extra", ("Got unexpected extra argument (extra)", "--help")),
    Broken("doctor", ("settings: ", "policy.yaml", "retention_days", "correct it first"), {POLICY: "retention_days: many"}),
    Broken("doctor", ("settings: ", "policy.yaml", "not UTF-8 text", "save it as UTF-8"), {POLICY: b"# \xe9\n"}),
    Broken("doctor", ("settings: ", "policy.yaml", "is a folder", "correct it first"), before=made("folder", POLICY)),
    Broken("doctor", ("settings: ", "name a folder"), UNDER_FILE, {"PAX8_PIPELINE_DATA": "file"}),
    Broken("doctor", ("settings: ", "'x' is not a date"), env={"PAX8_PIPELINE_TODAY": "x"}),
    Broken("doctor", (".env, line 1", "save it as UTF-8"), {".env": b"A=\xe9\n"}),
    Broken("doctor", ("mapping files: ", "clients.csv, row 2", "correct that row"), {CLIENTS: f"{HEAD}{A},x,\n"}),
    Broken("doctor", ("mapping files: ", "clients.csv", "is a folder"), before=made("folder", CLIENTS)),
    Broken("doctor", ("warehouse: ", "is not a DuckDB file", "move it away"), {WAREHOUSE: "not a database " * 1000}),
    Broken("doctor", ("warehouse: ", "is a folder", "move it away"), before=made("folder", WAREHOUSE)),
    Broken("doctor", ("dagster home: ", "must be an absolute path"), env={"DAGSTER_HOME": "relative"}),
    Broken("doctor", ("Pax8 settings: ", "not set: PAX8_CLIENT_ID", "put them into .env")),
)  # fmt: skip

GROUPS = {"data commands": DATA, "set-up commands": SETUP, "files": FILES}
