"""`pax8-pipeline sandbox`: both vendors, emulated on this machine, for any client whose addresses can be set."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pax8_pipeline.commands.sandbox_server import free_port, load_world, only_server, port_is_free
from pax8_pipeline.errors import ConfigError, PipelineError

if TYPE_CHECKING:
    from pax8_pipeline.sandbox.world.world import World


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline sandbox --port 8808                      the demo's world, deleted at the end\n"
    "  pax8-pipeline sandbox --port 8808 --state world.json   stored: the next start continues with it\n"
    "  pax8-pipeline sandbox --port 8808 --companies 2000 --subscriptions 20000 --usage 1000 --no-rate-limits\n"
    "  curl --json '{\"play_days\": 1}' localhost:8808/control/clock\n"
    '  curl --json \'{"month": "2026-07", "total": "-3.205"}\' localhost:8808/control/charge   an odd usage charge\n'
    "  curl localhost:8808/control/usage?month=2026-07                the expected usage of that month"
)
@click.option("--port", type=click.IntRange(0, 65535), default=8808, show_default=True, help="0 takes a free one.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the world in this file.")
@click.option("--mappings", type=click.Path(file_okay=False, path_type=Path), help="Write the mapping files here.")
@click.option("--seed", type=int, help="Another seed gives another world.")
@click.option("--companies", type=click.IntRange(1), help="How many companies.")
@click.option("--subscriptions", type=click.IntRange(0), help="How many subscriptions; such a world has no story.")
@click.option("--usage", type=click.IntRange(0), help="How many of them are usage; such a world has no story.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The current day of the world.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
@click.option("--rate-limits/--no-rate-limits", default=True, show_default=True, help="Answer 429 as the vendors do.")
def sandbox(
    port: int,
    state: Path | None,
    mappings: Path | None,
    seed: int | None,
    companies: int | None,
    subscriptions: int | None,
    usage: int | None,
    day: datetime | None,
    quiet: bool,
    rate_limits: bool,
) -> None:
    """Serve an emulated Pax8 and Halo on this machine, and print the environment to use with them.

    Without sizes it is the demo's world: in step until yesterday, with one event of each kind today. Set faults,
    switches and the clock at /control; there you can also assign a group and credit an invoice (open it in a browser
    for the list). Ctrl-C ends it.
    """
    from pax8_pipeline.sandbox.server.app import serve

    if port and not port_is_free(port):
        raise PipelineError(f"port {port} is in use; take another with --port, or end the program that uses it")
    port = port or free_port()
    sizes = {"seed": seed, "companies": companies, "subscriptions": subscriptions, "usage": usage}
    with only_server(state, f"http://127.0.0.1:{port}") if state else nullcontext():
        world = _world(state, {k: v for k, v in sizes.items() if v is not None}, day.date() if day else None)
        if mappings is not None:
            world.write_mappings(mappings)
        serve(world, port, state, _silent if quiet else click.echo, rate_limits=rate_limits)


def _silent(text: str) -> None:
    pass


def _world(state: Path | None, sizes: dict[str, int], day: date | None) -> World:
    from pax8_pipeline.sandbox.world.world import DEMO_TODAY, World

    if state is not None and state.exists():
        if sizes or day:
            raise ConfigError(f"{state} contains a world already; remove it, or leave out sizes, seed and date")
        return load_world(state)
    if "subscriptions" in sizes or "usage" in sizes:
        return World(
            sizes.get("seed", 1),
            day or DEMO_TODAY,
            companies=sizes.get("companies", 60),
            subscriptions=sizes.get("subscriptions"),
            usage=sizes.get("usage"),
        )
    try:
        return World.demo(day, **sizes)
    except ValueError as error:  # too few companies for the events of the demo's day
        number = sizes.get("companies", "the default")
        raise ConfigError(
            f"--companies: {number} are too few for the demo's day ({error}); give more, or leave the option out"
        ) from error
