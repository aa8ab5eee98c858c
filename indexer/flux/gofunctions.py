"""The functions that ResourceSets may call: Go's own, slim-sprig's hermetic ones that give the same result everywhere,
and flux-operator's ``slugify`` and ``toYaml``.
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
from collections.abc import Callable
from typing import Any, Final

from indexer.flux import gotexts
from indexer.flux.govalues import FunctionError, Unsupported, Value, child_of, join_origins, known, strval, truth
from indexer.flux.goyaml import dump
from indexer.manifest.gojson import dumps

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


# Numbers


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
        raise FunctionError(f"a list is needed, not {gotexts.type_of(data)}")
    return data


def _map(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise FunctionError(f"a map is needed, not {gotexts.type_of(data)}")
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
    return {strval(given[i]): given[i + 1] if i + 1 < len(given) else "" for i in range(0, len(given), 2)}


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
        return json.loads(gotexts.text_of(text), parse_int=float)
    except ValueError:
        return None


def _to_json(data: Any) -> str:
    return dumps(known(data))


def _length(data: Any) -> int:
    if isinstance(data, str):
        return len(data.encode(errors="surrogateescape"))
    if not isinstance(data, list | dict):
        raise FunctionError(f"len of type {gotexts.type_of(data)}")
    return len(data)


def _decode(text: str, decode: Callable[[bytes], bytes]) -> str:
    try:
        return decode(gotexts.text_of(text).encode()).decode()
    except (binascii.Error, ValueError):
        raise Unsupported("decoding text that is no base64 or base32 is not rendered offline") from None


# Functions whose result is one of the entries of their arguments, and keeps its own line


def _get(container: Value, key: Value) -> Value:
    found = _map(container.data)
    return child_of(container, key.data) if gotexts.text_of(key.data) in found else Value("", container.origins)


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        data = value.data
        if isinstance(data, dict):
            value = child_of(value, gotexts.text_of(key.data)) if key.data in data else Value(None, value.origins)
        elif isinstance(data, list) and isinstance(key.data, int):
            if not 0 <= key.data < len(data):
                raise FunctionError(f"error calling index: index out of range: {key.data}")
            value = child_of(value, key.data)
        else:
            raise FunctionError(f"can't index item of type {gotexts.type_of(data)}")
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
        raise FunctionError(f"wrong type for value; expected bool; got {gotexts.type_of(test.data)}")
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
    "printf": gotexts.sprintf,
    "print": gotexts.sprint,
    "println": lambda *given: " ".join(map(strval, given)) + "\n",
    "trunc": gotexts.trunc,
    "trim": lambda text: gotexts.text_of(text).strip(),
    "upper": lambda text: gotexts.text_of(text).upper(),
    "lower": lambda text: gotexts.text_of(text).lower(),
    "title": gotexts.title,
    "substr": gotexts.substr,
    "repeat": lambda count, text: gotexts.text_of(text) * count,
    "trimAll": lambda cut, text: gotexts.text_of(text).strip(gotexts.text_of(cut)) if cut else text,
    "trimSuffix": gotexts.strip_suffix,
    "trimPrefix": gotexts.strip_prefix,
    "contains": lambda part, text: gotexts.text_of(part) in gotexts.text_of(text),
    "hasPrefix": lambda part, text: gotexts.text_of(text).startswith(gotexts.text_of(part)),
    "hasSuffix": lambda part, text: gotexts.text_of(text).endswith(gotexts.text_of(part)),
    "quote": lambda *given: " ".join(gotexts.quoted(strval(item)) for item in given if item is not None),
    "squote": lambda *given: " ".join(f"'{strval(item)}'" for item in given if item is not None),
    "cat": lambda *given: " ".join(strval(item) for item in given if item is not None),
    "indent": gotexts.indent,
    "nindent": lambda spaces, text: "\n" + gotexts.indent(spaces, text),
    "replace": lambda old, new, text: gotexts.text_of(text).replace(gotexts.text_of(old), gotexts.text_of(new)),
    "plural": lambda one, many, count: one if count == 1 else many,
    "sha1sum": lambda text: hashlib.sha1(gotexts.text_of(text).encode(), usedforsecurity=False).hexdigest(),
    "sha256sum": lambda text: hashlib.sha256(gotexts.text_of(text).encode()).hexdigest(),
    "adler32sum": lambda text: str(zlib.adler32(gotexts.text_of(text).encode())),
    "toString": strval,
    "toStrings": gotexts.strings,
    "atoi": lambda text: _int(gotexts.text_of(text)),
    "int": _int,
    "int64": _int,
    "float64": _float,
    "seq": _seq,
    "split": lambda separator, text: gotexts.numbered(gotexts.split(gotexts.text_of(text), separator)),
    "splitList": lambda separator, text: gotexts.split(gotexts.text_of(text), separator),
    "splitn": lambda separator, count, text: gotexts.numbered(gotexts.split(gotexts.text_of(text), separator, count)),
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
    "join": lambda separator, data: gotexts.text_of(separator).join(gotexts.strings(data)),
    "sortAlpha": lambda data: sorted(gotexts.strings(data)),
    "empty": lambda data: not truth(data),
    "all": lambda *given: all(map(truth, given)),
    "any": lambda *given: any(map(truth, given)),
    "compact": lambda data: [item for item in _list(data) if truth(item)],
    "fromJson": _from_json,
    "toJson": _to_json,
    "toYaml": lambda data: dump(known(data)).removesuffix("...\n"),
    "kindIs": lambda kind, data: kind == _kind_of(data),
    "kindOf": _kind_of,
    "deepEqual": _same,
    "base": lambda path: posixpath.basename(gotexts.text_of(path).rstrip("/")) or ("/" if path else "."),
    "dir": lambda path: posixpath.normpath(posixpath.dirname(gotexts.text_of(path)) or "."),
    "clean": lambda path: posixpath.normpath(gotexts.text_of(path) or "."),
    "ext": lambda path: posixpath.splitext(gotexts.text_of(path))[1],
    "isAbs": lambda path: gotexts.text_of(path).startswith("/"),
    "b64enc": lambda text: base64.b64encode(gotexts.text_of(text).encode()).decode(),
    "b64dec": lambda text: _decode(text, lambda data: base64.b64decode(data, validate=True)),
    "b32enc": lambda text: base64.b32encode(gotexts.text_of(text).encode()).decode(),
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
    "slugify": gotexts.slugify,
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
