"""Generated objects that nothing uses, and values that a patch replaces wherever they are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from indexer.flux.model import UnitId
from indexer.manifest.node import Source, Span
from indexer.query.findings import Finding
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.facts import ObjectFacts
from indexer.query.rules.view import View

_GENERATOR: Final = RULES["unused-generator"]
_OVERRIDDEN: Final = RULES["overridden-value"]
_COMMON: Final = ("app.kubernetes.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "helm.sh/")


def unused_generators(views: Iterable[View]) -> Iterator[Finding]:
    """Generators whose ConfigMap or Secret no other object names, on any cluster."""
    unused: dict[Span, Finding] = {}
    used: set[Span] = set()
    for view in views:
        named = _named(view)
        for unit, facts in view.units:
            for obj in facts.objects:
                if obj.generated and obj.definition is not None and obj.id.kind in ("ConfigMap", "Secret"):
                    if obj.id.name in named or _is_found_by_label(obj) or not _is_judged(view, obj):
                        used.add(obj.definition)
                    unused.setdefault(obj.definition, _unused(view, unit.id, obj))
    yield from (finding for span, finding in unused.items() if span not in used)


def _named(view: View) -> set[str]:
    """The names of generated objects that some other object holds."""
    generated = {obj.id.name for _, facts in view.units for obj in facts.objects if obj.generated}
    named: set[str] = set()
    for _, facts in view.units:
        for one, mentions in facts.mentions.items():
            named |= (generated & mentions) - {one.name}
        rest = generated - named
        named |= {name for name in rest if any(name in text for text in facts.words)}
    return named


def _is_found_by_label(obj: ObjectFacts) -> bool:
    """Whether a label of its own may lead some program to it, as dashboards are found."""
    return any(not mark.startswith(_COMMON) for mark in obj.marks)


def _is_judged(view: View, obj: ObjectFacts) -> bool:
    """Whether its users are known: a chart that is not rendered can name an object only if its name is fixed."""
    has_hash = "-" in obj.id.name and len(obj.id.name.rpartition("-")[2]) == _HASH
    return has_hash or (not view.charts and not view.unknown)


_HASH: Final = 10


def _unused(view: View, unit: UnitId, obj: ObjectFacts) -> Finding:
    message = f"No object uses the generated {obj.id.kind} {obj.id.namespace or ''}/{obj.id.name}: take it out"
    return Finding(_GENERATOR.name, _GENERATOR.severity, message, obj.id, obj.definition, (), view.name, unit)


def overridden_values(views: Iterable[View]) -> Iterator[Finding]:
    """Values of a document that a patch replaces in every object that is made of it."""
    drawn: Counter[Source] = Counter()
    lost: Counter[Span] = Counter()
    by: dict[Span, Span | None] = {}
    for view in views:
        for _, facts in view.units:
            drawn.update(facts.drawn)
            for one, times in facts.lost.items():
                lost[one.span] += times
                by.setdefault(one.span, one.by)
    dead: dict[Source, list[Span]] = {}
    for span, times in lost.items():
        if times >= drawn[span.source] and span.source.repository is None:
            dead.setdefault(span.source, []).append(span)
    for source, spans in dead.items():
        first, *others = sorted(spans)
        message = "This value never reaches a cluster: a patch replaces it"
        if drawn[source] > 1:
            message += f" in each of the {drawn[source]} objects that are made of this document"
        if others:
            message += f"; so it is with line{'s' if len(others) > 1 else ''} "
            message += ", ".join(str(span.line) for span in others)
        patch = by[first]
        related = (*((patch,) if patch is not None else ()), *others)
        yield Finding(_OVERRIDDEN.name, _OVERRIDDEN.severity, message, None, first, related)
