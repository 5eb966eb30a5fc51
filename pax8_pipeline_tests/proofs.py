"""`make proofs` plays the long tests whole; `make test` plays a part of them that shows the same kinds of things.

A test with the mark `proof` is long and not part of `make test`: what it shows is also shown in small by another test.
One with the mark `whole` asks WHOLE how much to play. `make everything` runs all tests, the long ones whole.
"""

from __future__ import annotations

import os

WHOLE = os.environ.get("PAX8_PROOFS") == "1"
