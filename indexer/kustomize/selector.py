"""Which resources a patch or a replacement is for: regular expressions on the id, selectors on labels and annotations.

Rules: kustomize's ``api/types/selector.go`` (kustomize-semantics.md §9.2) and Kubernetes' label selector grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.labelselector import Requirement, parse_selector
from indexer.kustomize.record import Record
from indexer.kustomize.resid import ResId
from indexer.kustomize.resmap import ResMap
from indexer.kustomize.resource import Resource

_POSIX: Final = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7f", "blank": "\\t ", "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\t-\\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_POSIX_CLASS: Final = re.compile(r"\[:(\w+):\]")
_LEADING_FLAGS: Final = re.compile(r"\(\?([ims]+)\)")
# What Python understands and RE2 does not, with RE2's name for it.
_FOREIGN: Final = re.compile(
    r"(?:\\\\)*(?:\\(?P<escape>[1-9Zk])|(?P<perl>\(\?(?:<?[=!]|[#>(])|\(\?P[=>])|(?P<more>[*+?}]\+))"
)
_NAMED: Final = re.compile(r"\(\?<(?=\w)")
_COUNT: Final = re.compile(r"\{(\d{1,9})(?:,(\d{0,9}))?\}", re.ASCII)
_MOST: Final = 1000
"""RE2's limit for the counts of a repetition."""
_ID_FIELDS: Final = ("group", "version", "kind", "name", "namespace")


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector of a kustomization file; what it leaves blank selects anything."""

    id: ResId
    """The texts of its regular expressions."""
    regexes: tuple[re.Pattern[str] | None, ...]
    label_selector: str
    annotation_selector: str

    @classmethod
    def from_record(cls, record: Record) -> Selector:
        """Raises KustomizeError for what is no regular expression."""
        texts = [record.text(field) for field in _ID_FIELDS]
        regexes = []
        for field, text in zip(_ID_FIELDS, texts, strict=True):
            try:
                regexes.append(_regex(text) if text else None)
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
        return regex is None or regex.fullmatch(text) is not None


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


@lru_cache(maxsize=1024)
def _regex(text: str) -> re.Pattern[str]:
    """A Go regular expression in Python's syntax. Raises KustomizeError with Go's message."""
    foreign = _FOREIGN.search(text)
    if foreign is not None:
        if foreign["escape"]:
            raise _bad(text, f"invalid escape sequence: `\\{foreign['escape']}`")
        if foreign["perl"]:
            raise _bad(text, f"invalid or unsupported Perl syntax: `{foreign['perl']}`")
        raise _bad(text, f"invalid nested repetition operator: `{foreign['more']}`")
    for found in _COUNT.finditer(text):
        if any(int(count) > _MOST for count in found.groups() if count):
            raise _bad(text, f"invalid repeat count: `{found[0]}`")
    pattern = _POSIX_CLASS.sub(lambda found: _POSIX.get(found[1], found[0]), text).replace("\\z", "\\Z")
    pattern = _NAMED.sub(r"(?P<", pattern)
    pattern = _LEADING_FLAGS.sub(r"(?\1:", pattern, count=1) + ")" if _LEADING_FLAGS.match(pattern) else pattern
    try:
        return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise _bad(text, _go_words(text, error)) from None


def _go_words(text: str, error: Exception) -> str:
    """What Go says of a pattern, anchored as kustomize does it, that Python refuses."""
    anchored = f"^(?:{text})$"
    message, at = (error.msg, error.pos or 0) if isinstance(error, re.error) else (str(error), 0)
    if message.startswith("multiple repeat"):
        return f"invalid nested repetition operator: `{text[at - 1 : at + 1]}`"
    if message.startswith("nothing to repeat"):
        return f"missing argument to repetition operator: `{text[at : at + 1]}`"
    if message.startswith("missing )"):
        return f"missing closing ): `{anchored}`"
    if message.startswith("unbalanced parenthesis"):
        return f"unexpected ): `{anchored}`"
    if message.startswith("unterminated character set"):
        return f"missing closing ]: `{text[at:]})$`"
    if message.startswith("bad escape"):
        return f"invalid escape sequence: `{text[at : at + 2]}`"
    if message.startswith("bad character range"):
        return f"invalid character class range: `{message.removeprefix('bad character range ')}`"
    return f"{message}: `{anchored}`"


def _bad(text: str, words: str) -> KustomizeError:
    return KustomizeError(f"error parsing regexp: {words}", problem=f"{text!r} is no regular expression: {words}")
