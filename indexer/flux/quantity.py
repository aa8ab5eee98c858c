"""Quantities as Kubernetes prints them: ``1000m`` is ``1``, ``1024Mi`` is ``1Gi``."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from indexer.deferred import regex

_QUANTITY: Final = regex(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?")
_DECIMAL: Final = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def amount(text: str) -> Fraction | None:
    """How much a quantity is; None for what is none."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    digits, suffix = found[2], found[3] or ""
    number = Fraction(digits.rstrip(".") or "0")
    if suffix in _BINARY[1:]:
        number *= 1024 ** _BINARY.index(suffix)
    elif suffix in _DECIMAL:
        number *= Fraction(1000) ** _DECIMAL[suffix]
    else:
        number *= Fraction(10) ** int(suffix[1:])
    return -number if found[1] == "-" else number


def canonical_quantity(text: str) -> str | None:
    """A quantity as Kubernetes prints it (``1000m`` → ``1``, ``1024Mi`` → ``1Gi``); None for what is none."""
    found, value = _QUANTITY.fullmatch(text), amount(text)
    if found is None or value is None:
        return None
    suffix, whole = found[3] or "", abs(value)
    if suffix in _BINARY[1:]:
        return _sign(found[1], _binary(whole) if whole >= 1024 else _decimal(whole))
    return _sign(found[1], _decimal(whole)) if suffix in _DECIMAL else None


def _sign(sign: str, text: str) -> str:
    return f"-{text}" if sign == "-" and text != "0" else text


def _binary(amount: Fraction) -> str:
    if amount.denominator != 1:
        return _decimal(amount)
    whole, power = int(amount), 0
    while whole % 1024 == 0 and power < len(_BINARY) - 1:
        whole, power = whole // 1024, power + 1
    return f"{whole}{_BINARY[power]}"


def _decimal(amount: Fraction) -> str:
    if amount == 0:
        return "0"
    for suffix, power in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = amount / Fraction(1000) ** power
        if scaled.denominator == 1:
            return f"{int(scaled)}{suffix}"
    nano = amount * 10**9
    return f"{-(-nano.numerator // nano.denominator)}n"
