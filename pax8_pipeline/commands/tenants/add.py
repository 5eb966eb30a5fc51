"""`pax8-pipeline tenants add`: makes the folder of a new tenant. What is there already stays as it is."""

from __future__ import annotations

import os

import click

from pax8_pipeline.commands.common import console, print_wrapped, shown_path
from pax8_pipeline.commands.init import files
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings.tenant_folder import ENV_FILE, check_name, tenants_root


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline tenants add acme\n"
    "  pax8-pipeline --tenant acme init      asks for its credentials\n"
    "  pax8-pipeline --tenant acme run       a dry run"
)
@click.argument("name")
@click.option("--timezone", metavar="ZONE", default="UTC", show_default=True, help="Whose midnight ends a day.")
def add(name: str, timezone: str) -> None:
    """Make the folder of tenant NAME: an empty .env, a policy that only observes, empty mapping files."""
    folder = tenants_root(os.environ) / check_name(name)
    if folder.is_symlink():
        raise ConfigError(f"{folder} is a link; a tenant needs a folder of its own")
    written = files.write_data_folder(folder, timezone)
    folder.chmod(0o700)
    path = folder / ENV_FILE
    written.append(files.write_env(path, files.read_env(path), {}))
    out = console()
    for file in written:
        print_wrapped(out, f"{file.change:<10}{shown_path(file.path)}")
    print_wrapped(out, f"\nNext: pax8-pipeline --tenant {name} init")
