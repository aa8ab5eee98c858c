"""The real programs that tests compare with: found, or built from their Go modules.

Each folder of ``go/`` is a module that pins one program. A program is looked for in ``KUBEBUILDER_ASSETS``, on the
``PATH``, and in a cache (``FLUXIDX_ORACLES``, else ``~/.cache/fluxidx-oracles``), which is also where it is built if it
is nowhere. After a pin has changed, empty the cache.

    python tests/servers/binaries.py [NAME...]    build what is missing, all by default, and print the cache's path
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parent / "go"
SCHEMAS = Path(__file__).parent / "schemas"
NAMES = tuple(sorted(path.parent.name for path in MODULES.glob("*/go.mod")))
_GO = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly", "GOWORK": "off"}


class Unavailable(Exception):
    """A program is neither here nor can it be built; the message says why."""


def cache() -> Path:
    """Where programs are kept that were built."""
    return Path(os.environ.get("FLUXIDX_ORACLES", Path.home() / ".cache" / "fluxidx-oracles"))


def find(name: str) -> Path | None:
    """The program, where it is here."""
    places = os.environ.get("KUBEBUILDER_ASSETS", ""), os.environ.get("PATH", ""), str(cache())
    found = (shutil.which(name, path=place) for place in places if place)
    return next((Path(path) for path in found if path), None)


def binary(name: str) -> Path:
    """The program, built first if need be, which takes minutes. Raises Unavailable."""
    if (found := find(name)) is not None:
        return found
    with _alone():
        return find(name) or _build(name)


def crds(controller: str) -> list[Path]:
    """The files of a controller's CustomResourceDefinitions, from its Go module. Raises Unavailable."""
    folder = cache() / "crds" / controller
    if not folder.is_dir():
        with _alone():
            _, source = _module(f"github.com/fluxcd/{controller}", MODULES / controller)
            unfinished = folder.with_name(f"{controller}.unfinished")
            shutil.copytree(source / "config" / "crd" / "bases", unfinished, dirs_exist_ok=True)
            unfinished.chmod(0o755)  # modules are read-only, and whoever empties the cache should not notice
            unfinished.rename(folder)
    return sorted(folder.glob("*.yaml"))


def sarif_schema() -> Any:
    """The official JSON schema of SARIF 2.1.0, from the Go module that carries it. Raises Unavailable."""
    kept = cache() / "sarif-schema-2.1.0.json"
    if not kept.is_file():
        with _alone():
            _, source = _module("github.com/owenrumney/go-sarif/v3", SCHEMAS / "sarif")
            code = (source / "pkg" / "report" / "v210" / "sarif" / "schema.go").read_text()
            unfinished = kept.with_suffix(".unfinished")
            unfinished.write_text(code.split("`")[1])
            unfinished.rename(kept)
    return json.loads(kept.read_text())


@contextmanager
def _alone() -> Iterator[None]:
    """While this lasts, no other process builds."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(name: str) -> Path:
    sys.stderr.write(f"building {name}\n")
    with tempfile.TemporaryDirectory(prefix="fluxidx-") as scratch:
        module = Path(scratch, name)
        shutil.copytree(MODULES / name, module)
        linker = "-s -w"
        if name == "kube-apiserver":
            version, _ = _module("k8s.io/kubernetes", module)
            _, minor, _ = version.split(".")
            package = "k8s.io/component-base/version"
            linker += f" -X {package}.gitVersion={version} -X {package}.gitMajor=1 -X {package}.gitMinor={minor}"
        elif name == "flux":
            version = _with_manifests("github.com/fluxcd/flux2/v2", module)
            linker += f" -X main.VERSION={version.removeprefix('v')}"
        built = cache() / f"{name}.unfinished"
        run_go("build", "-ldflags", linker, "-o", str(built), "tool", cwd=module)
        return built.rename(cache() / name)


def _with_manifests(path: str, module: Path) -> str:
    """Lets ``module`` use a copy of the flux CLI's module with the file for ``flux install`` that only its release has.

    An empty one does: nothing is installed in tests. Gives the version.
    """
    version, source = _module(path, module)
    copy = shutil.copytree(source, module / "flux2", copy_function=shutil.copyfile)
    for folder in (copy / "cmd" / "flux", copy):
        folder.chmod(0o755)
    (copy / "cmd" / "flux" / "manifests").mkdir()
    (copy / "cmd" / "flux" / "manifests" / "none.yaml").write_text("# none\n")
    run_go("mod", "edit", f"-replace={path}=./flux2", cwd=module)
    return version


def _module(path: str, module: Path) -> tuple[str, Path]:
    """The version of a dependency that ``module`` pins, and the folder that holds its files."""
    found = json.loads(run_go("mod", "download", "-json", path, cwd=module))
    return found["Version"], Path(found["Dir"])


def run_go(*arguments: str, cwd: Path) -> str:
    """What `go` prints. Raises Unavailable, with what it says."""
    if shutil.which("go") is None:
        raise Unavailable("Go is not installed, which builds the programs that tests compare with")
    done = subprocess.run(
        ["go", *arguments], cwd=cwd, env=os.environ | _GO, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unavailable(f"go {arguments[0]} in {cwd.name}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    for wanted in sys.argv[1:] or NAMES:
        binary(wanted)
        if wanted.endswith("-controller"):
            crds(wanted)
    sarif_schema()
    sys.stdout.write(f"{cache()}\n")
