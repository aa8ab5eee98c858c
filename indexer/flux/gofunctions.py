"""Values of Go templates and the functions that ResourceSets may call: Go's own, slim-sprig's hermetic ones that give
the same result everywhere, and flux-operator's ``slugify`` and ``toYaml``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import posixpath
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from indexer.flux.gotokens import TemplateError
from indexer.flux.goyaml import dump
from indexer.manifest.gojson import dumps
from indexer.manifest.gonumber import float_text
from indexer.manifest.node import Mapping, Node, Sequence


class Unsupported(Exception):
    """Something that Go would do and that is not done here; ``offset`` is where in the template."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class FunctionError(TemplateError):
    """A function that fails on its arguments, as Go's does."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An input that a value was made of."""

    name: str
    """Its path from ``inputs``: ``provider.namespace``."""
    node: Node


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a template: plain data, and what it was made of."""

    data: Any
    origins: tuple[Origin, ...] = ()
    node: Node | None = None
    """The node that holds these very data."""


class Unknowable:
    """An input that only the cluster knows, with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def child_of(value: Value, key: str | int, start: int = 0) -> Value:
    """An entry of a map or list, with its own node where the value still has one. Raises Unsupported."""
    data = value.data[key]
    if isinstance(data, Unknowable):
        raise Unsupported(data.reason, start)
    if isinstance(value.node, Mapping):
        node = value.node.get(str(key))
    elif isinstance(value.node, Sequence) and isinstance(key, int) and key < len(value.node.items):
        node = value.node.items[key]
    else:
        node = None
    if node is None:
        return Value(data, value.origins)
    prefix = value.origins[0].name if value.origins else ""
    name = f"{prefix}.{key}" if prefix else str(key)
    return Value(data, (Origin(name, node),), node)


def join_origins(values: Iterable[Value]) -> tuple[Origin, ...]:
    """What a function's result was made of."""
    found: dict[int, Origin] = {}
    for value in values:
        for origin in value.origins:
            found.setdefault(id(origin.node), origin)
    return tuple(found.values())


def truth(data: Any) -> bool:
    """Whether Go takes a value for true: what is not empty."""
    return bool(data)


def show(data: Any, *, inner: bool = False) -> str:
    """``%v`` of a value."""
    if isinstance(data, str):
        return data
    if data is None:
        return "<nil>" if inner else "<no value>"
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, float):
        return float_text(data)
    if isinstance(data, list):
        return "[" + " ".join(show(item, inner=True) for item in data) + "]"
    if isinstance(data, dict):
        return "map[" + " ".join(f"{key}:{show(data[key], inner=True)}" for key in sorted(data)) + "]"
    return str(data)


def _strval(data: Any) -> str:
    return show(data, inner=True)


def _known(data: Any) -> Any:
    """Data without anything that only the cluster knows. Raises Unsupported."""
    if isinstance(data, Unknowable):
        raise Unsupported(data.reason)
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        _known(item)
    return data


# Comparison


def _comparable(a: Any, b: Any) -> None:
    kinds = {bool: "bool", int: "int", float: "float", str: "string"}
    if a is None or b is None:
        return
    if type(a) not in kinds or type(b) not in kinds:
        raise FunctionError("error calling eq: non-comparable type: compare texts, numbers or booleans")
    if type(a) is not type(b):
        raise FunctionError("incompatible types for comparison: convert one of them with int or toString")


def _eq(first: Any, *others: Any) -> bool:
    if not others:
        raise FunctionError("missing argument for comparison")
    for other in others:
        _comparable(first, other)
        if first == other:
            return True
    return False


def _ordered(a: Any, b: Any, test: Callable[[Any, Any], bool]) -> bool:
    _comparable(a, b)
    if a is None or b is None or isinstance(a, bool):
        raise FunctionError("invalid type for comparison: compare texts or numbers")
    return test(a, b)


# Texts


def _text(data: Any) -> str:
    if not isinstance(data, str):
        raise FunctionError(f"wrong type for value; expected string; got {_type(data)}: convert it with toString")
    return data


def _type(data: Any) -> str:
    names = {bool: "bool", int: "int64", float: "float64", str: "string", type(None): "nil"}
    return names.get(type(data)) or ("map[string]interface {}" if isinstance(data, dict) else "[]interface {}")


def _quoted(text: str) -> str:
    """``%q``."""
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\a": "\\a", "\b": "\\b", "\f": "\\f",
             "\v": "\\v"}  # fmt: skip

    def one(character: str) -> str:
        if character in short:
            return short[character]
        code = ord(character)
        if character.isprintable():
            return character
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return '"' + "".join(map(one, text)) + '"'


def _cut(text: str, first: int | None, last: int | None) -> str:
    """A slice by bytes, as Go counts."""
    return text.encode(errors="surrogateescape")[first:last].decode(errors="surrogateescape")


def _trunc(count: int, text: str) -> str:
    size = len(_text(text).encode(errors="surrogateescape"))
    if count < 0:
        return _cut(text, size + count, None) if size + count > 0 else text
    return _cut(text, None, count) if size > count else text


def _substr(start: int, end: int, text: str) -> str:
    size = len(_text(text).encode(errors="surrogateescape"))
    if start < 0:
        return _cut(text, None, end)
    return _cut(text, start, None if end < 0 or end > size else end)


def _strip_suffix(suffix: str, text: str) -> str:
    return _text(text).removesuffix(suffix)


def _strip_prefix(prefix: str, text: str) -> str:
    return _text(text).removeprefix(prefix)


def _indent(spaces: int, text: str) -> str:
    pad = " " * spaces
    return pad + _text(text).replace("\n", "\n" + pad)


def _title(text: str) -> str:
    return re.sub(r"(^|[^\w])(\w)", lambda found: found[1] + found[2].upper(), _text(text))


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    return text.split(separator, count - 1 if count > 0 else -1) if separator else list(text)


def _numbered(parts: list[str]) -> dict[str, str]:
    return {f"_{index}": part for index, part in enumerate(parts)}


def _strings(data: Any) -> list[str]:
    if isinstance(data, list):
        return [_strval(item) for item in data if item is not None]
    return [] if data is None else [_strval(data)]


_NOT_IN_SLUG: Final = re.compile("[^a-z0-9-_]")
_DASHES: Final = re.compile("-+")
_SLUG: Final = 63


def _slugify(text: str) -> str:
    """A name of lower-case letters, digits and dashes of at most 63 characters, cut at a dash."""
    text = _text(text).strip()
    if not text.isascii():
        raise Unsupported("slugify of letters outside ASCII is not rendered offline: write the slug itself")
    # English words stand for these two signs.
    slug = text.replace("&", "and").replace("@", "at").lower()
    slug = _DASHES.sub("-", _NOT_IN_SLUG.sub("-", slug)).strip("-_")
    if len(slug) <= _SLUG:
        return slug
    dash = slug.rfind("-", 0, _SLUG + 1)
    return slug[:dash] if dash >= 0 else slug[:_SLUG]


def _printf(form: str, *given: Any) -> str:
    """``fmt.Sprintf`` with the verbs that are plain."""
    rest = list(given)

    def one(match: re.Match[str]) -> str:
        flags, verb = match[1], match[2]
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        value = rest.pop(0)
        fits = {
            "s": isinstance(value, str),
            "d": isinstance(value, int) and not isinstance(value, bool),
            "q": isinstance(value, str),
            "t": isinstance(value, bool),
            "f": isinstance(value, float),
            "x": isinstance(value, int) and not isinstance(value, bool),
            "v": "." not in flags,
        }
        if not fits.get(verb):
            raise Unsupported(f"printf %{flags}{verb} of this value is not rendered offline")
        if verb not in "dfx":
            value, verb = _quoted(value) if verb == "q" else _strval(value), "s"
        return str(f"%{flags}{verb}" % value)

    made = re.sub(r"%([-+ 0]*\d*(?:\.\d+)?)(.)", one, _text(form))
    if rest:
        raise Unsupported("printf with more values than verbs is not rendered offline")
    return made


# Numbers


def _print(*given: Any) -> str:
    """``fmt.Sprint``: a space stands between two operands neither of which is a text."""
    made = ""
    for index, item in enumerate(given):
        spaced = index and not isinstance(item, str) and not isinstance(given[index - 1], str)
        made += (" " if spaced else "") + _strval(item)
    return made


def _int(data: Any) -> int:
    if isinstance(data, str):
        return int(data) if re.fullmatch(r"[-+]?[0-9]+", data) and -(1 << 63) <= int(data) < 1 << 63 else 0
    return int(data) if isinstance(data, int | float) else 0


def _float(data: Any) -> float:
    if isinstance(data, str):
        try:
            return float(data)
        except ValueError:
            return 0.0
    return float(data) if isinstance(data, int | float) else 0.0


def _quotient(a: Any, b: Any) -> int:
    divisor = _int(b)
    if divisor == 0:
        raise FunctionError("integer divide by zero")
    quotient = abs(_int(a)) // abs(divisor)
    return quotient if (_int(a) < 0) == (divisor < 0) else -quotient


def _remainder(a: Any, b: Any) -> int:
    return _int(a) - _quotient(a, b) * _int(b)


def _product(*factors: Any) -> int:
    return math.prod(map(_int, factors))


def _until(start: int, stop: int, step: int) -> list[int]:
    if step == 0 or (stop < start) != (step < 0):
        return []
    return list(range(start, stop, step))


def _seq(*given: int) -> str:
    if not 1 <= len(given) <= 3:
        return ""
    start, end = (1, given[0]) if len(given) == 1 else (given[0], given[-1])
    increment = -1 if end < start else 1
    step = given[1] if len(given) == 3 else increment
    if len(given) == 3 and end < start:
        if step > 0:
            return ""
    elif len(given) == 3:
        increment = 1
    return " ".join(map(str, _until(start, end + increment, step)))


# Lists and maps


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise FunctionError(f"a list is needed, not {_type(data)}")
    return data


def _map(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise FunctionError(f"a map is needed, not {_type(data)}")
    return data


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _uniq(data: Any) -> list[Any]:
    made: list[Any] = []
    for item in _list(data):
        if not any(_same(item, other) for other in made):
            made.append(item)
    return made


def _without(data: Any, *omitted: Any) -> list[Any]:
    return [item for item in _list(data) if not any(_same(item, other) for other in omitted)]


def _dict(*given: Any) -> dict[str, Any]:
    return {_strval(given[i]): given[i + 1] if i + 1 < len(given) else "" for i in range(0, len(given), 2)}


def _only_one(data: dict[str, Any], what: Callable[[dict[str, Any]], list[Any]]) -> list[Any]:
    """Go gives the entries of a map in no order."""
    if len(_map(data)) > 1:
        raise Unsupported("the order of a map's keys or values is random: sort them with sortAlpha, or use range")
    return what(data)


def _slice_list(data: Any, *indices: Any) -> Any:
    items = _list(data)
    end = _int(indices[1]) if len(indices) > 1 else len(items)
    return items[_int(indices[0]) if indices else 0 : end] if items else None


def _chunk(size: int, data: Any) -> list[Any]:
    items = _list(data)
    return [items[i : i + size] for i in range(0, len(items), size)]


def _from_json(text: str) -> Any:
    try:
        return json.loads(_text(text), parse_int=float)
    except ValueError:
        return None


def _to_json(data: Any) -> str:
    return dumps(_known(data))


def _length(data: Any) -> int:
    if isinstance(data, str):
        return len(data.encode(errors="surrogateescape"))
    if not isinstance(data, list | dict):
        raise FunctionError(f"len of type {_type(data)}")
    return len(data)


def _decode(text: str, decode: Callable[[bytes], bytes]) -> str:
    try:
        return decode(_text(text).encode()).decode()
    except (binascii.Error, ValueError):
        raise Unsupported("decoding text that is no base64 or base32 is not rendered offline") from None


# Functions whose result is one of the entries of their arguments, and keeps its own line


def _get(container: Value, key: Value) -> Value:
    found = _map(container.data)
    return child_of(container, key.data) if _text(key.data) in found else Value("", container.origins)


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        data = value.data
        if isinstance(data, dict):
            value = child_of(value, _text(key.data)) if key.data in data else Value(None, value.origins)
        elif isinstance(data, list) and isinstance(key.data, int):
            if not 0 <= key.data < len(data):
                raise FunctionError(f"error calling index: index out of range: {key.data}")
            value = child_of(value, key.data)
        else:
            raise FunctionError(f"can't index item of type {_type(data)}")
    return value


def _dig(*given: Value) -> Value:
    *keys, default, value = given
    for key in keys:
        if key.data not in _map(value.data):
            return default
        value = child_of(value, key.data)
    return value


def _at(position: int) -> Callable[[Value], Value]:
    def entry(value: Value) -> Value:
        items = _list(value.data)
        return child_of(value, len(items) - 1 if position < 0 else 0) if items else Value(None, value.origins)

    return entry


def _default(default: Value, *given: Value) -> Value:
    if given and truth(given[0].data):
        return given[0]
    return Value(default.data, join_origins([default, *given]), default.node)


def _coalesce(*given: Value) -> Value:
    return next((value for value in given if truth(value.data)), Value(None))


def _ternary(yes: Value, no: Value, test: Value) -> Value:
    if not isinstance(test.data, bool):
        raise FunctionError(f"wrong type for value; expected bool; got {_type(test.data)}")
    chosen = yes if test.data else no
    return Value(chosen.data, join_origins([chosen, test]), chosen.node)


def _fail(message: str) -> str:
    raise FunctionError(f"error calling fail: {message}")


def _kind_of(data: Any) -> str:
    names = {bool: "bool", int: "int64", float: "float64", str: "string", list: "slice", dict: "map"}
    return names.get(type(data), "invalid")


Function = Callable[..., Any]

_BY_DATA: Final[dict[str, Function]] = {
    "eq": _eq,
    "ne": lambda a, b: not _eq(a, b),
    "lt": lambda a, b: _ordered(a, b, lambda x, y: bool(x < y)),
    "le": lambda a, b: _ordered(a, b, lambda x, y: bool(x <= y)),
    "gt": lambda a, b: _ordered(a, b, lambda x, y: bool(x > y)),
    "ge": lambda a, b: _ordered(a, b, lambda x, y: bool(x >= y)),
    "not": lambda data: not truth(data),
    "len": _length,
    "printf": _printf,
    "print": _print,
    "println": lambda *given: " ".join(map(_strval, given)) + "\n",
    "trunc": _trunc,
    "trim": lambda text: _text(text).strip(),
    "upper": lambda text: _text(text).upper(),
    "lower": lambda text: _text(text).lower(),
    "title": _title,
    "substr": _substr,
    "repeat": lambda count, text: _text(text) * count,
    "trimAll": lambda cut, text: _text(text).strip(_text(cut)) if cut else text,
    "trimSuffix": _strip_suffix,
    "trimPrefix": _strip_prefix,
    "contains": lambda part, text: _text(part) in _text(text),
    "hasPrefix": lambda part, text: _text(text).startswith(_text(part)),
    "hasSuffix": lambda part, text: _text(text).endswith(_text(part)),
    "quote": lambda *given: " ".join(_quoted(_strval(item)) for item in given if item is not None),
    "squote": lambda *given: " ".join(f"'{_strval(item)}'" for item in given if item is not None),
    "cat": lambda *given: " ".join(_strval(item) for item in given if item is not None),
    "indent": _indent,
    "nindent": lambda spaces, text: "\n" + _indent(spaces, text),
    "replace": lambda old, new, text: _text(text).replace(_text(old), _text(new)),
    "plural": lambda one, many, count: one if count == 1 else many,
    "sha1sum": lambda text: hashlib.sha1(_text(text).encode(), usedforsecurity=False).hexdigest(),
    "sha256sum": lambda text: hashlib.sha256(_text(text).encode()).hexdigest(),
    "adler32sum": lambda text: str(zlib.adler32(_text(text).encode())),
    "toString": _strval,
    "toStrings": _strings,
    "atoi": lambda text: _int(_text(text)),
    "int": _int,
    "int64": _int,
    "float64": _float,
    "seq": _seq,
    "split": lambda separator, text: _numbered(_split(_text(text), separator)),
    "splitList": lambda separator, text: _split(_text(text), separator),
    "splitn": lambda separator, count, text: _numbered(_split(_text(text), separator, count)),
    "until": lambda count: _until(0, count, -1 if count < 0 else 1),
    "untilStep": _until,
    "add1": lambda data: _int(data) + 1,
    "add": lambda *given: sum(map(_int, given)),
    "sub": lambda a, b: _int(a) - _int(b),
    "div": _quotient,
    "mod": _remainder,
    "mul": _product,
    "max": lambda *given: max(map(_int, given)),
    "min": lambda *given: min(map(_int, given)),
    "maxf": lambda *given: max(map(_float, given)),
    "minf": lambda *given: min(map(_float, given)),
    "ceil": lambda data: float(math.ceil(_float(data))),
    "floor": lambda data: float(math.floor(_float(data))),
    "join": lambda separator, data: _text(separator).join(_strings(data)),
    "sortAlpha": lambda data: sorted(_strings(data)),
    "empty": lambda data: not truth(data),
    "all": lambda *given: all(map(truth, given)),
    "any": lambda *given: any(map(truth, given)),
    "compact": lambda data: [item for item in _list(data) if truth(item)],
    "fromJson": _from_json,
    "toJson": _to_json,
    "toYaml": lambda data: dump(_known(data)).removesuffix("...\n"),
    "kindIs": lambda kind, data: kind == _kind_of(data),
    "kindOf": _kind_of,
    "deepEqual": _same,
    "base": lambda path: posixpath.basename(_text(path).rstrip("/")) or ("/" if path else "."),
    "dir": lambda path: posixpath.normpath(posixpath.dirname(_text(path)) or "."),
    "clean": lambda path: posixpath.normpath(_text(path) or "."),
    "ext": lambda path: posixpath.splitext(_text(path))[1],
    "isAbs": lambda path: _text(path).startswith("/"),
    "b64enc": lambda text: base64.b64encode(_text(text).encode()).decode(),
    "b64dec": lambda text: _decode(text, lambda data: base64.b64decode(data, validate=True)),
    "b32enc": lambda text: base64.b32encode(_text(text).encode()).decode(),
    "b32dec": lambda text: _decode(text, base64.b32decode),
    "list": lambda *given: list(given),
    "dict": _dict,
    "hasKey": lambda data, key: key in _map(data),
    "keys": lambda data: _only_one(data, list),
    "values": lambda data: _only_one(data, lambda found: list(found.values())),
    "pluck": lambda key, *maps: [found[key] for found in map(_map, maps) if key in found],
    "pick": lambda data, *keys: {key: _map(data)[key] for key in keys if key in data},
    "omit": lambda data, *keys: {key: value for key, value in _map(data).items() if key not in keys},
    "append": lambda data, item: [*_list(data), item],
    "prepend": lambda data, item: [item, *_list(data)],
    "concat": lambda *lists: [item for data in lists for item in _list(data)],
    "rest": lambda data: _list(data)[1:],
    "initial": lambda data: _list(data)[:-1],
    "reverse": lambda data: _list(data)[::-1],
    "uniq": _uniq,
    "without": _without,
    "has": lambda item, data: data is not None and any(_same(item, other) for other in _list(data)),
    "slice": _slice_list,
    "chunk": _chunk,
    "fail": _fail,
    "slugify": _slugify,
}


def _lifted(function: Function) -> Function:
    """A function of plain data as one of values."""

    def lifted(*given: Value) -> Any:
        return function(*(value.data for value in given))

    return lifted


_SYNONYMS: Final = {"biggest": "max", "tuple": "list", "push": "append", "trimall": "trimAll"}
_MUST: Final = (
    "append", "chunk", "compact", "first", "has", "initial", "last", "prepend", "push", "rest", "reverse", "slice",
    "toJson", "toYaml", "uniq", "without",
)  # fmt: skip

FUNCTIONS: Final[dict[str, Function]] = {
    **{name: _lifted(function) for name, function in _BY_DATA.items()},
    "get": _get,
    "index": _index,
    "dig": _dig,
    "first": _at(0),
    "last": _at(-1),
    "default": _default,
    "coalesce": _coalesce,
    "ternary": _ternary,
}
"""Every function but ``inputs``, ``and`` and ``or``: from values to a value, or to plain data."""
FUNCTIONS.update({name: FUNCTIONS[other] for name, other in _SYNONYMS.items()})
FUNCTIONS.update({f"must{name[0].upper()}{name[1:]}": FUNCTIONS[name] for name in _MUST})
