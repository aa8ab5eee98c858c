from indexer.kustomize.resid import Gvk, ResId, parse_api_version


def test_printed_form_shows_blanks() -> None:
    assert str(ResId("apps", "v1", "Deployment", "api")) == "Deployment.v1.apps/api.[noNs]"
    assert str(ResId("", "v1", "ConfigMap", "c", "shop")) == "ConfigMap.v1.[noGrp]/c.shop"


def test_api_version_splits_at_the_first_slash() -> None:
    assert parse_api_version("v1") == ("", "v1")
    assert parse_api_version("apps/v1") == ("apps", "v1")


def test_unwritten_and_default_namespace_are_the_same() -> None:
    assert ResId("", "v1", "Pod", "p").key == ResId("", "v1", "Pod", "p", "default").key
    assert ResId("", "v1", "Pod", "p").key != ResId("", "v1", "Pod", "p", "other").key


def test_a_namespace_means_nothing_on_a_known_cluster_scoped_kind() -> None:
    assert ResId("", "v1", "Namespace", "a").key == ResId("", "v1", "Namespace", "a", "b").key
    assert not ResId("cert-manager.io", "v1", "ClusterIssuer", "a").cluster_scoped
    assert not ResId("storage.k8s.io", "v2", "StorageClass", "a").cluster_scoped


def test_blank_parts_of_a_selector_select_anything() -> None:
    deployment = Gvk("apps", "v1", "Deployment")
    assert deployment.is_selected(Gvk("", "", "Deployment"))
    assert not deployment.is_selected(Gvk("extensions", "", "Deployment"))


def test_namespaces_sort_first_and_webhooks_last() -> None:
    kinds = ["Widget", "ValidatingWebhookConfiguration", "Deployment", "Namespace", "ConfigMap"]
    assert sorted(kinds, key=lambda kind: Gvk("", "v1", kind).sort_key) == [
        "Namespace",
        "ConfigMap",
        "Deployment",
        "Widget",
        "ValidatingWebhookConfiguration",
    ]
