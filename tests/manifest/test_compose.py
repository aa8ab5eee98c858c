"""Trees and their positions."""

import pytest

from indexer.manifest.comment import comments
from indexer.manifest.compose import MAX_BYTES, MAX_DEPTH, duplicate_error, parse, parse_stream
from indexer.manifest.embedded import parse_embedded
from indexer.manifest.errors import ManifestError
from indexer.manifest.node import Mapping, Scalar, Sequence, Source, Style, unpack
from indexer.manifest.scalars import to_data


def root(text):
    return parse(text.encode(), "f.yaml")[0].node


def data(text):
    return [None if d.node is None else to_data(d.node) for d in parse(text.encode(), "f.yaml")]


def cut(text, node):
    """The text that a node's span covers."""
    line, column, end_line, end_column = unpack(node.pos)
    rows = text.splitlines()[line : end_line + 1]
    rows[-1] = rows[-1][:end_column]
    rows[0] = rows[0][column:]
    return "\n".join(rows)


def test_spans_cover_exactly_the_text_of_a_node():
    text = """\
# a comment
a: one   # two
b:
  - {x: 1, y: [2,
    3]}
  - 'q'

c: |
  first
   second


# after
d: >-
    folded

    text
"""
    node = root(text)
    assert cut(text, node) == text[text.index("a: one") :].rstrip()
    assert cut(text, node.get("a")) == "one"
    assert cut(text, node.get("b")) == "- {x: 1, y: [2,\n    3]}\n  - 'q'"
    assert cut(text, node.get("b").items[0]) == "{x: 1, y: [2,\n    3]}"
    assert cut(text, node.get("b").items[1]) == "'q'"
    assert cut(text, node.get("c")) == "|\n  first\n   second"
    assert cut(text, node.get("d")) == ">-\n    folded\n\n    text"
    assert str(node.get("c").span) == "f.yaml:8:4"


def test_an_implicit_null_has_no_width():
    node = root("a:\nb: 1\n")
    assert unpack(node.get("a").pos) == (0, 2, 0, 2)
    assert to_data(node) == {"a": None, "b": 1}


def test_a_block_scalar_at_the_end_without_newline():
    text = "a: |\n  x\n  y"
    assert cut(text, root(text).get("a")) == "|\n  x\n  y"
    text = "a: |+\n  x\n\n"
    assert cut(text, root(text).get("a")) == "|+\n  x"


def test_columns_count_characters_and_crlf_changes_nothing():
    text = "é: 😀x\r\nb: |\r\n  y\r\n"
    node = root(text)
    assert unpack(node.get("é").pos) == (0, 3, 0, 5)
    assert node.get("b").text == "y\n"
    assert unpack(node.get("b").pos) == (1, 3, 2, 3)


def test_styles_and_tags():
    node = root("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: >\n  x\nf: !!str 1\ng: !custom x\nh: ! 2\n")
    assert [(v.style, v.tag) for _, v in node.items()] == [
        (Style.PLAIN, None), (Style.SINGLE, None), (Style.DOUBLE, None), (Style.LITERAL, None), (Style.FOLDED, None),
        (Style.PLAIN, "!!str"), (Style.PLAIN, "!custom"), (Style.PLAIN, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "documents", "indices"),
    [
        ("", [], []),
        ("# only a comment\n", [], []),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}], [0, 1]),
        ("# comment\n---\na: 1\n", [{"a": 1}], [0]),
        ("---\na: 1\n---\n", [{"a": 1}, None], [0, 1]),
        ("a: 1\n--- # next\nb: 2\n", [{"a": 1}, {"b": 2}], [0, 1]),
        ("a: 1\n---\n---\nb: 2\n", [{"a": 1}, None, {"b": 2}], [0, 1, 2]),
        ("\ufeffa: 1\n", [{"a": 1}], [0]),
        ("a: 1\n...\nignored: [\n", [{"a": 1}], [0]),
        ("a: 1\n---#x\nb: 2\n", [{"a": 1}, {"b": 2}], [0, 1]),
        ('{"a": 1}\n{"b": 2}\n', [{"a": 1}], [0]),
        ("a: |\n  x\n  ---\nb: 1\n", [{"a": "x\n---\n", "b": 1}], [0]),
    ],
)
def test_documents_as_kustomize_splits_them(text, documents, indices):
    assert data(text) == documents
    assert [d.source.document for d in parse(text.encode(), "f.yaml")] == indices


def test_positions_in_pieces_are_positions_in_the_file():
    node = parse(b"a: 1\n...\nx\n---\n\nb:\n  c: 2\n", "f.yaml")[1].node
    assert unpack(node.get("b").pos) == (6, 2, 6, 6)


def test_a_separator_with_text_is_refused():
    with pytest.raises(ManifestError, match=r"^f.yaml:2:1: invalid document separator: ---foo$") as caught:
        parse(b"a: 1\n---foo\nb: 2\n", "f.yaml")
    assert caught.value.go_message == "invalid document separator: ---foo"


@pytest.mark.parametrize(
    ("text", "message", "go_message"),
    [
        ("a: b: c\n", "f.yaml:1:5: mapping values are not allowed in this context",
         "yaml: mapping values are not allowed in this context"),
        ("x: 1\na: b: c\n", "f.yaml:2:5: mapping values are not allowed in this context",
         "yaml: line 2: mapping values are not allowed in this context"),
        ("x: 1\ny:\n  z: [a, b\nw: 2\n", "f.yaml:4:2: did not find expected ',' or ']'",
         "yaml: line 2: did not find expected ',' or ']'"),
        ("a: *b\n", "f.yaml:1:4: unknown anchor 'b' referenced", "yaml: unknown anchor 'b' referenced"),
        ("a: '\x01'\n", "f.yaml:1:5: control characters are not allowed", "yaml: control characters are not allowed"),
        ("a: &a [*a]\n", "f.yaml:1:8: anchor 'a' value contains itself", "yaml: anchor 'a' value contains itself"),
        ("a: 1\n---\nb: [\n---\nc: 1\n", "f.yaml:4:1: did not find expected node content",
         "yaml: line 1: did not find expected node content"),
        ("x: 1\n<<<<<<< HEAD\ny: 2\n=======\ny: 3\n>>>>>>> b\n", "f.yaml:2:1: a merge conflict that is not resolved",
         "yaml: line 2: could not find expected ':'"),
    ],
)  # fmt: skip
def test_errors_name_the_place_and_what_go_yaml_says(text, message, go_message):
    with pytest.raises(ManifestError) as caught:
        parse(text.encode(), "f.yaml")
    assert (str(caught.value), caught.value.go_message) == (message, go_message)


def test_an_alias_is_the_node_of_its_anchor_and_the_latest_anchor_counts():
    node = root("a: &x {k: 1}\nb: *x\nc: &x [2]\nd: *x\n")
    assert node.get("b") is node.get("a")
    assert node.get("d") is node.get("c")


def test_merge_keys_are_inlined():
    node = root("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  z: 5\n  <<: [*a, *b]\n")
    assert to_data(node.get("c")) == {"z": 5, "x": 1, "y": 2}
    assert node.get("c").get("x") is node.get("a").get("x")
    assert not node.get("c").touched
    assert data('a:\n  "<<": {b: 1}\n  c: 2\n') == [{"a": {"c": 2}}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {<<: 3}", "map merge requires map or sequence of maps as the value"),
        ("a: {<<: [[{b: c}]]}", "invalid map merge: received a nested sequence"),
        ("t: &t [1]\na: {<<: *t}", "invalid map merge: received alias for a non-map value"),
        ("a: {<<: {b: 1}, <<: {c: 2}}", "duplicate merge key"),
    ],
)
def test_merges_that_kustomize_refuses(text, message):
    with pytest.raises(ManifestError) as caught:
        root(text)
    assert caught.value.go_message == message


def test_duplicate_keys_keep_both_positions():
    node = root("a: 1\nb: 2\na: 3\n")
    assert node.get("a").text == "1"
    assert [(key.text, value.text) for key, value in node.duplicate] == [("a", "3")]
    assert str(duplicate_error(node)) == 'f.yaml:3:1: mapping key "a" already defined at line 1: remove one of them'


@pytest.mark.parametrize(
    "text", ["[" * 5000, "- " * 5000 + "a", "".join(" " * i + "a:\n" for i in range(500)), "{a: " * 1000]
)
def test_depth_is_bounded(text):
    with pytest.raises(ManifestError, match=f"nested deeper than {MAX_DEPTH} levels"):
        parse(text.encode(), "f.yaml")


def test_aliases_are_bounded():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with pytest.raises(ManifestError, match="excessive aliasing"):
        root(bomb)
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [[[*a{i - 1}]]]\n" for i in range(1, 100))
    with pytest.raises(ManifestError, match="excessive aliasing"):
        root(chain)


def test_many_of_everything_take_no_more_than_their_share():
    assert len(parse(b"a: 1\n" * 50_000, "f.yaml")[0].node.duplicate) == 49_999
    assert len(parse(b"x\n...\n" + b"---\n" * 20_000, "f.yaml")) == 20_001
    many = "a: &a [" + "x, " * 900 + "]\nb: [" + "*a, " * 1000 + "]\n"
    assert len(root(many).get("b").items) == 1000


def test_size_is_bounded():
    with pytest.raises(ManifestError, match="too large"):
        parse(b" " * MAX_BYTES, "f.yaml")


def test_a_colon_in_a_plain_text_of_a_flow_collection():
    assert data("a: [http://x/y, b:c]\n") == [{"a": ["http://x/y", "b:c"]}]


def test_an_escaped_apostrophe_is_one() -> None:
    text = r"""a: ["it\'s", 'b\c', "\"\'\\", x]
b: "\'
  \'"
c: |
  "\'"
"""
    assert data(text) == [{"a": ["it's", "b\\c", "\"'\\", "x"], "b": "' '", "c": '"\\\'"\n'}]
    node = root(text).get("b")
    assert unpack(node.pos)[:2] == (1, 3)


@pytest.mark.parametrize(("text", "line"), [(r'a: "\q"', 1), ('a: "\\\'"\nb: "\\q"', 2)])
def test_other_escapes_are_refused(text: str, line: int) -> None:
    with pytest.raises(ManifestError, match="unknown escape character") as caught:
        root(text)
    assert (caught.value.line, caught.value.column) == (line, 5)


def test_escaped_apostrophes_take_no_more_than_their_share() -> None:
    with pytest.raises(ManifestError, match="unknown escape character"):
        root("".join(f'a{count}: "\\\'"\n' for count in range(200)))


def test_a_stream_read_as_any_parser_reads_it():
    text = b"a: 1\n--- {b: 2}\n...\n---\nc: 3\n"
    assert [to_data(d.node) for d in parse_stream(text, "f")] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [to_data(d.node) for d in parse_stream(b"a: 1\n---\n[", "f", limit=1)] == [{"a": 1}]


OUTER = """\
spec:
  patches:
    - patch: |-

        # patch
        - op: add
          value: |2
             a: 1
            b: 2
        - op: x
      target: {}
    - patch: &p
        !!str |
         k: v
    - patch: 'k: [v]'
    - patch: "k: \\"v\\""
    - patch: >
        - a: 1
          b: 2
    - patch: "k:
        v"
"""


def test_embedded_text_has_positions_in_the_outer_file():
    patches = root(OUTER).get("spec").get("patches")
    first = parse_embedded(patches.items[0].get("patch"))[0].node
    assert cut(OUTER, first.items[0].get("op")) == "add"
    assert cut(OUTER, first.items[1].get("op")) == "x"
    assert first.items[1].source == Source(None, "f.yaml", 0)
    inner = first.items[0].get("value")
    assert cut(OUTER, inner) == "|2\n             a: 1\n            b: 2"
    assert cut(OUTER, parse_embedded(patches.items[1].get("patch"))[0].node.get("k")) == "v"
    assert cut(OUTER, parse_embedded(patches.items[2].get("patch"))[0].node.get("k")) == "[v]"
    assert cut(OUTER, parse_embedded(patches.items[4].get("patch"))[0].node.items[0].get("b")) == "2"


def test_embedded_text_two_levels_deep():
    text = "a: |\n  b: |\n    c: |\n      d: x\n"
    node = root(text).get("a")
    for key in "bc":
        node = parse_embedded(node)[0].node.get(key)
    assert cut(text, parse_embedded(node)[0].node.get("d")) == "x"


def test_embedded_positions_stay_inside_the_outer_scalar():
    for item in root(OUTER).get("spec").get("patches").items:
        outer = item.get("patch")
        _, value = next(iter(parse_embedded(outer)[0].node.items())) if outer.text[0] == "k" else (None, outer)
        begin, end = unpack(outer.pos)[:2], unpack(outer.pos)[2:]
        assert begin <= unpack(value.pos)[:2] <= unpack(value.pos)[2:] <= end


def test_errors_in_embedded_text_name_the_outer_file():
    with pytest.raises(ManifestError) as caught:
        parse_embedded(root("a: |\n  x: 1\n  b: c: d\n").get("a"))
    assert str(caught.value) == "f.yaml:3:7: mapping values are not allowed in this context"
    assert caught.value.go_message == "yaml: line 2: mapping values are not allowed in this context"


def test_comments():
    text = b"""\
# top
a: "# no" # yes
b: x#no # {"$imagepolicy": "ns:name"}
c: | # head
  # no
  x # no

# after
d: [a, # in
  b] #x
e: 'a
  # no
  '
--- # separator
f:\t# tab
# last"""
    assert comments(text) == {
        1: "# top", 2: "# yes", 3: '# {"$imagepolicy": "ns:name"}', 4: "# head", 8: "# after", 9: "# in", 10: "#x",
        14: "# separator", 15: "# tab", 16: "# last",
    }  # fmt: skip
    assert comments(b"a: 1\n") == {}
    assert comments(b"\xef\xbb\xbf# a\r\nb: [c:d] # e\r\n") == {1: "# a", 2: "# e"}


def test_nodes_are_of_the_three_kinds():
    node = root("- a\n- {b: c}\n")
    assert isinstance(node, Sequence)
    assert isinstance(node.items[0], Scalar)
    assert isinstance(node.items[1], Mapping)
    assert node.items[1].flow
    assert not node.flow


SAMPLES = [
    OUTER,
    "a: &x !!str |+\n  x\n\nb: [*x, 'y', {c: d}]\nd: >-\n  e\n\n  f\n",
    "- ! 12\n- !<tag:yaml.org,2002:int> 3\n-\n",
    "# c\n",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_without_libyaml_the_same_trees(text, monkeypatch):
    def outline(node):
        if isinstance(node, Mapping):
            return [(key.pos, key.text, outline(value)) for key, value in node.items()], node.pos, node.flow
        if isinstance(node, Sequence):
            return [outline(item) for item in node.items], node.pos, node.flow
        return None if node is None else (node.text, node.style, node.tag, node.pos)

    fast = [outline(d.node) for d in parse(text.encode(), "f.yaml")]
    found = comments(text.encode())
    monkeypatch.setattr("indexer.manifest.compose.CParser", None)
    monkeypatch.setattr("indexer.manifest.comment.CParser", None)
    assert [outline(d.node) for d in parse(text.encode(), "f.yaml")] == fast
    assert comments(text.encode()) == found


def test_errors_without_libyaml(monkeypatch):
    monkeypatch.setattr("indexer.manifest.compose.CParser", None)
    for text in ("a: b: c\n", "a: [\n", "a: '\x01'\n", "a: \udcff"):
        with pytest.raises(ManifestError, match=r"^f.yaml:[12]:"):
            parse(text.encode(errors="surrogateescape"), "f.yaml")
