"""Definitions that cost little: records whose constructors come with the first of them, expressions likewise.

A short command defines a hundred records and expressions, and uses half of them. To define a named tuple, ``typing``
compiles each annotation and ``collections`` a constructor: a million instructions, or 0.2 ms; a regular expression
takes as long, and a frozen dataclass with slots four times as long. Here each takes a tenth of a million, and the first
record little more: constructors differ in names alone, so that one of each length is compiled.
"""

from __future__ import annotations

import re
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, AnyStr

__all__ = ["NamedTuple", "dataclass", "field", "regex", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
    from typing import NamedTuple
else:
    from collections import _tuplegetter  # what namedtuple makes its fields of

    _MISSING = object()

    class _Definition(type):
        """Makes a plain class of tuples of each class that names ``NamedTuple`` as its base."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, space)
            fields = tuple(space.get("__annotations__", ()))
            own = {
                "__slots__": (),
                "__match_args__": fields,
                "__new__": _first_tuple,
                "_fields": fields,
                "_field_defaults": {field: space[field] for field in fields if field in space},
            }
            getters = {field: _tuplegetter(number, None) for number, field in enumerate(fields)}
            return type(name, (_Tuple,), space | own | getters)

    class NamedTuple(metaclass=_Definition):
        """``typing.NamedTuple``, whose constructor comes with the first tuple that is made."""

    class _Tuple(tuple):
        """What the named tuples have in common."""

        __slots__ = ()

        _make = classmethod(tuple.__new__)

        def _replace(self, /, **changes: Any) -> Any:
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise TypeError(f"{type(self).__name__} has no field {next(iter(changes))!r}")
            return made

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            return _shown(self, self._asdict())

    def _first_tuple(cls: type, *values: Any, **named: Any) -> Any:
        """Gives a class its constructor, and makes its first tuple."""
        defaults = tuple(cls._field_defaults.values())
        cls.__new__ = _named(cls, "__new__", _tuple_code(len(cls._fields)), cls._fields, defaults, new=tuple.__new__)
        return cls(*values, **named)

    @cache
    def _tuple_code(length: int) -> CodeType:
        names = "".join(f"_{number}, " for number in range(length))
        return eval(f"lambda cls, {names}: new(cls, ({names}))").__code__  # noqa: S307 - the text is known

    class _Field(dict):
        """What ``field`` was given."""

    def field(**how: Any) -> Any:
        """``dataclasses.field``, for a dataclass of this module."""
        return _Field(how)

    def dataclass(**how: Any) -> Any:
        """``dataclasses.dataclass(slots=True)``, whose constructor comes with the first instance that is made.

        Not for classes that inherit fields.
        """

        def put_off(cls: type) -> type:
            space = dict(vars(cls))
            del space["__dict__"], space["__weakref__"]
            fields = {name: _spelt(space.pop(name, _MISSING)) for name in space["__annotations__"]}
            own = {
                "__slots__": tuple(fields),
                "__match_args__": tuple(name for name, given in fields.items() if given.get("init", True)),
                "__dataclass_fields__": _Inquiry(fields, how),
                "__init__": _first_instance,
                "__reduce__": _reduced,
                "__repr__": _represented,
            }
            if how.get("eq", True):
                compared = [name for name, given in fields.items() if given.get("compare", True)]
                own |= {"_compared": property(attrgetter(*compared)), "__eq__": _equal, "__hash__": None}
            if how.get("frozen", False):
                own |= {"__setattr__": _frozen, "__delattr__": _frozen}
                own |= {"__hash__": _hash} if "__eq__" in own else {}
            return type(cls.__name__, cls.__bases__, space | own)

        return put_off

    def replace(record: Any, /, **changes: Any) -> Any:
        """``dataclasses.replace``."""
        return type(record)(**{name: getattr(record, name) for name in record.__match_args__} | changes)

    def _spelt(default: Any) -> _Field:
        """A field as ``field`` would have been told of it."""
        if type(default) is _Field:
            return default
        return _Field() if default is _MISSING else _Field(default=default)

    class _Inquiry:
        """``__dataclass_fields__`` of a class, which is what ``dataclasses`` asks for: it is imported to tell."""

        def __init__(self, fields: dict[str, _Field], how: dict[str, Any]) -> None:
            self.fields = fields
            self._how = how

        def __get__(self, _: object, cls: type) -> Any:
            import dataclasses

            made = {name: dataclasses.field(**given) for name, given in self.fields.items()}
            space = {"__annotations__": cls.__annotations__, "__module__": cls.__module__}
            return dataclasses.dataclass(**self._how)(type(cls.__name__, (), space | made)).__dataclass_fields__

    def _first_instance(self: Any, *values: Any, **named: Any) -> None:
        """Gives a class its constructor, and fills its first instance."""
        cls = type(self)
        fields = vars(cls)["__dataclass_fields__"].fields
        names = cls.__match_args__
        setters = {f"set_{number}": _setter(vars(cls)[name], fields[name]) for number, name in enumerate(names)}
        has_default = [name for name in names if fields[name].keys() & {"default", "default_factory"}]
        defaults = tuple(fields[name].get("default", _MISSING) for name in has_default)
        init = _named(cls, "__init__", _init_code(len(names)), names, defaults, **setters)
        cls.__init__ = _with_more(init) if hasattr(cls, "__post_init__") else init
        self.__init__(*values, **named)

    def _with_more(init: Any) -> Any:
        """A constructor that ends with ``__post_init__``."""

        def both(self: Any, *values: Any, **named: Any) -> None:
            init(self, *values, **named)
            self.__post_init__()

        return both

    def _setter(slot: Any, given: _Field) -> Any:
        """What puts a value into a field, or a new one where none was given."""
        factory = given.get("default_factory")
        if factory is None:
            return slot.__set__

        def fill(record: Any, value: Any) -> None:
            slot.__set__(record, factory() if value is _MISSING else value)

        return fill

    @cache
    def _init_code(length: int) -> CodeType:
        names = "".join(f", _{number}" for number in range(length))
        calls = ", ".join(f"set_{number}(self, _{number})" for number in range(length))
        return eval(f"lambda self{names}: ({calls}, None)[-1]").__code__  # noqa: S307 - the text is known

    def _named(
        cls: type, name: str, code: CodeType, parameters: tuple[str, ...], defaults: tuple[Any, ...], **space: Any
    ) -> Any:
        """The function of a class that has this code, but for the names of the parameters after the first."""
        code = code.replace(co_varnames=(code.co_varnames[0], *parameters))
        function = FunctionType(code, space, name, defaults)
        function.__qualname__ = f"{cls.__name__}.{name}"
        return function

    def _reduced(self: Any) -> tuple[type, tuple[Any, ...]]:
        """An instance for ``pickle``, which is to make it as anybody does: it may be the first."""
        return type(self), tuple([getattr(self, name) for name in self.__match_args__])

    def _represented(self: Any) -> str:
        fields = vars(type(self))["__dataclass_fields__"].fields
        return _shown(self, {name: getattr(self, name) for name, given in fields.items() if given.get("repr", True)})

    def _shown(record: Any, fields: dict[str, Any]) -> str:
        return f"{type(record).__name__}({', '.join(f'{name}={value!r}' for name, value in fields.items())})"

    def _equal(self: Any, other: object) -> Any:
        return self._compared == other._compared if type(other) is type(self) else NotImplemented  # noqa: SLF001

    def _hash(self: Any) -> int:
        return hash(self._compared)

    def _frozen(_self: object, name: str, *_: object) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")


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
