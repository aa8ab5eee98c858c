"""Definitions whose cost is put off to their first use.

A short command defines a hundred records and expressions, and uses few of them. To define a named tuple, ``typing``
compiles each annotation and ``collections`` a constructor: a million instructions, or 0.2 ms; a regular expression
takes as long. Here both take a tenth of that, and the rest when the first tuple is made, or the first text matched.
"""

from __future__ import annotations

import re
from collections import namedtuple
from typing import TYPE_CHECKING, Any, AnyStr

__all__ = ["NamedTuple", "regex"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Definition(type):
        """Makes a plain class of tuples of each class that names ``NamedTuple`` as its base."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, space)
            fields = tuple(space.get("__annotations__", ()))
            defaults = {field: space.pop(field) for field in fields if field in space}
            own = {"__slots__": (), "__new__": _first, "_fields": fields, "_field_defaults": defaults}
            return type(name, (tuple,), space | own)

    def _first(cls: type, *values: Any, **named: Any) -> Any:
        """The first tuple of a class: gives the class the constructor and all else that ``namedtuple`` makes."""
        made = namedtuple(cls.__name__, cls._fields, defaults=cls._field_defaults.values())
        cls.__new__ = made.__new__
        for name, value in vars(made).items():
            if name not in vars(cls):
                setattr(cls, name, value)
        return cls(*values, **named)

    class NamedTuple(metaclass=_Definition):
        """``typing.NamedTuple``, whose methods and fields come with the first tuple that is made."""


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
