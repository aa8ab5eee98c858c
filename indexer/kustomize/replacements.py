"""``replacements``: the value of one field written into fields of other objects.

Rules: kustomize's ``api/filters/replacement`` (kustomize-semantics.md §13).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from indexer.deferred import NamedTuple, dataclass
from indexer.kustomize.bounds import demand_bounds, demand_short
from indexer.kustomize.entries import unify
from indexer.kustomize.errors import KustomizeError, of_manifest
from indexer.kustomize.fieldpath import PathWriter, lookup, replaced_at, split_field_path
from indexer.kustomize.gotext import quote
from indexer.kustomize.kustomization import REPLACEMENT
from indexer.kustomize.layer import Layer, Unmatched
from indexer.kustomize.record import Reading, Record, decode
from indexer.kustomize.resid import DEFAULT_NAMESPACE, ResId
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.kustomize.selector import Selector
from indexer.kustomize.structured import parse_text, serialize
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import NOWHERE, Mapping, Node, Operation, Role, Scalar, Sequence, relocated, stamped
from indexer.manifest.scalars import is_null, tag_of, to_data_11

_NAME: Final = "replacement"
_DEFAULT_FIELD_PATH: Final = "metadata.name"
_SCALARS_ONLY: Final = "delimiter option can only be used with scalar nodes"


def replacement_transformer(resmap: ResMap, layer: Layer, entries: list[Record]) -> None:
    """Applies the entries of a ``replacements`` list in their order. Raises KustomizeError."""
    for record in [record for entry in entries for record in _replacements(layer, entry)]:
        if not ("source" in record or "sourceValue" in record) or "targets" not in record:
            raise KustomizeError("replacements must specify a source and at least one target").located(record.node)
        op = Operation(Role.REPLACES, _NAME, record.node.span)
        value = _source(resmap, record)
        for target in record.records("targets"):
            if not _apply(resmap, target, value, op):
                layer.unmatched.append(Unmatched(_NAME, target.node.span, "its target selects no object"))


def _replacements(layer: Layer, entry: Record) -> Iterator[Record]:
    """The replacements of an entry: itself, or those of the file that it names."""
    if not entry.text("path"):
        yield entry
        return
    if "source" in entry or entry.records("targets"):
        raise KustomizeError("cannot specify both path and inline replacement").located(entry.at("path"))
    try:
        node = _load(layer, entry.text("path"))
    except KustomizeError as error:
        raise error.located(entry.at("path")) from None
    if isinstance(node, Scalar):
        data = to_data_11(node)
        kind = {bool: "bool", int: "int", float: "float64", str: "string"}.get(type(data), "invalid")
        raise KustomizeError(f"unsupported replacement type encountered within replacement path: {kind}").located(node)
    for item in node.items if isinstance(node, Sequence) else (node,):
        yield decode(item, REPLACEMENT, Reading.LOOSE)


def _load(layer: Layer, path: str) -> Node:
    data = layer.loader.load(path)
    repository, file = layer.loader.file(path)
    try:
        documents = parse_stream(data, file, repository, limit=1)
    except ManifestError as error:
        raise of_manifest(error) from None
    node = documents[0].node if documents else None
    return Scalar("") if node is None else node


# The value


class _Source(NamedTuple):
    """What a replacement copies. A whole field is copied as it is by then: it may itself be a target."""

    node: Node
    res: Resource | None = None
    record: Record | None = None

    def now(self) -> Node:
        if self.res is None or self.record is None or not isinstance(self.node, Scalar):
            return self.node
        found = lookup(self.res.root, split_field_path(self.record.text("fieldPath") or _DEFAULT_FIELD_PATH))
        return self.node if found is None else _placed(found, self.record)


def _source(resmap: ResMap, record: Record) -> _Source:
    """The node to copy. It stands where a person would edit the value."""
    source = record.record("source")
    if source is None:
        return _Source(relocated(Scalar(record.text("sourceValue")), op=None, prev=None, at=record.at("sourceValue")))
    if "sourceValue" in record:
        raise KustomizeError("value and resource selectors are mutually exclusive").located(record.at("sourceValue"))
    try:
        res = _source_object(resmap, source)
        field = _source_field(res, source)
        refined = _refined(field, source.record("options"), secret=res.id.kind == "Secret")
    except KustomizeError as error:
        raise error.located(source.node) from None
    node = _placed(refined, source)
    return _Source(node, res, source) if refined is field else _Source(node)


def _placed(node: Node, source: Record) -> Node:
    return node if node.source is not NOWHERE else relocated(node, op=None, prev=None, at=source.node)


def _wanted(source: Record) -> ResId:
    return ResId(*(source.text(name) for name in ("group", "version", "kind", "name", "namespace")))


def _source_object(resmap: ResMap, source: Record) -> Resource:
    wanted = _wanted(source)
    matches = resmap.with_any_id(lambda id_: _is_selected(id_, wanted))
    if len(matches) != 1:
        problem = "multiple matches for selector" if matches else "nothing selected by"
        raise KustomizeError(f"{problem} {_printed(wanted, source)}")
    return matches[0]


def _source_field(res: Resource, source: Record) -> Node:
    path = source.text("fieldPath") or _DEFAULT_FIELD_PATH
    try:
        found = lookup(res.root, split_field_path(path))
    except KustomizeError as error:
        raise error.wrapped("error looking up replacement source: ") from None
    if found is None or is_null(found) or _is_empty(found):
        message = f"fieldPath `{path}` is missing for replacement source {_wanted(source)}"
        raise KustomizeError(message).located(source.at("fieldPath"))
    return found


def _is_selected(id_: ResId, wanted: ResId) -> bool:
    """Blank parts select anything. Here kustomize does not consider which kinds are cluster-scoped."""
    return (
        wanted.name in ("", id_.name)
        and wanted.namespace in ("", id_.namespace or DEFAULT_NAMESPACE)
        and id_.gvk.is_selected(wanted.gvk)
    )


def _is_empty(node: Node) -> bool:
    return (isinstance(node, Mapping) and not node.fields) or (isinstance(node, Sequence) and not node.items)


def _printed(wanted: ResId, source: Record) -> str:
    """The source's selector as Go prints it."""
    parts = [str(wanted)]
    if path := source.text("fieldPath"):
        parts.append(path)
    options = source.record("options")
    if options is not None and (options.text("delimiter") or options.flag("create")):
        create = "true" if options.flag("create") else "false"
        parts.append(f"{options.text('delimiter')}({options.number('index')}), create={create}")
    return ":".join(parts)


def _refined(node: Node, options: Record | None, *, secret: bool) -> Node:
    """The piece of a text that ``options`` ask for; no message quotes the text if it is ``secret``."""
    delimiter = options.text("delimiter") if options is not None else ""
    if options is None or not delimiter:
        return node
    if not isinstance(node, Scalar):
        raise KustomizeError(_SCALARS_ONLY)
    pieces, index = node.text.split(delimiter), options.number("index")
    if not 0 <= index < len(pieces):
        shown = "(redacted)" if secret else node.text
        raise KustomizeError(
            f"options.index {index} is out of bounds for value {shown}",
            problem=f"options.index {index}: the value has {len(pieces)} pieces",
        ).located(options.at("index"))
    return Scalar(pieces[index], tag_of(node), node.style, node.source, node.pos, node.op, node.prev)


# The targets


def _apply(resmap: ResMap, target: Record, value: _Source, op: Operation) -> bool:
    """Writes a value to one target; whether that selects any object."""
    select = target.record("select")
    if select is None:
        raise KustomizeError("target must specify resources to select").located(target.node)
    try:
        selector = Selector.from_record(select)
        rejects = [Selector.from_record(reject) for reject in target.records("reject")]
    except KustomizeError as error:
        raise error.wrapped("error creating target selector: ").located(select.node) from None
    writer = _Writer(target, value.node, op)
    found = False
    for res in resmap:
        if _selects(selector, rejects, res):
            found = True
            try:
                writer.value = value.now()
                res.root = writer.write(res.annotated)
            except KustomizeError as error:
                raise error.located(target.node) from None
    return found


def _selects(selector: Selector, rejects: list[Selector], res: Resource) -> bool:
    """A target is rejected by its labels, by its annotations or by any id, each on its own."""
    ids = res.any_ids
    return (
        selector.matches_metadata(res)
        and not any(reject.has_metadata and reject.matches_metadata(res) for reject in rejects)
        and not any(reject.has_id and any(reject.matches_id(id_) for id_ in ids) for reject in rejects)
        and any(selector.matches_id(id_) for id_ in ids)
    )


@dataclass(frozen=True, slots=True)
class _Delimiter:
    """Which piece of a text is replaced."""

    text: str
    index: int

    def join(self, old: str, piece: str) -> str:
        """``old`` with a piece replaced; an index below 0 prepends it, one past the end appends it."""
        pieces = old.split(self.text)
        if self.index < 0:
            pieces.insert(0, piece)
        else:
            pieces[self.index : self.index + 1] = [piece]
        return self.text.join(pieces)


class _Writer:
    """Writes a value to the field paths of a target, in one object after another."""

    def __init__(self, target: Record, value: Node, op: Operation) -> None:
        texts = target.texts("fieldPaths") or [_DEFAULT_FIELD_PATH]
        self.paths = [(text, target.at("fieldPaths", index)) for index, text in enumerate(texts)]
        self.value = value
        self.op = op
        options = target.record("options")
        self.leaf = type(value) if options is not None and options.flag("create") else None
        self.delimiter: _Delimiter | None = None
        if options is not None and options.text("delimiter"):
            self.delimiter = _Delimiter(options.text("delimiter"), options.number("index"))
        self._shared: dict[int, tuple[Node, Node]] = {}

    def write(self, root: Mapping) -> Mapping:
        for path, at in self.paths:
            segments = split_field_path(path)
            new = self._structured(root, segments)
            root = new if new is not None else self._plain(root, path, segments, at)
            if not isinstance(self.value, Scalar):
                demand_bounds(root)
        return root

    def _plain(self, root: Mapping, path: str, segments: tuple[str, ...], at: Node) -> Mapping:
        create = " or create" if self.leaf is not None else ""
        missing = f"unable to find{create} field {quote(path)} in replacement target"
        writer = PathWriter(lambda old: self._set(old, self.delimiter, at), self.leaf, self.op, at)
        try:
            new = writer.write(root, segments)
        except _DelimiterError:
            raise
        except KustomizeError as error:
            raise error.wrapped(f"{missing}: ") from None
        if not writer.hits:
            raise KustomizeError(missing)
        assert isinstance(new, Mapping)
        shared, self._shared = self._shared, {}
        return unify(new, shared) if shared else new

    def _structured(self, root: Mapping, segments: tuple[str, ...]) -> Mapping | None:
        """``root`` with the value set inside the first text on the path that is YAML; None where that is impossible."""
        node: Node = root
        for count, segment in enumerate(segments[:-1], 1):
            try:
                found = lookup(node, (segment,))
            except KustomizeError:
                return None
            if found is None:
                return None
            if isinstance(found, Scalar):
                text = self._inside(found, segments[count:])
                return None if text is None else self._with_text(root, segments[:count], found, text)
            node = found
        return None

    def _inside(self, scalar: Scalar, rest: tuple[str, ...]) -> str | None:
        """The text of ``scalar`` with the value at ``rest``; kustomize heeds no delimiter here."""
        writer = PathWriter(lambda old: self._set(old, None, None), self.leaf, self.op)
        try:
            node = parse_text(scalar)
            new = writer.write(node, rest) if node is not None else None
            return serialize(new, scalar.text) if new is not None and writer.hits else None
        except (KustomizeError, ManifestError, ValueError):
            return None

    def _with_text(self, root: Mapping, path: tuple[str, ...], old: Scalar, text: str) -> Mapping:
        at = self.value
        new = replaced_at(root, path, Scalar(text, tag_of(old), old.style, at.source, at.pos, self.op, old))
        assert isinstance(new, Mapping)
        return new

    def _set(self, old: Node, delimiter: _Delimiter | None, path: Node | None) -> Node:
        """What takes the place of ``old``. A scalar keeps its tag and style and gets the value's text only."""
        value = self.value
        at_path = path is not None and (old.source, old.pos) == (path.source, path.pos)
        created = (at_path or old.source is NOWHERE) and old.op in (None, self.op)
        prev = None if created else old
        if delimiter is not None and not isinstance(old, Scalar):
            raise _DelimiterError(_SCALARS_ONLY).located(old)
        if not isinstance(old, Scalar):
            return relocated(stamped(value, self.op), op=self.op, prev=prev)
        text = value.text if isinstance(value, Scalar) else ""
        if delimiter is not None:
            text = delimiter.join(old.text, text)
        demand_short(len(text), value)
        tag = None if created or _untagged(old) else tag_of(old)
        new = Scalar(text, tag, old.style, value.source, value.pos, self.op, prev)
        if old.op is not None and not created:
            self._shared[id(old)] = (old, new)
        return new


def _untagged(scalar: Scalar) -> bool:
    """Whether a transformer wrote the text, as kustomize does for names: what it means follows from the text alone."""
    return scalar.tag is None and scalar.op is not None and scalar.op.role is Role.TRANSFORMS


class _DelimiterError(KustomizeError):
    """A delimiter where there is no text to split: kustomize says so without naming the path."""
