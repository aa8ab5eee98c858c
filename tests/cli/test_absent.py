"""Keys and charts are in no repository as a rule: a sentence stands for all units that lack one, and -v lists them."""

from __future__ import annotations

from typing import Any

import pytest
from cli.conftest import FILES

APPS = "clusters/a-flux-cluster/apps.yaml"
DECRYPTION = "  decryption:\n    provider: sops\n    secretRef:\n      name: sops-age\n"
SENTENCE = "1 Kustomization decrypts with a key that is not in this repository, as it should be (-v lists it)"


@pytest.fixture
def sealed(fleet: Any) -> Any:
    fleet.write(APPS, FILES[APPS] + DECRYPTION)
    return fleet


def words(text: str) -> str:
    return " ".join(text.split())


def test_build_counts_them(sealed: Any) -> None:
    first, *sentence, _ = sealed.run("build").stdout.splitlines()
    assert (first, " ".join(sentence)) == ("a-flux-cluster  2 units (1 unresolved), 5 objects", SENTENCE)
    assert "Secret flux-system/sops-age of spec.decryption is not rendered" in words(sealed.run("build", "-v").stdout)


def test_they_are_no_fault(sealed: Any) -> None:
    assert sealed.run("build", "--strict").returncode == 0


def test_units_show_what_they_deploy(sealed: Any) -> None:
    said = sealed.run("units").stdout
    (apps,) = (words(line) for line in said.splitlines() if "flux-system/apps" in line)
    assert apps == "└─ ? Kustomization flux-system/apps ./flux/apps/staging 2 objects"
    assert words(said).endswith(SENTENCE)
    assert "sops-age" in sealed.run("units", "-v").stdout


def test_a_key_that_is_there_and_fits_nothing_is_a_reason(sealed: Any) -> None:
    sealed.write(
        "clusters/a-flux-cluster/key.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: sops-age, namespace: flux-system}\nstringData: {note: none}\n",
    )
    sealed.write(
        "flux/apps/base/api.yaml",
        FILES["flux/apps/base/api.yaml"] + "sops:\n  mac: ENC[AES256_GCM,data:,iv:,tag:,type:str]\n",
    )
    said = words(sealed.run("build").stdout)
    assert "holds no key" in said
    assert SENTENCE not in said


RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: demo, namespace: flux-system}
spec:
  chart:
    spec:
      chart: charts/demo
      sourceRef: {kind: GitRepository, name: flux-system}
"""


def test_a_release_lacks_its_chart(fleet: Any) -> None:
    fleet.write("clusters/a-flux-cluster/release.yaml", RELEASE.replace("GitRepository", "HelmRepository"))
    said = words(fleet.run("build").stdout)
    assert "1 HelmRelease not rendered: its chart is not at hand (-v lists it)" in said
    assert "Unresolved" not in said
    assert fleet.run("build", "--strict").returncode == 0


def test_a_release_of_which_there_are_objects_lacks_something_else(fleet: Any) -> None:
    pytest.importorskip("helm_python")
    fleet.write("charts/demo/Chart.yaml", "apiVersion: v2\nname: demo\nversion: 1.0.0\n")
    fleet.write(
        "charts/demo/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: demo}\ndata: {a: b}\n"
    )
    fleet.write("clusters/a-flux-cluster/release.yaml", RELEASE + "  dependsOn:\n  - name: other\n")
    for command in ("build", "units"):
        said = words(fleet.run(command).stdout.replace("│", ""))
        assert "dependsOn flux-system/other is no HelmRelease of this cluster" in said
        assert "chart is not at hand" not in said
    assert fleet.run("build", "--strict").returncode == 1
