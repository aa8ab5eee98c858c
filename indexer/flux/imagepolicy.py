"""Lines that image automation writes: a setter in a comment names the ImagePolicy whose result goes there.

What it says becomes a contribution of role ``values``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from indexer.deferred import regex, replace
from indexer.flux.model import RenderedObject, Unit
from indexer.git.tree import Tree, TreeError
from indexer.manifest.comment import comments
from indexer.manifest.history import Contribution
from indexer.manifest.node import Role, Scalar, leaves, pointer

_MARK: Final = b"$imagepolicy"
_SETTER: Final = regex(r"#\s*(\{.*\})")


class Markers:
    """The markers in the files of ``tree``, the repository that is indexed."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._markers: dict[str, dict[int, str]] = {}
        self.asked: set[str] = set()
        """The files that were looked at."""

    def on(self, unit: Unit) -> Unit:
        """The unit whose objects know what writes their lines."""
        objects = tuple(map(self.noted, unit.objects))
        same = all(new is old for new, old in zip(objects, unit.objects, strict=True))
        return unit if same else replace(unit, objects=objects)

    def noted(self, obj: RenderedObject) -> RenderedObject:
        if obj.tree is None:
            return obj
        made = tuple(self._written(obj))
        return replace(obj, contributions=(*obj.contributions, *made)) if made else obj

    def _written(self, obj: RenderedObject) -> Iterator[Contribution]:
        spans = [one.span for one in obj.contributions] + ([obj.definition] if obj.definition is not None else [])
        files = {span.source.file for span in spans if span.source.repository is None}
        if obj.tree is None or not any(map(self.of, files)):
            return
        for path, leaf in leaves(obj.tree):
            span = leaf.span
            if span is None or span.source.repository is not None or not isinstance(leaf, Scalar):
                continue
            policy = self.of(span.source.file).get(span.line)
            if policy is not None:
                yield Contribution(Role.VALUES, f"written by image automation: {policy}", span, (pointer(path),))

    def of(self, file: str) -> dict[int, str]:
        """The policies in the markers of a file, by line."""
        self.asked.add(file)
        if file not in self._markers:
            try:
                data = self._tree.read(file)
            except TreeError:
                data = b""
            found = comments(data) if _MARK in data else {}
            named = {line: policy for line, text in found.items() if (policy := policy_of(text)) is not None}
            self._markers[file] = named
        return self._markers[file]


def policy_of(comment: str) -> str | None:
    """The policy that a setter in a comment names: ``ImagePolicy ns/name``, with the part that it writes."""
    match = _SETTER.search(comment)
    if match is None:
        return None
    try:
        setter = json.loads(match[1])
    except ValueError:
        return None
    value = setter.get("$imagepolicy") if isinstance(setter, dict) else None
    if not isinstance(value, str):
        return None
    namespace, colon, rest = value.partition(":")
    name, _, part = rest.partition(":")
    if not colon or not namespace or not name:
        return None
    return f"ImagePolicy {namespace}/{name}" + (f" ({part})" if part else "")
