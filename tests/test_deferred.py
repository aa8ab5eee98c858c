"""Records and expressions whose making is put off are what they would be at once."""

import copy
import dataclasses
import pickle
import subprocess
import sys

import pytest

from indexer.deferred import NamedTuple, dataclass, field, regex


class Place(NamedTuple):
    """Where something is."""

    file: str
    line: int = 1

    @property
    def shown(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something with a place."""

    name: str
    places: list[Place] = field(default_factory=list)
    note: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class Count:
    number: int = 0


def test_a_tuple_is_named() -> None:
    place = Place("a.yaml", line=3)
    assert (place, place.shown, tuple(place)) == (("a.yaml", 3), "a.yaml:3", ("a.yaml", 3))
    assert repr(Place("b.yaml")) == "Place(file='b.yaml', line=1)"
    assert place._replace(line=4)._asdict() == {"file": "a.yaml", "line": 4}
    assert (Place._fields, Place.__doc__) == (("file", "line"), "Where something is.")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'file'"):
        Place(line=1)  # type: ignore[call-arg]


def test_a_dataclass_compares_what_it_shall_and_cannot_be_changed() -> None:
    one = Entry("web")
    assert one == Entry("web", [], "seen")
    assert one != Entry("api")
    assert one.places is not Entry("web").places
    assert dataclasses.replace(one, name="api") == Entry("api")
    assert repr(one) == "Entry(name='web', places=[], note=None)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "api"  # type: ignore[misc]


def test_one_that_may_be_changed_takes_no_other_fields() -> None:
    count = Count()
    count.number += 1
    assert count == Count(1)
    with pytest.raises(AttributeError):
        count.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [Place("a.yaml", 3), Entry("web", [Place("a.yaml")], "seen"), Count(2)])
def test_copies_are_equal(value: object) -> None:
    assert copy.copy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - its own


def test_a_pickled_record_may_be_the_first_of_its_process() -> None:
    program = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()))"
    from indexer.flux.model import Inputs

    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(Inputs({"a": "b"})), capture_output=True, check=True
    )
    assert done.stdout == b"Inputs(read={'a': 'b'}, listed={}, absent=frozenset())\n"


def test_an_expression_is_compiled_when_it_is_used() -> None:
    broken = regex("(")
    assert regex("a+").fullmatch("aa") is not None
    assert regex(rb"a+").sub(b"b", b"caac") == b"cbc"
    with pytest.raises(Exception, match="missing \\)"):
        broken.search("a")
