"""Starts Dagster's UI and daemon as `dagster dev` does, with a guard in front of the web server.

The guard is between the network and Dagster's web server, which runs mutations by GET and checks neither Host nor
Origin. Which requests are allowed is in `web_guard`; which processes run beside it is in `commands.playground.dev`.

    python -m pax8_pipeline.orchestration.ui_server dev -w workspace.yaml -h 127.0.0.1 -p 3000

`dagster dev` starts the web server as a separate process. Here that process is this module again, as `webserver`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pax8_pipeline.orchestration.dagster_patches import change_served_app, change_started_commands
from pax8_pipeline.settings import load_settings
from pax8_pipeline.text.private_files import restrict_new_files
from pax8_pipeline.web_guard import Guarded, WebRules

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound
_WEBSERVER, _DAEMON = ["-m", "dagster_webserver"], ["-m", "dagster._daemon"]


def main(arguments: Sequence[str]) -> None:
    """Run `dagster dev`, or the web server that it starts."""
    restrict_new_files()
    part, *rest = arguments
    if part == "webserver":
        _serve(rest)
    else:
        _dagster([part, *rest])


def _dagster(arguments: Sequence[str]) -> None:
    """Run Dagster's own command line, with our web server in place of its own."""
    from dagster import _cli

    change_started_commands(guarded_command)
    sys.argv = ["dagster", *arguments]
    _cli.cli(auto_envvar_prefix=_cli.ENV_PREFIX)


def guarded_command(command: Sequence[str]) -> list[str]:
    """Return the command of a process that `dagster dev` starts, with our web server in place of Dagster's.

    Raises RuntimeError for an unknown process: it could be a web server without the guard.
    """
    python, *rest = command
    if rest[:2] == _WEBSERVER:
        return [python, "-m", "pax8_pipeline.orchestration.ui_server", "webserver", *rest[2:]]
    if rest[:2] == _DAEMON:
        return list(command)
    raise RuntimeError(f"this Dagster starts a process that is not known here: {' '.join(rest[:2])}")


def rules(host: str, allowed: Sequence[str]) -> WebRules:
    """Return the rules of the UI when it listens on `host`. A chosen address is allowed as a host name too."""
    named = [] if host in _ANY_ADDRESS else [host.lower()]
    return WebRules(hosts=frozenset([*named, *allowed]), post_only=("/graphql",))


def _serve(arguments: Sequence[str]) -> None:
    """Run Dagster's web server. The application that it gives to uvicorn runs behind the guard."""
    from dagster_webserver import cli

    place = list(arguments).index("--host") + 1 if "--host" in arguments else 0
    host = arguments[place] if place else "127.0.0.1"
    allowed = rules(host, load_settings().policy.ui.allowed_hosts)
    change_served_app(lambda app: Guarded(app, allowed))
    sys.argv = ["dagster-webserver", *arguments]
    cli.cli(auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    main(sys.argv[1:])
