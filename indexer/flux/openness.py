"""Which trees may be stored: not those with ciphertext, nor those into which something copied what may be a secret."""

from __future__ import annotations

from typing import Final

from indexer.flux.resources import kind_of
from indexer.flux.sops import is_encrypted
from indexer.git.tree import Tree, TreeError
from indexer.kustomize.loader import ParseCache
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import STR, Mapping, Node, Scalar, Sequence, Source

HIDDEN: Final = "ENC["
"""What is left of a value in an outline: the mark of ciphertext, and none of it."""
_OPEN: Final = ("apiVersion", "kind", "name", "namespace")


def outline(root: Mapping) -> Mapping:
    """A SOPS-encrypted object with all that can be told of it: its name, its keys and their places, and no value."""
    fields = {text: (_bare(key), _outline(value, text)) for text, (key, value) in root.fields.items()}
    return Mapping(fields, root.flow, root.source, root.pos)


def _outline(node: Node, field: str) -> Node:
    if isinstance(node, Mapping):
        named = field == "metadata"
        fields = {text: (_bare(key), _outline(at, text if named else "")) for text, (key, at) in node.fields.items()}
        return Mapping(fields, node.flow, node.source, node.pos)
    if isinstance(node, Sequence):
        return Sequence([_outline(item, "") for item in node.items], node.flow, node.source, node.pos)
    assert isinstance(node, Scalar)
    return _bare(node) if field in _OPEN else Scalar(HIDDEN, STR, node.style, node.source, node.pos)


def _bare(scalar: Scalar) -> Scalar:
    """The scalar without its past."""
    return Scalar(scalar.text, scalar.tag, scalar.style, scalar.source, scalar.pos)


class Openness:
    """Knows the documents of the indexed repository, ``home``, from which a replacement may copy."""

    def __init__(self, home: Tree, documents: ParseCache) -> None:
        self._home = home
        self._documents = documents
        self._known: dict[Source, bool] = {}

    def holds_no_secret(self, source: Source) -> bool:
        """Whether a document is known to hold no values of Secrets; where it cannot be read, it may."""
        if source not in self._known:
            self._known[source] = source.repository is None and self._is_open(source)
        return self._known[source]

    def _is_open(self, source: Source) -> bool:
        try:
            root = self._documents.documents(self._home, source.file)[source.document].node
        except (TreeError, ManifestError, IndexError):
            return False
        if not isinstance(root, Mapping) or root.get("secretGenerator") is not None:
            return False
        return kind_of(root) != "Secret" and not is_encrypted(root)
