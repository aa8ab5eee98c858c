"""Changes of a repository as people make them, drawn with a seed: each edits the files of a checkout."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from pathlib import Path

Edit = Callable[["Script"], bool]
"""Makes one change; False where the drawn files do not have what it takes."""


class Script:
    """A checkout that changes are made to. ``read`` are the files that units read, from the root."""

    def __init__(self, root: Path, read: Iterable[str], seed: str) -> None:
        self.root = root
        self.random = random.Random(seed)  # noqa: S311 - a test that can be run again
        self.manifests = sorted(path for path in read if path.endswith((".yaml", ".yml")))
        self.kustomizations = [
            path for path in self.manifests if Path(path).name in ("kustomization.yaml", "kustomization.yml")
        ]
        self.resources = [path for path in self.manifests if path not in self.kustomizations]

    def change(self, edit: Edit) -> bool:
        """Tries the edit on other files until one has what it takes."""
        return any(edit(self) for _ in range(200))

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8", errors="surrogateescape")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="surrogateescape")

    def replace(self, path: str, pattern: str, with_: Callable[[re.Match[str]], str]) -> bool:
        """Replaces one match of a pattern, drawn among all; False where there is none, or it stays as it is."""
        text = self.text(path)
        found = list(re.finditer(pattern, text, re.MULTILINE))
        if not found or "ENC[" in text:
            return False
        one = self.random.choice(found)
        new = with_(one)
        self.write(path, text[: one.start()] + new + text[one.end() :])
        return new != one[0]

    def draw(self, paths: list[str], holding: str = "") -> str | None:
        """A file among ``paths`` that is there and holds a text."""
        path = self.random.choice(paths) if paths else None
        return path if path is not None and (self.root / path).is_file() and holding in self.text(path) else None


def edit_value(script: Script) -> bool:
    path = script.draw(script.resources)
    # Not durations: the real flux builds no unit with one that it cannot read.
    return path is not None and script.replace(
        path, r"^(  +[\w-]+: )(?!\d+[hms]$)([A-Za-z0-9][\w./-]*)$", lambda m: f"{m[1]}{m[2]}-x"
    )


def edit_number(script: Script) -> bool:
    path = script.draw(script.resources)
    return path is not None and script.replace(path, r"^(  +[\w-]+: )(\d+)$", lambda m: f"{m[1]}{int(m[2]) + 1}")


def image_tag(script: Script) -> bool:
    path = script.draw(script.resources)
    return path is not None and script.replace(path, r"^( +(?:tag|image|version): .*)$", lambda m: f"{m[1].rstrip()}9")


def helm_value(script: Script) -> bool:
    path = script.draw(script.resources, "kind: HelmRelease")
    return path is not None and script.replace(path, r"^(    +[\w-]+: )([\w][\w./-]*)$", lambda m: f"{m[1]}other")


def edit_comment(script: Script) -> bool:
    path = script.draw(script.manifests)
    if path is None:
        return False
    return script.replace(path, r"^( *#.*)$", lambda m: f"{m[1]} indeed") or script.replace(
        path, r"\Z", lambda _: "# end\n"
    )


def reformat(script: Script) -> bool:
    path = script.draw(script.resources)
    return path is not None and script.replace(
        path, r"^(  +[\w-]+: )([A-Za-z][A-Za-z-]{4,})$", lambda m: f'{m[1]}"{m[2]}"'
    )


def remove_line(script: Script) -> bool:
    path = script.draw(script.resources)
    return path is not None and script.replace(path, r"^    +[\w-]+: [\w.-]+\n", lambda _: "")


def add_field(script: Script) -> bool:
    path = script.draw(script.resources)
    return path is not None and script.replace(
        path,
        r"^metadata:\n(  (?:name|namespace): .*)$",
        lambda m: f"metadata:\n  annotations:\n    drawn: here\n{m[1]}",
    )


def rename_file(script: Script) -> bool:
    """A file gets another name, in the kustomization that lists it, too."""
    path = script.draw(script.resources)
    if path is None:
        return False
    file = Path(path)
    listing = next((one for one in script.kustomizations if Path(one).parent == file.parent), None)
    if listing is None or not script.replace(listing, rf"\b{re.escape(file.name)}$", lambda _: f"drawn-{file.name}"):
        return False
    (script.root / path).rename(script.root / file.parent / f"drawn-{file.name}")
    return True


def rename_alone(script: Script) -> bool:
    """A file gets another name, and whoever lists it does not know."""
    path = script.draw(script.resources)
    if path is None:
        return False
    (script.root / path).rename(script.root / Path(path).parent / f"drawn-{Path(path).name}")
    return True


def move_document(script: Script) -> bool:
    """A file goes to the directory of another kustomization."""
    path, target = script.draw(script.resources), script.draw(script.kustomizations, "resources:\n")
    if path is None or target is None or Path(target).parent == Path(path).parent:
        return False
    listing = next((one for one in script.kustomizations if Path(one).parent == Path(path).parent), None)
    name = Path(path).name
    moved = Path(target).parent / f"moved-{name}"
    if listing is None or not script.replace(listing, rf"^ *- (?:\./)?{re.escape(name)}\n", lambda _: ""):
        return False
    script.replace(target, r"^resources:\n( *)- ", lambda m: f"resources:\n{m[1]}- moved-{name}\n{m[1]}- ")
    (script.root / path).rename(script.root / moved)
    return True


def drop_entry(script: Script) -> bool:
    """A resource, component or patch is listed no more."""
    path = script.draw(script.kustomizations)
    return path is not None and script.replace(path, r"^ *- [\w./-]+\n", lambda _: "")


def drop_component(script: Script) -> bool:
    path = script.draw(script.kustomizations, "components:")
    return path is not None and script.replace(path, r"^ *- \.\.?/[\w./-]*components?[\w./-]*\n", lambda _: "")


def delete_base(script: Script) -> bool:
    path = script.draw(script.kustomizations)
    return path is not None and script.replace(path, r"^ *- \.\.?/[\w./-]+/?\n", lambda _: "")


def delete_file(script: Script) -> bool:
    path = script.draw(script.resources)
    if path is None:
        return False
    (script.root / path).unlink()
    return True


def variable(script: Script) -> bool:
    path = script.draw(script.resources, "kind: ConfigMap")
    return path is not None and script.replace(
        path, r"^(  [A-Za-z_]+: )(\"?)([\w.-]+)\"?$", lambda m: f"{m[1]}{m[2]}{m[3]}0{m[2]}"
    )


def inline_variable(script: Script) -> bool:
    path = script.draw(script.resources, "substitute:")
    return path is not None and script.replace(
        path, r"^(      [A-Z_]+: )([A-Za-z][\w.-]*)$", lambda m: f"{m[1]}{m[2]}0"
    )


_PATCH = """\
apiVersion: v1
kind: {kind}
metadata:
  name: any
  annotations:
    drawn: here
"""


def add_patch(script: Script) -> bool:
    """A patch, in a file of its own, of all objects of a kind."""
    path = script.draw(script.kustomizations, "resources:")
    if path is None or "patches:" in script.text(path):
        return False
    kind = script.random.choice(["HelmRelease", "Deployment", "Namespace", "Kustomization", "ConfigMap"])
    text = script.text(path)
    patch = "".join(f"      {line}\n" for line in _PATCH.format(kind=kind).splitlines())
    script.write(path, f"{text.rstrip()}\npatches:\n  - target:\n      kind: {kind}\n    patch: |\n{patch}")
    return True


def label_all(script: Script) -> bool:
    path = script.draw(script.kustomizations, "resources:")
    if path is None or re.search("^(labels|commonAnnotations):", script.text(path), re.MULTILINE):
        return False
    script.write(path, f"{script.text(path).rstrip()}\ncommonAnnotations:\n  drawn: here\n")
    return True


def namespace(script: Script) -> bool:
    path = script.draw(script.kustomizations, "namespace: ")
    return path is not None and script.replace(path, r"^(namespace: )(.*)$", lambda m: f"{m[1]}drawn")


def _unit_document(script: Script) -> tuple[str, list[str], int] | None:
    """A file with Kustomizations of Flux, its documents, and one of them."""
    path = script.draw(script.resources, "kind: Kustomization\n")
    if path is None or "kustomize.toolkit.fluxcd.io" not in script.text(path):
        return None
    documents = re.split(r"^---.*\n", script.text(path), flags=re.MULTILINE)
    units = [index for index, text in enumerate(documents) if "\nkind: Kustomization\n" in f"\n{text}"]
    return (path, documents, script.random.choice(units)) if units else None


def add_unit(script: Script) -> bool:
    found = _unit_document(script)
    if found is None:
        return False
    path, documents, index = found
    copy = re.sub(r"^(  name: )(&\w+ )?(.*)$", r"\1\2\3-drawn", documents[index], count=1, flags=re.MULTILINE)
    script.write(path, "---\n".join([*documents, copy]))
    return copy != documents[index]


def remove_unit(script: Script) -> bool:
    found = _unit_document(script)
    if found is None:
        return False
    path, documents, index = found
    left = [text for place, text in enumerate(documents) if place != index]
    if not any(text.strip() for text in left):
        return False
    script.write(path, "---\n".join(left))
    return True


def suspend_unit(script: Script) -> bool:
    found = _unit_document(script)
    if found is None or "suspend:" in found[1][found[2]]:
        return False
    path, documents, index = found
    documents[index] = re.sub(r"^spec:\n", "spec:\n  suspend: true\n", documents[index], count=1, flags=re.MULTILINE)
    script.write(path, "---\n".join(documents))
    return True


def repath_unit(script: Script) -> bool:
    found = _unit_document(script)
    if found is None:
        return False
    path, documents, index = found
    directory = Path(script.random.choice(script.kustomizations)).parent.as_posix() if script.kustomizations else "."
    new = re.sub(r"^  path: .*$", f"  path: ./{directory}", documents[index], count=1, flags=re.MULTILINE)
    changed, documents[index] = new != documents[index], new
    script.write(path, "---\n".join(documents))
    return changed


def generated(script: Script) -> bool:
    """A literal or a file of a generator."""
    path = script.draw(script.kustomizations, "Generator:")
    if path is None:
        return False
    if script.replace(path, r"^( *- [A-Za-z_]+=)(\w+)$", lambda m: f"{m[1]}{m[2]}0"):
        return True
    found = re.findall(r"^ *- (?:[\w.-]+=)?(\.?/?[\w./-]+\.\w+)$", script.text(path), re.MULTILINE)
    directory = Path(path).parent
    files = [
        directory / name for name in found if (script.root / directory / name).is_file() and not name.endswith("yaml")
    ]
    if not files:
        return False
    file = script.random.choice(files).as_posix()
    script.write(file, script.text(file).rstrip("\n") + "\nmore=1\n")
    return True


def break_syntax(script: Script) -> bool:
    path = script.draw(script.resources)
    return path is not None and script.replace(path, r"^metadata:\n", lambda _: "metadata: [\n")


EDITS: tuple[Edit, ...] = (
    edit_value, edit_number, image_tag, helm_value, edit_comment, reformat, remove_line, add_field, rename_file,
    rename_alone, move_document, drop_entry, drop_component, delete_base, delete_file, variable, inline_variable,
    add_patch, label_all, namespace, add_unit, remove_unit, suspend_unit, repath_unit, generated, break_syntax,
)  # fmt: skip
