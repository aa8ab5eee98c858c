"""The process that renders charts: a script of its own, so that a hostile chart takes down nothing but itself.

It reads one request a line from standard input and writes one answer a line to standard output, in JSON, until its
input ends. ``indexer.helm.process`` starts it, and another one where this one dies.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any, Final

import helm_python
from helm_python import _native

_NO_CONTEXT: Final = 0
_NO_REFERENCE: Final = None


def main() -> None:
    """Answers requests until there are none."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        _limit(request["seconds"], request["memory"])
        answer = json.dumps(_answer(request))
        if len(answer) > request["text"]:
            answer = json.dumps({"excess": len(answer)})
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _limit(seconds: int, memory: int) -> None:
    """Bounds what the next request may take: where it takes more, the system or Go's runtime ends this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    for kind, most in ((resource.RLIMIT_CPU, used + 1 + seconds), (resource.RLIMIT_DATA, memory)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        with (
            helm_python.Config(kubeconfig_path=os.devnull, storage_driver="memory") as config,
            helm_python.Chart.load(request["chart"]) as chart,
        ):
            # The library takes the cluster's version and APIs; its Python interface has no parameter for them.
            said = _native.call_string(
                "helm_install",
                config._raw(),  # noqa: SLF001
                _native.HANDLE(_NO_CONTEXT),
                chart._raw(),  # noqa: SLF001
                _NO_REFERENCE,
                request["name"],
                json.dumps(request["values"]),
                json.dumps(request["options"]),
            )
            return {"manifest": json.loads(said).get("manifest", ""), "crds": chart.crds}
    except helm_python.HelmError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    main()
