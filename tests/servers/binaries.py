"""The real programs that tests compare with: found, or built from their Go modules.

Each folder of ``go/`` is a module that pins one program. A program is looked for in ``KUBEBUILDER_ASSETS``, on the
``PATH``, and in a cache (``FLUXIDX_ORACLES``, else ``~/.cache/fluxidx-oracles``), which is also where it is built if it
is nowhere. After a pin has changed, empty the cache.

    python tests/servers/binaries.py [NAME...]    build what is missing, all by default, and print the cache's path

That tries again what failed: a module proxy that did not answer may answer later.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parent / "go"
SCHEMAS = Path(__file__).parent / "schemas"
NAMES = tuple(sorted(path.parent.name for path in MODULES.glob("*/go.mod")))
_PAUSES = 10, 60, 180
"""Seconds until what failed is tried again."""
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
            if not folder.is_dir():
                _copy_crds(controller, folder)
    return sorted(folder.glob("*.yaml"))


def _copy_crds(controller: str, folder: Path) -> None:
    _, source = _module(f"github.com/fluxcd/{controller}", MODULES / controller)
    unfinished = folder.with_name(f"{controller}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(source / "config" / "crd" / "bases", unfinished, copy_function=shutil.copyfile)
    unfinished.chmod(0o755)  # modules are read-only, and whoever empties the cache should not notice
    unfinished.rename(folder)


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


def kubernetes_types() -> Any:
    """What the Go declarations of Kubernetes' built-in types say. Raises Unavailable."""
    program = SCHEMAS / "kubernetes"
    state = hashlib.sha256(b"".join((program / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")))
    kept = cache() / f"kubernetes-types-{state.hexdigest()[:12]}.json"
    if not kept.is_file():
        with _alone():
            unfinished = kept.with_suffix(".unfinished")
            unfinished.write_text(run_go("run", ".", cwd=program))
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
    begun = time.monotonic()
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
        sys.stderr.write(f"built {name} in {time.monotonic() - begun:.0f} seconds\n")
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


def _provide(name: str) -> None:
    binary(name)
    if name.endswith("-controller"):
        crds(name)


def provide(names: Sequence[str]) -> dict[str, Unavailable]:
    """Builds what is missing of these programs, and the data; what cannot be had after all, with the reason."""
    wanted: dict[str, Callable[[], object]] = {name: partial(_provide, name) for name in names}
    wanted |= {"the schema of SARIF": sarif_schema, "Kubernetes' types": kubernetes_types}
    missing: dict[str, Unavailable] = {}
    for pause in (0, *_PAUSES):
        time.sleep(pause)
        missing = {}
        for name, have in wanted.items():
            try:
                have()
            except Unavailable as why:
                missing[name] = why
                sys.stderr.write(f"{name}: {why}\n")
        if not missing or shutil.which("go") is None:
            break
        wanted = {name: wanted[name] for name in missing}
    return missing


if __name__ == "__main__":
    if lacking := provide(sys.argv[1:] or NAMES):
        sys.exit(f"cannot be built: {', '.join(lacking)}: the reasons are above; what was built is kept")
    sys.stdout.write(f"{cache()}\n")
