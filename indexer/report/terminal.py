"""What the place that output goes to can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from indexer.deferred import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINKS = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR")
_LINK_PROGRAMS = {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio"}
_FIRST_VTE_WITH_LINKS = 5000


class Terminal(NamedTuple):
    """Abilities of an output stream."""

    colour: bool = False
    links: bool = False
    """OSC 8 hyperlinks: the terminals that are known to show them, since the others print them as litter."""
    unicode: bool = True
    width: int = 80
    """Columns; 80 where the output is no terminal, so that a file reads the same everywhere."""

    @classmethod
    def of(cls, stream: TextIO, colour: str, environment: Mapping[str, str]) -> Terminal:
        """The abilities of ``stream``; ``colour`` is auto, always or never, and NO_COLOR counts in auto."""
        terminal = stream.isatty()
        plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
        return cls(
            colour=colour == "always" or (colour == "auto" and terminal and not plain),
            links=terminal and colour != "never" and _shows_links(environment),
            unicode=(stream.encoding or "ascii").lower().replace("-", "") in {"utf8", "utf16"},
            width=_columns() if terminal else 80,
        )

    def style(self, text: str, **style: Any) -> str:
        """``text`` in click's style, where colours are wanted."""
        return click.style(text, **style) if self.colour and text else text

    def link(self, text: str, url: str | None) -> str:
        """``text`` as a hyperlink, where the terminal has them."""
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if self.links and url else text

    def glyph(self, unicode: str, ascii_: str) -> str:
        return unicode if self.unicode else ascii_


def _columns() -> int:
    from shutil import get_terminal_size

    return max(get_terminal_size().columns, 40)


def _shows_links(environment: Mapping[str, str]) -> bool:
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _LINK_PROGRAMS
        or any(environment.get(name) for name in _LINKS)
        or (vte.isdigit() and int(vte) >= _FIRST_VTE_WITH_LINKS)
    )
