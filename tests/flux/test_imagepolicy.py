"""Lines that image automation writes."""

import pytest

from indexer.flux.imagepolicy import policy_of
from indexer.manifest.node import Role


@pytest.mark.parametrize(
    ("comment", "policy"),
    [
        ('# {"$imagepolicy": "ns:app"}', "ImagePolicy ns/app"),
        ('# {"$imagepolicy": "ns:app:tag"}', "ImagePolicy ns/app (tag)"),
        ('# renovate # {"$imagepolicy":"ns:app:name"}', "ImagePolicy ns/app (name)"),
        ('# {"$imagepolicy": "app"}', None),
        ('# {"$imagepolicy": 1}', None),
        ('# {"$other": "ns:app"}', None),
        ("# {not json}", None),
        ("# $imagepolicy", None),
    ],
)
def test_a_setter_names_a_policy(comment, policy):
    assert policy_of(comment) == policy


def test_where_a_setter_stands_the_object_says_what_writes_the_line(units):
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: x}\nspec:\n  containers:\n  - name: a\n"
    found = units(
        {
            "clusters/one/apps/pod.yaml": pod + "    image: app:1\n  - name: b\n"
            '    image: b:2 # {"$imagepolicy": "flux-system:b"}\n',
            "clusters/one/apps/kustomization.yaml": "resources: [pod.yaml]\nimages:\n- name: app\n"
            '  newTag: "2" # {"$imagepolicy": "flux-system:app:tag"}\n',
        }
    )
    (obj,) = [one for one in found["Kustomization/flux-system/flux-system"].objects if one.id.kind == "Pod"]
    written = {
        c.operation: (c.role, str(c.span), c.fields) for c in obj.contributions if "image automation" in c.operation
    }
    assert written == {
        "written by image automation: ImagePolicy flux-system/app (tag)": (
            Role.VALUES, "clusters/one/apps/kustomization.yaml:4:11", ("/spec/containers/0/image",),
        ),
        "written by image automation: ImagePolicy flux-system/b": (
            Role.VALUES, "clusters/one/apps/pod.yaml:9:12", ("/spec/containers/1/image",),
        ),
    }  # fmt: skip
