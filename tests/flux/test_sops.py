"""What is said of encrypted objects: who opens them, and never their ciphertext."""

import base64

import pytest
from flux_fleet import kustomization, sync

from indexer.flux.model import UnitState
from indexer.flux.objects import identity
from indexer.flux.sops import is_refused, needs_key, secrecy
from indexer.manifest.compose import parse
from indexer.manifest.node import Operation, Role, stamped


def node(text):
    return parse(text.encode(), "s.yaml")[0].node


ENCRYPTED = """\
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: x}
stringData: {a: "ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]"}
sops:
  age:
  - recipient: age1first
    enc: hidden
  key_groups:
  - pgp: [{fp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4, enc: hidden}]
    kms: [{arn: "arn:aws:kms:eu-west-1:1:key/abc", enc: hidden}]
  - azure_kv: [{vault_url: "https://v.vault.azure.net", name: k, version: "1", enc: hidden}]
  mac: ENC[AES256_GCM,data:mac,type:str]
"""


def test_an_encrypted_object_names_who_opens_it():
    (note,) = secrecy(node(ENCRYPTED))
    assert (note.role, str(note.span)) == (Role.VALUES, "s.yaml:6:3")
    assert note.operation == (
        "encrypted with SOPS: opened by age age1first, pgp FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4, "
        "kms arn:aws:kms:eu-west-1:1:key/abc, azure_kv https://v.vault.azure.net/k/1"
    )


def test_a_secret_generated_from_an_encrypted_file_says_so():
    dotenv = "A=ENC[AES256_GCM,data:x]\nsops_age__list_0__map_recipient=age1abc\nsops_mac=ENC[AES256_GCM,data:y]\n"
    value = base64.b64encode(dotenv.encode()).decode()
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{env: {value}}}\n"
    (note,) = secrecy(stamped(node(text), Operation(Role.GENERATES, "secretGenerator")))
    assert (note.operation, note.fields) == ("encrypted with SOPS: opened by age age1abc", ("/data/env",))


def test_a_secret_generated_from_the_lines_of_an_encrypted_file_says_so_and_is_called_otherwise_in_the_cluster():
    lines = {"A": "ENC[AES256_GCM,data:x]", "sops_age__list_0__map_recipient": "age1abc", "sops_mac": "ENC[AES256_GCM]"}
    data = ", ".join(f"{key}: {base64.b64encode(value.encode()).decode()}" for key, value in lines.items())
    secret = node(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s-h}}\ndata: {{{data}}}\n")
    named = stamped(secret, Operation(Role.TRANSFORMS, "name suffix hash"))
    assert [(note.operation, note.fields) for note in secrecy(named)] == [
        ("encrypted with SOPS: opened by age age1abc", ("/data/sops_mac",)),
        ("the hash is of encrypted content: where Flux decrypts it, the name ends in another", ("/metadata/name",)),
    ]


NUMBER = "stringData: {a: 5}"
CIPHERTEXT = "data: {a: 'ENC[AES256_GCM,data:x]'}"


@pytest.mark.parametrize(
    ("fields", "sops", "refused"),
    [
        (CIPHERTEXT, "{mac: m}", True),
        (CIPHERTEXT, "{}", True),
        (NUMBER, "{mac: m}", True),
        ("data: [YQ==]", "{mac: m}", True),
        (f"metadata: {{annotations: {{kustomize.toolkit.fluxcd.io/decrypt: Disabled}}}}\n{CIPHERTEXT}", "{}", False),
        (f"metadata: {{labels: {{kustomize.toolkit.fluxcd.io/decrypt: disabled}}}}\n{CIPHERTEXT}", "{}", True),
        ("stringData: {a: 'ENC[AES256_GCM,data:x]'}", "{mac: m}", False),
        ("data: {a: YQ==, b: }", "{mac: m}", False),
        ("type: Opaque", "{mac: m}", False),
    ],
)
def test_an_encrypted_secret_is_refused_unless_it_fits_its_type(fields, sops, refused):
    assert is_refused(node(f"apiVersion: v1\nkind: Secret\n{fields}\nsops: {sops}\n")) is refused


def test_what_a_key_service_opens_needs_no_key():
    age, kms = "age: [{recipient: age1x}]", "kms: [{arn: 'arn:aws:kms:eu-west-1:1:key/abc'}]"
    locks = [age, "pgp: [{fp: F}]", "age: []", kms, f"{age}\n  {kms}"]
    roots = [node(f"apiVersion: v1\nkind: ConfigMap\nsops:\n  mac: m\n  {lock}\n") for lock in locks]
    assert [needs_key(root) for root in roots] == [True, True, True, False, False]
    assert not needs_key(node("apiVersion: v1\nkind: Secret\nstringData: {a: b}\n"))


@pytest.mark.parametrize(
    ("file", "secret_ref", "reason"),
    [
        ("a: ENC[x]\nsops:\n  mac: ENC[x]\n", "", "clusters/prod/app.yaml:7:15: there is no secretRef to a key for"),
        ("a: ENC[x]\nsops:\n  mac: ENC[x]\n", ", secretRef: {name: none}", "clusters/prod/app.yaml:7:43: Secret "),
        ("a: b\n", "", None),
    ],
)
def test_a_file_that_a_generator_has_to_decrypt_needs_a_key(fleet, file, secret_ref, reason):
    fleet.write(
        **{
            "clusters/prod/flux-system/gotk-sync.yaml": sync("prod"),
            "clusters/prod/app.yaml": kustomization("app", "./app", f"decryption: {{provider: sops{secret_ref}}}\n"),
            "app/kustomization.yaml": "secretGenerator: [{name: g, files: [s.yaml]}]\n",
            "app/s.yaml": file,
        }
    )
    app = fleet.units()["app"]
    assert (app.state, len(app.objects)) == (UnitState.UNRESOLVED if reason else UnitState.RENDERED, 1)
    assert (app.reason or "").startswith(reason or "")


def test_a_sealed_secret_is_called_by_its_secret():
    head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s, namespace: x}\n"
    (note,) = secrecy(node(head + "spec:\n  encryptedData:\n    a: AgB\n"))
    assert note.operation == "sealed: only the cluster's sealed-secrets controller opens Secret x/s"
    assert str(note.span) == "s.yaml:6:5"


def test_what_is_not_encrypted_has_nothing_said_of_it():
    assert list(secrecy(node("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n"))) == []


def test_an_identity_that_is_encrypted_is_no_ciphertext():
    text = (
        "".join(f"{field}: ENC[AES256_GCM,data:a/b,type:str]\n" for field in ("apiVersion", "kind"))
        + "metadata: {name: 'ENC[AES256_GCM,data:c]', namespace: 'ENC[AES256_GCM,data:d]'}\n"
    )
    found = identity(node(text), {})
    assert (found.group, found.version, found.kind, found.namespace, found.name) == ("", *["encrypted"] * 4)
