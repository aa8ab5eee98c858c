"""Go's text/template, as far as flux-operator's ResourceSets need it, with the origin of every piece of its output.

Actions stand between ``<<`` and ``>>``: pipelines, fields, variables, ``if``, ``range``, ``with``, ``break`` and
``continue``. A template that defines templates, or calls a function that is not here, is Unsupported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from indexer.deferred import dataclass, field, regex
from indexer.flux.gofunctions import FUNCTIONS
from indexer.flux.gotokens import Piece, TemplateError, Token, lex, tokens
from indexer.flux.govalues import FunctionError, Unsupported, Value, child_of, join_origins, show, truth

__all__ = ["Control", "Output", "TemplateError", "Unsupported", "Value", "execute"]

_BLOCKS: Final = ("if", "range", "with")
_OUTSIDE: Final = ("define", "template", "block")
_MAX_OUTPUT: Final = 1 << 22
"""Characters that one rendering may have."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """A part of the output: a literal text (``origins`` is empty and ``literal`` true), or what an action printed."""

    text: str
    start: int
    """Offset of what made it in the template; a literal's characters follow each other there as here."""
    end: int
    literal: bool
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A part of the output, by its offsets, over whose presence a value decided."""

    start: int
    end: int
    value: Value


@dataclass(slots=True)
class Output:
    """What a template made."""

    parts: list[Emitted] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    length: int = 0

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    def put(self, part: Emitted) -> None:
        if part.text:
            self.parts.append(part)
            self.length += len(part.text)
            if self.length > _MAX_OUTPUT:
                raise Unsupported("the template makes more than 4 MiB of text", part.start)


@dataclass(frozen=True, slots=True)
class _Pipe:
    commands: tuple[tuple[_Operand, ...], ...]
    start: int
    variables: tuple[str, ...] = ()
    assigns: bool = False
    """``=`` instead of ``:=``."""


@dataclass(frozen=True, slots=True)
class _Operand:
    """A literal, a variable, the dot, a function or a pipeline in parentheses, with the fields taken of it."""

    kind: str
    value: Any
    fields: tuple[str, ...]
    start: int


@dataclass(frozen=True, slots=True)
class _Block:
    """``if``, ``with`` and ``range``, an action (``print``), a text, ``break`` or ``continue``."""

    kind: str
    start: int
    end: int
    text: str = ""
    pipe: _Pipe | None = None
    body: tuple[_Block, ...] = ()
    otherwise: tuple[_Block, ...] = ()


class _Jump(Exception):
    """``break`` (its argument is true) or ``continue``."""


def execute(text: str, inputs: Value) -> Output:
    """The output of a template whose function ``inputs`` gives ``inputs``.

    Raises TemplateError where Go fails too, and Unsupported; both know the offset at fault.
    """
    program = _Parser(text).program()
    output = Output()
    _Run(inputs, output).blocks(program)
    return output


class _Parser:
    def __init__(self, text: str) -> None:
        self.pieces: Iterator[Piece] = lex(text)
        self.depth = 0

    def program(self) -> tuple[_Block, ...]:
        blocks, stop, _ = self._list()
        if stop is not None:
            raise TemplateError(f"unexpected {{{{{stop.text}}}}}", stop.start)
        return blocks

    def _list(self) -> tuple[tuple[_Block, ...], Piece | None, list[Token]]:
        """Blocks up to an ``end`` or ``else``, which is returned with its tokens."""
        blocks: list[_Block] = []
        for piece in self.pieces:
            if not piece.is_action:
                blocks.append(_Block("text", piece.start, piece.end, piece.text))
                continue
            words = list(tokens(piece))
            if not words:
                raise TemplateError("missing value for command", piece.start)
            first = words[0]
            word = first.text if first.kind == "name" else ""
            if word in ("end", "else"):
                return tuple(blocks), piece, words
            if word in _OUTSIDE:
                raise Unsupported(f"the action `{word}` is not rendered offline", first.start)
            if word in _BLOCKS:
                blocks.append(self._control(word, words[1:], piece))
            elif word in ("break", "continue") and len(words) == 1:
                blocks.append(_Block(word, piece.start, piece.end))
            else:
                blocks.append(_Block("print", piece.start, piece.end, pipe=_pipe(words, piece.start)))
        return tuple(blocks), None, []

    def _control(self, kind: str, words: list[Token], piece: Piece) -> _Block:
        pipe = _pipe(words, piece.start, ranges=kind == "range")
        body, stop, ending = self._list()
        otherwise: tuple[_Block, ...] = ()
        if stop is not None and ending[0].text == "else":
            if len(ending) > 1 and ending[1].text in ("if", "with"):
                # `else if` ends with the `end` of the whole.
                return _Block(
                    kind, piece.start, piece.end, pipe=pipe, body=body,
                    otherwise=(self._control(ending[1].text, ending[2:], stop),),
                )  # fmt: skip
            otherwise, stop, ending = self._list()
        if stop is None or ending[0].text != "end":
            raise TemplateError(f"`{kind}` has no end", piece.start)
        return _Block(kind, piece.start, piece.end, pipe=pipe, body=body, otherwise=otherwise)


def _pipe(words: list[Token], start: int, *, ranges: bool = False) -> _Pipe:
    variables: tuple[str, ...] = ()
    assigns = False
    kinds = [word.kind for word in words]
    if kinds[:2] in (["variable", "declare"], ["variable", "assign"]):
        variables, assigns, words = (words[0].text,), kinds[1] == "assign", words[2:]
    elif ranges and kinds[:4] == ["variable", "comma", "variable", "declare"]:
        variables, words = (words[0].text, words[2].text), words[4:]
    commands, rest = _commands(words, start)
    if rest:
        raise TemplateError(f"unexpected `{rest[0].text}`", rest[0].start)
    return _Pipe(commands, start, variables, assigns)


def _commands(words: list[Token], start: int) -> tuple[tuple[tuple[_Operand, ...], ...], list[Token]]:
    """The commands of a pipeline, up to a closing parenthesis."""
    commands: list[tuple[_Operand, ...]] = []
    operands: list[_Operand] = []
    while words and words[0].kind != "close":
        word = words[0]
        if word.kind == "pipe":
            if not operands:
                raise TemplateError("missing value for command", word.start)
            commands.append(tuple(operands))
            operands, words = [], words[1:]
            continue
        operand, words = _operand(words)
        operands.append(operand)
    if not operands:
        raise TemplateError("missing value for command", start)
    return (*commands, tuple(operands)), words


def _operand(words: list[Token]) -> tuple[_Operand, list[Token]]:
    word, words = words[0], words[1:]
    kind, value = word.kind, word.value
    fields: list[str] = []
    if kind == "open":
        commands, words = _commands(words, word.start)
        if not words:
            raise TemplateError("unclosed left paren", word.start)
        words = words[1:]
        kind, value = "nested", _Pipe(commands, word.start)
    elif kind == "field":
        kind, fields = "dot", [word.value]
    elif kind not in ("name", "variable", "dot", "string", "number"):
        raise TemplateError(f"unexpected `{word.text}`", word.start)
    while words and words[0].kind == "field" and words[0].joined:
        fields.append(words[0].value)
        words = words[1:]
    return _Operand(kind, value, tuple(fields), word.start), words


class _Run:
    def __init__(self, inputs: Value, output: Output) -> None:
        self.inputs = inputs
        self.output = output
        self.variables: list[tuple[str, Value]] = [("$", Value(None))]
        self.dot = Value(None)

    def blocks(self, blocks: tuple[_Block, ...]) -> None:
        known = len(self.variables)
        for block in blocks:
            self._block(block)
        del self.variables[known:]

    def _block(self, block: _Block) -> None:
        match block.kind:
            case "text":
                self.output.put(Emitted(block.text, block.start, block.end, literal=True))
            case "break" | "continue":
                raise _Jump(block.kind == "break")
            case "print":
                assert block.pipe is not None
                value = self._pipe(block.pipe)
                if not block.pipe.variables:
                    self.output.put(Emitted(show(value.data), block.start, block.end, literal=False, value=value))
            case "range":
                self._range(block)
            case _:
                self._branch(block)

    def _branch(self, block: _Block) -> None:
        assert block.pipe is not None
        known, start, dot = len(self.variables), self.output.length, self.dot
        value = self._pipe(block.pipe)
        if truth(value.data):
            self.dot = value if block.kind == "with" else dot
            self.blocks(block.body)
            self.dot = dot
        else:
            self.blocks(block.otherwise)
        del self.variables[known:]
        self.output.controls.append(Control(start, self.output.length, value))

    def _range(self, block: _Block) -> None:
        assert block.pipe is not None
        known, start, dot = len(self.variables), self.output.length, self.dot
        value = self._pipe(_Pipe(block.pipe.commands, block.pipe.start))
        rows = _rows(value, block.start)
        for key, item in rows:
            names = block.pipe.variables
            if block.pipe.assigns and names:
                self._assign(names[0], item, block.start)
            else:
                given = (item,) if len(names) == 1 else (key, item)
                self.variables += zip(names, given, strict=False)
            self.dot = item
            try:
                self.blocks(block.body)
            except _Jump as jump:
                if jump.args[0]:
                    break
            finally:
                del self.variables[known:]
                self.dot = dot
        if not rows:
            self.blocks(block.otherwise)
        self.output.controls.append(Control(start, self.output.length, value))

    def _pipe(self, pipe: _Pipe) -> Value:
        value: Value | None = None
        for command in pipe.commands:
            value = self._command(command, value)
        assert value is not None
        if pipe.variables and pipe.assigns:
            self._assign(pipe.variables[0], value, pipe.start)
        else:
            self.variables += [(name, value) for name in pipe.variables]
        return value

    def _assign(self, name: str, value: Value, start: int) -> None:
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise TemplateError(f"undefined variable: {name}", start)

    def _command(self, operands: tuple[_Operand, ...], last: Value | None) -> Value:
        first = operands[0]
        if first.kind == "name" and not first.fields:
            return self._call(first, operands[1:], last)
        if len(operands) > 1 or last is not None:
            raise TemplateError("can't give argument to non-function", first.start)
        return self._evaluate(first)

    def _evaluate(self, operand: _Operand) -> Value:
        value = self._base(operand)
        for name in operand.fields:
            value = _field(value, name, operand.start)
        return value

    def _base(self, operand: _Operand) -> Value:
        match operand.kind:
            case "nested":
                return self._pipe(operand.value)
            case "dot":
                return self.dot
            case "variable":
                for name, value in reversed(self.variables):
                    if name == operand.value:
                        return value
                raise TemplateError(f"undefined variable: {operand.value}", operand.start)
            case "name":
                return self._call(operand, (), None)
        return Value(operand.value)

    def _call(self, name: _Operand, operands: tuple[_Operand, ...], last: Value | None) -> Value:
        word = name.value
        if word in ("true", "false", "nil"):
            return Value({"true": True, "false": False, "nil": None}[word])
        if word == "inputs":
            if operands or last is not None:
                raise TemplateError("wrong number of args for inputs: want 0", name.start)
            return self.inputs
        if word in ("and", "or"):
            return self._lazy(word, operands, last)
        function = FUNCTIONS.get(word)
        if function is None:
            raise Unsupported(f"the template function `{word}` is not known here", name.start)
        given = [self._evaluate(operand) for operand in operands] + ([last] if last is not None else [])
        try:
            made = function(*given)
        except (FunctionError, Unsupported) as error:
            raise type(error)(str(error), name.start) from None
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, OverflowError):
            raise TemplateError(f"error calling {word}: its arguments do not fit", name.start) from None
        return made if isinstance(made, Value) else Value(made, join_origins(given))

    def _lazy(self, word: str, operands: tuple[_Operand, ...], last: Value | None) -> Value:
        """``and`` and ``or`` look at no more arguments than they need."""
        value = Value(None)
        for operand in operands:
            value = self._evaluate(operand)
            if truth(value.data) == (word == "or"):
                return value
        return value if last is None else last


def _rows(value: Value, start: int) -> list[tuple[Value, Value]]:
    data = value.data
    if isinstance(data, dict):
        return [(Value(key), child_of(value, key)) for key in sorted(data)]
    if isinstance(data, list):
        return [(Value(index), child_of(value, index)) for index in range(len(data))]
    if data is None:
        return []
    if isinstance(data, int) and not isinstance(data, bool):
        return [(Value(index), Value(index, value.origins)) for index in range(min(data, _MAX_OUTPUT))]
    raise TemplateError(f"range can't iterate over {show(data)}", start)


def _field(value: Value, name: str, start: int) -> Value:
    data = value.data
    if not isinstance(data, dict):
        what = "a nil value" if data is None else "what is no map"
        raise TemplateError(f"{name} is taken of {what}: correct the template or its inputs", start)
    if name not in data:
        raise TemplateError(f'map has no entry for key "{name}": add it to the inputs', start)
    return child_of(value, name, start)


_LINE: Final = regex(r"\r\n|[\n\r\x85\u2028\u2029]")


def line_starts(text: str) -> list[int]:
    """The offset at which each line of a text begins."""
    return [0, *(match.end() for match in _LINE.finditer(text))]
