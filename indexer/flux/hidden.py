"""Texts that came from Secrets through ``postBuild`` and that nothing made of the object may show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from indexer.flux.model import Substitution
from indexer.flux.resources import ReferenceSpec
from indexer.flux.variables import values_of
from indexer.manifest.node import BOOL, NULL, Mapping, Scalar, leaves, pointer
from indexer.manifest.scalars import tag_of

FindObject = Callable[[ReferenceSpec], Mapping | None]

_FROM_SECRET: Final = "Secret "  # noqa: S105  # a kind


def secret_texts(
    root: Mapping, substitutions: Iterable[Substitution], find_object: FindObject, below: str = ""
) -> frozenset[str]:
    """The texts at and below the JSON pointer ``below`` into which a Secret's value was put, and those values."""
    redacted = [
        one
        for one in substitutions
        if one.redacted and any(where == below or where.startswith(f"{below}/") for where in one.fields)
    ]
    fields = {where for one in redacted for where in one.fields}
    texts = {_text(leaf) for path, leaf in leaves(root) if pointer(path) in fields}
    for one in redacted:
        if one.supplied_by.startswith(_FROM_SECRET):
            texts.add(_value(one.supplied_by, find_object, root))
    return frozenset(filter(None, texts))


def _text(leaf: object) -> str:
    """What must be hidden; that something is true or empty is no secret."""
    return leaf.text if isinstance(leaf, Scalar) and tag_of(leaf) not in (BOOL, NULL) else ""


def _value(supplied_by: str, find_object: FindObject, asked_by: Mapping) -> str:
    named, _, key = supplied_by.removeprefix(_FROM_SECRET).partition(" ")
    namespace, _, name = named.partition("/")
    found = find_object(ReferenceSpec("Secret", namespace, name, asked_by))
    variable = values_of(found).get(key) if found is not None else None
    return variable.value or "" if variable is not None else ""
