"""Inputs that would take all memory, all time or all of the stack: each ends in a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.cli.main import run

RESOURCES = "resources: [r.yaml]\n"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"
Files = dict[str, str]


def patched(patch: str) -> Files:
    target = "patches:\n- target: {kind: ConfigMap}\n  path: p.yaml\n"
    return {"top/kustomization.yaml": RESOURCES + target, "top/r.yaml": OBJECT, "top/p.yaml": patch}


def replaced(*entries: str, target: str = "select: {kind: ConfigMap}") -> Files:
    lines = "".join(f"- {{{entry.replace('TARGET', target)}}}\n" for entry in entries)
    return {"top/kustomization.yaml": f"{RESOURCES}replacements:\n{lines}", "top/r.yaml": OBJECT}


def tower(floors: int, floor: str, **ground: str) -> Files:
    """Kustomizations on top of each other; ``ABOVE`` is the next."""
    files = {f"l{n}/kustomization.yaml": floor.replace("ABOVE", f"l{n + 1}") for n in range(floors)}
    files |= {f"l{floors}/{name}.yaml": text for name, text in ground.items()}
    return files | {"top/kustomization.yaml": "resources: [../l0]\n"}


def doubling_objects() -> Files:
    """Two stacks of layers, each of both that are below, under different prefixes."""
    files = {
        f"{side}{n}/kustomization.yaml": f"resources: [../l{n + 1}, ../m{n + 1}]\nnamePrefix: {side}\n"
        for n in range(25)
        for side in "lm"
    }
    for side in "lm":
        files |= {f"{side}25/kustomization.yaml": RESOURCES, f"{side}25/r.yaml": OBJECT.replace("name: a", side)}
    return files | {"top/kustomization.yaml": "resources: [../l0]\n"}


BOMBS = {
    "a copy that doubles": patched("".join(f"- {{op: copy, from: /data, path: /data/x{n}}}\n" for n in range(40))),
    "a copy that deepens": patched("- {op: copy, from: /data, path: /data/x}\n" * 300),
    "additions that deepen": patched(
        "".join(f"- {{op: add, path: /data{'/x' * n}, value: {{}}}}\n" for n in range(1, 300))
    ),
    "a long pointer": patched(f"- {{op: add, path: /data{'/x' * 50_000}, value: 1}}\n"),
    "a long field spec": {
        "top/kustomization.yaml": RESOURCES
        + f"labels: [{{pairs: {{a: b}}, fields: [{{create: true, path: {'x/' * 5000}x}}]}}]\n",
        "top/r.yaml": OBJECT,
    },
    "a long field path": replaced(
        "sourceValue: x, targets: [{TARGET}]",
        target=f"select: {{kind: ConfigMap}}, options: {{create: true}}, fieldPaths: [{'x.' * 5000}x]",
    ),
    "replacements that double": replaced(
        *(
            "source: {kind: ConfigMap, fieldPath: data}, targets: "
            f"[{{TARGET, options: {{create: true}}, fieldPaths: [data.x{n}]}}]"
            for n in range(40)
        )
    ),
    "replacements that double a text": replaced(
        *["source: {kind: ConfigMap, fieldPath: data.k}, targets: [{TARGET}]"] * 40,
        target="select: {kind: ConfigMap}, fieldPaths: [data.k], options: {delimiter: /, index: -1}",
    ),
    "a long text in a long text": {
        "top/kustomization.yaml": RESOURCES
        + "vars: [{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: a}, fieldref: {fieldPath: data.k}}]\n"
        + "configurations: [c.yaml]\n",
        "top/c.yaml": "varReference: [{path: data/y}]\n",
        "top/r.yaml": OBJECT.replace("v}", f"{'z' * 100_000}, y: {'$(A)' * 100_000}}}"),
    },
    "a tower": tower(400, "resources: [../ABOVE]\n", kustomization=RESOURCES, r=OBJECT),
    "aliases of aliases": {
        "top/kustomization.yaml": RESOURCES,
        "top/r.yaml": OBJECT
        + "x0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
        + "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    },
    "an alias of itself": {"top/kustomization.yaml": RESOURCES, "top/r.yaml": f"{OBJECT}x: &a [*a]\n"},
    "a deep object": {"top/kustomization.yaml": RESOURCES, "top/r.yaml": f"{OBJECT}x: {'[' * 50_000}{']' * 50_000}\n"},
    "a deep kustomization": {"top/kustomization.yaml": f"{RESOURCES}x: {'[' * 50_000}{']' * 50_000}\n"},
    "layers that double the objects": doubling_objects(),
}


@pytest.mark.parametrize("files", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_ends_in_a_message(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, content in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert run(["render", "dir", str(tmp_path / "top")]) != 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(("Error: ", "fluxidx: "))


def test_nested_components_do_not_double_their_message(tmp_path, capsys) -> None:
    kind = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    for level in range(40):
        (tmp_path / f"c{level}").mkdir()
        (tmp_path / f"c{level}" / "kustomization.yaml").write_text(f"{kind}components: [../c{level + 1}]\n")
    (tmp_path / "c40").mkdir()
    (tmp_path / "c40" / "kustomization.yaml").write_text(f"{kind}resources: ['missing\"x.yaml']\n")
    assert run(["render", "dir", str(tmp_path / "c0")]) == 1
    assert len(capsys.readouterr().err) < 200_000
