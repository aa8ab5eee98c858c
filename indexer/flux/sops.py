"""What can be told of a SOPS-encrypted object without its keys (section 4.7 of the Flux rules)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from indexer.flux.resources import KustomizationSpec, ReferenceSpec, group_of, kind_of, name_of
from indexer.kustomize.nodes import find, string_map, text_at
from indexer.manifest.node import Mapping

_DECRYPT: Final = "kustomize.toolkit.fluxcd.io/decrypt"


def is_encrypted(root: Mapping) -> bool:
    """Whether the object as a whole is SOPS-encrypted."""
    return text_at(root, "sops", "mac") != ""


def is_refused(root: Mapping) -> bool:
    """Whether the controller refuses to apply it undecrypted: a Secret that still has its ``sops`` field."""
    if kind_of(root) != "Secret" or group_of(root) or root.get("sops") is None:
        return False
    return string_map(find(root, "metadata", "annotations")).get(_DECRYPT, "").lower() != "disabled"


def missing_key(
    spec: KustomizationSpec, objects: Iterable[Mapping], find_object: Callable[[ReferenceSpec], Mapping | None]
) -> str | None:
    """Why the controller cannot decrypt, as far as the Secret with its keys tells; None where nothing speaks against.

    Keys of a cloud's key service need no Secret and are taken to be at hand.
    """
    node = spec.at("decryption", "secretRef")
    if not spec.decrypts or node is None:
        return None
    reference = ReferenceSpec("Secret", spec.namespace, text_at(node, "name"), node)
    place = f"{node.span}: " if node.span is not None else ""
    secret = find_object(reference)
    if secret is None:
        return (
            f"{place}{reference} of spec.decryption is not rendered from this repository: put a manifest of it, "
            "without its values, into a file and name that under `objects` of the [[cluster]] in .fluxidx.toml"
        )
    names = [*string_map(secret.get("data")), *string_map(secret.get("stringData"))]
    if not any(name.endswith((".agekey", ".asc")) or name.startswith("sops.") for name in names):
        encrypted = next((root for root in objects if is_encrypted(root)), None)
        if encrypted is not None:
            what = f"the SOPS-encrypted {kind_of(encrypted)} {name_of(encrypted)}"
            return f"{place}{reference} holds no key (*.agekey, *.asc, sops.*) for {what}: add it"
    return None
