"""The ``IAMPolicyGenerator`` plugin: a ServiceAccount that stands for one of Google Cloud.

Rules: kustomize's ``api/filters/iampolicygenerator`` (kustomize-semantics.md §17.4).
"""

from __future__ import annotations

from typing import Final

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.layer import Layer
from indexer.kustomize.nodes import put
from indexer.kustomize.record import STRING, Reading, Record, Struct, decode
from indexer.kustomize.resource import Resource
from indexer.manifest.node import Mapping, Node, Operation, Role, Scalar, Style

_IAM_POLICY: Final = Struct(
    "IAMPolicyGeneratorArgs",
    {
        "cloud": STRING,
        "kubernetesService": Struct("KubernetesService", {"name": STRING, "namespace": STRING}),
        "serviceAccount": Struct("ServiceAccount", {"name": STRING, "projectId": STRING}),
    },
)
_ANNOTATION: Final = "iam.gke.io/gcp-service-account"


def iam_policy(layer: Layer, config: Mapping) -> Resource:  # noqa: ARG001  # every generator gets its layer
    """The ServiceAccount that a generator's object asks for. Raises KustomizeError."""
    args = decode(config, _IAM_POLICY, Reading.OBJECT)
    cloud = args.text("cloud")
    if cloud != "gke":
        raise KustomizeError(f"cloud provider {cloud} not supported yet").located(args.at("cloud"))
    op = Operation(Role.GENERATES, "IAMPolicyGenerator", args.node.span)
    service = args.record("kubernetesService") or Record(_IAM_POLICY, args.node)
    account = args.record("serviceAccount") or Record(_IAM_POLICY, args.node)

    def scalar(text: str, at: Node) -> Scalar:
        return Scalar(text, None, Style.PLAIN, at.source, at.pos, op)

    email = f"{account.text('name')}@{account.text('projectId')}.iam.gserviceaccount.com"
    fields = [
        (("apiVersion",), scalar("v1", args.node)),
        (("kind",), scalar("ServiceAccount", args.node)),
        (("metadata", "annotations", _ANNOTATION), scalar(email, account.at("name"))),
        (("metadata", "name"), scalar(service.text("name"), service.at("name"))),
    ]
    if service.text("namespace"):
        fields.append((("metadata", "namespace"), scalar(service.text("namespace"), service.at("namespace"))))
    root = Mapping({}, source=args.node.source, pos=args.node.pos, op=op, touched=True)
    for path, value in fields:
        root = put(root, path, value)
    return Resource(root, args.node.span, generated=True)
