import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.kinds import catalogue, known, matching, plural_of


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("deploy", "Deployment"),
        ("Deployment", "Deployment"),
        ("DEPLOYMENTS", "Deployment"),
        ("deployments.apps", "Deployment"),
        ("deployment.v1.apps", "Deployment"),
        ("deployments.app", "Deployment"),
        ("ns", "Namespace"),
        ("svc", "Service"),
        ("ing", "Ingress"),
        ("netpol", "NetworkPolicy"),
        ("ks", "Kustomization"),
        ("hr", "HelmRelease"),
        ("helmreleases.helm.toolkit.fluxcd.io", "HelmRelease"),
        ("gitrepo", "GitRepository"),
        ("rset", "ResourceSet"),
    ],
)
def test_what_kubectl_accepts_names_a_kind(token: str, kind: str) -> None:
    assert [found.name for found in matching(token, known())] == [kind]


@pytest.mark.parametrize("token", ["deplyoment", "deployments.batch", "", "deploy.v1.batch"])
def test_what_kubectl_refuses_names_none(token: str) -> None:
    assert matching(token, known()) == ()


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Certificate", "certificates"),
        ("IngressRoute", "ingressroutes"),
        ("CephCluster", "cephclusters"),
        ("ClusterPolicy", "clusterpolicies"),
        ("Gateway", "gateways"),
        ("Redis", "redises"),
        ("Mesh", "meshes"),
        ("Box", "boxes"),
    ],
)
def test_a_custom_kind_has_the_plural_of_controller_gen(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


def test_kinds_of_the_index_are_known_by_all_their_names() -> None:
    kinds = catalogue([("cert-manager.io", "Certificate"), ("apps", "Deployment")])
    for token in ("certificate", "certificates", "Certificate.cert-manager.io"):
        assert [found.name for found in matching(token, kinds)] == ["Certificate"]
    assert len(matching("deployment", kinds)) == 1


def test_a_kind_of_two_groups_is_both_until_the_group_is_said() -> None:
    kinds = catalogue([("traefik.io", "IngressRoute"), ("traefik.containo.us", "IngressRoute")])
    assert len(matching("ingressroute", kinds)) == 2
    assert [found.group for found in matching("ingressroutes.traefik.io", kinds)] == ["traefik.io"]


@given(st.sampled_from(known()), st.data())
def test_every_name_of_a_kind_in_any_case_and_with_its_group_finds_it(kind, data) -> None:
    name = data.draw(st.sampled_from(kind.names))
    spelled = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in name)
    assert kind in matching(spelled, known())
    assert kind in matching(f"{spelled}.{kind.group}" if kind.group else spelled, known())
