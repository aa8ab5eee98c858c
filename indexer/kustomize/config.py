"""The tables of field specs that transformers work by, built in or given by ``configurations`` and ``crds``.

Rules: kustomize's ``api/internal/plugins/builtinconfig`` (kustomize-semantics.md §6, §17.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from indexer.deferred import NamedTuple, dataclass
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.fieldspec import FieldSpec, merge_specs
from indexer.kustomize.resid import Gvk


class NameReference(NamedTuple):
    """The fields of other objects that hold the name of an object of this kind."""

    target: Gvk
    referrers: tuple[FieldSpec, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TransformerConfig:
    """One table a transformer."""

    name_prefix: tuple[FieldSpec, ...] = ()
    name_suffix: tuple[FieldSpec, ...] = ()
    namespace: tuple[FieldSpec, ...] = ()
    common_annotations: tuple[FieldSpec, ...] = ()
    common_labels: tuple[FieldSpec, ...] = ()
    labels: tuple[FieldSpec, ...] = ()
    template_labels: tuple[FieldSpec, ...] = ()
    var_reference: tuple[FieldSpec, ...] = ()
    name_reference: tuple[NameReference, ...] = ()
    images: tuple[FieldSpec, ...] = ()
    replicas: tuple[FieldSpec, ...] = ()

    def merged(self, incoming: TransformerConfig) -> TransformerConfig:
        """Both tables, sorted by kind; raises ``conflicting fieldspecs`` where they contradict each other.

        A spec for any kind is dropped where one for some kind has the same path and came, or is sorted, before it:
        so the specs of a ``configurations`` file can take the place of the built-in ones, as in kustomize.
        """
        return self if incoming is self or incoming is EMPTY else _merged(self, incoming)

    def sorted(self) -> TransformerConfig:
        """Each table in the order of kinds (a stable sort)."""
        tables = {name: tuple(sorted(getattr(self, name), key=_spec_order)) for name in _FIELD_SPEC_TABLES}
        references = tuple(sorted(self.name_reference, key=lambda ref: ref.target.sort_key))
        return TransformerConfig(name_reference=references, **tables)


@lru_cache(maxsize=1024)
def _merged(ours: TransformerConfig, theirs: TransformerConfig) -> TransformerConfig:
    """Nearly every kustomization merges the same few tables, so the results are kept (by identity)."""
    tables: dict[str, tuple[FieldSpec, ...]] = {}
    for name in _FIELD_SPEC_TABLES:
        try:
            tables[name] = merge_specs(getattr(ours, name), getattr(theirs, name))
        except KustomizeError as error:
            raise error.wrapped(f"failed to merge {_GO_NAMES[name]} fieldSpec: ") from None
    references = merge_references(ours.name_reference, theirs.name_reference)
    result = TransformerConfig(name_reference=references, **tables).sorted()
    same = all(getattr(result, name) == getattr(ours, name) for name in TransformerConfig.__annotations__)
    return ours if same else result


def _spec_order(spec: FieldSpec) -> tuple[int, str]:
    return spec.gvk.sort_key


def merge_references(
    existing: tuple[NameReference, ...], incoming: Iterable[NameReference]
) -> tuple[NameReference, ...]:
    """``existing`` with further referrers; two entries for one target become one."""
    result = list(existing)
    for ref in incoming:
        for index, known in enumerate(result):
            if known.target == ref.target:
                try:
                    result[index] = NameReference(known.target, merge_specs(known.referrers, ref.referrers))
                except KustomizeError as error:
                    raise error.wrapped("failed to merge NameReference fieldSpec: ") from None
                break
        else:
            result.append(ref)
    return tuple(result)


EMPTY = TransformerConfig()
_FIELD_SPEC_TABLES = tuple(name for name in TransformerConfig.__annotations__ if name != "name_reference")
_GO_NAMES = {
    "name_prefix": "NamePrefix",
    "name_suffix": "NameSuffix",
    "namespace": "NameSpace",
    "common_annotations": "CommonAnnotations",
    "common_labels": "CommonLabels",
    "labels": "Labels",
    "template_labels": "TemplateLabels",
    "var_reference": "VarReference",
    "images": "Images",
    "replicas": "Replicas",
}
