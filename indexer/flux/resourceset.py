"""A ResourceSet of flux-operator expanded into its objects (section 8.3 of the Flux rules)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indexer.deferred import NamedTuple, replace
from indexer.flux.copied import FindObject, fill
from indexer.flux.gotemplate import TemplateError, Unsupported, execute
from indexer.flux.govalues import Value
from indexer.flux.inputs import input_sets
from indexer.flux.kustomization import UnitFailure, reason_at
from indexer.flux.model import RenderedObject, Substitution, UnitState
from indexer.flux.objects import Applied, Digests, RefusedObject, applied, rendered
from indexer.flux.postbuild import Expanded
from indexer.flux.resources import group_of, is_disabled, items_of, kind_of, name_of, namespace_of, read_kustomization
from indexer.flux.scope import Kind
from indexer.flux.templated import EmbeddedTemplate, Made, ObjectTemplate, Template, locate, made_of, variables_in
from indexer.flux.variables import Carried
from indexer.kustomize.nodes import find, text_at
from indexer.kustomize.resource import Resource
from indexer.manifest.errors import ManifestError
from indexer.manifest.history import Contribution
from indexer.manifest.node import Mapping, Node, Role, Scalar, Span, leaves, pointer


class SetObject(NamedTuple):
    """An object of a ResourceSet."""

    applied: Applied
    values: tuple[Contribution, ...]

    @property
    def root(self) -> Mapping:
        return self.applied.root

    @property
    def definition(self) -> Span | None:
        return self.applied.resource.definition


class ExpandedSet(NamedTuple):
    """What a ResourceSet makes, and what is not known of it (None: all is)."""

    objects: tuple[SetObject, ...]
    unknown: str | None = None
    waits: bool = False
    """Whether another unit may still bring what is not known."""


_Key = tuple[str, str, str, str]


def expand(root: Mapping, providers: Iterable[Mapping], substitutions: tuple[Substitution, ...] = ()) -> ExpandedSet:
    """The objects of a ResourceSet. ``substitutions`` are those of ``postBuild`` in the ResourceSet itself.

    Raises UnitFailure; inputs.InputsError where the inputs cannot be had.
    """
    spec = find(root, "spec")
    steps = items_of(find(spec, "steps"))
    if steps and (items_of(find(spec, "resources")) or text_at(spec, "resourcesTemplate")):
        raise UnitFailure(
            reason_at(_span(find(spec, "steps")), "spec.steps excludes spec.resources and spec.resourcesTemplate")
        )
    inputs = input_sets(root, providers)
    made: list[Made] = []
    taken: dict[_Key, str] = {}
    # Providers that give nothing leave an empty set, and templates without any inputs are rendered once.
    for step in (steps or [spec]) if spec is not None and inputs != [] else []:
        name = text_at(step, "name") if steps else ""
        if steps and not items_of(find(step, "resources")) and not text_at(step, "resourcesTemplate"):
            raise UnitFailure(reason_at(step.span, f'step "{name}": give it resources or a resourcesTemplate'))
        for one in _of_step(step, inputs):
            key = _key(one.root)
            before = taken.setdefault(key, name)
            if before != name:
                what = f"{key[1]} {key[3]} of step {name} is made by step {before} already: give it another name"
                raise UnitFailure(reason_at(one.definition, what))
            made.append(one)
    supplied = _Supplied(root, substitutions)
    objects = tuple(found for one in made for found in _objects(one, root, supplied))
    return ExpandedSet(objects)


def with_copies(made: ExpandedSet, find_object: FindObject, carried: Carried) -> ExpandedSet:
    """The set with what its objects take from others; ``carried`` is what ``postBuild`` filled in those.

    Raises UnitFailure.
    """
    filled = fill([one.root for one in made.objects], find_object)
    objects = tuple(
        one._replace(applied=_with_copied(one.applied, final, carried.get(filled.sources.get(index, ""), ())))
        for index, (one, final) in enumerate(zip(made.objects, filled.roots, strict=True))
    )
    return ExpandedSet(objects, "; ".join(filled.unknown) or None, filled.waits)


def _with_copied(made: Applied, root: Mapping, substitutions: tuple[Substitution, ...]) -> Applied:
    """The object with what was copied into it, variables included."""
    data = tuple(
        one for one in substitutions if any(where.startswith(("/data/", "/binaryData/")) for where in one.fields)
    )
    return made._replace(root=root, substitutions=(*made.substitutions, *data))


def _span(node: Node | None) -> Span | None:
    return node.span if node is not None else None


def _key(root: Mapping) -> _Key:
    return group_of(root), kind_of(root), namespace_of(root), name_of(root)


def _of_step(step: Node, inputs: list[Value] | None) -> Iterator[Made]:
    """The objects of ``resources``, then those of ``resourcesTemplate``; of two with one identity the first."""
    seen: set[_Key] = set()
    for item in items_of(find(step, "resources")):
        if not isinstance(item, Mapping):
            raise UnitFailure(reason_at(item.span, "an item of resources is no object: correct it"))
        for one in _render(ObjectTemplate(item), inputs, single=True):
            if inputs is not None and (is_disabled(one.root) or _key(one.root) in seen):
                continue
            seen.add(_key(one.root))
            yield one
    text = find(step, "resourcesTemplate")
    if isinstance(text, Scalar) and text.text:
        for one in _render(EmbeddedTemplate(text), inputs, single=False):
            if not is_disabled(one.root) and _key(one.root) not in seen:
                seen.add(_key(one.root))
                yield one


def _render(template: Template, inputs: list[Value] | None, *, single: bool) -> Iterator[Made]:
    for values in inputs if inputs is not None else [Value({})]:
        try:
            output = execute(template.text, values)
        except TemplateError as error:
            raise UnitFailure(reason_at(template.span(error.offset), f"the template fails: {error}")) from None
        except Unsupported as error:
            span = template.span(error.offset)
            raise UnitFailure(reason_at(span, str(error)), UnitState.UNRESOLVED) from None
        try:
            yield from made_of(template, output, single=single)
        except ManifestError as error:
            span = locate(template, output, error.line, error.column)
            raise UnitFailure(reason_at(span, f"the template makes no YAML: {error.problem}")) from None


def _objects(made: Made, root: Mapping, supplied: _Supplied) -> Iterator[SetObject]:
    if not kind_of(made.root) or not text_at(made.root, "apiVersion"):
        if not name_of(made.root):
            return
        raise UnitFailure(reason_at(made.definition, "what the template makes has no apiVersion or kind: add it"))
    resource = Resource(made.root, made.definition, generated=True)
    try:
        found = applied([(resource, Expanded(made.root, supplied.of(made)))], read_kustomization(root))
    except RefusedObject as error:
        raise UnitFailure(reason_at(error.span, str(error))) from None
    for one in found:
        yield SetObject(one, made.values)


def finished(one: SetObject, crds: dict[Kind, bool], digests: Digests) -> RenderedObject:
    """The object as the index holds it."""
    made = rendered(one.applied, crds, digests)
    contributions: dict[tuple[Role, str, Span, bool], Contribution] = {}
    for part in (*made.contributions, *one.values):
        key = (part.role, part.operation, part.span, part.overridden)
        known = contributions.get(key)
        contributions[key] = part if known is None else part._replace(fields=(*known.fields, *part.fields))
    return replace(made, contributions=tuple(contributions.values()))


class _Supplied:
    """The variables of ``postBuild`` that came into an object through the ResourceSet that makes it."""

    def __init__(self, root: Mapping, substitutions: tuple[Substitution, ...]) -> None:
        self.by_field: dict[str, list[Substitution]] = {}
        for one in substitutions:
            for where in one.fields:
                self.by_field.setdefault(where, []).append(one)
        self.fields = {id(leaf): pointer(path) for path, leaf in leaves(root)} if substitutions else {}

    def of(self, made: Made) -> tuple[Substitution, ...]:
        found: dict[tuple[str, str], tuple[Substitution, list[str]]] = {}
        for where in made.lines if self.fields else ():
            for one in self._in(made, where):
                fields = found.setdefault((one.variable, one.supplied_by), (one, []))[1]
                if where not in fields:
                    fields.append(where)
        return tuple(one._replace(fields=tuple(fields)) for one, fields in found.values())

    def _in(self, made: Made, where: str) -> Iterator[Substitution]:
        for node in made.inputs.get(where, ()):
            yield from self.by_field.get(self.fields.get(id(node), ""), ())
        for node, line in made.lines[where]:
            here = self.by_field.get(self.fields.get(id(node), ""), ())
            names = variables_in(node, line) if here else frozenset()
            yield from (one for one in here if one.variable in names)
