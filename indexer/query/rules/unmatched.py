"""Entries of kustomizations that select nothing: patches, images, replacements."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from indexer.deferred import regex
from indexer.flux.model import Unit
from indexer.git.tree import Tree, TreeError
from indexer.manifest.node import Span
from indexer.query.findings import Finding
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.view import View, is_unknown

_RULES: Final = {"images entry": "unmatched-image", "replacement": "unmatched-replacement"}
_PATCH: Final = "unmatched-patch"


def unmatched(tree: Tree, views: Iterable[View]) -> Iterator[Finding]:
    """Entries without effect in every unit that has them: a component's patch may be meant for some of its users."""
    without_effect: Counter[Span] = Counter()
    first: dict[Span, Finding] = {}
    having: Counter[Span] = Counter()
    in_file: Counter[str] = Counter()
    for view in views:
        for unit, _ in view.units:
            if is_unknown(unit):
                continue
            own = view.kustomizations.get(unit.id)
            having.update(own.entries if own is not None else ())
            in_file.update(list(unit.inputs.read))
            for span, (operation, reason) in _of(unit).items():
                rule = RULES[_RULES.get(operation, _PATCH)]
                message = f"This {operation} has no effect: {reason}: correct it or take it out"
                without_effect[span] += 1
                first.setdefault(span, Finding(rule.name, rule.severity, message, None, span, (), view.name, unit.id))
    for span, finding in first.items():
        everywhere = without_effect[span] >= (having[span] or in_file[span.source.file])
        if everywhere and not _waits_for_bootstrap(tree, span.source.file):
            yield finding


def _waits_for_bootstrap(tree: Tree, file: str) -> bool:
    """Whether a file lies beside the placeholder into which ``flux bootstrap`` will write what it is for."""
    try:
        return _KIND.search(tree.read(posixpath.join(posixpath.dirname(file), _COMPONENTS))) is None
    except TreeError:
        return False


_COMPONENTS: Final = "gotk-components.yaml"
_KIND: Final = regex(rb"^kind:", re.MULTILINE)


def _of(unit: Unit) -> dict[Span, tuple[str, str]]:
    return {
        one.span: ("images entry" if one.operation == "images" else one.operation, one.reason)
        for one in unit.unmatched
        if one.span is not None and one.span.source.repository is None
    }
