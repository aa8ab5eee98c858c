"""Which trees may be stored: not those with ciphertext, nor those into which something copied what may be a secret."""

from __future__ import annotations

from indexer.flux.resources import kind_of
from indexer.flux.sops import is_encrypted
from indexer.git.tree import Tree, TreeError
from indexer.kustomize.loader import ParseCache
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Source


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
