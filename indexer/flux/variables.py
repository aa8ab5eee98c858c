"""The variables of a unit: ``postBuild.substituteFrom`` in its order, then ``postBuild.substitute`` over them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Table
from functools import lru_cache
from typing import Final

from indexer.deferred import NamedTuple
from indexer.flux.config import ClusterConfig
from indexer.flux.model import Substitution, UnitId
from indexer.flux.postbuild import Variable, Variables
from indexer.flux.resources import KustomizationSpec, ReferenceSpec, kind_of, name_of, namespace_of
from indexer.flux.sops import is_encrypted
from indexer.manifest.node import Mapping, Scalar, Span, pointer

FindObject = Callable[[ReferenceSpec], Mapping | None]
"""The object in the cluster that a reference means, as far as it is known here."""

_ENCRYPTED: Final = "encrypted with SOPS, its values are not read"


class Loaded(NamedTuple):
    """The variables of a unit, and the references that led nowhere."""

    variables: Variables
    missing: tuple[ReferenceSpec, ...] = ()
    """Required objects that are not known here."""
    optional: tuple[ReferenceSpec, ...] = ()


def load(spec: KustomizationSpec, cluster: ClusterConfig, find: FindObject, *, strict: bool) -> Loaded | None:
    """The variables as far as they are known; None where the unit substitutes nothing at all."""
    if not spec.substitutes and not cluster.substitute:
        return None
    values: dict[str, Variable] = {}
    missing: list[ReferenceSpec] = []
    optional: list[ReferenceSpec] = []
    for entry in spec.substitute_from:
        found = find(entry.reference)
        if found is None:
            (optional if entry.optional else missing).append(entry.reference)
        else:
            values.update(values_of(found))
    for name, value in cluster.substitute.items():
        values[name] = Variable(_one_line(value), "substitute of this cluster's configuration", None)
    if spec.substitute is not None:
        for key, node in spec.substitute.items():
            text = node.text if isinstance(node, Scalar) else ""
            values[key.text] = Variable(_one_line(text), "inline", key.span if node.span is None else node.span)
    absent = [*missing, *optional]
    post_build = spec.at("postBuild")
    variables = Variables(
        values,
        unknown=f"{', '.join(map(str, absent))} is not in this repository" if absent else None,
        optional=not missing,
        strict=strict,
        always=spec.always,
        entry=post_build.span if post_build is not None else None,
    )
    return Loaded(variables, tuple(missing), tuple(optional))


Carried = Table[str, tuple[Substitution, ...]]
"""What units put into the objects that supply variables which they deploy, by kind, namespace and name."""


def relevant(carried: Carried, unit: UnitId, variables: Iterable[Variable]) -> Carried:
    """The part of ``carried`` that has to do with some variables of a unit."""
    suppliers = {_supplier(one.supplied_by, unit) for one in variables} if carried else ()
    return {supplier: carried[supplier] for supplier in sorted(suppliers) if supplier in carried}


def _supplier(supplied_by: str, unit: UnitId) -> str:
    """The object that holds a variable's value."""
    return unit.spoken if supplied_by == "inline" else supplied_by.rpartition(" ")[0]


def with_upstream(own: tuple[Substitution, ...], unit: UnitId, carried: Carried) -> tuple[Substitution, ...]:
    """The substitutions of an object, and those that had filled in the values of their variables.

    A unit above expands the ConfigMaps and Kustomizations that it deploys. A value that is made of a secret is one.
    """
    result: list[Substitution] = []
    for one in own:
        inline = one.supplied_by == "inline"
        field = pointer(("spec", "postBuild", "substitute", one.variable) if inline else ("data", one.variable))
        above = [filled for filled in carried.get(_supplier(one.supplied_by, unit), ()) if field in filled.fields]
        result.append(one._replace(redacted=one.redacted or any(filled.redacted for filled in above)))
        result += [filled._replace(fields=one.fields) for filled in above]
    return tuple(result)


def how_to_supply(reference: ReferenceSpec) -> str:
    """What a person can do about an object that is not known here."""
    return (
        f"{reference} of postBuild.substituteFrom is not rendered from this repository: put a manifest of it into a "
        "file and name that under `objects` of the [[cluster]] in .fluxidx.toml"
    )


def _one_line(text: str) -> str:
    return text.replace("\n", "")


@lru_cache(maxsize=64)
def values_of(root: Mapping) -> Table[str, Variable]:
    """The variables in a ConfigMap or Secret; values that must not or cannot be read are None."""
    # Kept by the object itself: many units take their variables from the same few.
    secret = kind_of(root) == "Secret"
    supplier = f"{kind_of(root)} {namespace_of(root)}/{name_of(root)}"
    encrypted = is_encrypted(root)
    values: dict[str, Variable] = {}
    for field in ("data", "stringData") if secret else ("data",):
        data = root.get(field)
        if not isinstance(data, Mapping):
            continue
        for key, node in data.items():
            text: str | None = node.text if isinstance(node, Scalar) else ""
            assert text is not None
            if encrypted and (secret or text.startswith("ENC[")):
                text = None
            elif secret and field == "data":
                text = _decoded(text)
            span = _line_of(key, node)
            by = f"{supplier} {key.text}" + (f" ({_ENCRYPTED})" if text is None else "")
            values[key.text] = Variable(
                None if text is None else _one_line(text), by, span, redacted=secret or encrypted
            )
    return values


def _line_of(key: Scalar, node: object) -> Span | None:
    """The place a person would edit: the value's own."""
    span = node.span if isinstance(node, Scalar) else None
    return span if span is not None else key.span


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
