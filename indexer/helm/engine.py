"""Helm's own engine, which the optional package ``helm-python-sdk`` holds: loaded with the first chart to render.

What is rendered is what ``helm template`` prints: no cluster is asked (``lookup`` finds nothing), no name is resolved,
no plugin and no post-renderer is run, nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from indexer.helm.chart import Chart, ChartError, NotAtHand

_HEADER: Final = re.compile(r"^---\n# Source: (.+)\n", re.MULTILINE)


class EngineMissing(NotAtHand):
    """The package that renders charts is not installed."""


class RenderError(ChartError):
    """A chart that Helm refuses with these values; the message is Helm's and may hold values."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One document that a template gave, or one file of ``crds/``."""

    template: str
    """As Helm names it: ``chart/templates/x.yaml``."""
    text: str
    crd: bool = False


@cache
def _sdk() -> Any:
    try:
        import helm_python
    except ImportError:
        raise EngineMissing("rendering charts needs helm-python-sdk: pip install 'fluxidx[helm]'") from None
    except Exception as error:  # noqa: BLE001  # its own error, for a library that does not fit the machine
        raise EngineMissing(f"helm-python-sdk cannot be loaded ({error}): reinstall fluxidx[helm]") from None
    return helm_python


def render(chart: Chart, values: dict[str, Any], name: str, namespace: str, *, validate: bool = True) -> list[Rendered]:
    """The manifests of a release without its hooks, then its CRDs. Raises ChartError.

    ``validate``: whether the chart's JSON schema has a say.
    """
    sdk = _sdk()
    with tempfile.TemporaryDirectory(prefix="fluxidx-") as folder:
        root = Path(folder, "chart")
        _write(chart, root, validate=validate)
        try:
            with (
                sdk.Config(kubeconfig_path=os.devnull, storage_driver="memory") as config,
                sdk.Chart.load(root) as loaded,
            ):
                release = config.install(loaded, name, values, namespace=namespace, dry_run="client")
                crds = loaded.crds
        except sdk.HelmError as error:
            raise RenderError(_plain(str(error), folder)) from None
    return [*_split(release.get("manifest", "")), *(Rendered(crd["filename"], crd["data"], crd=True) for crd in crds)]


def _write(chart: Chart, root: Path, *, validate: bool) -> None:
    for inner, file in chart.files.items():
        if validate or inner.rpartition("/")[2] != "values.schema.json":
            path = root / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)


def _split(manifest: str) -> list[Rendered]:
    """Cuts the stream at the headers that name the templates."""
    _, *parts = _HEADER.split(manifest)
    return [Rendered(template, text) for template, text in zip(parts[::2], parts[1::2], strict=True)]


def _plain(message: str, folder: str) -> str:
    """Helm's message on one line and without the temporary folder."""
    return " ".join(message.replace(f"{folder}/", "").split())
