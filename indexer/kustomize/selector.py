"""Which resources a patch or a replacement is for: regular expressions on the id, selectors on labels and annotations.

Rules: kustomize's ``api/types/selector.go`` (kustomize-semantics.md §9.2) and Kubernetes' label selector grammar.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.labelselector import Requirement, parse_selector
from indexer.kustomize.record import Record
from indexer.kustomize.regexp import Regexp, Words, anchored
from indexer.kustomize.resid import ResId
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource

_ID_FIELDS: Final = ("group", "version", "kind", "name", "namespace")


class Selector(NamedTuple):
    """A selector of a kustomization file; what it leaves blank selects anything."""

    id: ResId
    """The texts of its regular expressions."""
    regexes: tuple[Regexp | Words | None, ...]
    label_selector: str
    annotation_selector: str

    @classmethod
    def from_record(cls, record: Record) -> Selector:
        """Raises KustomizeError for what is no regular expression."""
        texts = [record.text(field) for field in _ID_FIELDS]
        regexes = []
        for field, text in zip(_ID_FIELDS, texts, strict=True):
            try:
                regexes.append(anchored(text) if text else None)
            except KustomizeError as error:
                raise error.located(record.at(field)) from None
        return cls(ResId(*texts), tuple(regexes), record.text("labelSelector"), record.text("annotationSelector"))

    @property
    def has_id(self) -> bool:
        """Whether it says anything about the id."""
        return any(self.id)

    @property
    def has_metadata(self) -> bool:
        """Whether it says anything about labels or annotations."""
        return bool(self.label_selector or self.annotation_selector)

    def matches_id(self, id_: ResId) -> bool:
        """Whether one id is selected, by the namespace as it is written."""
        return self._matches_gvk(id_) and self._matches(3, id_.name) and self._matches(4, id_.namespace)

    def matches_metadata(self, res: Resource) -> bool:
        """Whether the current labels and annotations are selected. Raises KustomizeError for a bad selector."""
        return _fits(self.label_selector, res.labels) and _fits(self.annotation_selector, res.annotations)

    def matches(self, res: Resource) -> bool:
        """Whether a resource is selected; name and namespace may also be the original ones."""
        now, original = res.id, res.original_id
        return (
            (self._matches(4, original.effective_namespace) or self._matches(4, now.effective_namespace))
            and (self._matches(3, original.name) or self._matches(3, now.name))
            and self._matches_gvk(now)
            and self.matches_metadata(res)
        )

    def _matches_gvk(self, id_: ResId) -> bool:
        return self._matches(0, id_.group) and self._matches(1, id_.version) and self._matches(2, id_.kind)

    def _matches(self, index: int, text: str) -> bool:
        regex = self.regexes[index]
        return regex is None or regex.search(text)


def describe(record: Record) -> str:
    """A selector as kustomize's messages show it."""
    id_ = ResId(*(record.text(field) for field in _ID_FIELDS))
    return f"{id_}:a={record.text('annotationSelector')}:l={record.text('labelSelector')}"


def select(resmap: ResMap, selector: Selector) -> list[Resource]:
    """The selected resources in their order. Raises KustomizeError for a bad label or annotation selector."""
    return [res for res in resmap if selector.matches(res)]


def _fits(text: str, labels: dict[str, str]) -> bool:
    return not text or all(requirement.matches(labels) for requirement in _requirements(text))


@lru_cache(maxsize=256)
def _requirements(text: str) -> tuple[Requirement, ...]:
    return parse_selector(text)
