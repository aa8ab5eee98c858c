"""``postBuild`` on one object, as the controller does it: to text, expanded, and read again.

Section 4.8 of the Flux rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from indexer.deferred import NamedTuple, dataclass, field
from indexer.flux.goyaml import dump
from indexer.flux.model import Substitution
from indexer.flux.substitute import (
    NAME,
    Expansion,
    Part,
    SubstitutionError,
    UnknownVariable,
    expand,
    expansions,
    is_default,
    parse,
)
from indexer.kustomize.nodes import find, string_map
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.folded import unreadable_literal
from indexer.manifest.node import Mapping, Node, Operation, Role, Scalar, Sequence, Source, Span, Style, pointer
from indexer.manifest.scalars import to_data, to_data_11

if TYPE_CHECKING:
    from indexer.flux.leafwise import Path

SUBSTITUTE: Final = "kustomize.toolkit.fluxcd.io/substitute"
_EXACT: Final = 1 << 53
"""Integers beyond it lose digits on their way through a float64."""
NOT_SET: Final = "not set"
"""The ``supplied_by`` of a variable in whose place nothing is put."""


class Variable(NamedTuple):
    """A variable of ``postBuild``."""

    value: str | None
    """None: it is set, and its value cannot be known here."""
    supplied_by: str
    span: Span | None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Variables:
    """What a unit's objects are expanded with."""

    values: Table[str, Variable] = field(default_factory=dict)
    unknown: str | None = None
    """Why a variable that is not in ``values`` may be set all the same; None: it is certainly not set."""
    optional: bool = False
    """Whether what is unknown may be missing in the cluster too, so that a default is the likelier value."""
    strict: bool = True
    always: bool = False
    entry: Span | None = None
    """The ``postBuild`` field."""


class PostBuildError(Exception):
    """An object that the controller fails to substitute; ``span`` is the text at fault.

    With ``unknown`` variables in it, it may as well succeed: their values could make all the difference.
    """

    def __init__(self, message: str, span: Span | None, unknown: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.span = span
        self.unknown = frozenset(unknown)


class Expanded(NamedTuple):
    """An object after ``postBuild``."""

    root: Mapping
    substitutions: tuple[Substitution, ...] = ()
    unknown: frozenset[str] = frozenset()
    """Variables that were left as they are written."""


def is_opted_out(root: Mapping) -> bool:
    """Whether a label or annotation keeps substitution away from an object; the value's case matters."""
    return any(
        string_map(find(root, "metadata", field)).get(SUBSTITUTE) == "disabled" for field in ("labels", "annotations")
    )


class Template:
    """An object as ``postBuild`` sees it before it knows any variable; each part is made when it is asked for."""

    def __init__(self, root: Mapping) -> None:
        self.root = root

    @cached_property
    def is_opted_out(self) -> bool:
        return is_opted_out(self.root)

    @cached_property
    def data(self) -> Any:
        return to_data(self.root)

    @cached_property
    def found(self) -> _Found:
        """What substitution has an effect on."""
        found = _Found([])
        found.look_at(self.data, ())
        return found

    @property
    def texts(self) -> list[tuple[Path, str]]:
        """Every text and key that holds a ``$``, with its path (that of the value, for a key)."""
        return self.found.texts

    @property
    def is_constant(self) -> bool:
        """Whether it comes back as it is, whatever the variables."""
        return not self.found.texts and not self.found.large_integer

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The object's text. Raises SubstitutionError."""
        return parse(dump(self.data))


def substitute(template: Template, variables: Variables) -> Expanded:
    """The object with its variables expanded. Raises PostBuildError."""
    root = template.root
    if template.is_opted_out or not (
        variables.values or variables.always or (variables.unknown is not None and not variables.optional)
    ):
        return Expanded(root)
    for name in variables.values:
        if not NAME.fullmatch(name):
            raise PostBuildError(
                f"'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$': rename it",
                variables.values[name].span or variables.entry,
            )
    try:
        before = template.data
    except ManifestError as error:
        place = Source(root.source.repository, error.file)
        span = Span(place, error.line, error.column, error.line, error.column)
        raise PostBuildError(error.problem, span) from None
    unreadable = template.found.unreadable
    if unreadable is not None:
        problem = "found a tab character where an indentation space is expected"
        message = f"UnmarshalJSON: yaml: {problem}: let no text of several lines begin with a tab"
        raise PostBuildError(message, _span_at(root, unreadable))
    if template.is_constant:
        return Expanded(root)
    from indexer.flux.graft import Graft
    from indexer.flux.leafwise import leafwise

    texts = template.texts
    lookup = _Lookup(variables)
    after = None if template.found.large_integer else leafwise(before, texts, lookup)
    if after is None:
        after = _whole(template, lookup)
    if not isinstance(after, dict):
        raise PostBuildError("the expanded text is no mapping any more", root.span)
    grafted = Graft(lookup.key, lambda data: _operation(data, variables.entry)).graft(root, before, after)
    assert isinstance(grafted, Mapping)
    return Expanded(grafted, tuple(_substitutions(root, texts, lookup)), frozenset(lookup.left))


def _whole(template: Template, lookup: _Lookup) -> Any:
    """The object's data after its text was expanded. Raises PostBuildError."""
    try:
        expanded = expand(template.parts, lookup)
    except SubstitutionError as error:
        raise PostBuildError(
            f"variable substitution failed: {error}", _locate(template.root, error.expression or "${")
        ) from None
    return _read(expanded, template.root, template.texts, lookup)


class _Lookup:
    """The controller's mapping of names to values, with a note of what it did not know."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.left: set[str] = set()

    def __call__(self, expansion: Expansion) -> str | None:
        variables = self.variables
        variable = variables.values.get(expansion.name)
        if variable is not None and variable.value is not None:
            return variable.value
        may_be_set = variables.unknown is not None and not (variables.optional and is_default(expansion))
        if variable is not None or may_be_set:
            self.left.add(expansion.name)
            raise UnknownVariable(expansion.name)
        return None if variables.strict else ""

    def key(self, text: str) -> str:
        """What a key becomes."""
        try:
            data = _reread(expand(parse(dump({text: []})), self))
        except (SubstitutionError, ManifestError):
            return text
        return next(iter(data), text) if isinstance(data, dict) else text


def _reread(text: str) -> Any:
    documents = parse_stream(text.encode(errors="surrogateescape"), "", limit=1)
    node = documents[0].node if documents else None
    return None if node is None else to_data_11(node)


def _read(text: str, root: Mapping, texts: list[tuple[Path, str]], lookup: _Lookup) -> Any:
    """The expanded text as data; where it is no YAML any more, the field that broke it is blamed."""
    try:
        data = _reread(text)
    except ManifestError as error:
        message = f"YAMLToJSON: {error.go_message}"
    else:
        infinite = next(
            (value for value in _floats(data) if value in (float("inf"), -float("inf")) or value != value), None
        )
        if infinite is None:
            return data
        message = "YAMLToJSON: json: unsupported value: an infinity or NaN"
    for path, leaf in texts:
        try:
            value = _reread(expand(parse(dump({"x": leaf})), lookup))
        except (ManifestError, SubstitutionError):
            value = None
        if not isinstance(value, dict) or set(value) != {"x"} or any(True for _ in _floats(value)):
            raise PostBuildError(f"{message}: quote the value of this variable", _span_at(root, path), lookup.left)
    raise PostBuildError(message, root.span, lookup.left)


def _floats(data: Any) -> Iterator[float]:
    if isinstance(data, float):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _floats(value)


@dataclass(slots=True)
class _Found:
    """What there is in data that substitution has an effect on."""

    texts: list[tuple[Path, str]]
    large_integer: bool = False
    """Whether there is an integer that loses digits on the way."""
    unreadable: Path | None = None
    """A text that the controller cannot read once it has written it."""

    def look_at(self, data: Any, path: Path) -> None:
        if isinstance(data, str):
            if "$" in data:
                self.texts.append((path, data))
            if "\n" in data and unreadable_literal(data):
                self.unreadable = path
        elif isinstance(data, dict):
            for key, value in data.items():
                if "$" in key:
                    self.texts.append(((*path, key), key))
                # Most values are texts without a variable.
                if not isinstance(value, str) or "$" in value or value[:1] == "\t":
                    self.look_at(value, (*path, key))
        elif isinstance(data, list):
            for index, value in enumerate(data):
                self.look_at(value, (*path, str(index)))
        elif isinstance(data, int) and abs(data) > _EXACT:
            self.large_integer = True


def _node_at(root: Node, path: Path) -> Node:
    node: Node = root
    for part in path:
        child = (
            node.get(part)
            if isinstance(node, Mapping)
            else node.items[int(part)]
            if isinstance(node, Sequence)
            else None
        )
        if child is None:
            return node
        node = child
    return node


def _span_at(root: Mapping, path: Path, expression: str = "") -> Span | None:
    """Where a text stands; inside a block scalar, the line that holds the expression."""
    node = _node_at(root, path)
    span = node.span
    if span is not None and expression and isinstance(node, Scalar) and node.style is Style.LITERAL:
        before = node.text.find(expression)
        line = span.line + 1 + node.text.count("\n", 0, max(before, 0))
        if line <= span.end_line:
            return span._replace(line=line, end_line=line, column=1)
    return span


def _locate(root: Mapping, expression: str) -> Span | None:
    for path, text in Template(root).texts:
        if expression.split("\n", maxsplit=1)[0].rstrip() in text:
            return _span_at(root, path, expression)
    return root.span


def _operation(before: Any, entry: Span | None) -> Operation:
    """What is said of a node that stands for ``before`` expanded."""
    found = _Found([])
    found.look_at(before, ())
    names = sorted({e.name for _, text in found.texts for e in expansions(_parts(text))})
    return Operation(Role.SUBSTITUTES, f"postBuild {', '.join(names)}".rstrip(), entry)


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[Part, ...]:
    try:
        return parse(text)
    except SubstitutionError:
        return ()


def _substitutions(root: Mapping, texts: Iterable[tuple[Path, str]], lookup: _Lookup) -> Iterator[Substitution]:
    """One record for each variable and supplier, with the fields it reaches."""
    variables = lookup.variables
    found: dict[tuple[str, str], tuple[Variable, list[str]]] = {}
    for path, text in texts:
        renamed = tuple(lookup.key(part) if "$" in part else part for part in path)
        for expansion in expansions(_parts(text)):
            variable = variables.values.get(expansion.name)
            if variable is None:
                if expansion.name in lookup.left:
                    why = f"unknown: {variables.unknown}"
                elif is_default(expansion):
                    why = "default"
                else:
                    why = NOT_SET
                variable = Variable(None, why, _span_at(root, path, expansion.text) if why == "default" else None)
            fields = found.setdefault((expansion.name, variable.supplied_by), (variable, []))[1]
            where = pointer(renamed)
            if where not in fields:
                fields.append(where)
    for (name, _), (variable, fields) in found.items():
        yield Substitution(name, tuple(fields), variable.supplied_by, variable.span, variable.redacted)
