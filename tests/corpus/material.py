"""Where the corpus is, and what is in it."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(os.environ.get("FLUXIDX_SHARED", Path(__file__).parents[3] / "shared"))
NAMES = sorted(path.parent.name for path in SHARED.glob("corpus/*/.corpus.json"))
