"""The value of a field: what a node means, and how a line of text shows that."""

from __future__ import annotations

import json
from typing import Any, Final

from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Node, Scalar
from indexer.manifest.scalars import to_data

LONGEST: Final = 60
"""Characters of a value that are shown, unless all is asked for."""


def meaning(node: Node) -> Any:
    """What a node means; its text where that is nothing."""
    try:
        return to_data(node)
    except ManifestError:
        return node.text if isinstance(node, Scalar) else None


def shown(value: Any, longest: int = LONGEST) -> str:
    """A value as JSON, cut where it is long."""
    return cut(json.dumps(value, ensure_ascii=False), longest)


def spelt(value: Any) -> str:
    """A value as a manifest may spell it: a text of one line as it is, all else as JSON."""
    return value if isinstance(value, str) and value and "\n" not in value else json.dumps(value, ensure_ascii=False)


def cut(text: str, longest: int = LONGEST) -> str:
    """A text that is no longer than that."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
