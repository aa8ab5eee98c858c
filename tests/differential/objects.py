"""Strategies for Kubernetes objects, and for parts of them as patches hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from yamltext import Anchored, Block, Flow, Node, has_block

Draw = Callable[[st.SearchStrategy[Any]], Any]
Features = frozenset[str]

NAMES = ("app", "web", "db", "app-2")
NAMESPACES = ("dev", "prod", "default")
KEYS = ("app", "tier", "example.com/role", "a.b")
CONTAINERS = ("app", "sidecar", "init")
IMAGES = (
    "nginx",
    "nginx:1.25",
    "ghcr.io/org/app:v1",
    "localhost:5000/db",
    "redis@sha256:" + "a" * 64,
    "nginx:1@sha256:b",
)

WEIRD = (
    "yes", "no", "on", "y", "0o7", "0x1F", "1_000", "0644", "08", "1e3", "1.0", "1.5", "-0.0", ".5", "1e-7", "1e21",
    "12345678901234567890", "123456789012345678901", "123456.5", "2020-01-01", "2020-01-01T00:00:00Z",
    "2020-1-2 3:04:05.5 +1", "'1'", '"true"', "true", "True", "null", "~", "", "''", '""', '"a: b"', "'it''s'",
    r'"tab\there"', r'"\U0001F600"', "a#b", '" lead"', "'trail '", "'-'", "'<<'", "=", "'='", "!!str 1", '!!int "3"',
    "!!str", "12:30:45", "0b11", "+1", "190:20:30", "é", r'"line\nbreak"', r'"\n"', "'null'", "'0o7'", "'1e3'",
    "'2020-01-01'", "'no'", '"~"', "-1", "+.5", "'a ' # comment", "x # comment", "'$(VAR)'", "a$$b", "$(VAR)",
    "word " * 24 + "end", '"' + "quoted " * 16 + 'end"', "%x".join("ab").replace("%", "a%"), "a:b", "http://x/y?z=1",
    "0.1", "100000", "1000000.5", "0777", "'0777'", "9007199254740993", "!!float 1", "!!bool 'true'", "1__0", "0x_f",
    r'"\x7f"', r'"\u0085"', "'multi\n\n      line'", "? ", "'#'", "'*a'", "'&a'", "'@'", "'`'", "'a,b'", "'{a}'",
)  # fmt: skip
BLOCKS = (
    Block("|", ("a: 1", "b: 2")),
    Block("|-", ("text",)),
    Block("|+", ("text", "", "")),
    Block(">", ("folded", "text", "", "next", "  more", "end")),
    Block(">-", ("folded", "text")),
    Block("|2", ("  lead", "x")),
    Block("|", ("", "first is empty")),
    Block("|", ("trailing ", "x")),
    Block("|", ("tab\tx", "")),
    Block("|-", ('{"a": {"b": "c"}, "n": 1}',)),
    Block("|", ("key=value", "# no comment", "other=" + "x " * 50)),
)

API = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "Namespace": "v1",
    "ServiceAccount": "v1",
    "PersistentVolumeClaim": "v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "Widget": "example.com/v1",
}
KINDS = tuple(API)
COMMON = ("Deployment", "Service", "ConfigMap")


class Maker:
    """Draws parts of objects; ``features`` say what may occur in them."""

    def __init__(self, draw: Draw, features: Features) -> None:
        self.draw = draw
        self.features = features

    def one(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def some(self, options: tuple[Any, ...], least: int = 0, most: int = 3) -> list[Any]:
        return self.draw(st.lists(st.sampled_from(options), unique=True, min_size=least, max_size=most))

    def chance(self, percent: int) -> bool:
        """Whether something happens; the simpler outcome is that it does not."""
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def with_(self, feature: str, percent: int = 50) -> bool:
        return feature in self.features and self.chance(percent)

    # Values

    def scalar(self, *usual: str) -> Node:
        if self.with_("weird", 40):
            return self.draw(st.sampled_from(WEIRD + BLOCKS)) if self.chance(80) else self.noise()
        return self.one(*usual) if usual else self.one("a", "b", "v1", '"1"', "'x y'")

    def noise(self) -> Node:
        """A double-quoted string of any characters."""
        found = self.draw(st.text(st.sampled_from("ab 1:#-'\"\\\n\t,{}[]&*!|>%@`é\u00a0\u2028😀~?=<>$()"), max_size=12))
        escaped = found.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'

    def number(self, *usual: str) -> Node:
        return self.scalar(*(usual or ("1", "3", "80", '"2"')))

    def entries(self, keys: tuple[str, ...] = KEYS, least: int = 0) -> Node:
        return self.styled({key: self.scalar() for key in self.some(keys, least)})

    def styled(self, node: Node) -> Node:
        if "weird" in self.features and isinstance(node, dict | list) and not has_block(node) and self.chance(15):
            return Flow(node)
        return node

    def optional(self, **fields: Callable[[], Node]) -> dict[str, Node]:
        """Some of the fields, in some order."""
        return {name: fields[name]() for name in self.some(tuple(fields), 0, len(fields))}

    def tree(self, depth: int = 2) -> Node:
        """Anything."""
        if depth == 0 or self.chance(40):
            return self.scalar()
        if self.chance(40):
            return self.styled([self.tree(depth - 1) for _ in range(self.draw(st.integers(0, 3)))])
        return self.styled({key: self.tree(depth - 1) for key in self.some(("a", "b", "name", "image", "containers"))})

    # Parts of objects

    def metadata(self, name: str, namespace: str | None) -> Node:
        result: dict[str, Node] = {"name": name}
        if namespace:
            result["namespace"] = namespace
        if self.chance(35):
            result["labels"] = self.entries()
        if self.chance(25):
            result["annotations"] = self.entries()
        if self.chance(8):
            result["finalizers"] = list(self.some(("a/b", "c/d", "e")))
        return result

    def reference(self) -> str:
        return self.one(*NAMES)

    def variable(self) -> Node:
        source: dict[str, Node] = {"name": self.one("A", "B", "C")}
        if self.chance(60):
            source["value"] = self.scalar("a", '"1"', "$(VAR)", "x-$(VAR)-y", "$$(VAR)")
        else:
            kind = self.one("configMapKeyRef", "secretKeyRef", "fieldRef")
            below: Node = (
                {"fieldPath": "metadata.name"} if kind == "fieldRef" else {"name": self.reference(), "key": "k"}
            )
            source["valueFrom"] = {kind: below}
        return source

    def port(self) -> Node:
        result: dict[str, Node] = {"containerPort": self.one("80", "443", "8080")}
        return result | self.optional(protocol=lambda: self.one("TCP", "UDP"), name=lambda: self.one("http", "web"))

    def container(self, name: str) -> dict[str, Node]:
        return {"name": name} | self.optional(
            image=lambda: self.one(*IMAGES),
            env=lambda: [self.variable() for _ in range(self.draw(st.integers(1, 3)))],
            envFrom=lambda: [{self.one("configMapRef", "secretRef"): {"name": self.reference()}}],
            ports=lambda: [self.port() for _ in range(self.draw(st.integers(1, 3)))],
            args=lambda: [self.scalar("--x", "-v", "$(VAR)") for _ in range(self.draw(st.integers(0, 3)))],
            command=lambda: ["sh", "-c", self.scalar("echo hi")],
            volumeMounts=lambda: [{"name": self.one("v", "w"), "mountPath": self.one("/a", "/b", "/$(VAR)")}],
            resources=lambda: {"limits": {"cpu": self.scalar("1", "100m")}, "requests": {"memory": "1Gi"}},
        )

    def volume(self, name: str) -> dict[str, Node]:
        source: dict[str, Node] = self.one(
            {"configMap": {"name": self.reference()}},
            {"secret": {"secretName": self.reference()}},
            {"emptyDir": {}},
            {"persistentVolumeClaim": {"claimName": self.reference()}},
            {"projected": {"sources": [{"configMap": {"name": self.reference()}}]}},
        )
        return {"name": name, **source}

    def pod(self) -> dict[str, Node]:
        containers: list[Node] = [self.container(name) for name in self.some(CONTAINERS, 1, 3)]
        if len(containers) > 1 and "anchors" in self.features and self.chance(50) and isinstance(containers[0], dict):
            containers[0] = Anchored("c", containers[0])
            containers[1] = {"<<": "*c", "name": "merged", **self.optional(image=lambda: self.one(*IMAGES))}
        return {"containers": containers} | self.optional(
            initContainers=lambda: [self.container(name) for name in self.some(CONTAINERS, 1, 2)],
            volumes=lambda: [self.volume(name) for name in self.some(("v", "w"), 1, 2)],
            serviceAccountName=self.reference,
            imagePullSecrets=lambda: [{"name": self.reference()}],
            nodeSelector=lambda: self.entries(least=1),
            tolerations=lambda: [{"key": "a", "operator": "Exists"}],
            securityContext=lambda: {"runAsUser": self.number()},
            topologySpreadConstraints=lambda: [
                {
                    "topologyKey": key,
                    "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": {"matchLabels": self.entries()},
                }
                for key in self.some(("zone", "host"), 1, 2)
            ],
            affinity=lambda: {
                "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {"labelSelector": {"matchLabels": self.entries()}, "topologyKey": "zone"}
                    ]
                }
            },
        )

    def template(self) -> dict[str, Node]:
        return {"metadata": {"labels": self.entries()}, "spec": self.pod()} if self.chance(60) else {"spec": self.pod()}

    def selector(self) -> Node:
        return {"matchLabels": self.entries(least=1)}

    def workload(self) -> dict[str, Node]:
        return self.optional(
            replicas=self.number, selector=self.selector, template=self.template, paused=lambda: self.scalar("true")
        )

    def body(self, kind: str) -> dict[str, Node]:
        """The fields of an object besides its type and metadata."""
        if kind in ("Deployment", "DaemonSet"):
            return {"spec": self.workload()}
        if kind == "StatefulSet":
            claims = self.optional(
                volumeClaimTemplates=lambda: [{"metadata": {"name": "data"}, "spec": {"storageClassName": "x"}}],
                serviceName=self.reference,
            )
            return {"spec": self.workload() | claims}
        if kind == "Job":
            return {"spec": self.optional(template=self.template, selector=self.selector, backoffLimit=self.number)}
        if kind == "CronJob":
            return {"spec": {"schedule": "'* * * * *'", "jobTemplate": {"spec": {"template": self.template()}}}}
        if kind == "Pod":
            return {"spec": self.pod()}
        if kind == "Service":
            ports: Callable[[], Node] = lambda: [  # noqa: E731
                {
                    "port": port,
                    **self.optional(protocol=lambda: self.one("TCP", "UDP"), name=lambda: self.one("a", "b")),
                }
                for port in self.some(("80", "443", "$(VAR)"), 1, 2)
            ]
            return {
                "spec": self.optional(
                    selector=self.entries, ports=ports, type=lambda: self.one("ClusterIP", "NodePort")
                )
            }
        if kind == "ConfigMap":
            data: Callable[[], Node] = lambda: self.entries(("k", "a", "b.yaml", "structured"), 1)  # noqa: E731
            return self.optional(data=data, binaryData=lambda: {"bin": "aGVsbG8="}, immutable=lambda: "true")
        if kind == "Secret":
            return self.optional(
                data=lambda: {"k": "aGVsbG8="}, stringData=lambda: self.entries(("k", "s"), 1), type=lambda: "Opaque"
            )
        if kind == "Ingress":
            backend: Node = {"service": {"name": self.reference(), "port": {"number": "80"}}}
            rule: Node = {
                "host": self.one("a.example", "$(VAR).example"),
                "http": {"paths": [{"path": "/", "backend": backend}]},
            }
            return {
                "spec": {
                    "rules": [rule],
                    **self.optional(tls=lambda: [{"hosts": ["a"], "secretName": self.reference()}]),
                }
            }
        if kind == "NetworkPolicy":
            peer: Node = [{"from": [{"podSelector": self.selector()}]}]
            return {"spec": {"podSelector": self.selector(), **self.optional(ingress=lambda: peer)}}
        if kind == "HorizontalPodAutoscaler":
            return {
                "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.reference()}}
            }
        if kind == "PodDisruptionBudget":
            return {"spec": self.optional(selector=self.selector, minAvailable=self.number)}
        if kind in ("RoleBinding", "ClusterRoleBinding"):
            subjects: Callable[[], Node] = lambda: [  # noqa: E731
                {"kind": "ServiceAccount", "name": name, **self.optional(namespace=lambda: self.one(*NAMESPACES))}
                for name in self.some((*NAMES, "default"), 1, 2)
            ]
            role: Node = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": self.reference()}
            if kind == "ClusterRoleBinding":
                role["kind"] = "ClusterRole"
            return {"roleRef": role, **self.optional(subjects=subjects)}
        if kind in ("Role", "ClusterRole"):
            rule = {"apiGroups": ['""'], "resources": ["configmaps"], "verbs": ["get"]}
            return {"rules": [rule | self.optional(resourceNames=lambda: self.some(NAMES, 1))]}
        if kind == "ValidatingWebhookConfiguration":
            client: Node = {"service": {"name": self.reference(), **self.optional(namespace=lambda: "dev")}}
            return {"webhooks": [{"name": "w.example.com", "clientConfig": client}]}
        if kind == "CustomResourceDefinition":
            return {"spec": {"group": "example.com", "names": {"kind": "Widget"}}}
        if kind == "Widget":
            return {"spec": self.tree(3)} if self.chance(70) else {"spec": {"configMapName": self.reference()}}
        return {}

    def object_(self, kind: str, name: str, namespace: str | None, *, patch: bool = False) -> dict[str, Node]:
        """A whole object, or one as a strategic merge patch holds it (then nothing is required)."""
        metadata: Node = self.metadata(name, namespace)
        fields: dict[str, Node] = {"apiVersion": API[kind], "kind": kind, "metadata": metadata}
        if patch and self.chance(50):
            metadata = {"name": name}
            fields["metadata"] = metadata
        return fields | self.body(kind)
