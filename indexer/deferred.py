"""Definitions whose cost is put off to their first use.

A short command defines a hundred records and expressions, and uses few of them. To define a named tuple, ``typing``
compiles each annotation and ``collections`` a constructor: a million instructions, or 0.2 ms; a regular expression
takes as long, and a dataclass with slots four times as long. Here each takes a tenth of a million, and the rest when
the first record is made, or the first text matched.
"""

from __future__ import annotations

import re
from collections import namedtuple
from typing import TYPE_CHECKING, Any, AnyStr

__all__ = ["NamedTuple", "dataclass", "field", "regex"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field
    from typing import NamedTuple
else:

    class _Definition(type):
        """Makes a plain class of tuples of each class that names ``NamedTuple`` as its base."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, space)
            fields = tuple(space.get("__annotations__", ()))
            defaults = {field: space.pop(field) for field in fields if field in space}
            own = {"__slots__": (), "__new__": _first_tuple, "_fields": fields, "_field_defaults": defaults}
            return type(name, (tuple,), space | own)

    def _first_tuple(cls: type, *values: Any, **named: Any) -> Any:
        """The first tuple of a class: gives the class the constructor and all else that ``namedtuple`` makes."""
        made = namedtuple(cls.__name__, cls._fields, defaults=cls._field_defaults.values())
        cls.__new__ = made.__new__
        _complete(cls, made)
        return cls(*values, **named)

    class NamedTuple(metaclass=_Definition):
        """``typing.NamedTuple``, whose methods and fields come with the first tuple that is made."""

    class _Field(dict):
        """What ``field`` was given."""

    def field(**how: Any) -> Any:
        """``dataclasses.field``, for a dataclass of this module."""
        return _Field(how)

    def dataclass(**how: Any) -> Any:
        """``dataclasses.dataclass(slots=True)``, whose methods come with the first instance that is made.

        Not for classes that inherit fields, or are asked for them before there is an instance.
        """

        def put_off(cls: type) -> type:
            space = dict(vars(cls))
            del space["__dict__"], space["__weakref__"]
            fields = space["__annotations__"]

            def first(self: Any, *values: Any, **named: Any) -> None:
                _complete(put, _dataclass(put, space, how), "__init__")
                self.__init__(*values, **named)

            slim = {name: value for name, value in space.items() if name not in fields}
            own = {"__slots__": tuple(fields), "__init__": first, "__reduce__": _pickled}
            put = type(cls.__name__, cls.__bases__, slim | own)
            return put

        return put_off

    def _pickled(self: Any) -> tuple[type, tuple[Any, ...]]:
        """An instance for ``pickle``, which is to make it as anybody does: it may be the first."""
        return type(self), tuple([getattr(self, name) for name in self.__match_args__])

    def _dataclass(cls: type, space: dict[str, Any], how: dict[str, Any]) -> type:
        """The dataclass that ``cls``, whose definition is ``space``, stands for."""
        import dataclasses

        made = {name: dataclasses.field(**value) if type(value) is _Field else value for name, value in space.items()}
        return dataclasses.dataclass(**how)(type(cls.__name__, cls.__bases__, made))

    def _complete(cls: type, made: type, *replaced: str) -> None:
        """Gives a class all that it does not have of the one that was made for it."""
        for name, value in vars(made).items():
            if name not in vars(cls) or name in replaced:
                setattr(cls, name, value)


class _Pattern:
    """A regular expression that is compiled when it is first asked for something."""

    def __init__(self, text: Any, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # From now on, what was asked for is found at once.
        found = self.__dict__[name] = getattr(re.compile(self._text, self._flags), name)
        return found


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """``re.compile``, when it comes to that."""
    return _Pattern(text, flags)  # type: ignore[return-value]
