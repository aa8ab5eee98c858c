"""What flux-operator takes from other objects into those of a ResourceSet."""

import hashlib

import pytest
from flux_fleet import config_map, kustomization

from indexer.flux.model import UnitState
from indexer.manifest.scalars import to_data

HEAD = """\
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSet
metadata: {name: apps, namespace: tenants}
spec:
  resources:
"""
SUPPLIER = """\
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: infra}
type: example.org/token
data: {a: c2VjcmV0}
stringData: {b: plain}
"""


def item(kind, name, annotation, value, more=""):
    return (
        f"  - apiVersion: v1\n    kind: {kind}\n    metadata:\n      name: {name}\n      namespace: x\n"
        f"      annotations: {{fluxcd.controlplane.io/{annotation}: {value}}}\n{more}"
    )


def of_set(units, spec, **files):
    found = units({"clusters/one/set.yaml": HEAD + spec, **{f"clusters/one/{k}.yaml": v for k, v in files.items()}})
    return found["ResourceSet/tenants/apps"]


def test_the_data_of_a_config_map_are_copied(units):
    found = of_set(
        units,
        item("ConfigMap", "cm", "copyFrom", "infra/settings", "    data: {gone: x}\n"),
        settings=config_map("settings", "{a: b}", "infra"),
    )
    (obj,) = found.objects
    assert (found.state, to_data(obj.tree)["data"]) == (UnitState.RENDERED, {"a": "b"})
    assert ("clusters/one/settings.yaml:4:7", ("/data",)) in {
        (str(part.span), part.fields) for part in obj.contributions if part.operation == "copyFrom"
    }


def test_the_values_and_the_type_of_a_secret_are_copied(units):
    (obj,) = of_set(units, item("Secret", "s", "copyFrom", "infra/token"), token=SUPPLIER).objects
    made = to_data(obj.tree)
    assert (made["type"], made["data"]) == ("example.org/token", {"a": "c2VjcmV0", "b": "cGxhaW4="})


def test_a_checksum_is_that_of_the_config_maps_as_they_are_applied(units):
    (obj, _) = of_set(
        units,
        item("ConfigMap", "cm", "checksumFrom", '"ConfigMap/infra/settings, ConfigMap/x/own"')
        + item("ConfigMap", "own", "copyFrom", "infra/settings"),
        settings=config_map("settings", "{b: '2', a: '1'}", "infra"),
    ).objects
    data = b"\0a\x001\0b\x002\0"
    digest = hashlib.sha256(b"ConfigMap/infra/settings" + data + b"ConfigMap/x/own" + data).hexdigest()
    assert to_data(obj.tree)["metadata"]["annotations"]["fluxcd.controlplane.io/checksum"] == f"sha256:{digest}"


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        ("copyFrom", "a/b", "its data are copied from ConfigMap a/b, which flux-operator reads"),
        ("convertKubeConfigFrom", "a/b", "its data are made from the kubeconfig in Secret a/b, which flux-operator"),
        ("checksumFrom", "Secret/infra/token", "an annotation has a checksum of Secret/infra/token, which"),
        ("checksumFrom", "ConfigMap/a/b", "an annotation has a checksum of ConfigMap/a/b, which flux-operator reads"),
    ],
)
def test_what_only_the_cluster_has_leaves_the_set_unresolved_with_its_objects(units, annotation, value, reason):
    found = of_set(units, item("ConfigMap", "cm", annotation, value), token=SUPPLIER)
    assert (found.state, len(found.objects)) == (UnitState.UNRESOLVED, 1)
    assert found.reason.startswith("clusters/one/set.yaml:11:")
    assert f": ConfigMap cm: {reason}" in found.reason


@pytest.mark.parametrize(("annotation", "value"), [("copyFrom", "settings"), ("checksumFrom", "Pod/a/b")])
def test_an_annotation_that_cannot_be_understood_fails_the_set(units, annotation, value):
    found = of_set(units, item("ConfigMap", "cm", annotation, value))
    assert (found.state, found.objects) == (UnitState.FAILED, ())
    assert found.reason.startswith("clusters/one/set.yaml:11:")
    assert found.reason.endswith(": correct it")


def test_a_value_of_a_secret_stays_one_when_its_config_map_is_copied(units):
    """The ConfigMap holds what ``postBuild`` put there."""
    found = units(
        {
            "clusters/one/vars.yaml": SUPPLIER.replace("infra", "flux-system"),
            "clusters/one/app.yaml": kustomization(
                "app", "./app", "postBuild: {substituteFrom: [{kind: Secret, name: token}]}\n"
            ),
            "app/cm.yaml": config_map("settings", '{a: "${a}"}', "infra"),
            "clusters/one/set.yaml": HEAD + item("ConfigMap", "cm", "copyFrom", "infra/settings"),
        }
    )
    (obj,) = found["ResourceSet/tenants/apps"].objects
    assert to_data(obj.tree)["data"] == {"a": "secret"}
    assert [(one.variable, one.fields, one.redacted) for one in obj.substitutions] == [("a", ("/data/a",), True)]
