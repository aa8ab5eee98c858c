"""What an object refers to: the names of other objects in its fields, each with the line that says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from indexer.flux.identity import spoken
from indexer.flux.resources import (
    GENERATOR,
    HELM,
    KUSTOMIZE,
    SOURCE,
    group_of,
    items_of,
    kind_of,
    namespace_of,
    truth,
)
from indexer.flux.sops import in_clear
from indexer.kustomize.nodes import find, string_map, text_at
from indexer.manifest.node import Mapping, Node, Span

IMAGE: Final = "image.toolkit.fluxcd.io"
NOTIFICATION: Final = "notification.toolkit.fluxcd.io"
GATEWAY: Final = "gateway.networking.k8s.io"

_POD_SPECS: Final = {
    ("", "Pod"): ("spec",),
    ("", "ReplicationController"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """One object that another one needs."""

    group: str
    kind: str
    namespace: str
    """"" for a cluster-scoped object, and where nothing says the namespace."""
    name: str
    span: Span | None
    """The line with the name."""

    def __str__(self) -> str:
        return spoken(self.kind, self.namespace, self.name)


def references_of(root: Mapping) -> Iterator[Reference]:
    """The objects without which an object does not work. What it marks as optional is left out."""
    key = group_of(root), kind_of(root)
    pod = _POD_SPECS.get(key)
    if pod is not None:
        yield from _of_pod(find(root, *pod), namespace_of(root))
    of_kind = _KINDS.get(key)
    if of_kind is not None:
        yield from of_kind(root, namespace_of(root))


def _to(kind: str, at: Node | None, namespace: str, group: str = "") -> Iterator[Reference]:
    """A reference by the scalar ``at``; nothing where it is absent or empty, or where what it says is not known here:
    with a variable left in it, or encrypted.
    """
    name = text_at(at)
    if name and "$" not in name and in_clear(name) == name:
        assert at is not None
        yield Reference(group, kind, namespace, name, at.span)


def _of_pod(spec: Node | None, namespace: str) -> Iterator[Reference]:
    yield from _to("ServiceAccount", find(spec, "serviceAccountName"), namespace)
    for secret in items_of(find(spec, "imagePullSecrets")):
        yield from _to("Secret", find(secret, "name"), namespace)
    for volume in items_of(find(spec, "volumes")):
        yield from _of_volume(volume, namespace)
    for containers in ("initContainers", "containers"):
        for container in items_of(find(spec, containers)):
            yield from _of_container(container, namespace)


def _of_volume(volume: Node, namespace: str) -> Iterator[Reference]:
    yield from _to("PersistentVolumeClaim", find(volume, "persistentVolumeClaim", "claimName"), namespace)
    for config_map, secret in (
        (find(volume, "configMap"), find(volume, "secret")),
        *((find(one, "configMap"), find(one, "secret")) for one in items_of(find(volume, "projected", "sources"))),
    ):
        if not truth(config_map, "optional"):
            yield from _to("ConfigMap", find(config_map, "name"), namespace)
        if not truth(secret, "optional"):
            name = find(secret, "secretName")
            yield from _to("Secret", name if name is not None else find(secret, "name"), namespace)


def _of_container(container: Node, namespace: str) -> Iterator[Reference]:
    sources = [find(one, "valueFrom") for one in items_of(find(container, "env"))]
    for source in (*sources, *items_of(find(container, "envFrom"))):
        for field, kind in _ENVIRONMENT:
            reference = find(source, field)
            if reference is not None and not truth(reference, "optional"):
                yield from _to(kind, find(reference, "name"), namespace)


_ENVIRONMENT: Final = (
    ("configMapKeyRef", "ConfigMap"),
    ("configMapRef", "ConfigMap"),
    ("secretKeyRef", "Secret"),
    ("secretRef", "Secret"),
)


def _stateful_set(root: Mapping, namespace: str) -> Iterator[Reference]:
    yield from _to("Service", find(root, "spec", "serviceName"), namespace)
    for template in items_of(find(root, "spec", "volumeClaimTemplates")):
        yield from _storage_class(template, "")


def _storage_class(root: Node, _namespace: str) -> Iterator[Reference]:
    yield from _to("StorageClass", find(root, "spec", "storageClassName"), "", "storage.k8s.io")


def _ingress(root: Mapping, namespace: str) -> Iterator[Reference]:
    backends = [find(root, "spec", "defaultBackend")]
    for rule in items_of(find(root, "spec", "rules")):
        backends += [find(path, "backend") for path in items_of(find(rule, "http", "paths"))]
    for backend in backends:
        yield from _to("Service", find(backend, "service", "name"), namespace)
    if not _has_certificates_made(root):
        for tls in items_of(find(root, "spec", "tls")):
            yield from _to("Secret", find(tls, "secretName"), namespace)


def _has_certificates_made(root: Mapping) -> bool:
    """Whether a controller is told to make the Secrets that hold the certificates."""
    return any("cert-manager.io/" in key or "acme" in key for key in string_map(find(root, "metadata", "annotations")))


def _gateway(root: Mapping, namespace: str) -> Iterator[Reference]:
    if _has_certificates_made(root):
        return
    for listener in items_of(find(root, "spec", "listeners")):
        for reference in items_of(find(listener, "tls", "certificateRefs")):
            if text_at(reference, "kind") in ("", "Secret"):
                yield from _to("Secret", find(reference, "name"), text_at(reference, "namespace") or namespace)


def _route(root: Mapping, namespace: str) -> Iterator[Reference]:
    for rule in items_of(find(root, "spec", "rules")):
        for reference in items_of(find(rule, "backendRefs")):
            if text_at(reference, "kind") in ("", "Service") and not text_at(reference, "group"):
                yield from _to("Service", find(reference, "name"), text_at(reference, "namespace") or namespace)


def _role_binding(root: Mapping, namespace: str) -> Iterator[Reference]:
    for subject in items_of(find(root, "subjects")):
        if text_at(subject, "kind") == "ServiceAccount":
            yield from _to("ServiceAccount", find(subject, "name"), text_at(subject, "namespace") or namespace)


def _kustomization(root: Mapping, namespace: str) -> Iterator[Reference]:
    """Keys are left out: what decrypts, and what opens another cluster, is never in the repository in clear."""
    spec = find(root, "spec")
    yield from _source(find(spec, "sourceRef"), namespace)
    yield from _depends_on(root, namespace)
    yield from _account(root, namespace)
    for entry in items_of(find(spec, "postBuild", "substituteFrom")):
        yield from _values_from(entry, namespace)


def _helm_release(root: Mapping, namespace: str) -> Iterator[Reference]:
    spec = find(root, "spec")
    yield from _source(find(spec, "chart", "spec", "sourceRef"), namespace)
    yield from _source(find(spec, "chartRef"), namespace)
    yield from _depends_on(root, namespace)
    yield from _account(root, namespace)
    for entry in items_of(find(spec, "valuesFrom")):
        yield from _values_from(entry, namespace)


def _source(node: Node | None, namespace: str) -> Iterator[Reference]:
    kind = text_at(node, "kind")
    if kind:
        yield from _to(kind, find(node, "name"), text_at(node, "namespace") or namespace, SOURCE)


def _depends_on(root: Mapping, namespace: str) -> Iterator[Reference]:
    for entry in items_of(find(root, "spec", "dependsOn")):
        yield from _to(kind_of(root), find(entry, "name"), text_at(entry, "namespace") or namespace, group_of(root))


def _account(root: Mapping, namespace: str) -> Iterator[Reference]:
    """The account that a unit applies with; with a ``kubeConfig``, it is one of the other cluster."""
    if find(root, "spec", "kubeConfig") is None:
        yield from _to("ServiceAccount", find(root, "spec", "serviceAccountName"), namespace)


def _values_from(entry: Node, namespace: str) -> Iterator[Reference]:
    kind = text_at(entry, "kind")
    if kind in ("ConfigMap", "Secret") and not truth(entry, "optional"):
        yield from _to(kind, find(entry, "name"), namespace)


def _flux_source(root: Mapping, namespace: str) -> Iterator[Reference]:
    for field in ("secretRef", "certSecretRef", "proxySecretRef"):
        yield from _to("Secret", find(root, "spec", field, "name"), namespace)
    yield from _account(root, namespace)
    yield from _source(find(root, "spec", "sourceRef"), namespace)
    for entry in items_of(find(root, "spec", "include")):
        yield from _to("GitRepository", find(entry, "repository", "name"), namespace, SOURCE)


def _artifact_generator(root: Mapping, namespace: str) -> Iterator[Reference]:
    for entry in items_of(find(root, "spec", "sources")):
        yield from _source(entry, namespace)


def _image_policy(root: Mapping, namespace: str) -> Iterator[Reference]:
    reference = find(root, "spec", "imageRepositoryRef")
    yield from _to("ImageRepository", find(reference, "name"), text_at(reference, "namespace") or namespace, IMAGE)


def _secret_of(root: Mapping, namespace: str) -> Iterator[Reference]:
    yield from _to("Secret", find(root, "spec", "secretRef", "name"), namespace)


def _alert(root: Mapping, namespace: str) -> Iterator[Reference]:
    yield from _to("Provider", find(root, "spec", "providerRef", "name"), namespace, NOTIFICATION)


def _webhooks(root: Mapping, _namespace: str) -> Iterator[Reference]:
    for webhook in items_of(root.get("webhooks")):
        service = find(webhook, "clientConfig", "service")
        yield from _to("Service", find(service, "name"), text_at(service, "namespace"))


def _api_service(root: Mapping, _namespace: str) -> Iterator[Reference]:
    service = find(root, "spec", "service")
    yield from _to("Service", find(service, "name"), text_at(service, "namespace"))


_KINDS: Final[dict[tuple[str, str], Callable[[Mapping, str], Iterator[Reference]]]] = {
    ("apps", "StatefulSet"): _stateful_set,
    ("", "PersistentVolumeClaim"): _storage_class,
    ("networking.k8s.io", "Ingress"): _ingress,
    (GATEWAY, "Gateway"): _gateway,
    **{(GATEWAY, kind): _route for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")},
    ("rbac.authorization.k8s.io", "RoleBinding"): _role_binding,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _role_binding,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    (KUSTOMIZE, "Kustomization"): _kustomization,
    (HELM, "HelmRelease"): _helm_release,
    **{
        (SOURCE, kind): _flux_source
        for kind in ("GitRepository", "OCIRepository", "HelmRepository", "Bucket", "HelmChart")
    },
    (GENERATOR, "ArtifactGenerator"): _artifact_generator,
    (IMAGE, "ImagePolicy"): _image_policy,
    (IMAGE, "ImageRepository"): _secret_of,
    (NOTIFICATION, "Provider"): _secret_of,
    (NOTIFICATION, "Receiver"): _secret_of,
    (NOTIFICATION, "Alert"): _alert,
}
