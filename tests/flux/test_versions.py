"""Whether undefined variables fail, as the bootstrap files tell."""

import pytest

from indexer.flux.versions import is_strict
from indexer.git.directory import DirectoryTree
from indexer.manifest.compose import parse

INSTANCE = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nspec:\n  distribution: {version: '%s'}\n"


@pytest.mark.parametrize(
    ("components", "strict"),
    [
        ("# Flux Version: v2.8.3\n", False),
        ("# Flux Version: v2.9.0\n", True),
        ("# Flux Version: v2.10.0\n", True),
        ("# Flux Version: v2.9.0\nargs: --feature-gates=A=true,StrictPostBuildSubstitutions=false\n", False),
        ("# Flux Version: v2.8.0\nargs: --feature-gates=StrictPostBuildSubstitutions=true\n", True),
        ("# generated later\n", True),
    ],
)
def test_components_of_a_bootstrap(tmp_path, components, strict):
    (tmp_path / "gotk-components.yaml").write_text(components)
    assert is_strict(DirectoryTree(tmp_path), ["gotk-sync.yaml"], []) is strict


@pytest.mark.parametrize(("version", "strict"), [("2.8.8", False), ("2.9.x", True), ("2.x", True), ("v2.7", False)])
def test_version_of_a_flux_instance(tmp_path, version, strict):
    root = parse((INSTANCE % version).encode(), "f.yaml")[0].node
    assert is_strict(DirectoryTree(tmp_path), ["f.yaml"], [root]) is strict
