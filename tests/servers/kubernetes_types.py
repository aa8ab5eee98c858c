"""The data of Kubernetes' built-in types, made anew from their Go declarations.

python tests/servers/kubernetes_types.py    writes indexer/flux/kubernetes-0.36.json
"""

from __future__ import annotations

import json
from pathlib import Path

if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1]))

from servers.binaries import kubernetes_types

DATA = Path(__file__).parents[2] / "indexer" / "flux" / "kubernetes-0.36.json"


def generated() -> str:
    """The file's content, but for ``about``, which is kept. Raises Unavailable."""
    found = kubernetes_types()
    about = json.loads(DATA.read_text())["about"]
    kinds = {version: " ".join(sorted(names)) for version, names in sorted(found["kinds"].items())}
    types = {
        name: " ".join(field.removesuffix(":string") for field in fields.split())
        for name, fields in sorted(found["types"].items())
    }
    lines = [
        "{",
        f'"about": {json.dumps(about)},',
        '"kinds": {',
        ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in kinds.items()),
        '},\n"types": {',
        ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in types.items()),
        "}\n}\n",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    DATA.write_text(generated())
