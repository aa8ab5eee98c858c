"""Kubernetes label selectors: ``a=b, c!=d, e in (x, y), f, !g, h > 1``.

Rules: ``k8s.io/apimachinery/pkg/labels``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from indexer.deferred import NamedTuple, regex
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.gotext import quote

_PIECE: Final = r"[ \t\r\n]*(==|!=|[=!<>(),]|[^ \t\r\n=!<>(),]+|\Z)"
_SYMBOLS: Final = frozenset(["==", "!=", "=", "!", "<", ">", "(", ")", ",", ""])
_OPERATORS: Final = frozenset(["=", "==", "!=", "in", "notin", "<", ">"])
_NAME: Final = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z"
_DOMAIN: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\Z"
_INTEGER: Final = regex(r"[-+]?[0-9]+\Z", re.ASCII)
_MAX_NAME: Final = 63
_MAX_DOMAIN: Final = 253


class Requirement(NamedTuple):
    """One condition on a label."""

    key: str
    operator: str
    """``=``, ``!=``, ``in``, ``notin``, ``<``, ``>``, ``exists`` or ``!``."""
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator in ("!", "!=", "notin"):
            return value is None or (self.operator != "!" and value not in self.values)
        if value is None:
            return False
        if self.operator == "exists":
            return True
        if self.operator in ("<", ">"):
            if not _INTEGER.match(value):
                return False
            (bound,) = self.values
            return int(value) < int(bound) if self.operator == "<" else int(value) > int(bound)
        return value in self.values


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """The conditions, all of which have to hold. Raises KustomizeError with Kubernetes' message."""
    try:
        return tuple(sorted(_Parser(text).requirements(), key=lambda requirement: requirement.key))
    except KustomizeError as error:
        raise KustomizeError(error.message, problem=f"{text!r} is no label selector: {error.message}") from None


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [token for token in re.findall(_PIECE, text) if token] + [""]

    def _next(self) -> str:
        return self._tokens.pop(0) if len(self._tokens) > 1 else ""

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        if self._tokens[0] == "":
            return found
        if self._tokens[0] in _SYMBOLS - {"!"}:
            raise KustomizeError(f"found '{self._tokens[0]}', expected: !, identifier, or 'end of string'")
        while True:
            try:
                found.append(self._requirement())
            except KustomizeError as error:
                raise error.wrapped("unable to parse requirement: ") from None
            separator = self._next()
            if separator == "":
                return found
            if separator != ",":
                raise KustomizeError(f"found '{separator}', expected: ',' or 'end of string'")
            if self._tokens[0] in _SYMBOLS - {"!"}:
                raise KustomizeError(f"found '{self._tokens[0]}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        key = self._next()
        absent = key == "!"
        if absent:
            key = self._next()
        if key in _SYMBOLS:
            raise KustomizeError(f"found '{key}', expected: identifier")
        _check_key(key)
        if absent or self._tokens[0] in ("", ","):
            return Requirement(key, "!" if absent else "exists")
        operator = self._next()
        if operator not in _OPERATORS:
            raise KustomizeError(f"found '{operator}', expected: '=', '!=', '==', 'in', notin'")
        values = self._set() if operator in ("in", "notin") else frozenset([self._value()])
        for value in sorted(values):
            if operator in ("<", ">") and not _INTEGER.match(value):
                raise KustomizeError("for 'Gt', 'Lt' operators, the value must be an integer")
            _check_value(key, value)
        return Requirement(key, operator, values)

    def _value(self) -> str:
        if self._tokens[0] in ("", ","):
            return ""
        value = self._next()
        if value in _SYMBOLS:
            raise KustomizeError(f"found '{value}', expected: identifier")
        return value

    def _set(self) -> frozenset[str]:
        opening = self._next()
        if opening != "(":
            raise KustomizeError(f"found '{opening}' expected: '('")
        values: set[str] = set()
        while True:
            value = self._tokens[0]
            if value in _SYMBOLS - {",", ")"}:
                raise KustomizeError(f"found '{value}', expected: ',', ')' or identifier")
            values.add("" if value in (",", ")") else self._next())
            separator = self._next()
            if separator == ")":
                return frozenset(values)
            if separator != ",":
                raise KustomizeError(f"found '{separator}', expected: ',' or ')'")


def _check_key(key: str) -> None:
    domain, slash, name = key.rpartition("/")
    if (
        len(name) <= _MAX_NAME
        and re.match(_NAME, name)
        and (not slash or (len(domain) <= _MAX_DOMAIN and re.match(_DOMAIN, domain)))
    ):
        return
    raise KustomizeError(
        f"invalid label key {quote(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must "
        "start and end with an alphanumeric character"
    )


def _check_value(key: str, value: str) -> None:
    if len(value) > _MAX_NAME:
        why = f"must be no more than {_MAX_NAME} characters"
    elif value and not re.match(_NAME, value):
        why = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character"
        )
    else:
        return
    raise KustomizeError(f"invalid label value: {quote(value)}: at key: {quote(key)}: {why}")
