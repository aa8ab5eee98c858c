"""YAML inside a scalar of another document: a patch in a block scalar, whose lines are lines of the outer file."""

from __future__ import annotations

from functools import lru_cache

from indexer.manifest.compose import Document, parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.move import Place, move
from indexer.manifest.node import NOWHERE, Scalar, Source, Style, unpack


def parse_embedded(scalar: Scalar) -> list[Document]:
    """The documents in a scalar's text, with positions in the outer file and the scalar's ``source``.

    Exact for literal blocks and for plain and quoted scalars of one line without escapes; folded and multi-line text
    is placed at the nearest line. No position is outside the scalar's own. To any depth: a scalar found inside can
    be parsed the same way. A ManifestError also names the place in the outer file.
    """
    # A patch that one Kustomization puts into many others is one text at one place, in as many scalars.
    return _parsed(scalar.text, scalar.style, scalar.source, scalar.pos, nowhere=scalar.source is NOWHERE)


@lru_cache(maxsize=256)
def _parsed(text: str, style: Style, source: Source, pos: int, *, nowhere: bool) -> list[Document]:
    source = NOWHERE if nowhere else source
    place = place_of(Scalar(text, None, style, source, pos))
    try:
        documents = parse(text.encode(errors="surrogatepass"), source.file, source.repository)
    except ManifestError as error:
        line, column = place(error.line - 1, error.column - 1)
        raise type(error)(error.file, line + 1, column + 1, error.problem, error.go_message) from None
    for document in documents:
        if document.node is not None:
            move(document.node, place, source)
    return [Document(document.node, source) for document in documents]


def place_of(scalar: Scalar) -> Place:
    """Maps positions in a scalar's text to positions in its file, as ``parse_embedded`` does."""
    if scalar.source is NOWHERE:
        return lambda line, column: (line, column)
    start_line, start_column, end_line, end_column = unpack(scalar.pos)
    content = scalar.text.rstrip()
    rows = content.split("\n")
    block = scalar.style in (Style.LITERAL, Style.FOLDED)
    # The end of the span is the end of the last row, so both the first line and the indentation follow from it: the
    # start may be that of a tag or anchor before the text.
    if block and (scalar.style is Style.LITERAL or len(rows) == end_line - start_line):
        first, indent = end_line - len(rows) + 1, max(end_column - len(rows[-1]), 0)
    elif block or start_line != end_line:
        first, indent = min(start_line + block, end_line), 0
    else:
        plain = scalar.style is Style.PLAIN
        first, indent = start_line, max(end_column - len(scalar.text), start_column) if plain else start_column + 1
    start, end = (start_line, start_column), (end_line, end_column)
    return lambda line, column: min(max((first + line, indent + column), start), end)
