"""ResourceSets: what they make is what flux-operator 0.59 makes, and every field knows its line."""

import pytest

from indexer.flux.inputs import InputsError, MissingProvider, normalised_key
from indexer.flux.kustomization import UnitFailure
from indexer.flux.model import UnitState
from indexer.flux.objects import Digests
from indexer.flux.resourceset import expand, finished
from indexer.manifest.compose import parse
from indexer.manifest.node import Role
from indexer.manifest.scalars import to_data

HEAD = """\
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSet
metadata:
  name: apps
  namespace: tenants
spec:
"""


def resource_set(spec):
    return parse((HEAD + spec).encode(), "set.yaml")[0].node


def provider(name, values="{}", kind="Static", labels="{}"):
    text = f"""\
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSetInputProvider
metadata: {{name: {name}, namespace: tenants, labels: {labels}}}
spec: {{type: {kind}, defaultValues: {values}}}
"""
    return parse(text.encode(), f"{name}.yaml")[0].node


def made(spec, *providers):
    return [to_data(one.root) for one in expand(resource_set(spec), providers).objects]


def names(spec, *providers):
    return [one["metadata"]["name"] for one in made(spec, *providers)]


def config_map(name, more=""):
    return f"    - apiVersion: v1\n      kind: ConfigMap\n      metadata: {{name: {name}, namespace: x}}\n{more}"


def test_each_resource_is_rendered_for_each_input_and_loses_its_quotes():
    spec = '  inputs: [{a: "8080", b: "true"}, {a: x, b: ""}]\n  resources:\n' + config_map(
        '"cm-<< inputs.a >>"', '      data: {p: "<< inputs.a >>", q: "<< inputs.b >>", r: "on"}\n'
    )
    assert [(one["metadata"]["name"], one["data"]) for one in made(spec)] == [
        ("cm-8080", {"p": 8080, "q": True, "r": "on"}),
        ("cm-x", {"p": "x", "q": None, "r": "on"}),
    ]


def test_of_two_objects_with_one_identity_the_first_stays_and_disabled_ones_go():
    spec = "  inputs: [{a: 1}, {a: 2}]\n  resources:\n" + config_map("same", '      data: {a: "x<< inputs.a >>"}\n')
    spec += "  resourcesTemplate: |\n    ---\n    apiVersion: v1\n    kind: ConfigMap\n    metadata:\n"
    spec += "      name: t<< inputs.a >>\n      namespace: x\n      annotations:\n        "
    spec += 'fluxcd.controlplane.io/reconcile: << if eq inputs.a 2 >>disabled<< else >>"enabled"<< end >>\n'
    spec += "    ---\n    apiVersion: v2\n    kind: ConfigMap\n    metadata: {name: same, namespace: x}\n"
    found = made(spec)
    assert [(one["metadata"]["name"], one["apiVersion"]) for one in found] == [("same", "v1"), ("t1", "v1")]
    assert found[0]["data"] == {"a": "x1"}


def test_without_inputs_templates_are_rendered_once_and_empty_providers_make_nothing():
    assert names("  resources:\n" + config_map("cm")) == ["cm"]
    assert names("  inputsFrom: [{selector: {matchLabels: {a: b}}}]\n  resources:\n" + config_map("cm")) == []


def test_flatten_takes_the_sets_own_inputs_first_and_providers_by_name():
    spec = "  inputs: [{v: own}]\n  inputsFrom: [{selector: {matchExpressions: [{key: k, operator: Exists}]}}]\n"
    spec += "  resources:\n" + config_map("<< inputs.v >>-<< inputs.provider.name >>")
    found = names(
        spec, provider("b", "{v: 2}", labels="{k: x}"), provider("a", "{v: 1}", labels="{k: y}"), provider("c")
    )
    assert found == ["own-apps", "1-a", "2-b"]


def test_permute_nests_inputs_under_the_providers_names():
    spec = "  inputStrategy: {name: Permute}\n  inputs: [{v: 1}, {v: 2}]\n  inputsFrom: [{name: My.One}]\n"
    spec += "  resources:\n" + config_map("<< inputs.apps.v >>-<< inputs.my_one.e >>-<< inputs.id >>")
    assert names(spec, provider("My.One", "{e: x}")) == ["1-x-734332229", "2-x-734987590"]


@pytest.mark.parametrize(("name", "key"), [("My-One", "my_one"), ("a..b_", "a_b"), ("é1", "1"), ("--", "")])
def test_names_of_providers_as_keys(name, key):
    assert normalised_key(name) == key


def test_steps_are_rendered_in_order_and_share_no_object():
    spec = "  steps:\n  - name: one\n    resources:\n" + config_map("a")
    assert names(spec + "  - name: two\n    resources:\n" + config_map("b")) == ["a", "b"]
    with pytest.raises(UnitFailure, match=r"set\.yaml:15:7: ConfigMap a of step two is made by step one already"):
        names(spec + "  - name: two\n    resources:\n" + config_map("a"))


def test_inputs_that_only_the_cluster_knows_are_unresolved_with_their_line():
    spec = "  inputsFrom: [{name: prs}]\n  resources:\n" + config_map("pr-<< inputs.id >>")
    with pytest.raises(InputsError, match="come from GitHubPullRequest") as raised:
        made(spec, provider("prs", kind="GitHubPullRequest"))
    assert (raised.value.state, str(raised.value.span)) == (UnitState.UNRESOLVED, "prs.yaml:4:14")
    with pytest.raises(MissingProvider):
        made(spec)
    with pytest.raises(UnitFailure, match=r"^set\.yaml:11:24: inputs\.id of a Static provider") as failure:
        made(spec, provider("prs"))
    assert failure.value.state is UnitState.UNRESOLVED


@pytest.mark.parametrize(
    ("value", "state", "reason"),
    [
        ("<< inputs.zz >>", UnitState.FAILED, 'set.yaml:9:11: the template fails: map has no entry for key "zz"'),
        ('<< env "HOME" >>', UnitState.UNRESOLVED, "set.yaml:9:11: the template function `env` is not known here"),
        ("a: b", UnitState.FAILED, "set.yaml:9:9: the template makes no YAML"),
    ],
)
def test_a_template_that_cannot_be_rendered_says_where(value, state, reason):
    spec = f"  inputs: [{{a: 1}}]\n  resourcesTemplate: |\n    x: {value}\n"
    with pytest.raises(UnitFailure) as raised:
        made(spec)
    assert raised.value.state is state
    assert str(raised.value).startswith(reason)


TRACED = """\
  inputs:
    - name: shop
      on: true
  resourcesTemplate: |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: << inputs.name >>
      namespace: << inputs.provider.namespace >>
    data:
      <<- if inputs.on >>
      fixed: text
      both: << inputs.name >>-<< inputs.provider.name >>
      <<- end >>
"""


def test_every_field_knows_its_input_and_every_object_its_lines():
    (one,) = expand(resource_set(TRACED), ()).objects
    found = finished(one, {}, Digests())
    assert found.role is Role.GENERATES
    assert (found.definition.line, found.definition.end_line) == (11, 19)
    values = {(c.operation, str(c.span)): c.fields for c in found.contributions if c.role is Role.VALUES}
    assert values == {
        ("input name", "set.yaml:8:13"): ("/metadata/name", "/data/both"),
        ("input provider.namespace", "set.yaml:5:14"): ("/metadata/namespace",),
        ("input provider.name", "set.yaml:4:9"): ("/data/both",),
        ("input on", "set.yaml:9:11"): (),
    }
    assert str(found.tree.get("data").get("fixed").span) == "set.yaml:18:14"


def test_a_field_of_resources_stands_where_it_is_written():
    spec = "  inputs: [{a: 1}]\n  resources:\n" + config_map("cm", "      data:\n        z: one\n        a: two\n")
    (one,) = expand(resource_set(spec), ()).objects
    assert {key: str(one.root.get("data").get(key).span) for key in "az"} == {
        "a": "set.yaml:14:12",
        "z": "set.yaml:13:12",
    }


SET = f"""\
{HEAD}  inputs: [{{tenant: "${{TENANT}}", password: "${{PASSWORD}}"}}]
  resources:
  - apiVersion: kustomize.toolkit.fluxcd.io/v1
    kind: Kustomization
    metadata: {{name: << inputs.tenant >>, namespace: flux-system}}
    spec:
      path: ./tenants/<< inputs.tenant >>
      sourceRef: {{kind: GitRepository, name: flux-system}}
  resourcesTemplate: |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: direct-${{TENANT}}
      namespace: x
    data:
      key: << inputs.password >>
      other: ${{PASSWORD}}
"""
POST_BUILD = """\
postBuild:
  substitute: {TENANT: shop}
  substituteFrom: [{kind: Secret, name: secrets}]
"""


SETS = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: sets, namespace: flux-system}
spec:
  path: ./sets
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild:
    substitute: {TENANT: shop}
    substituteFrom: [{kind: Secret, name: secrets}]
"""


def test_flux_objects_of_a_set_are_units_and_variables_stay_known(units):
    found = units(
        {
            "clusters/one/sets.yaml": SETS,
            "clusters/one/secret.yaml": "apiVersion: v1\nkind: Secret\n"
            "metadata: {name: secrets, namespace: flux-system}\nstringData: {PASSWORD: hidden}\n",
            "sets/set.yaml": SET,
            "tenants/shop/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inner, namespace: x}\n",
        }
    )
    apps = found["ResourceSet/tenants/apps"]
    assert (apps.state, apps.reason, str(apps.parent)) == (UnitState.RENDERED, None, "Kustomization/flux-system/sets")
    inner = found["Kustomization/flux-system/shop"]
    assert (inner.parent, [one.id.name for one in inner.objects]) == (apps.id, ["inner"])
    (direct,) = [one for one in apps.objects if one.id.kind == "ConfigMap"]
    assert direct.id.name == "direct-shop"
    filled = {(one.variable, one.redacted): one.fields for one in direct.substitutions}
    assert filled == {("TENANT", False): ("/metadata/name",), ("PASSWORD", True): ("/data/key", "/data/other")}


def test_a_set_waits_for_a_provider_that_another_unit_brings(units):
    found = units(
        {
            "clusters/one/set.yaml": HEAD
            + "  inputsFrom: [{name: late}]\n  resources:\n"
            + config_map("<< inputs.v >>"),
            "clusters/one/late.yaml": SETS.split("  postBuild", maxsplit=1)[0],
            "sets/provider.yaml": "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSetInputProvider\n"
            "metadata: {name: late, namespace: tenants}\nspec: {type: Static, defaultValues: {v: found}}\n",
        }
    )
    assert [one.id.name for one in found["ResourceSet/tenants/apps"].objects] == ["found"]


def test_a_set_whose_provider_is_nowhere_is_unresolved(units):
    spec = "  inputsFrom: [{name: nowhere}]\n  resources:\n" + config_map("cm")
    found = units({"clusters/one/set.yaml": HEAD + spec})["ResourceSet/tenants/apps"]
    assert found.state is UnitState.UNRESOLVED
    assert found.reason.startswith(
        "clusters/one/set.yaml:7:16: ResourceSetInputProvider tenants/nowhere of spec.inputsFrom is not rendered"
    )


def test_a_set_that_is_not_reconciled_is_suspended(units):
    disabled = HEAD.replace(
        "  namespace: tenants\n", "  namespace: tenants\n  annotations: {fluxcd.controlplane.io/reconcile: disabled}\n"
    )
    found = units({"clusters/one/set.yaml": disabled + "  resources:\n" + config_map("cm")})["ResourceSet/tenants/apps"]
    assert (found.state, len(found.objects)) == (UnitState.SUSPENDED, 1)
    assert found.reason.startswith("clusters/one/set.yaml:6:")


def test_a_set_that_waits_for_a_set_that_is_not_there_is_unresolved(units):
    spec = "  dependsOn: [{apiVersion: fluxcd.controlplane.io/v1, kind: ResourceSet, name: no, namespace: tenants}]\n"
    found = units({"clusters/one/set.yaml": HEAD + spec + "  resources:\n" + config_map("cm")})[
        "ResourceSet/tenants/apps"
    ]
    assert found.state is UnitState.UNRESOLVED
    assert found.reason.startswith("clusters/one/set.yaml:7:15: dependsOn tenants/no is no ResourceSet")
