"""Every changed line has an effect, or a reason for none."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from changedfleet import FILES, Fleet, unit

from indexer.git.changes import SideName
from indexer.query.impact import Impact


def idle(answer: Impact) -> dict[str, str]:
    """The reasons of lines on the head side, by ``file:first-last``."""
    return {
        f"{one.file}:{one.lines[0]}-{one.lines[1]}" if one.lines is not None else one.file: one.reason
        for one in answer.lines
        if one.reason is not None and one.side is SideName.HEAD
    }


@pytest.mark.parametrize(
    ("path", "old", "new", "line", "reason"),
    [
        ("apps/base/api.yaml", "# Where it is found", "# Where it is", 20, "only a comment"),
        ("apps/base/api.yaml", "spec:\n  replicas", "\nspec:\n  replicas", 6, "only an empty line"),
        (
            "apps/base/api.yaml",
            "value: fast",
            'value: "fast"',
            24,
            "only the formatting changes: the data are the same",
        ),
        ("README.md", "# Fleet", "# The fleet", 1, "is not a manifest, and no unit reads it"),
        (
            "forgotten/lost.yaml",
            "name: lost",
            "name: found",
            4,
            "is listed by forgotten/kustomization.yaml, which no entry point leads to",
        ),
        (
            "apps/base/kustomization.yaml",
            "resources:",
            "images:\n- name: example.org/other\n  newTag: '2'\nresources:",
            1,
            "these lines set nothing that is deployed; other lines of the file have a part in 4 objects",
        ),
    ],
)
def test_lines_without_effect(fleet: Fleet, path: str, old: str, new: str, line: int, reason: str) -> None:
    fleet.edit(path, old, new)
    answer = fleet.impact()
    assert answer.clusters == ()
    (place, told), *more = idle(answer).items()
    assert (place.rpartition("-")[0], told, more) == (f"{path}:{line}", reason, [])


def test_lines_in_another_order_are_formatting(fleet: Fleet) -> None:
    text = FILES["apps/base/service.yaml"]
    fleet.write(
        "apps/base/service.yaml", text.replace("  name: api\n  namespace: shop\n", "  namespace: shop\n  name: api\n")
    )
    answer = fleet.impact()
    assert answer.clusters == ()
    assert {one.reason for one in answer.lines} == {"Service api has the same value on both sides"}


def test_a_file_that_is_only_renamed(fleet: Fleet) -> None:
    fleet.move("tools/first.yaml", "tools/zeroth.yaml")
    answer = fleet.impact()
    assert answer.clusters == ()
    assert idle(answer) == {"tools/zeroth.yaml": "only renamed, from tools/first.yaml"}


def test_a_new_file_that_nothing_lists(fleet: Fleet) -> None:
    fleet.write("apps/base/new.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: new\n")
    assert idle(fleet.impact()) == {
        "apps/base/new.yaml:1-4": (
            "is listed nowhere; the nearest file that could list it is apps/base/kustomization.yaml"
        )
    }


def test_a_file_that_flux_leaves_out(fleet: Fleet) -> None:
    fleet.write(".sourceignore", "tools/third.yaml\n")
    fleet.git("add", ".")
    fleet.git("commit", "-qm", "Leave it out")
    fleet.write("tools/third.yaml", FILES["tools/first.yaml"].replace("first", "third"))
    assert idle(fleet.impact()) == {
        "tools/third.yaml:1-7": "is left out of Flux's artifact by a pattern: .sourceignore:1: tools/third.yaml"
    }


def test_a_file_of_a_unit_that_fails(fleet: Fleet) -> None:
    fleet.edit("tools/second.yaml", "\ndata:", "\ndata: [")
    fleet.git("commit", "-qam", "Broken")
    fleet.edit("tools/first.yaml", "a: b", "a: c")
    reasons = idle(fleet.impact())
    assert list(reasons) == ["tools/first.yaml:7-7"]
    assert reasons["tools/first.yaml:7-7"].startswith(
        "is read by Kustomization flux-system/tools of cluster prod, which could not be rendered: tools/second.yaml:"
    )


def test_a_pattern_that_leaves_a_file_out_is_the_cause(fleet: Fleet) -> None:
    fleet.write(".sourceignore", "# not yet\ntools/second.yaml\n")
    answer = fleet.impact()
    ((cluster,),) = [answer.clusters]
    ((one,),) = [cluster.objects]
    assert (one.change, one.object.name) == ("removed", "second")
    assert str(one.cause.span).startswith(".sourceignore:2:")
    assert {(one.lines, one.reach is not None) for one in answer.lines} == {((1, 2), True)}


def test_lines_that_open_a_block_belong_to_it(fleet: Fleet) -> None:
    fleet.edit("apps/base/service.yaml", "metadata:\n", "metadata:\n  # who\n  labels:\n\n    team: shop\n")
    answer = fleet.impact()
    assert [(one.lines, one.reach is not None) for one in answer.lines] == [((4, 7), True)]


def test_a_mode_is_no_line(fleet: Fleet) -> None:
    (fleet.root / "tools/first.yaml").chmod(0o755)
    answer = fleet.impact()
    (one,) = answer.lines
    assert (one.lines, one.reach) == (None, None)
    assert one.reason is not None
    assert one.reason.startswith("no line of it changed: its mode, or bytes that are no text")


@pytest.mark.parametrize("seed", range(12))
def test_every_changed_line_is_told_once(fleet: Fleet, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - a test that can be run again
    for path in draw.sample(sorted(FILES), 4):
        lines = FILES[path].splitlines(keepends=True)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(lines) + 1)
            lines[at : at + draw.randint(0, 2)] = draw.choice([[], ["# drawn\n"], lines[:1], ["\n"], ["drawn: here\n"]])
        fleet.write(path, "".join(lines))
    if draw.random() < 0.5:
        fleet.move("apps/base/service.yaml", "tools/service.yaml")
    fleet.write(f"tools/drawn-{seed}.yaml", unit("drawn", "./apps/test"))
    answer = fleet.impact()
    every = Counter(
        (file.on(side), side, line)
        for file in answer.changes.files
        for hunk in file.hunks
        for side in SideName
        if (lines_ := hunk.on(side)) is not None
        for line in range(lines_[0], lines_[1] + 1)
    )
    told = Counter(
        (one.file, one.side, line)
        for one in answer.lines
        if one.lines is not None
        for line in range(one.lines[0], one.lines[1] + 1)
    )
    assert told == every
    assert set(told.values()) <= {1}
    assert all((one.reach is None) != (one.reason is None) for one in answer.lines)
