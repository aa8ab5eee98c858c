"""``configMapGenerator`` and ``secretGenerator``, and how what they make meets what is there.

Rules: kustomize's ``api/internal/generators`` and ``ResMap.AbsorbAll`` (kustomize-semantics.md §6, §12).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.gotext import quote
from indexer.kustomize.kv import Pair, load_pairs
from indexer.kustomize.layer import Layer
from indexer.kustomize.nodes import string
from indexer.kustomize.record import Record
from indexer.kustomize.resid import ResId
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Behavior, Resource
from indexer.kustomize.supersede import supersede
from indexer.manifest.folded import unreadable_literal
from indexer.manifest.node import BOOL, STR, Mapping, Node, Operation, Role, Scalar, Source, Style

_BASE64_LINE: Final = 70
_DEFAULT_TYPE: Final = "Opaque"


def configmap(layer: Layer, args: Record, options: Record | None) -> Resource:
    """The ConfigMap of an entry; ``options`` is the kustomization's ``generatorOptions``. Raises KustomizeError."""
    op = Operation(Role.GENERATES, "configMapGenerator", args.node.span)
    make = _Maker(args, options, op)
    root = make.base("ConfigMap")
    data: list[tuple[Pair, Scalar]] = []
    binary: list[tuple[Pair, Scalar]] = []
    for pair in _unique(load_pairs(layer.loader, args, secret=False), args):
        try:
            data.append((pair, make.value(pair, pair.value.decode())))
        except UnicodeDecodeError:
            binary.append((pair, make.value(pair, _base64(pair.value))))
    for name, pairs in (("data", data), ("binaryData", binary)):
        if pairs:
            root[name] = make.data(name, pairs)
    return make.resource(root)


def secret(layer: Layer, args: Record, options: Record | None) -> Resource:
    """The Secret of an entry; ``options`` is the kustomization's ``generatorOptions``. Raises KustomizeError."""
    op = Operation(Role.GENERATES, "secretGenerator", args.node.span)
    make = _Maker(args, options, op)
    root = make.base("Secret")
    root["type"] = make.field("type", string(args.text("type") or _DEFAULT_TYPE, args.at("type"), op))
    pairs = _unique(load_pairs(layer.loader, args, secret=True), args)
    root["data"] = make.data("data", [(pair, make.value(pair, _base64(pair.value))) for pair in pairs])
    return make.resource(root)


def _unique(pairs: list[Pair], args: Record) -> list[Pair]:
    known: set[str] = set()
    for pair in pairs:
        if pair.key in known:
            name = args.text("name")
            raise KustomizeError(
                f"configmap {name} illegally repeats the key `{pair.key}`",
                problem=f"the key {pair.key} is given twice for {name}",
            ).located(Scalar("", source=pair.source, pos=pair.pos))
        known.add(pair.key)
    return sorted(pairs, key=lambda pair: pair.key)


def _base64(data: bytes) -> str:
    """Base64 in lines, if it is more than one, each with an end."""
    text = base64.b64encode(data).decode()
    if len(text) < _BASE64_LINE:
        return text
    return "".join(text[i : i + _BASE64_LINE] + "\n" for i in range(0, len(text), _BASE64_LINE))


class _Maker:
    """Makes the nodes of one generated object."""

    def __init__(self, args: Record, options: Record | None, op: Operation) -> None:
        self._args = args
        local = args.record("options")
        # Of two maps the entry's own wins key by key; a flag counts if either is set.
        self._options = [given for given in (options, local) if given is not None]
        self._entry = args.node
        self._op = op

    def base(self, kind: str) -> dict[str, tuple[Scalar, Node]]:
        args = self._args
        if not args.text("name"):
            raise KustomizeError("a configmap must have a name", problem="a generator's entry needs a name").located(
                self._entry
            )
        metadata: dict[str, tuple[Scalar, Node]] = {
            "name": self.field("name", string(args.text("name"), args.at("name"), self._op))
        }
        if args.text("namespace"):
            node = string(args.text("namespace"), args.at("namespace"), self._op)
            metadata["namespace"] = self.field("namespace", node)
        for name in ("labels", "annotations"):
            if entries := self._option_map(name):
                metadata[name] = self.field(name, self._mapping(entries))
        return {
            "apiVersion": self.field("apiVersion", string("v1", self._entry, self._op)),
            "kind": self.field("kind", string(kind, self._entry, self._op)),
            "metadata": self.field("metadata", self._mapping(metadata)),
        }

    def field(self, key: str, value: Node) -> tuple[Scalar, Node]:
        return self._key(key, value.source, value.pos), value

    def value(self, pair: Pair, text: str) -> Scalar:
        value = Scalar(text, STR, Style.LITERAL if "\n" in text else Style.PLAIN, pair.source, pair.pos, self._op)
        if value.style is Style.LITERAL and unreadable_literal(text):
            raise KustomizeError(
                "yaml: line 2: found a tab character where an indentation space is expected",
                problem=f"{pair.key} begins with a tab and has several lines: kustomize cannot read that again",
            ).located(value)
        return value

    def data(self, name: str, pairs: list[tuple[Pair, Scalar]]) -> tuple[Scalar, Node]:
        fields: dict[str, tuple[Scalar, Node]] = {
            pair.key: (self._key(pair.key, pair.source, pair.pos), value) for pair, value in pairs
        }
        return self.field(name, self._mapping(fields))

    def resource(self, root: dict[str, tuple[Scalar, Node]]) -> Resource:
        if given := self._flag("immutable"):
            at = given.at("immutable")
            value = Scalar("true", BOOL, Style.PLAIN, at.source, at.pos, self._op)
            root["immutable"] = self.field("immutable", value)
        res = Resource(self._mapping(root), self._entry.span, generated=True)
        res.behavior = Behavior.parse(self._args.text("behavior"))
        res.hash_suffix = self._flag("disableNameSuffixHash") is None
        return res

    def _key(self, text: str, source: Source, pos: int) -> Scalar:
        return Scalar(text, None, Style.PLAIN, source, pos, self._op)

    def _mapping(self, fields: dict[str, tuple[Scalar, Node]]) -> Mapping:
        entry = self._entry
        return Mapping(fields, source=entry.source, pos=entry.pos, op=self._op, touched=True)

    def _flag(self, name: str) -> Record | None:
        """The options that set a flag."""
        return next((given for given in self._options if given.flag(name)), None)

    def _option_map(self, name: str) -> dict[str, tuple[Scalar, Node]]:
        fields: dict[str, tuple[Scalar, Node]] = {}
        for given in self._options:
            for key, text in given.pairs(name).items():
                fields[key] = self.field(key, string(text, given.at(name, key=key), self._op))
        return dict(sorted(fields.items()))


def absorb(resmap: ResMap, generated: Iterable[Resource]) -> None:
    """Adds generated objects, or merges each into the one that has, or had, its id. Raises KustomizeError."""
    for res in generated:
        key = res.id.key
        found = [index for index, known in enumerate(resmap) if any(id_.key == key for id_ in known.any_ids)]
        merging = res.behavior in (Behavior.MERGE, Behavior.REPLACE)
        if not found:
            if merging:
                raise _refused(res, f"id {_go_value(res.id)} does not exist; cannot merge or replace", "does not exist")
            resmap.append_all([res])
        elif len(found) > 1:
            same = " ".join(str(resmap.resources[index].id) for index in found)
            raise _refused(res, f"found multiple objects [{same}] that could accept merge of {res.id}", "is ambiguous")
        elif not merging:
            behavior = res.behavior or Behavior.UNSPECIFIED
            raise _refused(
                res,
                f"id {_go_value(res.id)} exists; can not use behavior: '{behavior}', behavior must be merge or replace",
                "exists already: set behavior to merge or replace",
            )
        else:
            new = supersede(resmap.resources[found[0]], res)
            if new.id.key != resmap.resources[found[0]].id.key:
                raise _refused(res, f"cannot find resource with id {new.id} to replace", "has become something else")
            resmap.resources[found[0]] = new


def _refused(res: Resource, message: str, why: str) -> KustomizeError:
    return KustomizeError(message, problem=f"{res.id.kind} {res.id.name} {why}", span=res.definition)


def _go_value(id_: ResId) -> str:
    """An id as Go's ``%#v`` prints it."""
    scoped = "true" if id_.cluster_scoped else "false"
    return (
        f"resid.ResId{{Gvk:resid.Gvk{{Group:{quote(id_.group)}, Version:{quote(id_.version)}, Kind:{quote(id_.kind)}, "
        f"isClusterScoped:{scoped}}}, Name:{quote(id_.name)}, Namespace:{quote(id_.namespace)}}}"
    )
