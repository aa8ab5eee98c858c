"""A tree that is put into a file of the same content is the tree that file would be parsed to."""

import pytest

from indexer.manifest.compose import parse
from indexer.manifest.move import copied
from indexer.manifest.node import Mapping, Node, Scalar, Sequence, Source


def told(node: Node | None) -> object:
    """All that a fresh node says."""
    match node:
        case Scalar():
            return node.source, node.pos, node.text, node.tag, node.style
        case Mapping():
            pairs = [(told(key), told(value)) for key, value in (*node.items(), *node.duplicate)]
            return node.source, node.pos, node.flow, node.touched, node.gone, len(node.duplicate), pairs
        case Sequence():
            return node.source, node.pos, node.flow, node.touched, node.gone, [told(item) for item in node.items]
    return None


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: [1, 'x', !!str 2]}\nd: >-\n  e\n",
        "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: [*x, *x]\n",
        "a: 1\na: 2\nb: {c: 1, c: 2}\n",
        "k: 1\n---\n# nothing\n---\n- k: |\n    two\n    lines\n",
        "a: 1\n---  \nb: 2\n",
        "",
    ],
)
def test_a_copy_is_what_the_other_file_is_parsed_to(text) -> None:
    first, second = (parse(text.encode(), file, "r") for file in ("a.yaml", "b/c.yaml"))
    copies = [document.node and copied(document.node, Source("r", "b/c.yaml", n)) for n, document in enumerate(first)]
    assert [told(node) for node in copies] == [told(document.node) for document in second]
    assert [document.source.document for document in first] == list(range(len(first)))


def test_what_aliases_share_stays_shared() -> None:
    (document,) = parse(b"a: &x {b: 1}\nc: [*x, *x]\n", "a.yaml")
    assert document.node is not None
    root = copied(document.node, Source(None, "b.yaml"))
    assert isinstance(root, Mapping)
    shared, items = root.get("a"), root.get("c")
    assert isinstance(items, Sequence)
    assert items.items[0] is shared is items.items[1]
