"""`make proofs` plays the long tests whole; `make test` plays a part of them that shows the same kinds of things.

A test with the mark `proof` runs in `make proofs` only: what it shows is also shown in small by a test of `make test`.
One with the mark `whole` asks WHOLE how much to play. All others run in `make test` only.
"""

from __future__ import annotations

import os

WHOLE = os.environ.get("PAX8_PROOFS") == "1"
