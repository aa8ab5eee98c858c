from collections.abc import Callable

import pytest

from indexer.kustomize.build import Build
from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.nodes import find
from indexer.kustomize.resource import Resource
from indexer.manifest.node import Mapping, Node, Role, Scalar, overridden
from indexer.manifest.scalars import to_data

BuildFiles = Callable[..., Build]


def only(build: Build) -> Resource:
    (res,) = build.resources
    return res


def texts(node: Node | None) -> dict[str, tuple[str, str]]:
    """Each value of a mapping with the place of its text."""
    assert isinstance(node, Mapping)
    return {key: (value.text, str(value.span)) for key, (_, value) in node.fields.items() if isinstance(value, Scalar)}


def test_every_value_stands_where_it_is_written(build_files: BuildFiles) -> None:
    res = only(
        build_files(
            {
                "kustomization.yaml": """
                    configMapGenerator:
                    - name: settings
                      literals: [a=1, "b='two=2'"]
                      envs: [app.env]
                      files: [motd=text.txt]
                    """,
                "app.env": "# a comment\n\nC=3\n  D = 4 \nE\n",
                "text.txt": "first\nsecond\n",
            }
        )
    )
    assert texts(res.root.get("data")) == {
        "C": ("3", "app.env:3:1"),
        "D ": (" 4 ", "app.env:4:3"),
        "E": ("", "app.env:5:1"),
        "a": ("1", "kustomization.yaml:3:14"),
        "b": ("two=2", "kustomization.yaml:3:19"),
        "motd": ("first\nsecond\n", "text.txt:1:1"),
    }
    assert res.generated
    assert str(res.definition) == "kustomization.yaml:2:3"
    value = find(res.root, "data", "C")
    assert value is not None
    assert value.op is not None
    assert value.op.role is Role.GENERATES
    assert value.op.name == "configMapGenerator"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("configMapGenerator: [{name: x, literals: [a=1]}]", "x-h29d89cmmt"),
        ("configMapGenerator: [{name: x}]", "x-6ct58987ht"),
        ("secretGenerator: [{name: x, literals: [a=1]}]", "x-25khgmg44c"),
        ("secretGenerator: [{name: x}]", "x-46f8b28mk5"),
        ("configMapGenerator: [{name: x, options: {disableNameSuffixHash: true}}]", "x"),
        ("configMapGenerator: [{name: x}]\ngeneratorOptions: {disableNameSuffixHash: true}", "x"),
        ("configMapGenerator: [{name: x, literals: [a=1], options: {labels: {k: v}}}]", "x-h29d89cmmt"),
    ],
)
def test_names_follow_from_the_data(build_files: BuildFiles, entry: str, name: str) -> None:
    assert only(build_files({"kustomization.yaml": entry})).id.name == name


def test_the_name_with_its_hash_stands_at_the_entrys_name(build_files: BuildFiles) -> None:
    res = only(build_files({"kustomization.yaml": "configMapGenerator:\n- name: x\n  literals: [a=1]\n"}))
    name = find(res.root, "metadata", "name")
    assert name is not None
    assert str(name.span) == "kustomization.yaml:2:9"
    assert name.op is not None
    assert name.op.name == "name suffix hash"


def test_what_is_no_text_becomes_base64_in_lines(build_files: BuildFiles) -> None:
    files = {
        "kustomization.yaml": "configMapGenerator: [{name: x, files: [b]}]\nsecretGenerator: [{name: x, files: [b]}]",
        "b": b"\xff" * 60,
    }
    config_map, secret = build_files(files).resources
    wrapped = "/" * 70 + "\n" + "/" * 10 + "\n"
    assert to_data(config_map.root)["binaryData"] == {"b": wrapped}
    assert "data" not in to_data(config_map.root)
    assert to_data(secret.root)["data"] == {"b": wrapped}
    assert to_data(secret.root)["type"] == "Opaque"


def test_options_of_the_entry_win_over_those_of_the_file(build_files: BuildFiles) -> None:
    res = only(
        build_files(
            {
                "kustomization.yaml": """
                    generatorOptions: {labels: {a: file, b: file}, immutable: true}
                    configMapGenerator:
                    - name: x
                      options: {labels: {b: entry, c: "1"}, immutable: false, disableNameSuffixHash: true}
                    """
            }
        )
    )
    data = to_data(res.root)
    assert data["metadata"]["labels"] == {"a": "file", "b": "entry", "c": "1"}
    assert data["immutable"] is True


OVERLAY = {
    "base/kustomization.yaml": """
        configMapGenerator:
        - name: x
          literals: [kept=base, changed=base]
          options: {labels: {from: base}, immutable: true}
        """,
}


def test_merging_keeps_what_was_there_and_remembers_what_it_changed(build_files: BuildFiles) -> None:
    overlay = """
        namePrefix: p-
        resources: [../base]
        configMapGenerator:
        - name: x
          behavior: merge
          literals: [changed=overlay, new=overlay]
        """
    res = only(build_files({**OVERLAY, "over/kustomization.yaml": overlay}, "over"))
    data = to_data(res.root)
    assert data["data"] == {"changed": "overlay", "kept": "base", "new": "overlay"}
    assert data["metadata"]["labels"] == {"from": "base"}
    assert "immutable" not in data
    assert data["metadata"]["name"].startswith("p-x-")
    assert str(res.definition) == "base/kustomization.yaml:2:3"
    changed = find(res.root, "data", "changed")
    assert changed is not None
    assert [str(node.span) for node in (changed, *overridden(changed))] == [
        "over/kustomization.yaml:6:14",
        "base/kustomization.yaml:3:25",
    ]


def test_replacing_drops_data_and_keeps_labels(build_files: BuildFiles) -> None:
    overlay = """
        resources: [../base]
        configMapGenerator:
        - name: x
          behavior: replace
          literals: [changed=overlay]
        """
    res = only(build_files({**OVERLAY, "over/kustomization.yaml": overlay}, "over"))
    data = res.root.get("data")
    assert isinstance(data, Mapping)
    assert texts(data) == {"changed": ("overlay", "over/kustomization.yaml:5:14")}
    assert [removal.key for removal in data.gone] == ["kept"]
    assert res.labels == {"from": "base"}
    assert str(res.definition) == "over/kustomization.yaml:3:3"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("- literals: [a=1]", "a configmap must have a name"),
        ("- {name: x, literals: [a]}", "literal sources [a]: invalid literal source a, expected key=value"),
        ("- {name: x, literals: [a=1, a=2]}", "configmap x illegally repeats the key `a`"),
        ("- {name: x, files: [=f]}", 'missing key name for file path "f" in source "=f"'),
        ("- {name: x, files: [k=]}", 'missing file path for key name "k" in source "k="'),
        ("- {name: x, files: [a=b=c]}", "source \"a=b=c\" key name or file path contains '='"),
        (
            "- {name: x, behavior: merge}",
            (
                'id resid.ResId{Gvk:resid.Gvk{Group:"", Version:"v1", Kind:"ConfigMap", isClusterScoped:false}, '
                'Name:"x", Namespace:""} does not exist; cannot merge or replace'
            ),
        ),
        ("- name: x\n- name: x", "exists; can not use behavior: 'unspecified', behavior must be merge or replace"),
    ],
)
def test_what_kustomize_refuses(build_files: BuildFiles, entry: str, expected: str) -> None:
    with pytest.raises(KustomizeError) as caught:
        build_files({"kustomization.yaml": f"configMapGenerator:\n{entry}\n"})
    assert expected in str(caught.value)
    assert caught.value.span is not None


def test_no_secret_value_is_in_a_message(build_files: BuildFiles) -> None:
    with pytest.raises(KustomizeError) as caught:
        build_files({"kustomization.yaml": "secretGenerator: [{name: x, literals: [a=hidden, hidden]}]"})
    assert "hidden" not in str(caught.value) + caught.value.problem


@pytest.mark.parametrize(
    ("text", "readable"), [("\ta", True), ("a\n\tb\n", True), ("\ta\nb", False), ("\ta \nb", True)]
)
def test_a_tab_before_several_lines_is_not_read_again(build_files: BuildFiles, text: str, readable: bool) -> None:
    files = {"kustomization.yaml": "configMapGenerator: [{name: c, files: [k]}]", "k": text.encode()}
    if readable:
        assert to_data(only(build_files(files)).root.get("data")) == {"k": text}
        return
    with pytest.raises(KustomizeError, match="found a tab character where an indentation space is expected"):
        build_files(files)


def test_what_has_become_another_kind_takes_no_more_data(build_files: BuildFiles) -> None:
    files = {
        "base/kustomization.yaml": """
            configMapGenerator: [{name: c, literals: [a=1]}]
            patches:
            - {target: {name: c}, options: {allowKindChange: true}, patch: "{kind: Other, metadata: {name: c}}"}
            """,
        "kustomization.yaml": "resources: [base]\nconfigMapGenerator: [{name: c, behavior: merge, literals: [b=2]}]",
    }
    with pytest.raises(KustomizeError, match=r"cannot find resource with id ConfigMap.* to replace"):
        build_files(files)
