import io

import pytest

from indexer.report.terminal import Terminal


class Stream(io.StringIO):
    encoding = "utf-8"

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "option", "environment", "colour"),
    [
        (True, "auto", {}, True),
        (False, "auto", {}, False),
        (True, "auto", {"NO_COLOR": "1"}, False),
        (True, "auto", {"NO_COLOR": ""}, True),
        (True, "auto", {"TERM": "dumb"}, False),
        (True, "never", {}, False),
        (False, "always", {}, True),
        (True, "always", {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_are_for_terminals_and_for_those_who_ask(terminal, option, environment, colour) -> None:
    assert Terminal.of(Stream(terminal=terminal), option, environment).colour is colour


@pytest.mark.parametrize(
    ("environment", "links"),
    [
        ({}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"VTE_VERSION": "6003"}, True),
        ({"VTE_VERSION": "4205"}, False),
        ({"KITTY_WINDOW_ID": "1"}, True),
    ],
)
def test_links_are_for_terminals_that_show_them(environment, links) -> None:
    assert Terminal.of(Stream(terminal=True), "auto", environment).links is links
    assert Terminal.of(Stream(terminal=False), "auto", environment).links is False


def test_a_link_is_written_around_the_text() -> None:
    assert Terminal(links=True).link("here", "https://x") == "\x1b]8;;https://x\x1b\\here\x1b]8;;\x1b\\"
    assert Terminal(links=False).link("here", "https://x") == "here"
    assert Terminal(links=True).link("here", None) == "here"


def test_an_ascii_terminal_gets_ascii() -> None:
    stream = Stream(terminal=True)
    stream.encoding = "ascii"
    assert Terminal.of(stream, "auto", {}).glyph("←", "<") == "<"
