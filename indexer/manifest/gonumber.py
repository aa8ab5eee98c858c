"""Floating-point numbers as Go prints them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

_SHORTEST: Final = 6
"""From this decimal exponent on, Go's ``%g`` with the shortest precision uses the exponent form."""


def float_text(value: float) -> str:
    """``strconv.FormatFloat(value, 'g', -1, 64)``: how YAML files hold a float."""
    return _general(repr(value), value)


def float32_text(value: float) -> str:
    """``strconv.FormatFloat(value, 'g', -1, 32)``: how a float becomes a key (``.inf`` and ``.nan`` as YAML says)."""
    if value != value:
        return ".nan"
    try:
        (narrow,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        narrow = float("inf") if value > 0 else float("-inf")
    if narrow in (float("inf"), float("-inf")):
        return ".inf" if narrow > 0 else "-.inf"
    for precision in range(1, 10):
        text = f"{narrow:.{precision}g}"
        if struct.pack("f", float(text)) == struct.pack("f", narrow):
            return _general(text, narrow)
    raise AssertionError(value)


def json_float_text(value: float) -> str:
    """How Go's encoding/json prints a finite float: no exponent from 1e-6 to 1e21."""
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        text = format(_exact(repr(value)), "f")
        return text.removesuffix(".0")
    mantissa, _, exponent = _exponent_form(repr(value)).partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"


def _general(text: str, value: float) -> str:
    """Go's ``%g`` for the shortest decimal ``text`` of ``value``."""
    if value == 0:
        return "-0" if text.startswith("-") else "0"
    exponent = _exact(text).adjusted()
    if exponent < -4 or exponent >= _SHORTEST:
        return _exponent_form(text)
    return format(_exact(text), "f").removesuffix(".0")


def _exponent_form(text: str) -> str:
    sign, digits, exponent = _exact(text).normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:]))
    power = int(exponent) + len(digits) - 1
    point = "." if rest else ""
    return f"{'-' if sign else ''}{first}{point}{rest}e{'-' if power < 0 else '+'}{abs(power):02}"


def _exact(text: str) -> Decimal:
    from decimal import Decimal  # which files without such numbers need not wait for

    return Decimal(text)
