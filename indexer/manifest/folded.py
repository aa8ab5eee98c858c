"""What becomes of a block scalar when go-yaml v3 writes it and reads it again, as kustomize does with every object.

The writer puts an extra line break before every run of breaks that follows a line without leading space. That is right
only where the next line has no leading space either; where it has, the text comes back with a line break more. (Where
the text itself begins with a space the writer puts none, and a break is lost.)
"""

from __future__ import annotations

from typing import Final

from indexer.deferred import regex

_LINE: Final = regex(r"([^\n]+)(\n*)")
# Of a class of characters, the smaller half is named: compiling the other one takes as long as parsing ten files.
_NOT_IN_BLOCKS: Final = regex(" \n| \\Z|[\0-\b\v-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\U00010000-\U0010ffff]")
"""What makes the writer give up the folded style for double quotes, which lose nothing."""


def refolded(text: str) -> str:
    """The text of a folded scalar after one round through go-yaml v3."""
    one_line = "\n" not in text[:-1] and not text.endswith("\n\n")
    if one_line or _NOT_IN_BLOCKS.search(text):
        return text
    first = text.lstrip("\n")[:1]
    doubles = first not in ("", " ", "\t")
    lines: list[tuple[str, int]] = [(found[1], len(found[2])) for found in _LINE.finditer(text)]
    parts = ["\n" * (len(text) - len(text.lstrip("\n")))]
    for index, (line, breaks) in enumerate(lines):
        parts.append(line)
        indented = line[0] in " \t"
        written = breaks + (1 if doubles and not indented and breaks else 0)
        if index == len(lines) - 1:
            # The end of the text: one break stays one (clipped), more are kept with what was written.
            parts.append("\n" * (breaks if breaks < 2 else written))
        elif indented or lines[index + 1][0][0] in " \t":
            parts.append("\n" * written)
        else:
            parts.append("\n" * (written - 1) if written > 1 else " ")
    return "".join(parts)


def unreadable_literal(text: str) -> bool:
    """Whether go-yaml v3 cannot read what it writes for a literal scalar: a tab where it looks for the indentation."""
    return text.startswith("\t") and _NOT_IN_BLOCKS.search(text) is None
