"""Keys and values for generated ConfigMaps and Secrets: literals, files, and files of ``KEY=value`` lines.

Rules: kustomize's ``api/kv`` (kustomize-semantics.md §12.1).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from indexer.deferred import NamedTuple
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.gotext import quote
from indexer.kustomize.loader import Loader
from indexer.kustomize.record import Record
from indexer.manifest.node import Node, Source, Span, pack

_MAX_LINE: Final = 1 << 16
"""Bytes of a line with its end. kustomize stops reading at a longer one, and says nothing."""
_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BOM: Final = "\ufeff"


class Pair(NamedTuple):
    """One key and its value, with the place where a person would change it."""

    key: str
    value: bytes
    source: Source
    pos: int


def load_pairs(loader: Loader, args: Record, *, secret: bool) -> list[Pair]:
    """The pairs of a generator's entry: from ``envs``, then ``literals``, then ``files``.

    Raises KustomizeError; with ``secret`` its message holds no value.
    """
    envs = _entries(args, "envs")
    if args.text("env"):
        envs.append((args.text("env"), args.at("env")))
    literals, files = _entries(args, "literals"), _entries(args, "files")
    shown = [_hidden(text) if secret else text for text, _ in literals]
    pairs: list[Pair] = []
    for path, node in envs:
        with _naming("env source files:", [text for text, _ in envs], node):
            pairs += _from_lines(loader, path, secret=secret)
    for (text, node), visible in zip(literals, shown, strict=True):
        with _naming("literal sources", shown, node):
            pairs.append(_from_literal(text, visible, node))
    for text, node in files:
        with _naming("file sources:", [text for text, _ in files], node):
            pairs.append(_from_file(loader, text))
    return pairs


def _entries(args: Record, field: str) -> list[tuple[str, Node]]:
    return [(text, args.at(field, index)) for index, text in enumerate(args.texts(field))]


@contextmanager
def _naming(what: str, sources: list[str], node: Node) -> Iterator[None]:
    """Adds to an error which list of sources it comes from, and the entry."""
    try:
        yield
    except KustomizeError as error:
        raise error.wrapped(f"loading KV pairs: {what} [{' '.join(sources)}]: ").located(node) from None


def _hidden(literal: str) -> str:
    key, equals, _ = literal.partition("=")
    return f"{key}=***" if equals else "***"


def _from_literal(text: str, visible: str, node: Node) -> Pair:
    """The pair of ``key=value``; one pair of quotes around the value is dropped."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise KustomizeError(
            f"invalid literal source {visible}, expected key=value", problem=f"the literal {visible} is not key=value"
        )
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return Pair(key, value.encode(errors="surrogatepass"), node.source, node.pos)


def _from_file(loader: Loader, text: str) -> Pair:
    """The pair of ``[key=]path``: the whole file, as it is."""
    key, path = _key_and_path(text)
    data = loader.load(path)
    lines = data.removesuffix(b"\n").split(b"\n")
    repository, file = loader.file(path)
    return Pair(
        key, data, Source(repository, file), pack(0, 0, len(lines) - 1, len(lines[-1].decode(errors="replace")))
    )


def _key_and_path(text: str) -> tuple[str, str]:
    key, equals, path = text.partition("=")
    if not equals:
        return posixpath.basename(text.rstrip("/")) or ("/" if text else "."), text
    if "=" in path:
        raise KustomizeError(f"source {quote(text)} key name or file path contains '='")
    if not key:
        raise KustomizeError(f"missing key name for file path {quote(path)} in source {quote(text)}")
    if not path:
        raise KustomizeError(f"missing file path for key name {quote(key)} in source {quote(text)}")
    return key, path


def _from_lines(loader: Loader, path: str, *, secret: bool) -> list[Pair]:
    """The pairs of a file of ``KEY=value`` lines. Nothing is unquoted and no comment is cut off."""
    data = loader.load(path)
    repository, file = loader.file(path)
    source = Source(repository, file)
    pairs: list[Pair] = []
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        if len(line) >= _MAX_LINE:
            break
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            column = error.start + 1
            shown = "***" if secret else line.removesuffix(b"\r").decode(errors="replace")
            raise KustomizeError(
                f"line {number + 1} has invalid utf8 bytes : {shown}",
                problem=f"line {number + 1} of {path} is not UTF-8",
                span=Span(source, number + 1, column, number + 1, column),
            ) from None
        end = len(text)
        if number == 0:
            text = text.removeprefix(_BOM)
        text = text.lstrip(_SPACE)
        key, _, value = text.partition("=")
        if key and not text.startswith("#"):
            pairs.append(Pair(key, value.encode(), source, pack(number, end - len(text), number, end)))
    return pairs
