"""Which values no answer may show: those of Secrets and of SOPS-encrypted documents, wherever they went."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from indexer.deferred import regex
from indexer.flux.model import RenderedObject
from indexer.flux.resources import group_of, kind_of
from indexer.flux.sops import is_encrypted
from indexer.git.tree import Tree, TreeError
from indexer.manifest.compose import parse_stream
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Node, Role, Scalar, Sequence, Source, leaves, overridden, pointer

_VALUES: Final = ("data", "stringData")
_GENERATOR: Final = "secretGenerator"
_OPEN: Final = ("apiVersion", "kind", "metadata")
"""What SOPS leaves readable, and an answer may say of an encrypted object."""

_VARIABLE: Final = regex(r"\w+")
HIDDEN: Final = "(redacted)"
CHANGED: Final = "(redacted, another value)"

Text = tuple[Source, int]
"""Where a text stands."""


class Redaction:
    """Knows the texts that hold secrets: a value stays secret when a replacement copies it into another object."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._secret: set[Text] = set()
        self._open: set[Text] = set()
        self._read: set[Source] = set()

    def learn(self, objects: Iterable[Mapping | None]) -> None:
        """Takes note of which texts the objects of a unit hold."""
        for root in objects:
            if root is not None:
                for path, leaf in leaves(root):
                    known = self._secret if _holds_values(root, path) else self._open
                    known |= {_text(one) for one in (leaf, *overridden(leaf)) if not _is_copy(one)}

    def hides(self, root: Mapping, path: tuple[str, ...], node: Node) -> bool:
        """Whether ``node``, which is or was at ``path`` of the object ``root``, holds a secret."""
        return _holds_values(root, path) or any(
            _text(one) in self._secret or (_is_copy(one) and not self._is_open(one))
            for one in (node, *overridden(node))
        )

    def _is_open(self, copy: Node) -> bool:
        """Whether the text that a replacement copied is known to be no secret; when in doubt it is one."""
        source = copy.source
        if _text(copy) not in self._open and source.repository is None and source not in self._read:
            self._read.add(source)
            self.learn(self._documents(source))
        return _text(copy) in self._open and _text(copy) not in self._secret

    def _documents(self, source: Source) -> list[Mapping]:
        """The documents of a file: what a value was copied from may be in no unit's output."""
        try:
            documents = parse_stream(self._tree.read(source.file), source.file)
        except (TreeError, ManifestError):
            return []
        return [document.node for document in documents if isinstance(document.node, Mapping)]


class Secrecy:
    """Knows which values of one rendered object no answer may show."""

    def __init__(self, one: RenderedObject, redaction: Redaction) -> None:
        assert one.tree is not None
        self._root = one.tree
        self._one = one
        self._redaction = redaction
        self._variables = {filled.variable for filled in one.substitutions if filled.redacted}

    def hides(self, node: Node, path: tuple[str, ...]) -> bool:
        """Whether ``node``, which is or was at ``path``, holds a secret."""
        if (
            node.op is not None
            and node.op.role is Role.SUBSTITUTES
            # Its name lists the variables.
            and not self._variables.isdisjoint(_VARIABLE.findall(node.op.name))
        ):
            return True
        if node.op is not None and node.op.role is Role.VALUES:
            # A template put an input there, and a variable may have come with it.
            where = pointer(path)
            if any(one.redacted and where in one.fields for one in self._one.substitutions):
                return True
        return self._redaction.hides(self._root, path, node)

    def hidden(self, node: Node, path: tuple[str, ...] = (), changed: Collection[str] = ()) -> Node:
        """The tree with a word in the place of what is secret, another one at the JSON pointers ``changed``."""
        if isinstance(node, Mapping) and node.fields:
            return node.derive(
                {key: (at, self.hidden(value, (*path, key), changed)) for key, (at, value) in node.fields.items()}
            )
        if isinstance(node, Sequence) and node.items:
            items = [self.hidden(item, (*path, str(index)), changed) for index, item in enumerate(node.items)]
            return node.derive(items)
        if not self.hides(node, path):
            return node
        return Scalar(CHANGED if pointer(path) in changed else HIDDEN)


def _text(node: Node) -> Text:
    return node.source, node.pos


def _is_copy(node: Node) -> bool:
    return node.op is not None and node.op.role is Role.REPLACES


def _holds_values(root: Mapping, path: tuple[str, ...]) -> bool:
    """Whether what is at ``path`` of an object is a value of a Secret or of an encrypted document."""
    if not path:
        return False
    if is_encrypted(root):
        return path[0] not in _OPEN
    return path[0] == _GENERATOR or (path[0] in _VALUES and kind_of(root) == "Secret" and not group_of(root))
