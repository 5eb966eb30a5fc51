"""`make proofs` plays the long tests whole; `make test` plays a part of them that shows the same kinds of things."""

from __future__ import annotations

import os

WHOLE = os.environ.get("PAX8_PROOFS") == "1"
