"""Read a formula that somebody has typed, and record it as Values. Nothing in it is evaluated.

>>> from viz.expression import read_expression
>>> root = read_expression("(sigmoid(w*a + b) - y)**2", {"w": 1.5, "a": 0.48, "b": 0, "y": 1})
>>> f"{root.data:.4f}"
'0.1072'
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import Any, Final

from micrograd import Value, ops, parameter

_SIGNS: Final = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.USub: "neg",
}
_LONGEST: Final = 10_000  # characters of a formula
_INSTEAD: Final = {
    ast.BitXor: "a power is written **",
    ast.Mod: "there is no remainder",
    ast.FloorDiv: "there is no whole division",
    ast.MatMult: "there are no matrices: a product is written *",
}


class ExpressionError(ValueError):
    """What was typed is no formula of names, numbers and the table's operations.

    Its text has the formula, and a caret under what could not be read.
    """

    def __init__(self, message: str, formula: str, column: int) -> None:
        line = formula.replace("\n", " ")
        start = max(0, column - 60)
        shown = f"{'…' * (start > 0)}{line[start : start + 100]}"
        caret = " " * (column - start + (start > 0)) + "^"
        super().__init__(f"{message}\n  {shown}\n  {caret}")


def read_expression(
    formula: str, numbers: Mapping[str, float], parameters: Collection[str] = ()
) -> Value:
    """Read a formula and record it.

    Arguments:
        formula: names, numbers, + - * / **, brackets, and the table's operations,
            as in "(sigmoid(w*a + b) - y)**2".
        numbers: for each name in it a number.
        parameters: the names of those that training is to change.

    Returns:
        The formula's value; its leaves have their names as labels, and it is called C.

    Raises:
        ExpressionError: for anything else in the formula, with a caret under it.
        ValueError: for a name without a number, and for a number without a name.
    """
    if len(formula) > _LONGEST:
        raise ValueError(f"a formula of {len(formula):,} characters: expected {_LONGEST:,} at most")
    line = formula.replace("\n", " ").replace("\r", " ")
    try:
        tree = ast.parse(line.strip(), mode="eval").body
    except SyntaxError as error:
        indent = len(line) - len(line.lstrip())
        # Where it ends too soon, Python points before it.
        offset = error.offset or 0
        place = len(line.rstrip()) if offset < 1 else offset - 1 + indent
        raise ExpressionError("this is no formula", line, min(place, len(line))) from None
    except (RecursionError, MemoryError, ValueError):
        raise ExpressionError("this cannot be read", line, 0) from None
    reader = _Reader(line.strip(), numbers, parameters)
    try:
        found = reader.read(tree)
    except RecursionError:
        raise ExpressionError("too many brackets in one another", line, 0) from None
    unused = [name for name in [*numbers, *parameters] if name not in reader.leaves]
    if unused:
        raise ValueError(f"{', '.join(dict.fromkeys(unused))}: no such name in the formula")
    if not isinstance(found, Value):
        raise ExpressionError("a formula without a name has no derivative", line, 0)
    if not found.label:
        found.label = next(name for name in ("C", "C_0", "cost", "C'") if name not in numbers)
    return found


class _Reader:
    """Records a tree of syntax, of which it knows few kinds."""

    def __init__(
        self, formula: str, numbers: Mapping[str, float], parameters: Collection[str]
    ) -> None:
        self.formula, self.numbers, self.parameters = formula, numbers, parameters
        self.leaves: dict[str, Value] = {}

    def read(self, node: ast.expr) -> Any:
        """The node's value; a number for what has no name in it."""
        match node:
            case ast.Constant(value=int() | float() as x) if not isinstance(x, bool):
                return float(x)
            case ast.Name(id=name):
                return self.leaf(node, name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
                return self.apply(_SIGNS[type(op)], [self.read(left), self.read(right)])
            case ast.BinOp(op=op, right=right):
                why = _INSTEAD.get(type(op), "there is no such sign")
                raise self.error(f"{why}", node, self.sign_before(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply("neg", [self.read(operand)])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(node, name, args)
        raise self.error("expected names, numbers, + - * / ** and operations, got this", node)

    def leaf(self, node: ast.expr, name: str) -> Value:
        if name in ops.table and name not in self.numbers:
            raise self.error(f"{name} is an operation: expected {name}(...)", node)
        if name not in self.numbers:
            raise self.error(f"{name} has no number: add {name}=1.0, say", node)
        if name not in self.leaves:
            made = parameter if name in self.parameters else Value
            self.leaves[name] = made(self.numbers[name], name)
        return self.leaves[name]

    def call(self, node: ast.expr, name: str, args: list[ast.expr]) -> Any:
        row = ops.table.get(name)
        if row is None:
            known = ", ".join(sorted(n for n in ops.table if not any(ops.table[n].starred)))
            raise self.error(f"{name} is no operation; there are {known} and sum", node)
        if any(row.starred) and len(row.arguments) > 1:
            raise self.error(f"{name} takes lists: write it out with + and *", node)
        if row.starred[0]:
            if not args:
                raise self.error(f"{name} takes one number at least", node)
            return self.apply(name, [[self.read(arg) for arg in args]])
        if len(args) != len(row.arguments):
            wanted = ", ".join(row.arguments)
            raise self.error(f"{name} takes ({wanted}), got {len(args)} numbers", node)
        return self.apply(name, [self.read(arg) for arg in args])

    def apply(self, name: str, arguments: list[Any]) -> Any:
        row = ops.table[name]
        flat = [x for a in arguments for x in (a if isinstance(a, list) else [a])]
        if not any(isinstance(x, Value) for x in flat):
            return row.ieee(*arguments)
        return row(*arguments)

    def sign_before(self, node: ast.expr) -> int:
        """Where the sign is that stands before an operand."""
        column = self.column(node)
        before = self.formula[:column].rstrip(" (")
        return max(len(before) - 1, 0)

    def column(self, node: ast.expr) -> int:
        # Python counts bytes.
        return len(self.formula.encode()[: node.col_offset].decode(errors="ignore"))

    def error(self, message: str, node: ast.expr, column: int | None = None) -> ExpressionError:
        where = self.column(node) if column is None else column
        return ExpressionError(message, self.formula, where)
