"""A pickle machine that makes nothing: it keeps track of what lies on the stack, and never looks anything up.

It is needed for two things. Whether bytes without any mark are a pickle of an old protocol is told by whether
its stack holds what each opcode takes. And joblib puts the bytes of arrays between the opcodes, where only who
knows what object is being built can tell where the next opcode is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_STACK = 1_000_000
_MAX_TEXT = 1_000


class StackFault(ValueError):
    """An opcode takes what is not there."""


@dataclass(frozen=True, slots=True)
class Global:
    """Something imported."""

    module: str
    name: str


@dataclass(slots=True)
class Made:
    """The result of calling something.

    Attributes:
        state: what it was built with.
    """

    maker: Any
    arguments: Any
    state: Any = None


OPAQUE = object()
"""A value nobody asks for."""
_MARK = object()

_IGNORED = frozenset({"PROTO", "FRAME", "READONLY_BUFFER"})
_TEXTS = frozenset(
    {
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
    }
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_OPAQUE = frozenset(
    {
        "FLOAT",
        "BINFLOAT",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "EMPTY_LIST",
        "EMPTY_SET",
        "EXT1",
        "EXT2",
        "EXT4",
        "PERSID",
        "NEXT_BUFFER",
    }
)
_INTEGERS = frozenset({"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"})


class PickleMachine:
    """Follows opcodes.

    Attributes:
        imports: everything that would be imported, by module and name; ``?`` for what is not written there.
        has_called: whether anything would be called.
    """

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.imports: set[tuple[str, str]] = set()
        self.has_called = False
        self._memo: dict[int, Any] = {}

    def restart(self) -> None:
        """Another pickle begins; what was seen of the one before is kept."""
        self.stack.clear()
        self._memo.clear()

    def step(self, name: str, argument: Any) -> None:
        """Follow an opcode.

        Raises:
            StackFault: if it takes what is not there.
        """
        if name in _IGNORED:
            return
        if name in _TEXTS:
            self._push(argument if isinstance(argument, str) and len(argument) <= _MAX_TEXT else OPAQUE)
        elif name in _CONSTANTS:
            self._push(_CONSTANTS[name])
        elif name in _INTEGERS:
            self._push(argument if isinstance(argument, int) else OPAQUE)
        elif name in _OPAQUE:
            self._push(OPAQUE)
        elif name == "EMPTY_DICT":
            self._push({})
        elif name == "MARK":
            self._push(_MARK)
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            if argument not in self._memo:
                raise StackFault("it fetches what was never stored")
            self._push(self._memo[argument])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._top()
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        else:
            rule = _RULES.get(name)
            if rule is None:
                raise StackFault(f"opcode {name} is not known")
            rule(self, argument)

    def _push(self, value: Any) -> None:
        if len(self.stack) >= MAX_STACK:
            raise StackFault(f"it holds more than {MAX_STACK} values at once")
        self.stack.append(value)

    def _top(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise StackFault("it takes a value where none is")
        return self.stack[-1]

    def _pop(self) -> Any:
        value = self._top()
        self.stack.pop()
        return value

    def _pop_to_mark(self) -> list[Any]:
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is _MARK:
                values = self.stack[index + 1 :]
                del self.stack[index:]
                return values
        raise StackFault("it goes back to a mark that is not there")

    def _import(self, module: Any, name: Any) -> Global:
        found = Global(*(part if isinstance(part, str) else "?" for part in (module, name)))
        self.imports.add((found.module, found.name))
        return found

    def _call(self, maker: Any, arguments: Any) -> None:
        self.has_called = True
        self._push(Made(maker, arguments))


def _global(machine: PickleMachine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine._push(machine._import(module, name))


def _stack_global(machine: PickleMachine, _: Any) -> None:
    name, module = machine._pop(), machine._pop()
    machine._push(machine._import(module, name))


def _inst(machine: PickleMachine, argument: Any) -> None:
    arguments = tuple(machine._pop_to_mark())
    module, _, name = str(argument).partition(" ")
    machine._call(machine._import(module, name), arguments)


def _obj(machine: PickleMachine, _: Any) -> None:
    values = machine._pop_to_mark()
    if not values:
        raise StackFault("it makes an object of nothing")
    machine._call(values[0], tuple(values[1:]))


def _newobj_ex(machine: PickleMachine, _: Any) -> None:
    machine._pop()
    arguments = machine._pop()
    machine._call(machine._pop(), arguments)


def _reduce(machine: PickleMachine, _: Any) -> None:
    arguments = machine._pop()
    machine._call(machine._pop(), arguments)


def _build(machine: PickleMachine, _: Any) -> None:
    state, target = machine._pop(), machine._top()
    if isinstance(target, Made):
        target.state = state
        machine.has_called = True


def _tuple(size: int) -> Callable[[PickleMachine, Any], None]:
    def rule(machine: PickleMachine, _: Any) -> None:
        values = [machine._pop() for _ in range(size)]
        machine._push(tuple(reversed(values)))

    return rule


def _tuple_of_mark(machine: PickleMachine, _: Any) -> None:
    machine._push(tuple(machine._pop_to_mark()))


def _container_of_mark(machine: PickleMachine, _: Any) -> None:
    machine._pop_to_mark()
    machine._push(OPAQUE)


def _items_of_mark(machine: PickleMachine, _: Any) -> None:
    _set(machine._pop_to_mark(), machine._top())


def _set_item(machine: PickleMachine, _: Any) -> None:
    value, key = machine._pop(), machine._pop()
    _set([key, value], machine._top())


def _set(values: list[Any], target: Any) -> None:
    if isinstance(target, dict):
        target.update(
            (key, value)
            for key, value in zip(values[::2], values[1::2], strict=False)
            if isinstance(key, str)
        )


def _drop(machine: PickleMachine, _: Any) -> None:
    machine._pop()
    machine._top()


def _drop_mark(machine: PickleMachine, _: Any) -> None:
    machine._pop_to_mark()
    machine._top()


def _pop_mark(machine: PickleMachine, _: Any) -> None:
    machine._pop_to_mark()


def _stop(machine: PickleMachine, _: Any) -> None:
    machine._pop()


def _pop(machine: PickleMachine, _: Any) -> None:
    if not machine.stack:
        raise StackFault("it takes a value where none is")
    machine.stack.pop()


def _binpersid(machine: PickleMachine, _: Any) -> None:
    machine._pop()
    machine._push(OPAQUE)


_RULES: dict[str, Callable[[PickleMachine, Any], None]] = {
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _newobj_ex,
    "REDUCE": _reduce,
    "BUILD": _build,
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": _tuple_of_mark,
    "LIST": _container_of_mark,
    "DICT": _container_of_mark,
    "FROZENSET": _container_of_mark,
    "APPENDS": _drop_mark,
    "ADDITEMS": _drop_mark,
    "SETITEMS": _items_of_mark,
    "APPEND": _drop,
    "SETITEM": _set_item,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": lambda machine, _: machine._push(machine._top()),
    "BINPERSID": _binpersid,
    "STOP": _stop,
}
