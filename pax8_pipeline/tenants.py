"""The definitions of each tenant, by the tenant's name: what a code location of workspace.yaml loads.

    - python_module: {module_name: pax8_pipeline.tenants, attribute: acme, location_name: acme}

The name is a part of where a run's code comes from, so that whatever executes the run (a code server, a container, a
Celery worker) loads the same tenant again. The first name that is asked for selects the tenant of the process; another
one is refused.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pax8_pipeline.settings.tenant_folder import SELECTED, tenant_folder

if TYPE_CHECKING:
    import dagster as dg


def __getattr__(name: str) -> dg.Definitions:
    """Return the definitions of tenant `name`. Raises ConfigError when there is none, or the process serves another."""
    if name.startswith("_"):
        raise AttributeError(name)
    tenant_folder(os.environ, name)
    os.environ.setdefault(SELECTED, name)

    from pax8_pipeline.orchestration import tenancy  # reads the selected tenant, once

    tenancy.require(name)
    from pax8_pipeline.definitions import defs

    return defs
