"""How many examples hypothesis tries: few in ``make test``, all in ``make test-slow``.

The slow set runs every property again, with the number that its test names.
"""

from __future__ import annotations

import os


def examples(full: int) -> int:
    """``full`` where the environment variable EXAMPLES says ``all``, else a quarter (two at least)."""
    return full if os.environ.get("EXAMPLES") == "all" else max(2, full // 4)
