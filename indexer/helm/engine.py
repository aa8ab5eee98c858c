"""Helm's own engine, which the optional package ``helm-python-sdk`` holds, in a process of its own.

What is rendered is what ``helm template`` prints: no cluster is asked (``lookup`` finds nothing), no name is resolved,
no plugin and no post-renderer is run, nothing is downloaded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from indexer.deferred import NamedTuple, regex
from indexer.helm.chart import Capabilities, Chart, ChartError
from indexer.helm.process import WORKER, Limits

_HEADER: Final = regex(r"^---\n# Source: (.+)\n", re.MULTILINE)
_LIMITS: Final = Limits()
_SHOWN: Final = 400
"""Characters at either end of a message: a template that includes itself is named a thousand times."""


class RenderError(ChartError):
    """A chart that Helm refuses with these values; the message is Helm's and may hold values."""


_BUILT_IN: Final = Capabilities()


class Rendered(NamedTuple):
    """One document that a template gave, or one file of ``crds/``."""

    template: str
    """As Helm names it: ``chart/templates/x.yaml``."""
    text: str
    crd: bool = False


def render(
    chart: Chart,
    values: dict[str, Any],
    name: str,
    namespace: str,
    *,
    validate: bool = True,
    capabilities: Capabilities = _BUILT_IN,
    limits: Limits = _LIMITS,
) -> list[Rendered]:
    """The manifests of a release without its hooks, then its CRDs. Raises ChartError.

    ``validate``: whether the chart's JSON schema has a say.
    """
    options: dict[str, Any] = {"namespace": namespace, "dry_run": "client"}
    if capabilities.kubernetes is not None:
        options["kube_version"] = capabilities.kubernetes
    if capabilities.api_versions:
        options["api_versions"] = list(capabilities.api_versions)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="fluxidx-") as folder:
        root = Path(folder, "chart")
        _write(chart, root, validate=validate)
        answer = WORKER.ask({"chart": str(root), "name": name, "values": values, "options": options}, limits)
    if "error" in answer:
        raise RenderError(_plain(answer["error"], folder))
    crds = (Rendered(crd["filename"], crd["data"], crd=True) for crd in answer["crds"])
    return [*_split(answer["manifest"]), *crds]


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
    """Helm's message on one line and without the temporary folder; of a very long one the beginning and the end."""
    line = " ".join(message.replace(f"{folder}/", "").split())
    return line if len(line) <= 2 * _SHOWN else f"{line[:_SHOWN]} … {line[-_SHOWN:]}"
