"""The inputs of a ResourceSet, combined as flux-operator combines them (section 8.3 of the Flux rules)."""

from __future__ import annotations

import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterable
from typing import Any, Final

from indexer.flux.govalues import Origin, Unknowable, Value
from indexer.flux.model import UnitState
from indexer.flux.resources import RECONCILE, ReferenceSpec, is_disabled, items_of, name_of, namespace_of, truth
from indexer.kustomize.nodes import find, string, string_map, text_at
from indexer.manifest.node import Mapping, Node, Scalar, Span
from indexer.manifest.scalars import to_data

_MAX_PERMUTATIONS: Final = 10_000
_PROVIDER: Final = "ResourceSetInputProvider"


class InputsError(Exception):
    """Inputs that cannot be had: ``state`` tells whether the operator fails as well."""

    def __init__(self, message: str, span: Span | None, state: UnitState = UnitState.FAILED) -> None:
        super().__init__(message)
        self.span = span
        self.state = state


class MissingProvider(InputsError):
    """A provider that is not known yet."""


def input_sets(root: Mapping, providers: Iterable[Mapping]) -> list[Value] | None:
    """The input sets for which a ResourceSet's templates are rendered; None: render them once, without inputs.

    Raises InputsError; MissingProvider where ``inputsFrom`` names a provider that is not among ``providers``.
    """
    spec = root.get("spec")
    own = [_with_provider(item, root, "ResourceSet") for item in items_of(find(spec, "inputs"))]
    groups = [(name_of(root), [value for value in own if value is not None])]
    references = items_of(find(spec, "inputsFrom"))
    groups += [(name_of(one), [_exported(one)]) for one in _chosen(references, root, list(providers))]
    strategy = find(spec, "inputStrategy")
    name = text_at(strategy, "name") or "Flatten"
    if name == "Flatten":
        combined = [value for _, values in groups for value in values]
    elif name == "Permute":
        combined = _permuted(groups, spec, with_empty=truth(strategy, "includeEmptyProviders"))
    else:
        raise InputsError(f"unknown input strategy: '{name}': use Flatten or Permute", _span(strategy))
    return combined if combined or references else None


def _span(node: Node | None) -> Span | None:
    return node.span if node is not None else None


def _chosen(references: list[Node], root: Mapping, providers: list[Mapping]) -> list[Mapping]:
    """The providers that ``inputsFrom`` names or selects, by name."""
    here = {name_of(one): one for one in providers if namespace_of(one) == namespace_of(root)}
    chosen: dict[str, Mapping] = {}
    for reference in references:
        name, selector = text_at(reference, "name"), find(reference, "selector")
        if name:
            if name not in here:
                missing = ReferenceSpec(_PROVIDER, namespace_of(root), name, reference)
                raise MissingProvider(
                    f"{missing} of spec.inputsFrom is not rendered from this repository: correct the name, or put a "
                    "manifest of it into a file and name that under `objects` of the [[cluster]] in .fluxidx.toml",
                    reference.span,
                    UnitState.UNRESOLVED,
                )
            chosen[name] = here[name]
        elif selector is not None:
            chosen |= {key: one for key, one in here.items() if _selects(selector, one)}
        else:
            raise InputsError("input provider reference must have either name or selector set", reference.span)
    return [chosen[name] for name in sorted(chosen)]


def _selects(selector: Node, provider: Mapping) -> bool:
    labels = string_map(find(provider, "metadata", "labels"))
    if any(labels.get(key) != value for key, value in string_map(find(selector, "matchLabels")).items()):
        return False
    return all(_fits(condition, labels) for condition in items_of(find(selector, "matchExpressions")))


def _fits(condition: Node, labels: dict[str, str]) -> bool:
    value = labels.get(text_at(condition, "key"))
    values = [text_at(item) for item in items_of(find(condition, "values"))]
    match text_at(condition, "operator"):
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise InputsError("the selector has an unknown operator: use In, NotIn, Exists or DoesNotExist", condition.span)


def _exported(provider: Mapping) -> Value:
    """The one input set of a Static provider."""
    kind = find(provider, "spec", "type")
    if text_at(kind) != "Static":
        raise InputsError(
            f"the inputs of {_PROVIDER} {namespace_of(provider)}/{name_of(provider)} come from {text_at(kind)}, which "
            "only the cluster can ask: put their values into spec.inputs, or a Static provider, to have them here",
            _span(kind) or provider.span,
            UnitState.UNRESOLVED,
        )
    if is_disabled(provider):
        raise InputsError(
            f"{_PROVIDER} {namespace_of(provider)}/{name_of(provider)} is not reconciled, so only the cluster knows "
            f"what it exported last: take away its annotation {RECONCILE}",
            provider.span,
            UnitState.UNRESOLVED,
        )
    found = find(provider, "spec", "defaultValues")
    values = found if isinstance(found, Mapping) else Mapping({}, source=provider.source, pos=provider.pos)
    value = _with_provider(values, provider, _PROVIDER)
    assert value is not None
    value.data["id"] = Unknowable("inputs.id of a Static provider is made of its UID, which only the cluster knows")
    return value


def _with_provider(node: Node, owner: Mapping, kind: str) -> Value | None:
    """An input set with the ``provider`` that it comes from."""
    if not isinstance(node, Mapping):
        return None
    metadata = owner.get("metadata") or owner
    fields: dict[str, Node] = {
        "apiVersion": owner.get("apiVersion") or owner,
        "kind": string(kind, owner.get("kind")),
        "name": find(metadata, "name") or metadata,
        "namespace": find(metadata, "namespace") or string("", metadata),
    }
    provider = Mapping(
        {key: (Scalar(key), value) for key, value in fields.items()}, source=metadata.source, pos=metadata.pos
    )
    whole = node.with_field(string("provider", metadata), provider)
    data: dict[str, Any] = to_data(whole)
    return Value(data, (Origin("", whole),), whole)


def _permuted(groups: list[tuple[str, list[Value]]], spec: Node | None, *, with_empty: bool) -> list[Value]:
    """Every choice of one input set from each provider, under the providers' names."""
    groups = [(name, values) for name, values in groups if values or with_empty]
    count = 1
    for name, values in groups:
        count *= len(values)
        if count > _MAX_PERMUTATIONS:
            raise InputsError(
                f"adding provider '{name}' with {len(values)} inputs would exceed the maximum allowed permutations "
                f"({_MAX_PERMUTATIONS}): reduce the inputs",
                _span(find(spec, "inputStrategy")),
            )
        if not normalised_key(name):
            raise InputsError(f"normalized provider name is empty: '{name}'", _span(find(spec, "inputsFrom")))
    if not groups:
        return []
    keys = [normalised_key(name) for name, _ in groups]
    return [_permutation(keys, list(choice)) for choice in itertools.product(*(enumerate(v) for _, v in groups))]


def _permutation(keys: list[str], choice: list[tuple[int, Value]]) -> Value:
    fields: dict[str, tuple[Scalar, Node]] = {}
    data: dict[str, Any] = {}
    for key, (_, value) in zip(keys, choice, strict=True):
        assert value.node is not None
        fields[key] = (Scalar(key), value.node)
        data[key] = value.data
    parts = "/".join(f"{key}={index}" for key, (index, _) in zip(keys, choice, strict=True))
    data["id"] = str(zlib.adler32(parts.encode()))
    first = choice[0][1].node
    assert first is not None
    fields["id"] = (Scalar("id"), string(data["id"], first))
    node = Mapping(fields, source=first.source, pos=first.pos)
    return Value(data, (Origin("", node),), node)


def normalised_key(name: str) -> str:
    """A provider's name as a key of templates."""
    made = ""
    for character in name.lower():
        if character.isspace() or unicodedata.category(character).startswith("P"):
            made += "_"
        elif re.fullmatch("[a-z0-9]", character):
            made += character
    return "_".join(word for word in made.split("_") if word)
