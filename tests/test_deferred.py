"""Records and expressions whose making is put off are what they would be at once."""

import copy
import dataclasses
import pickle
import subprocess
import sys

import pytest

from indexer.deferred import NamedTuple, dataclass, field, regex, replace


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


@dataclass(frozen=True, slots=True)
class Limit:
    number: int


@dataclass(slots=True)
class Named:
    count: Count
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"no. {self.count.number}"


def test_a_tuple_is_named() -> None:
    place = Place("a.yaml", line=3)
    assert (place, place.shown, tuple(place)) == (("a.yaml", 3), "a.yaml:3", ("a.yaml", 3))
    assert repr(Place("b.yaml")) == "Place(file='b.yaml', line=1)"
    assert place._replace(line=4)._asdict() == {"file": "a.yaml", "line": 4}
    assert (Place._fields, Place.__doc__) == (("file", "line"), "Where something is.")
    with pytest.raises(TypeError, match=r"Place.__new__\(\) missing 1 required positional argument: 'file'"):
        Place(line=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="column"):
        place._replace(column=4)
    match place:
        case Place(file="a.yaml", line=line):
            assert line == 3


def test_a_dataclass_compares_what_it_shall_and_cannot_be_changed() -> None:
    one = Entry("web")
    assert one == Entry("web", [], "seen")
    assert one != Entry("api")
    assert one.places is not Entry("web").places
    assert replace(one, name="api") == Entry("api")
    assert repr(one) == "Entry(name='web', places=[], note=None)"
    with pytest.raises(dataclasses.FrozenInstanceError, match="name"):
        one.name = "api"  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"Entry.__init__\(\) missing 1 required positional argument: 'name'"):
        Entry(note="seen")  # type: ignore[call-arg]


def test_dataclasses_knows_it() -> None:
    assert dataclasses.asdict(Entry("web", [Place("a.yaml")])) == {
        "name": "web",
        "places": [("a.yaml", 1)],
        "note": None,
    }
    assert dataclasses.replace(Entry("web", note="seen"), name="api", places=[]) == Entry("api")
    assert [one.name for one in dataclasses.fields(Named)] == ["count", "name"]


def test_what_is_made_of_the_fields_is_there_from_the_first_instance_on() -> None:
    assert [Named(Count(number)).name for number in range(2)] == ["no. 0", "no. 1"]


def test_records_are_equal_to_others_of_their_class_alone() -> None:
    assert hash(Limit(1)) == hash(Limit(1))
    assert Limit(1) != Count(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Count(1))


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
