"""What helm-controller does to the manifests before they are applied: ``postRenderers``, then ``commonMetadata``.

Rules: flux-semantics.md §6.5; each ``kustomize`` renderer is one build whose only resource is the stream so far.
"""

from __future__ import annotations

from typing import Final

from indexer.git.memory import MemoryTree
from indexer.git.tree import Tree
from indexer.kustomize.build import Options, Reorder, build
from indexer.kustomize.cache import BuildCache
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.factory import resources_from
from indexer.kustomize.loader import LoadRestrictor, ParseCache
from indexer.kustomize.nodes import find, put, string
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource
from indexer.manifest.compose import Document
from indexer.manifest.node import STR, Mapping, Node, Operation, Role, Scalar, Sequence, Style

_STREAM: Final = "helm-output.yaml"
_OPTIONS: Final = Options(LoadRestrictor.NONE, Reorder.NONE)
_OLD: Final = ("patchesStrategicMerge", "patchesJson6902")


def post_render(roots: list[Mapping], release: Mapping) -> list[Resource]:
    """The objects of a release as they leave the post-renderers, without the owner's labels. Raises KustomizeError."""
    resources = _unique(resources_from([Document(root, root.source) for root in roots]))
    renderers = find(release, "spec", "postRenderers")
    for renderer in renderers.items if isinstance(renderers, Sequence) else ():
        kustomize = find(renderer, "kustomize")
        if isinstance(kustomize, Mapping) and resources:
            resources = _kustomized(resources, kustomize)
    for field in ("labels", "annotations"):
        common = find(release, "spec", "commonMetadata", field)
        if isinstance(common, Mapping):
            for resource in resources:
                resource.root = _with_all(resource.root, field, common)
    return resources


def _unique(resources: list[Resource]) -> list[Resource]:
    ResMap(resources).demand_unique()
    return resources


def _kustomized(resources: list[Resource], renderer: Mapping) -> list[Resource]:
    for field in _OLD:
        node = renderer.get(field)
        if node is not None:
            message = f"postRenderers[].kustomize.{field} is of an API that Flux no longer serves"
            raise KustomizeError(message, problem=f"{message}: write patches").located(node)
    fields: dict[str, tuple[Scalar, Node]] = {"resources": (string("resources"), Sequence([string(_STREAM)]))}
    fields |= {name: renderer.fields[name] for name in ("patches", "images") if name in renderer.fields}
    cache = BuildCache()
    cache.documents = _Parsed([Document(resource.root, resource.root.source) for resource in resources])
    # The directory in which helm-controller runs kustomize: it holds nothing but the stream.
    tree: Tree = MemoryTree({_STREAM: b""})
    return list(build(tree, "", _OPTIONS, kustomization=Mapping(fields), cache=cache).resources)


def _with_all(root: Mapping, field: str, common: Mapping) -> Mapping:
    op = Operation(Role.TRANSFORMS, "commonMetadata", common.span)
    for key, value in common.items():
        if isinstance(value, Scalar):
            path = ("metadata", field, key.text)
            new = Scalar(value.text, STR, Style.PLAIN, value.source, value.pos, op, find(root, *path))
            root = put(root, path, new)
    return root


class _Parsed(ParseCache):
    """The stream as the nodes that it is, so that their history goes on."""

    def __init__(self, documents: list[Document]) -> None:
        super().__init__()
        self._stream = documents

    def documents(self, tree: Tree, path: str) -> list[Document]:
        return self._stream if path == _STREAM else super().documents(tree, path)
