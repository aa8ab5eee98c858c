"""Objects that two units apply."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.flux.model import Unit
from indexer.query.findings import Finding, Severity
from indexer.query.rules.facts import ObjectFacts
from indexer.query.rules.view import View


def duplicates(view: View) -> Iterator[Finding]:
    """Objects of two owners. Alike, they do no harm until one owner goes and prunes what the other one wants."""
    for found in view.objects.values():
        owners = [(unit, obj) for unit, obj in found if obj.applied]
        if len({unit.id for unit, _ in owners}) > 1:
            yield _duplicate(view, owners)


def _duplicate(view: View, owners: list[tuple[Unit, ObjectFacts]]) -> Finding:
    (unit, obj), *others = owners
    digests = {one.digest for owner, facts in owners for one in owner.objects if one.id.key == facts.id.key}
    named = ", ".join(owner.id.spoken for owner, _ in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    by = f"{obj.id.spoken} is applied by {unit.id.spoken} and by {named}{more}"
    if len(digests) > 1:
        severity, why = Severity.ERROR, "not with the same content, so they overwrite each other for ever"
    elif not any(view.prunes(owner.id) and not one.kept_by for owner, one in owners):
        severity, why = Severity.NOTE, "with the same content, and none of them prunes it"
    else:
        severity, why = (
            Severity.WARNING,
            "with the same content: when one of them stops, it deletes what the other needs",
        )
    return Finding(
        "duplicate-object",
        severity,
        f"{by}, {why}: keep one",
        obj.id,
        obj.definition,
        tuple(dict.fromkeys(one.definition for _, one in others if one.definition not in (None, obj.definition)))
        or tuple(owner.definition for owner, _ in owners if owner.definition is not None),
        view.name,
        unit.id,
    )
