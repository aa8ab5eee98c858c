"""Broken files of every kind: ``fluxidx render dir`` answers each with output or with one message.

``FLUXIDX_EXAMPLES=20000 pytest tests/fuzz`` is the long run, with other examples each time.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from indexer.cli.main import run

EXAMPLES = os.environ.get("FLUXIDX_EXAMPLES")
SECONDS = 120
"""A build that takes longer hangs; none of these inputs has 20 kB."""

TOKENS = (
    b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n---\n", b"\n...\n", b"%YAML 1.2\n---\n", b"&a ", b"*a",
    b"<<: ", b"<<: *a", b"? ", b": ", b"- ", b"{", b"}", b"[", b"]", b"{}", b"[]", b"null", b"~", b"''",
    b'"\\ud800"', b"|\n", b">-\n", b"!!binary ", b"!!int ", b"!!str ", b"!!set ", b"!x ", b"1e400", b"-0", b"0o8",
    b"9" * 5000, b".nan", b"2020-99-99", b"$patch: delete\n", b"$patch: replace\n", b"$(VAR)", b"..", b"../..",
    b"/", b".", b"./", b"http://a/b", b"git@a:b/c", b"*", b"(", b"[a", b"(?P<n>", b"\\", b"a" * 300,
    b"kind: List\nitems:\n", b"#", b" #", b"%", b"\xe2\x80\xa8", b"[" * 300, b"{a: " * 300, b"- " * 300,
    b"/a" * 300, b".a" * 300, b"=", b"@", b":", b"\xf0\x9f\x98\x80", b"\x85", b"\x7f",
)  # fmt: skip
VALUES = (
    b"null", b"[]", b"{}", b"[x]", b"{a: b}", b"1", b"1.5", b"true", b"''", b"'*'", b"[[]]", b"[null]",
    b"{a: null}", b"-1", b"[{}]", b"[{name: a}]", b"|\n  a: b", b"'('", b"2020-01-01", b"!!binary x", b"'a.b.c'",
    b"'/'", b"'-'", b".inf",
)  # fmt: skip
_VALUE = re.compile(rb"(?<=: )[^\n]+|(?<=- )[^\n]+")


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in what runs longer."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def render(directory: Path) -> tuple[int, str, str]:
    """Status, standard output and standard error of ``fluxidx render dir``."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), time_limit(SECONDS):
        status = run(["render", "dir", str(directory)])
    return status, out.getvalue(), err.getvalue()


def mutate(data: st.DataObject, content: bytes, others: list[bytes]) -> bytes:
    """``content`` with one thing done to it."""

    def place(size: int) -> int:
        return data.draw(st.integers(0, max(size, 0)))

    def pick(options: Any) -> Any:
        return data.draw(st.sampled_from(options))

    how = pick(("value", "token", "line", "move", "indent", "cut", "bytes", "other"))
    values = list(_VALUE.finditer(content))
    lines = content.split(b"\n")
    index = place(len(lines) - 1)
    if how == "value" and values:
        found = pick(values)
        return content[: found.start()] + pick(VALUES) + content[found.end() :]
    if how in ("value", "token"):
        at = place(len(content))
        return content[:at] + pick(TOKENS) + content[at:]
    if how == "line":
        del lines[index]
    elif how == "move":
        lines.insert(place(len(lines)), lines[index])
    elif how == "indent":
        lines[index] = lines[index][2:] if pick((True, False)) else b"  " + lines[index]
    elif how == "cut":
        start, end = sorted((place(len(content)), place(len(content))))
        return content[:start] + content[end:]
    elif how == "bytes":
        at = place(len(content))
        return content[:at] + data.draw(st.binary(min_size=1, max_size=4)) + content[at + 1 :]
    else:
        line = pick(pick(others).split(b"\n"))
        lines.insert(index, line)
    return b"\n".join(lines)


@settings(
    max_examples=int(EXAMPLES or 300),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_broken_files_end_in_a_message(cases: list[Any], data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(cases))
    files = dict(case.files)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(sorted(files)))
        files[path] = mutate(data, files[path], list(files.values()))
        note(f"--> {path}\n{files[path].decode(errors='backslashreplace')}")
    with tempfile.TemporaryDirectory() as name:
        for path, content in files.items():
            file = Path(name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        status, out, err = render(Path(name, case.directory))
    assert (status == 0) or (err.strip() and not out), (status, out, err)
    assert "Traceback" not in err
