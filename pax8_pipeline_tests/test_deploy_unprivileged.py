"""The product runs as a user without rights, with a read-only root and one writable folder, as in a container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pax8_pipeline_tests.shown_commands import ROOT

# In a mount namespace of its own: the folders in $SHOWN stay reachable for a user without rights, wherever they are; /srv/data
# and /tmp are writable and empty; all else is read-only.
BOX = """
set -e
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/data /srv/shown
for folder in $SHOWN; do
  mkdir -p /srv/shown$folder
  mount --rbind $folder /srv/shown$folder
done
for top in /tmp $(for folder in $SHOWN; do echo /$(echo $folder | cut -d/ -f2); done); do
  case $top$(stat -c %A $top) in /tmp*) mode=1777;; *x) continue;; *) mode=755;; esac
  mount -t tmpfs -o mode=$mode tmpfs $top
  for inner in $SHOWN; do
    case $inner in $top/*) mkdir -p $inner; mount --rbind /srv/shown$inner $inner; mount -o remount,bind,ro $inner;; esac
  done
done
chmod 777 /srv/data
mount -o remount,bind,ro /
cd "$0"
if touch inside 2>/dev/null; then echo "box: the root is writable" >&2; exit 97; fi
exec $AS_NOBODY "$@"
"""
AS_NOBODY = "setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all"


def boxed(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a read-only root and as a user without rights, as the container does."""
    root = os.geteuid() == 0
    shown = {str(ROOT), sys.prefix, str(Path(sys.executable).resolve().parents[1])}
    env = {
        "PATH": os.environ["PATH"], "HOME": "/tmp", "PAX8_PIPELINE_DATA": "/srv/data", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT), "SHOWN": " ".join(sorted(shown)), "AS_NOBODY": AS_NOBODY if root else "",
    }  # fmt: skip
    alone = ["unshare", "--mount", "--propagation", "private", *([] if root else ["--user", "--map-root-user"])]
    box = [*alone, "sh", "-c", BOX, str(ROOT), *command]
    return subprocess.run(box, env=env, capture_output=True, text=True, check=False, timeout=280)


@pytest.fixture
def box() -> None:
    """Skip, with the reason, where no such box can be made."""
    if not all(map(shutil.which, ("unshare", "setpriv"))):
        pytest.skip("needs unshare and setpriv")
    tried = boxed(sys.executable, "-c", "import os; open('/srv/data/x', 'w'); print(os.geteuid())")
    if tried.returncode:
        pytest.skip(f"this machine allows no such box: {tried.stderr.strip()[-300:]}")


CLI = (sys.executable, "-m", "pax8_pipeline.cli")
# Starts the UI with its daemon, waits until it answers, and ends it as systemd and Docker do.
SERVE = """
import subprocess, sys
served = subprocess.Popen([*sys.argv[1:], "dev", "--port", "3987"], stderr=subprocess.PIPE, text=True)
up = any("Dagster is up" in line for line in served.stderr)
served.terminate()
served.stderr.read()
print("up" if up else "never up", served.wait())
"""


@pytest.mark.usefixtures("box")
def test_a_command_works_without_rights_and_with_a_read_only_root() -> None:
    done = boxed(*CLI, "doctor", "--json")
    points = {point["point"]: point for point in json.loads(done.stdout)["findings"]}
    assert points["data folder"] == {"level": "ok", "point": "data folder", "text": "/srv/data", "advice": ""}
    assert points["dagster home"]["text"] == "/srv/data/dagster_home"


@pytest.mark.proof
@pytest.mark.usefixtures("box")
def test_a_run_with_writes_works_without_rights_and_with_a_read_only_root() -> None:
    done = boxed(*CLI, "demo")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr[-3000:]
    assert "The emulated Halo holds exactly the expected state" in " ".join(done.stdout.split())


@pytest.mark.proof
@pytest.mark.usefixtures("box")
def test_web_server_and_daemon_work_without_rights_and_with_a_read_only_root() -> None:
    done = boxed(sys.executable, "-c", SERVE, *CLI)
    assert done.stdout.splitlines()[-1] == "up 0", done.stderr[-3000:]
