"""What can be told of a SOPS-encrypted object without its keys (section 4.7 of the Flux rules)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Final

from indexer.deferred import regex
from indexer.flux.lack import Lack
from indexer.flux.resources import KustomizationSpec, ReferenceSpec, group_of, is_kind, kind_of, name_of
from indexer.kustomize.hasher import NAME_SUFFIX_HASH
from indexer.kustomize.nodes import find, string_map, text_at
from indexer.manifest.history import Contribution
from indexer.manifest.node import STR, Mapping, Node, Role, Scalar, Sequence, pointer
from indexer.manifest.provenance import Span
from indexer.manifest.scalars import is_null, tag_of

_CIPHERTEXT: Final = "ENC["
_MARKS: Final = ('"mac": "ENC[', "mac: ENC[", "sops_mac=ENC[", "[sops]")
_KEYS: Final = {
    "age": ("recipient",),
    "pgp": ("fp",),
    "kms": ("arn",),
    "gcp_kms": ("resource_id",),
    "azure_kv": ("vault_url", "name", "version"),
    "hc_vault": ("vault_address", "engine_path", "key_name"),
}
"""What names a key of each kind in the ``sops`` field: nothing of it is secret."""
_NAMES: Final = {
    "age": regex(r"recipient\W+(age1[0-9a-z]+)"),
    "pgp": regex(r"fp\W+([0-9A-F]{40})"),
    "kms": regex(r"\b(arn:aws[a-z-]*:kms:[\w:/-]+)"),
    "gcp_kms": regex(r"resource_id\W+(projects/[\w/.-]+)"),
}
_OTHER_HASH: Final = "the hash is of encrypted content: where Flux decrypts it, the name ends in another"
_DECRYPT: Final = "kustomize.toolkit.fluxcd.io/decrypt"


def is_encrypted(root: Mapping) -> bool:
    """Whether the object as a whole is SOPS-encrypted."""
    return text_at(root, "sops", "mac") != ""


def is_refused(root: Mapping) -> bool:
    """Whether the controller refuses to apply it undecrypted: a Secret that still has its ``sops`` field.

    One that fits its type has lost it by then: ciphertext in ``stringData`` is applied as it is.
    """
    if kind_of(root) != "Secret" or group_of(root) or root.get("sops") is None or _fits_its_type(root):
        return False
    return string_map(find(root, "metadata", "annotations")).get(_DECRYPT, "").lower() != "disabled"


def _fits_its_type(root: Mapping) -> bool:
    """Whether ``data`` are base64 and ``stringData`` texts."""
    texts: list[Node] = []
    for field in ("data", "stringData"):
        values = root.get(field)
        if isinstance(values, Mapping):
            texts += (value for _, value in values.items() if not is_null(value))
            if field == "data" and not all(_binary(text_at(value)) is not None for value in texts):
                return False
        elif values is not None and not is_null(values):
            return False
    return all(isinstance(value, Scalar) and tag_of(value) == STR for value in texts)


def needs_key(root: Mapping) -> bool:
    """Whether it is encrypted, or an entry of it, and no key service of a cloud opens it."""
    return any(all(name.startswith(("age ", "pgp ")) for name in known) for known in _locks(root))


def _locks(root: Mapping) -> Iterator[list[str]]:
    """Who opens an object, or each of its entries, that is encrypted."""
    sops = root.get("sops")
    if is_encrypted(root) and sops is not None:
        yield _recipients(sops)
    elif kind_of(root) == "Secret" and not group_of(root):
        yield from (known for _, _, known in _encrypted_entries(root))


def missing_key(
    spec: KustomizationSpec, encrypted: tuple[str, str] | None, find_object: Callable[[ReferenceSpec], Mapping | None]
) -> str | None:
    """Why the controller cannot decrypt, as far as the Secret with its keys tells; None where nothing speaks against.

    ``encrypted``: kind and name of an object that needs a key.

    Keys of a cloud's key service need no Secret and are taken to be at hand.
    """
    node, decryption = spec.at("decryption", "secretRef"), spec.at("decryption")
    if not spec.decrypts or decryption is None:
        return None
    if node is None:
        if encrypted is None:
            return None
        place = f"{decryption.span}: " if decryption.span is not None else ""
        what = f"the SOPS-encrypted {' '.join(encrypted)}"
        return f"{place}there is no secretRef to a key for {what}: add it, unless the controller itself has the key"
    reference = ReferenceSpec("Secret", spec.namespace, text_at(node, "name"), node)
    place = f"{node.span}: " if node.span is not None else ""
    secret = find_object(reference)
    if secret is None:
        return (
            f"{place}{reference} {Lack.KEY}: put a manifest of it, "
            "without its values, into a file and name that under `objects` of the [[cluster]] in .fluxidx.toml"
        )
    names = [*string_map(secret.get("data")), *string_map(secret.get("stringData"))]
    has_key = any(name.endswith((".agekey", ".asc")) or name.startswith("sops.") for name in names)
    if encrypted is not None and not has_key:
        what = f"the SOPS-encrypted {' '.join(encrypted)}"
        return f"{place}{reference} holds no key (*.agekey, *.asc, sops.*) for {what}: add it"
    return None


def in_clear(text: str) -> str:
    """A text of an object's identity, or a word in the place of ciphertext."""
    return "encrypted" if text.startswith(_CIPHERTEXT) else text


def secrecy(root: Mapping) -> Iterator[Contribution]:
    """What encrypts an object, or the files that a generator put into it, and who can open it, as a sentence."""
    yield from _encryption(root)
    yield from _sealing(root)


def _encryption(root: Mapping) -> Iterator[Contribution]:
    sops = root.get("sops")
    if is_encrypted(root) and sops is not None and sops.span is not None:
        yield Contribution(Role.VALUES, _opened_by(_recipients(sops)), sops.span)
        return
    if kind_of(root) != "Secret" or group_of(root):
        return
    name = find(root, "metadata", "name")
    is_hashed = name is not None and name.op is not None and name.op.name == NAME_SUFFIX_HASH
    for key, span, known in _encrypted_entries(root):
        if span is not None:
            yield Contribution(Role.VALUES, _opened_by(known), span, (pointer(("data", key)),))
            if is_hashed:
                yield Contribution(Role.VALUES, _OTHER_HASH, span, ("/metadata/name",))


def _encrypted_entries(root: Mapping) -> Iterator[tuple[str, Span | None, list[str]]]:
    """Key, place and recipients of the files and lines in a Secret that are encrypted."""
    data = root.get("data")
    entries = [
        (key.text, f"{key.text}={_decoded(node.text)}", node.span)
        for key, node in (data.items() if isinstance(data, Mapping) else ())
        if isinstance(node, Scalar)
    ]
    every = "\n".join(text for _, text, _ in entries)
    for key, text, span in entries:
        if any(mark in text for mark in _MARKS):
            # Of a dotenv file, who can open it is in entries of its own.
            yield key, span, _recipients_in(text) or _recipients_in(every)


def _sealing(root: Mapping) -> Iterator[Contribution]:
    if not is_kind(root, "bitnami.com", "SealedSecret"):
        return
    at = find(root, "spec", "encryptedData")
    span = at.span if at is not None else root.span
    if span is not None:
        template = find(root, "spec", "template", "metadata")
        namespace = text_at(template, "namespace") or text_at(root, "metadata", "namespace")
        secret = f"Secret {namespace}/{text_at(template, 'name') or name_of(root)}"
        yield Contribution(Role.VALUES, f"sealed: only the cluster's sealed-secrets controller opens {secret}", span)


def _opened_by(recipients: list[str]) -> str:
    known = ", ".join(recipients) or "keys that it does not name"
    return f"encrypted with SOPS: opened by {known}"


def _recipients(sops: Node) -> list[str]:
    """The public names of all keys that open a document, with those of its key groups."""
    found: list[str] = []
    groups = find(sops, "key_groups")
    for group in (sops, *(groups.items if isinstance(groups, Sequence) else ())):
        for kind, fields in _KEYS.items():
            keys = find(group, kind)
            for key in keys.items if isinstance(keys, Sequence) else ():
                name = "/".join(text for text in (text_at(key, field) for field in fields) if text)
                if name:
                    found.append(f"{kind} {name}")
    return list(dict.fromkeys(found))


def _recipients_in(text: str) -> list[str]:
    """The same from the text of a file of any format."""
    found = [f"{kind} {match[1]}" for kind, known in _NAMES.items() for match in known.finditer(text)]
    return list(dict.fromkeys(found))


def _decoded(text: str) -> str:
    return (_binary(text) or b"").decode(errors="replace")


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
