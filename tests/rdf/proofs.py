"""How many datasets each randomised proof tries: few in ``make test``, many in ``make prove``."""

from __future__ import annotations

import os

EXAMPLES = 2000 if os.environ.get("MARATHON_PROVE") == "1" else 60
