"""The rules of ``check`` and ``impact`` by name: what each is called, which family it belongs to, how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from indexer.query.findings import Severity


class Family(StrEnum):
    """What kind of trouble a rule looks for."""

    OWNERSHIP = "ownership"
    DANGEROUS = "dangerous"
    REFERENCES = "references"
    DEAD_CODE = "dead-code"
    RENDER = "render"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; its documentation with examples is in docs/rules.md."""

    name: str
    family: Family
    severity: Severity
    """Of its worst findings: one that is less certain, or does less harm, is less severe."""
    summary: str
    """One sentence, without a full stop."""
    of_changes: bool = False
    """Whether it judges a change, so that only ``impact`` has its findings."""


def _family(family: Family, *rules: tuple[str, Severity, str]) -> tuple[Rule, ...]:
    return tuple(
        Rule(name, family, severity, summary, of_changes=name in _OF_CHANGES) for name, severity, summary in rules
    )


_OF_CHANGES: Final = {
    "moved-object",
    "removed-unit",
    "removed-namespace",
    "removed-crd",
    "immutable-field",
    "removed-data",
    "changed-target",
    "changed-namespace",
    "scaled-to-zero",
    "live-overwrite",
}
_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_RULES: Final = (
    *_family(
        Family.OWNERSHIP,
        ("duplicate-object", _ERROR, "Two units of one cluster apply the same object"),
        ("moved-object", _ERROR, "An object moves to another unit, and the one that loses it may delete it"),
        ("removed-unit", _ERROR, "A unit goes, and its objects with it"),
        ("removed-namespace", _ERROR, "A Namespace goes, and everything that lives in it"),
        ("removed-crd", _ERROR, "A CustomResourceDefinition goes, and every object of its kind"),
    ),
    *_family(
        Family.DANGEROUS,
        ("immutable-field", _ERROR, "A field changes in a way that the API server refuses"),
        ("selector-mismatch", _ERROR, "A workload's selector does not match the labels of its pods"),
        ("invalid-duration", _ERROR, "The API server refuses an interval or a timeout of an object of Flux"),
        ("removed-data", _ERROR, "A StatefulSet, or a claim on storage, goes"),
        ("changed-target", _ERROR, "A unit applies to another cluster or namespace than before"),
        ("changed-namespace", _WARNING, "An object changes its namespace: it is deleted and made anew"),
        ("scaled-to-zero", _WARNING, "A workload is scaled to no replicas"),
        ("live-overwrite", _WARNING, "A change overwrites what somebody made or changed in the cluster"),
    ),
    *_family(
        Family.REFERENCES,
        ("missing-configmap", _WARNING, "A ConfigMap is used that nothing defines"),
        ("missing-secret", _WARNING, "A Secret is used that nothing defines"),
        ("missing-service-account", _WARNING, "A ServiceAccount is used that nothing defines"),
        ("missing-volume-claim", _WARNING, "A PersistentVolumeClaim is used that nothing defines"),
        ("missing-storage-class", _NOTE, "A StorageClass is used that nothing defines, while others are defined"),
        ("missing-service", _WARNING, "Traffic goes to a Service that nothing defines"),
        ("missing-source", _ERROR, "A unit or chart reads a source that nothing defines"),
        ("missing-dependency", _ERROR, "A dependsOn names a unit that nothing defines: it is never applied"),
        ("dependency-cycle", _ERROR, "Units wait for each other: none of them is ever applied"),
        ("missing-variable", _WARNING, "A variable is used that nothing sets"),
        ("unused-variable", _NOTE, "A variable is set that nothing uses"),
    ),
    *_family(
        Family.DEAD_CODE,
        ("unreachable-file", _WARNING, "A manifest is read by no unit of any cluster"),
        ("unmatched-patch", _WARNING, "A patch selects no object"),
        ("unmatched-image", _WARNING, "An entry of images names an image that nothing uses"),
        ("unmatched-replacement", _WARNING, "A replacement's target selects no object"),
        ("unused-generator", _NOTE, "A ConfigMap or Secret is generated that nothing uses"),
        ("overridden-value", _NOTE, "A value is replaced by a patch on every cluster"),
        ("ineffective-ignore", _NOTE, "A pattern of .sourceignore decides about no file"),
    ),
    *_family(
        Family.RENDER,
        ("failed-unit", _ERROR, "A unit cannot be built"),
        ("unresolved-unit", _NOTE, "A unit needs something that is not at hand here"),
        ("deprecated-field", _NOTE, "A kustomization uses a field that kustomize is about to drop"),
        ("removed-api", _ERROR, "An API version is used that Kubernetes no longer serves"),
    ),
    *_family(
        Family.POLICY,
        ("unused-ignore", _WARNING, "Something is told to be ignored that no rule finds"),
    ),
)

RULES: Final = {rule.name: rule for rule in _RULES}
"""Every rule of the program by its name; a repository's own policies come on top."""
