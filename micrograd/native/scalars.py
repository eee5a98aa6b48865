r"""What a program computes element by element, as C.

>>> import ast
>>> source = "def relu(x):\n    return np.maximum(x, 0.0)"
>>> scalars = Scalars({f.name: f for f in ast.parse(source).body}, {})
>>> scalars.name("relu")
'f_relu'
>>> print(scalars.sources[0])
static inline real f_relu(real x_) {
    return maximum(x_, (real)0.0);
}
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import Any, Final

OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "({0} + {1})",
    ast.Sub: "({0} - {1})",
    ast.Mult: "({0} * {1})",
    ast.Div: "({0} / {1})",
    ast.Pow: "pow({0}, {1})",
    ast.UAdd: "{0}",
    ast.USub: "(-{0})",
    ast.Lt: "({0} < {1})",
    ast.LtE: "({0} <= {1})",
    ast.Gt: "({0} > {1})",
    ast.GtE: "({0} >= {1})",
    ast.Eq: "({0} == {1})",
    ast.NotEq: "({0} != {1})",
    ast.And: "({0} && {1})",
    ast.Or: "({0} || {1})",
    ast.Not: "(!{0})",
    ast.BitAnd: "({0} && {1})",  # of conditions
    ast.BitOr: "({0} || {1})",
    ast.Invert: "(!{0})",
}

# NumPy's functions: those that C has by the same name, and the rest.
FUNCTIONS: Final = {
    name: f"{name}({{0}})"
    for name in """exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan sinh cosh tanh
    floor ceil trunc sign square""".split()
} | {
    "maximum": "maximum({0}, {1})",
    "minimum": "minimum({0}, {1})",
    "logaddexp": "logaddexp({0}, {1})",
    "hypot": "hypot({0}, {1})",
    "arctan2": "atan2({0}, {1})",
    "arcsin": "asin({0})",
    "arccos": "acos({0})",
    "arctan": "atan({0})",
    "arcsinh": "asinh({0})",
    "arccosh": "acosh({0})",
    "arctanh": "atanh({0})",
    "add": OPERATORS[ast.Add],
    "subtract": OPERATORS[ast.Sub],
    "multiply": OPERATORS[ast.Mult],
    "divide": OPERATORS[ast.Div],
    "true_divide": OPERATORS[ast.Div],
    "power": OPERATORS[ast.Pow],
    "negative": OPERATORS[ast.USub],
    "positive": OPERATORS[ast.UAdd],
    "reciprocal": "((real)1 / {0})",
    "absolute": "fabs({0})",
    "abs": "fabs({0})",
    "fabs": "fabs({0})",
    "less": OPERATORS[ast.Lt],
    "less_equal": OPERATORS[ast.LtE],
    "greater": OPERATORS[ast.Gt],
    "greater_equal": OPERATORS[ast.GtE],
    "equal": OPERATORS[ast.Eq],
    "not_equal": OPERATORS[ast.NotEq],
    "logical_and": OPERATORS[ast.And],
    "logical_or": OPERATORS[ast.Or],
    "logical_not": OPERATORS[ast.Not],
    "isnan": "({0} != {0})",
    "isinf": "(fabs({0}) == INFINITY)",
    "isfinite": "(fabs({0}) < INFINITY)",
    "isneginf": "({0} == -INFINITY)",
    "isposinf": "({0} == INFINITY)",
    "where": "({0} ? {1} : {2})",
    "clip": "minimum(maximum({0}, {1}), {2})",
    "asarray": "{0}",
    "float64": "(real)({0})",
    "float32": "(real)(float)({0})",
}
_SLOT: Final = re.compile(r"\{\d\}")
_SAME: Final = {"any", "all", "astype", "copy"}  # methods that leave a single element as it is


def arity(template: str) -> int:
    """How many different slots a template has."""
    return len(set(_SLOT.findall(template)))


class UntranslatableError(NotImplementedError):
    """Something in a program's source has no form in C.

    Arguments:
        function: the one it is in.
        node: what it is; None if there is no source.
    """

    def __init__(self, function: str, node: ast.AST | None = None) -> None:
        what = "its Python source cannot be had"
        if node is not None:
            what = f"{ast.unparse(node)!r} has no form in C here"
        super().__init__(f"Program.compile: {function}: {what}")


def number(x: float) -> str:
    """A number in C."""
    if math.isnan(x):
        return "(real)NAN"
    if math.isinf(x):
        return "(real)INFINITY" if x > 0 else "(-(real)INFINITY)"
    return f"(real){x!r}" if math.copysign(1.0, x) > 0 else f"(-(real){-x!r})"


def numpy_attribute(node: ast.AST) -> str | None:
    """NAME of np.NAME."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "np" else None
    return None


def constant(node: ast.AST) -> float | None:
    """The number that a constant is, or NumPy's name for one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        return float(node.value)
    attribute = numpy_attribute(node)
    if attribute in ("inf", "nan", "pi", "e"):
        return float({"inf": math.inf, "nan": math.nan, "pi": math.pi, "e": math.e}[attribute])
    return None


class Scalars:
    """Functions of numbers in C, made of Python functions of arrays.

    Each is taken to work element by element, as a primitive's array form does.

    Arguments:
        definitions: the Python functions, by name.
        numbers: what else the source gives a name.
    """

    def __init__(self, definitions: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
        self.definitions, self.numbers = definitions, numbers
        self.sources: list[str] = []
        self._names: dict[str, str] = {}

    def name(self, function: str) -> str:
        """What C calls a function; it is written when it is first asked for.

        Raises:
            UntranslatableError: if that cannot be done.
        """
        if function not in self._names:
            definition = self.definitions.get(function)
            if not isinstance(definition, ast.FunctionDef):
                raise UntranslatableError(function)
            self._names[function] = f"f_{function}"
            self.sources.append(_Function(self, definition).text())
        return self._names[function]


class _Function:
    def __init__(self, scalars: Scalars, definition: ast.FunctionDef) -> None:
        self.scalars, self.definition = scalars, definition
        self.arguments = [a.arg for a in definition.args.args]
        self.variables: list[str] = []

    def text(self) -> str:
        body = self._block(self.definition.body, "    ")
        arguments = ", ".join(f"real {a}_" for a in self.arguments)
        head = f"static inline real f_{self.definition.name}({arguments}) {{"
        variables = [f"    real {', '.join(f'{v}_ = 0' for v in self.variables)};"]
        return "\n".join([head, *variables * bool(self.variables), *body, "}"])

    def _block(self, statements: list[ast.stmt], indent: str) -> list[str]:
        lines: list[str] = []
        for statement in statements:
            match statement:
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case ast.Return(value=ast.expr() as value):
                    lines.append(f"{indent}return {_bare(self._value(value))};")
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    new = _bare(self._value(value))
                    lines.append(f"{indent}{self._variable(name)} = {new};")
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    texts = [_bare(self._value(each)) for each in values]
                    first = ", ".join(f"u{i} = {text}" for i, text in enumerate(texts))
                    lines.append(f"{indent}{{")
                    lines.append(f"{indent}    real {first};")
                    for i, target in enumerate(names):
                        if not isinstance(target, ast.Name):
                            raise self._error(statement)
                        lines.append(f"{indent}    {self._variable(target.id)} = u{i};")
                    lines.append(f"{indent}}}")
                case ast.AugAssign(target=ast.Name(id=name), op=op, value=value) if type(
                    op
                ) in OPERATORS and self._known(name):
                    text = OPERATORS[type(op)].format(f"{name}_", self._value(value))
                    lines.append(f"{indent}{name}_ = {_bare(text)};")
                case ast.If(test=test, body=body, orelse=orelse):
                    lines.append(f"{indent}if ({_bare(self._value(test))}) {{")
                    lines += self._block(body, indent + "    ")
                    if orelse:
                        lines.append(f"{indent}}} else {{")
                        lines += self._block(orelse, indent + "    ")
                    lines.append(f"{indent}}}")
                case _:
                    raise self._error(statement)
        return lines

    def _known(self, name: str) -> bool:
        return name in self.arguments or name in self.variables

    def _variable(self, name: str) -> str:
        if not self._known(name):
            self.variables.append(name)
        return f"{name}_"

    def _value(self, node: ast.expr) -> str:
        plain = constant(node)
        if plain is not None:
            return number(plain)
        match node:
            case ast.Name(id=name) if self._known(name):
                return f"{name}_"
            case ast.Name(id=name) if isinstance(self.scalars.numbers.get(name), int | float):
                return number(float(self.scalars.numbers[name]))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)].format(self._value(left), self._value(right))
            case ast.UnaryOp(op=op, operand=operand):
                return OPERATORS[type(op)].format(self._value(operand))
            case ast.BoolOp(op=op, values=[first, *rest]):
                text = self._value(first)
                for value in rest:
                    text = OPERATORS[type(op)].format(text, self._value(value))
                return text
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return OPERATORS[type(op)].format(self._value(left), self._value(right))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                parts = map(self._value, (test, body, orelse))
                return FUNCTIONS["where"].format(*parts)
            case ast.Call(func=func, args=arguments, keywords=[]):
                return self._call(node, func, arguments)
        raise self._error(node)

    def _call(self, node: ast.Call, func: ast.expr, arguments: list[ast.expr]) -> str:
        attribute = numpy_attribute(func)
        if attribute is not None:
            template = FUNCTIONS.get(attribute, "")
            if template and arity(template) == len(arguments):
                return template.format(*map(self._value, arguments))
        elif isinstance(func, ast.Attribute) and func.attr in _SAME:
            return self._value(func.value)
        elif isinstance(func, ast.Name) and func.id in self.scalars.definitions:
            parts = ", ".join(map(self._value, arguments))
            return f"{self.scalars.name(func.id)}({parts})"
        raise self._error(node)

    def _error(self, node: ast.AST) -> UntranslatableError:
        return UntranslatableError(self.definition.name, node)


def _bare(text: str) -> str:
    """Without the parentheses around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if i == len(text) - 1 else text
    return text
