"""The ids of Flux's inventories: ``<namespace>_<name>_<group>_<kind>`` (flux-semantics.md §5)."""

from __future__ import annotations

from indexer.flux.identity import ObjectId


def decode(id_: str, version: str = "") -> ObjectId:
    """The object that an entry names: names may hold ``_``, the other parts may not; ``__`` stands for ``:``."""
    namespace, _, rest = id_.partition("_")
    rest, _, kind = rest.rpartition("_")
    name, _, group = rest.rpartition("_")
    return ObjectId(group, version, kind, namespace or None, name.replace("__", ":"))
