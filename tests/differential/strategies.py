"""Strategies for whole kustomizations: bases, overlays and components as a dict of paths and texts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from objects import API, COMMON, CONTAINERS, KEYS, KINDS, NAMES, NAMESPACES, Features, Maker
from yamltext import Block, Node, documents, dump, flow, text

Files = dict[str, str]

FEATURES = (
    "patches", "directives", "json6902", "targets", "generators", "namespace", "affixes", "labels", "commonLabels",
    "annotations", "images", "replicas", "replacements", "configurations", "vars", "openapi", "sortOptions",
    "buildMetadata", "weird", "anchors", "documents", "lists", "components", "bases", "plugins", "deprecated", "kinds",
)  # fmt: skip
"""What one example may use: a few at a time find more than all at once."""

POINTERS = (
    "/metadata/labels/app", "/metadata/labels", "/metadata/annotations/a~1b", "/metadata/annotations",
    "/metadata/name", "/metadata/namespace", "/spec/replicas", "/spec/template/spec/containers/0/image",
    "/spec/template/spec/containers/-", "/spec/template/spec/containers/0",
    "/spec/template/spec/containers/0/env/0/value", "/spec/selector", "/spec/template/metadata/labels/app", "/data/k",
    "/data", "/data/b.yaml", "/spec/ports/0/port", "/spec/ports/-", "/spec", "/spec/a", "/spec/a/0", "/spec/a/-",
    "/spec/b/-1", "/spec/a/01", "", "/kind", "/spec/rules/0/host",
)  # fmt: skip
FIELD_PATHS = (
    "metadata.name", "metadata.namespace", "metadata.labels.app", "metadata.labels.[example.com/role]",
    "spec.replicas", "metadata.annotations.a\\.b", "spec.template.spec.containers.0.image",
    "spec.template.spec.containers.[name=app].image", "spec.template.spec.containers.*.image",
    "spec.template.spec.containers.[name=app].env.[name=A].value", "data.k", "data.structured.a.b", "data.b\\.yaml.a",
    "spec.selector", "spec.selector.matchLabels", "spec.ports.0.port", "spec.a", "spec.ports.*.name",
    "spec.template.metadata.labels.app", "spec.template.spec.containers.-.name", "metadata.labels",
    "spec.template.spec.volumes.[name=v].configMap.name", "stringData.s", "spec.rules.0.host", "spec.a.0",
    "spec.b.name",
)  # fmt: skip
CONFIGURATIONS = (
    "namePrefix:\n- path: metadata/name\n- path: spec/configMapName\n  kind: Widget\n",
    "commonLabels:\n- path: spec/a/labels\n  create: true\n  kind: Widget\n",
    "labels:\n- path: spec/template/metadata/labels\n  create: true\n  kind: Deployment\n",
    "commonAnnotations:\n- path: spec/b\n  create: true\n  kind: Widget\n",
    "nameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - path: spec/configMapName\n    kind: Widget\n",
    "nameReference:\n- kind: Deployment\n  fieldSpecs:\n  - path: data/k\n    kind: ConfigMap\n  - path: spec/name\n",
    "images:\n- path: spec/image\n  kind: Widget\n- path: spec/a/image\n",
    "replicas:\n- path: spec/replicas\n  kind: Widget\n  create: true\n",
    "namespace:\n- path: spec/namespace\n  kind: Widget\n  create: true\n",
    "varReference:\n- path: data/k\n  kind: ConfigMap\n- path: spec/a\n  kind: Widget\n",
    "templateLabels:\n- path: spec/a/labels\n  create: true\n",
)  # fmt: skip
OPENAPI = """definitions:
  w:
    type: object
    properties:
      spec:
        type: object
        properties:
          containers:
            type: array
            items: {type: object}
            x-kubernetes-patch-merge-key: name
            x-kubernetes-patch-strategy: merge
    x-kubernetes-group-version-kind:
    - {group: example.com, version: v1, kind: Widget}
"""


class Layers(Maker):
    """Draws one repository: everything under ``files``, with the build in ``top``."""

    def __init__(self, draw: Any, features: Features) -> None:
        super().__init__(draw, features)
        self.files: Files = {}
        self.known: list[tuple[str, str, str | None]] = []
        self.variables: set[str] = set()

    # Directories

    def repository(self) -> Files:
        below = [self.kustomization("base", {}, objects=(1, 5))]
        if self.with_("bases", 70):
            below.append(self.kustomization("other", {}, objects=(1, 3)))
        if self.with_("bases", 60):
            below = [self.kustomization("mid", {"resources": [f"../{name}" for name in below]}, objects=(0, 1))]
        components: list[Node] = []
        if self.with_("components", 85):
            components = [f"../{self.component(name)}" for name in self.one(("c",), ("c", "d"))]
        fields: dict[str, Node] = {"resources": [f"../{name}" for name in below]}
        if components:
            fields["components"] = components
        self.kustomization("top", fields, objects=(0, 2), top=True)
        return self.files

    def component(self, name: str) -> str:
        fields: dict[str, Node] = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
        return self.kustomization(name, fields, objects=(0, 1))

    def kustomization(self, path: str, fields: dict[str, Node], objects: tuple[int, int], *, top: bool = False) -> str:
        resources = list(fields.get("resources", [])) + self.resources(path, *objects)
        result = fields | ({"resources": resources} if resources else {})
        for feature, percent, part in self.parts(path):
            if self.with_(feature, percent):
                result |= part()
        if top and self.with_("sortOptions", 80):
            result |= self.sort_options()
        if top and self.with_("buildMetadata", 80):
            result["buildMetadata"] = self.some(("originAnnotations", "transformerAnnotations", "managedByLabel"), 1)
        if not set(result) - {"apiVersion", "kind"}:
            result["resources"] = []
        self.files[f"{path}/kustomization.yaml"] = dump(result)
        return path

    def parts(self, path: str) -> list[tuple[str, int, Any]]:
        return [
            ("patches", 60, lambda: {"patches": [self.patch(path, n) for n in range(self.count())]}),
            ("generators", 50, lambda: self.generators(path)),
            ("namespace", 50, lambda: {"namespace": self.one(*NAMESPACES)}),
            ("affixes", 50, lambda: {"namePrefix": self.one("pre-", "x", "1")}),
            ("affixes", 30, lambda: {"nameSuffix": self.one("-post", "2")}),
            ("labels", 60, lambda: {"labels": [self.label() for _ in range(self.count())]}),
            ("commonLabels", 60, lambda: {"commonLabels": self.pairs(KEYS)}),
            ("annotations", 60, lambda: {"commonAnnotations": self.pairs(KEYS)}),
            ("images", 60, lambda: {"images": [self.image() for _ in range(self.count())]}),
            ("replicas", 40, lambda: {"replicas": [{"name": self.name(), "count": self.one("0", "5")}]}),
            ("replacements", 70, lambda: {"replacements": [self.replacement(path, n) for n in range(self.count())]}),
            ("configurations", 60, lambda: self.configurations(path)),
            ("vars", 60, self.vars_),
            ("openapi", 50, lambda: self.openapi(path)),
            ("plugins", 50, lambda: self.plugins(path)),
            ("deprecated", 40, self.deprecated),
        ]

    def count(self) -> int:
        return int(self.draw(st.integers(1, 2)))

    # Resources

    def resources(self, path: str, least: int, most: int) -> list[Node]:
        made: list[Node] = []
        for _ in range(self.draw(st.integers(least, most))):
            kind = self.one(*KINDS) if "kinds" in self.features else self.one(*COMMON)
            namespace = self.one(None, None, None, *NAMESPACES)
            key = (kind, self.one(*NAMES), namespace)
            if key in self.known:
                continue
            self.known.append(key)
            made.append(self.object_(*key))
        return list(self.written(path, made))

    def written(self, path: str, objects: list[Node]) -> list[str]:
        """Writes objects into one file, into several, or into a List; their names."""
        if objects and self.with_("lists", 60):
            kind = self.one("List", "ConfigMapList", "WidgetList")
            objects = [{"apiVersion": "v1", "kind": kind, "items": objects}]
        if len(objects) > 1 and self.with_("documents", 80):
            separator = self.one("---\n", "--- # next\n", "---\n\n---\n", "---\n# only a comment\n---\n")
            start = self.one("", "---\n", "# comment\n", "\n")
            self.files[f"{path}/all.yaml"] = start + separator.join(map(dump, objects))
            return ["all.yaml"]
        names = [f"r{number}.yaml" for number in range(len(objects))]
        self.files |= {f"{path}/{name}": dump(node) for name, node in zip(names, objects, strict=True)}
        return names

    def target(self) -> tuple[str, str, str | None]:
        """An object that is likely to be there."""
        if self.known and not self.chance(4):
            return self.one(*self.known)
        return self.one(*COMMON), self.one(*NAMES), None

    def name(self) -> str:
        return self.target()[1]

    # Patches

    def patch(self, path: str, number: int) -> Node:
        kind, name, namespace = self.target()
        if self.with_("json6902", 50):
            entry: dict[str, Node] = {"target": self.patch_target(kind, name, namespace)}
            body = self.operations()
        else:
            entry = {"target": self.patch_target(kind, name, namespace)} if self.with_("targets", 70) else {}
            patch = self.merge_patch(kind, name, namespace)
            if "target" in entry and self.chance(30):
                patch["metadata"] = {"name": "any"}
            body = documents([patch])
            if "target" not in entry and self.with_("documents", 40):
                body += "---\n" + dump(self.merge_patch(*self.target()))
        if self.with_("targets", 20):
            entry["options"] = {self.one("allowNameChange", "allowKindChange"): "true"}
        if self.chance(30):
            file = f"patch{number}-{len(self.files)}.yaml"
            self.files[f"{path}/{file}"] = body
            return {"path": file, **entry}
        return {"patch": text(body), **entry}

    def patch_target(self, kind: str, name: str, namespace: str | None) -> Node:
        group, _, version = API[kind].rpartition("/")
        wanted: dict[str, Node] = {"kind": self.one(kind, kind, "'.*'"), "name": self.one(name, name, "'.*'", "a.*")}
        more = self.optional(
            group=lambda: group or '""',
            version=lambda: version,
            namespace=lambda: namespace or "default",
            labelSelector=lambda: self.one("app", "app=a", "app!=a", "'app in (a, b)'", "'!app'", '""'),
            annotationSelector=lambda: self.one("tier", "a.b=a"),
        )
        if self.chance(70):
            return wanted
        picked = wanted | more
        return {key: picked[key] for key in self.some(tuple(picked), 0, len(picked))}

    def merge_patch(self, kind: str, name: str, namespace: str | None) -> dict[str, Node]:
        patch = self.object_(kind, name, namespace, patch=True)
        if namespace and isinstance(patch["metadata"], dict):
            patch["metadata"] = {"name": name, "namespace": namespace}
        if self.with_("directives", 10):
            return patch | {"$patch": self.one("delete", "replace", "merge")}
        return {key: value if key == "metadata" else self.directed(value, 4) for key, value in patch.items()}

    def directed(self, node: Node, depth: int) -> Node:
        """The node with directives and nulls strewn into it."""
        if "directives" not in self.features or depth == 0:
            return node
        if isinstance(node, dict):
            result = {key: self.directed(value, depth - 1) for key, value in node.items()}
            if result and self.chance(12):
                result[self.one(*result)] = self.one("null", "", "~")
            if self.chance(10):
                result["$patch"] = self.one("replace", "delete", "merge")
            return result
        if isinstance(node, list):
            items = [self.directed(item, depth - 1) for item in node]
            if self.chance(12):
                items.append({"$patch": self.one("replace", "delete", "merge")})
            if self.chance(12):
                items.append({"name": self.one(*CONTAINERS), "$patch": "delete"})
            if items and self.chance(4):
                items.append(self.one("null", {}, "x"))
            return items
        return node

    def operations(self) -> str:
        made: list[Node] = []
        for _ in range(self.draw(st.integers(1, 3))):
            name = self.one("add", "replace", "remove", "copy", "move", "test", "add", "replace")
            pointer = self.one(*POINTERS) or '""'
            operation: dict[str, Node] = {"op": name, "path": pointer}
            if name in ("copy", "move"):
                operation["from"] = self.one(*POINTERS) or '""'
            elif name != "remove":
                operation["value"] = self.one(self.scalar, self.number, lambda: self.tree(2), lambda: {"name": "new"})()
            made.append(operation)
        return flow(made) + "\n" if self.chance(15) and not any("|" in str(one) for one in made) else dump(made)

    # Generators

    def generators(self, path: str) -> dict[str, Node]:
        result: dict[str, Node] = {}
        maps = [self.generator(path) for _ in range(self.count())]
        result["configMapGenerator"] = maps
        if self.chance(40):
            result["secretGenerator"] = [self.generator(path) | self.optional(type=lambda: "kubernetes.io/tls")]
        if self.chance(40):
            result["generatorOptions"] = self.generator_options()
        return result

    def generator(self, path: str) -> dict[str, Node]:
        behavior = self.one(None, None, "create", "merge", "replace")
        generated = [key[1] for key in self.known if key[0] in ("ConfigMap", "Secret")]
        name = (
            self.one(*generated) if generated and behavior in ("merge", "replace") else self.one("gen", "cfg", *NAMES)
        )
        result: dict[str, Node] = {"name": name}
        if behavior:
            result["behavior"] = behavior
        else:
            self.known.append(("ConfigMap", name, None))
        return result | self.optional(
            literals=lambda: self.some(("a=1", "'b=\"q\"'", "c=", "'d=x=y'", "k=yes", "'e=a b'", "f='s'"), 1),
            files=lambda: self.data_files(path),
            envs=lambda: [self.env_file(path)],
            options=self.generator_options,
            namespace=lambda: self.one(*NAMESPACES),
        )

    def generator_options(self) -> Node:
        return self.optional(
            labels=lambda: self.pairs(KEYS),
            annotations=lambda: self.pairs(KEYS),
            disableNameSuffixHash=lambda: "true",
            immutable=lambda: "true",
        )

    def data_files(self, path: str) -> list[Node]:
        name = self.one("a.txt", "b.bin", "long.txt")
        content = {"a.txt": "line one\n  line: two\n", "b.bin": "\x00\x01", "long.txt": "x" * 200}[name]
        self.files[f"{path}/{name}"] = content if self.chance(60) else self.draw(st.text(max_size=30))
        return [self.one(name, f"key={name}")]

    def env_file(self, path: str) -> str:
        line = st.sampled_from(
            ("A=1", "# c", "", "  B = 2", "C", "D='q'", 'E="x y"', "F=a#b", "export G=1", "H=\t", "I=é")
        )
        self.files[f"{path}/app.env"] = "\n".join(self.draw(st.lists(line, max_size=5, unique=True)))
        return "app.env"

    # Transformers

    def pairs(self, keys: tuple[str, ...]) -> Node:
        values = (
            ("a", "qux", '"1"', "'yes'", "2020-01-01", "x-y") if "weird" in self.features else ("a", "qux", '"1"', "b")
        )
        return {key: self.one(*values) for key in self.some(keys, 1, 2)}

    def label(self) -> Node:
        return {"pairs": self.pairs(KEYS)} | self.optional(
            includeSelectors=lambda: self.one("true", "false"),
            includeTemplates=lambda: "true",
            fields=lambda: [
                {
                    "path": self.one("spec/a/labels", "spec/template/metadata/labels"),
                    "create": self.one("true", "false"),
                }
            ],
        )

    def image(self) -> Node:
        name = self.one("nginx", "ghcr.io/org/app", "redis", "localhost:5000/db", "'.*'", "new", "'ngin.'")
        return {"name": name} | self.optional(
            newName=lambda: self.one("new", "localhost:5000/new", "nginx"),
            newTag=lambda: self.one("v2", '"1"', "'1.0'", "'1e3'", "1.27.1"),
            digest=lambda: "sha256:" + "c" * 64,
            tagSuffix=lambda: "-arm",
        )

    def replacement(self, path: str, number: int) -> Node:
        kind, name, _ = self.target()
        source: dict[str, Node] = {"kind": kind, "name": name} | self.optional(
            fieldPath=lambda: self.one(*FIELD_PATHS), options=self.replacement_options
        )
        targets: list[Node] = []
        for _ in range(self.count()):
            kind, name, namespace = self.target()
            select: Node = self.optional(
                kind=lambda kind=kind: kind,
                name=lambda name=name: self.one(name, "'.*'"),
                namespace=lambda namespace=namespace: namespace or "default",
            )
            target: dict[str, Node] = {"select": select or {"kind": kind}}
            target |= self.optional(
                fieldPaths=lambda: self.some(FIELD_PATHS, 1, 2),
                options=self.replacement_options,
                reject=lambda: [{"name": self.name()}],
            )
            targets.append(target)
        entry: dict[str, Node] = {"source": source, "targets": targets}
        if self.chance(12):
            entry = {"sourceValue": self.one("lit", '"1"', '"a: b"'), "targets": targets}
        if self.chance(15):
            file = f"replacement{number}.yaml"
            self.files[f"{path}/{file}"] = dump(self.one(entry, [entry]))
            return {"path": file}
        return entry

    def replacement_options(self) -> Node:
        return self.optional(
            delimiter=lambda: self.one("'/'", "':'", "'-'", '""'),
            index=lambda: self.one("0", "1", "-1", "5"),
            create=lambda: "true",
            encoding=lambda: "base64",
        )

    def vars_(self) -> dict[str, Node]:
        kind, name, _ = self.target()
        variable = "VAR" if "VAR" not in self.variables else f"VAR{len(self.variables)}"
        self.variables.add(variable)
        entry: dict[str, Node] = {"name": variable, "objref": {"kind": kind, "name": name, "apiVersion": API[kind]}}
        path = self.one(
            "metadata.name",
            "metadata.namespace",
            "spec.replicas",
            "data.k",
            "spec.ports[0].port",
            "metadata.labels.app",
        )
        return {"vars": [entry | self.optional(fieldref=lambda: {"fieldPath": path})]}

    def configurations(self, path: str) -> dict[str, Node]:
        picked = self.some(CONFIGURATIONS, 1, 2)
        names = [f"config{number}.yaml" for number in range(len(picked))]
        self.files |= {f"{path}/{name}": content for name, content in zip(names, picked, strict=True)}
        return {"configurations": list(names)}

    def openapi(self, path: str) -> dict[str, Node]:
        self.files[f"{path}/schema.yaml"] = OPENAPI
        return {"openapi": {"path": "schema.yaml"}}

    def plugins(self, path: str) -> dict[str, Node]:
        config: dict[str, Node] = self.one(
            lambda: {"kind": "LabelTransformer", "labels": self.pairs(KEYS), "fieldSpecs": created("metadata/labels")},
            lambda: {
                "kind": "AnnotationsTransformer",
                "annotations": self.pairs(KEYS),
                "fieldSpecs": created("spec/a"),
            },
            lambda: {"kind": "PrefixTransformer", "prefix": "p-", "fieldSpecs": [{"path": "metadata/name"}]},
            lambda: {
                "kind": "PatchTransformer",
                "patch": text(self.operations()),
                "target": {"kind": self.target()[0]},
            },
            self.namespace_transformer,
            lambda: {"kind": "ImageTagTransformer", "imageTag": self.image(), "fieldSpecs": created("spec/image")},
            lambda: {"kind": "ReplacementTransformer", "replacements": [self.replacement(path, 9)]},
            lambda: {
                "kind": "ReplicaCountTransformer",
                "replica": {"name": self.name(), "count": "7"},
                "fieldSpecs": created("spec/replicas"),
            },
        )()
        config = {"apiVersion": "builtin", "metadata": {"name": "t", "namespace": "ns"}, **config}
        if self.chance(50):
            return {"transformers": [text(dump(config))]}
        self.files[f"{path}/transformer.yaml"] = dump(config)
        return {"transformers": ["transformer.yaml"]}

    def namespace_transformer(self) -> dict[str, Node]:
        return {
            "kind": "NamespaceTransformer",
            "unsetOnly": self.one("true", "false"),
            "setRoleBindingSubjects": self.one("none", "allServiceAccounts", "defaultOnly"),
            "fieldSpecs": created("metadata/namespace"),
        }

    def deprecated(self) -> dict[str, Node]:
        kind, name, namespace = self.target()
        if self.chance(50):
            return {"patchesStrategicMerge": [text(dump(self.merge_patch(kind, name, namespace)))]}
        group, _, version = API[kind].rpartition("/")
        target: Node = {"group": group or '""', "version": version, "kind": kind, "name": name}
        return {
            "patchesJson6902": [
                {"target": target, "patch": Block("|", tuple(self.operations().rstrip("\n").split("\n")))}
            ]
        }

    def sort_options(self) -> dict[str, Node]:
        lists = lambda: {"orderFirst": self.some(KINDS, 0), "orderLast": self.some(KINDS, 0)}  # noqa: E731
        order = self.one("fifo", "legacy")
        return {
            "sortOptions": {"order": order, **(self.optional(legacySortOptions=lists) if order == "legacy" else {})}
        }


def created(path: str) -> Node:
    return [{"path": path, "create": "true"}]


@st.composite
def repositories(draw: Any) -> Files:
    """Files of a repository whose directory ``top`` is to be built."""
    features = frozenset(draw(st.lists(st.sampled_from(FEATURES), unique=True, min_size=1, max_size=9)))
    return Layers(draw, features).repository()
