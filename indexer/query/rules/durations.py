"""Durations in the objects of Flux that the schemas of their kinds refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from indexer.deferred import regex
from indexer.flux.resources import HELM, KUSTOMIZE, SOURCE, group_of, kind_of
from indexer.kustomize.nodes import find
from indexer.manifest.node import STR, Mapping, Scalar, Span
from indexer.manifest.scalars import is_null, tag_of
from indexer.query.findings import Finding
from indexer.query.rules.catalogue import RULES

if TYPE_CHECKING:
    from indexer.query.rules.view import View

_RULE: Final = RULES["invalid-duration"]
_DURATION: Final = regex(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+")
_UNDER_AN_HOUR: Final = regex(r"([0-9]+(\.[0-9]+)?(ms|s|m))+")
_INTERVAL: Final = ("spec", "interval")
_TIMEOUT: Final = ("spec", "timeout")
_RELEASE: Final = (
    _INTERVAL,
    _TIMEOUT,
    ("spec", "chart", "spec", "interval"),
    *(("spec", action, "timeout") for action in ("install", "upgrade", "test", "rollback", "uninstall")),
    *(("spec", action, "strategy", "retryInterval") for action in ("install", "upgrade")),
)
_FIELDS: Final[dict[tuple[str, str], tuple[tuple[str, ...], ...]]] = {
    (KUSTOMIZE, "Kustomization"): (_INTERVAL, ("spec", "retryInterval"), _TIMEOUT),
    (HELM, "HelmRelease"): _RELEASE,
    (SOURCE, "HelmChart"): (_INTERVAL,),
    **{
        (SOURCE, kind): (_INTERVAL, _TIMEOUT) for kind in ("GitRepository", "OCIRepository", "HelmRepository", "Bucket")
    },
}


@dataclass(frozen=True, slots=True)
class BadDuration:
    """A field whose text the API server does not take for a duration."""

    field: str
    """``spec.interval``."""
    text: str
    expected: str
    """What to write, in words."""
    span: Span | None


def bad_durations(root: Mapping) -> Iterator[BadDuration]:
    """The refused durations of an object; those with a variable that is left in them are not judged."""
    key = group_of(root), kind_of(root)
    for path in _FIELDS.get(key, ()):
        node = find(root, *path)
        if not isinstance(node, Scalar) or is_null(node) or "$" in node.text:
            continue
        is_short = key[0] == SOURCE and path == _TIMEOUT
        if tag_of(node) != STR or not (_UNDER_AN_HOUR if is_short else _DURATION).fullmatch(node.text):
            expected = (
                "numbers with m, s or ms, such as 1m30s" if is_short else "numbers with h, m, s or ms, such as 1h30m"
            )
            yield BadDuration(".".join(path), node.text, expected, node.span)


def invalid_durations(view: View) -> Iterator[Finding]:
    """Objects that the API server refuses for a duration, and with them all that their unit applies."""
    for unit, facts in view.units:
        for obj in facts.objects:
            for bad in obj.bad_durations:
                one = obj.id
                message = (
                    f'{bad.field} of {one.kind} {one.namespace or ""}/{one.name} is "{bad.text}", which the API server '
                    f"refuses, so that {unit.id.spoken} fails: write {bad.expected}"
                )
                related = (obj.definition,) if obj.definition is not None else ()
                yield Finding(
                    _RULE.name, _RULE.severity, message, one, bad.span or obj.definition, related, view.name, unit.id
                )
