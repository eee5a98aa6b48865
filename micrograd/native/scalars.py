r"""What a program computes element by element, as C.

>>> import ast
>>> source = "def relu(x):\n    return np.maximum(x, 0.0)"
>>> scalars = Scalars({f.name: f for f in ast.parse(source).body}, {}, "float64")
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

# Each operator in Python, the function that it is in NumPy, and C.
_OF_NUMBERS: Final = [
    (ast.Add, "add", "({0} + {1})"),
    (ast.Sub, "subtract", "({0} - {1})"),
    (ast.Mult, "multiply", "({0} * {1})"),
    (ast.Div, "divide", "({0} / {1})"),
    (ast.Pow, "power", "pow({0}, {1})"),
    (ast.UAdd, "positive", "{0}"),
    (ast.USub, "negative", "(-{0})"),
]
_OF_CONDITIONS: Final = [
    (ast.Lt, "less", "({0} < {1})"),
    (ast.LtE, "less_equal", "({0} <= {1})"),
    (ast.Gt, "greater", "({0} > {1})"),
    (ast.GtE, "greater_equal", "({0} >= {1})"),
    (ast.Eq, "equal", "({0} == {1})"),
    (ast.NotEq, "not_equal", "({0} != {1})"),
    (ast.And, "logical_and", "({0} && {1})"),
    (ast.Or, "logical_or", "({0} || {1})"),
    (ast.Not, "logical_not", "(!{0})"),
    (ast.BitAnd, "logical_and", "({0} && {1})"),
    (ast.BitOr, "logical_or", "({0} || {1})"),
    (ast.Invert, "logical_not", "(!{0})"),
]
OPERATORS: Final[dict[type[ast.AST], str]] = {
    node: c for node, _, c in _OF_NUMBERS + _OF_CONDITIONS
}
ARITHMETIC: Final = tuple(node for node, _, _ in _OF_NUMBERS)

# NumPy's functions: those that give true or false, and all.
CONDITIONS: Final = {name: c for _, name, c in _OF_CONDITIONS} | {
    "isnan": "({0} != {0})",
    "isinf": "(fabs({0}) == INFINITY)",
    "isfinite": "(fabs({0}) < INFINITY)",
    "isneginf": "({0} == -INFINITY)",
    "isposinf": "({0} == INFINITY)",
}
_SAME_NAME: Final = {  # in C, by the number of arguments
    "{0}": "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan sinh cosh tanh floor ceil "
    "trunc rint sign square fabs",
    "{0}, {1}": "maximum minimum logaddexp hypot copysign fmod fmax fmin",
}
FUNCTIONS: Final = (
    CONDITIONS
    | {name: c for _, name, c in _OF_NUMBERS}
    | {f: f"{f}({slots})" for slots, names in _SAME_NAME.items() for f in names.split()}
    | {f"arc{f}": f"a{f}({{0}})" for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
    | {
        "arctan2": "atan2({0}, {1})",
        "true_divide": OPERATORS[ast.Div],
        "reciprocal": "((real)1 / {0})",
        "absolute": "fabs({0})",
        "abs": "fabs({0})",
        "where": "({0} ? {1} : {2})",
        "clip": "minimum(maximum({0}, {1}), {2})",
        "asarray": "{0}",
        "float64": "(real)({0})",
        "float32": "(real)(float)({0})",
    }
)
_SLOT: Final = re.compile(r"\{\d\}")


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
        what = "its array form is not in a Python file, or needs more than NumPy and numbers"
        if node is not None:
            what = f"{ast.unparse(node)!r} has no form in C here"
        super().__init__(f"Program.compile: {function}: {what}; it still runs with NumPy")


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


class Condition(str):
    """C that is true or false, which NumPy does not compute with as with numbers."""


class Scalars:
    """Functions of numbers in C, made of Python functions of arrays.

    Each is taken to work element by element, as a primitive's array form does.

    Arguments:
        definitions: the Python functions, by name.
        numbers: what else the source gives a name.
        dtype: "float64" or "float32".
    """

    def __init__(
        self, definitions: Mapping[str, Any], numbers: Mapping[str, Any], dtype: str
    ) -> None:
        self.definitions, self.numbers = definitions, numbers
        other = "float64" if dtype == "float32" else ""  # it would compute with more digits
        self.templates = {name: text for name, text in FUNCTIONS.items() if name != other}
        self.sources: list[str] = []
        self._names: dict[str, str] = {}

    def definition(self, function: str) -> ast.FunctionDef:
        """A function's Python source.

        Raises:
            UntranslatableError: if there is none, or it takes more than plain arguments.
        """
        found = self.definitions.get(function)
        if not isinstance(found, ast.FunctionDef):
            raise UntranslatableError(function)
        if found.args.posonlyargs or found.args.kwonlyargs or found.args.vararg:
            raise UntranslatableError(function, found.args)
        return found

    def name(self, function: str) -> str:
        """What C calls a function; it is written when it is first asked for.

        Raises:
            UntranslatableError: if that cannot be done.
        """
        if function not in self._names:
            definition = self.definition(function)
            self._names[function] = f"f_{function}"
            self.sources.append(_Function(self, definition).text())
        return self._names[function]


class _Function:
    def __init__(self, scalars: Scalars, definition: ast.FunctionDef) -> None:
        self.scalars, self.definition = scalars, definition
        self.arguments = [a.arg for a in definition.args.args]
        self.variables: list[str] = []
        self.conditions: set[str] = set()  # those of the variables

    def text(self) -> str:
        if not _returns(self.definition.body):
            raise self._error(self.definition)
        body = self._block(self.definition.body, "    ")
        arguments = ", ".join(f"real {a}_" for a in self.arguments)
        head = f"static inline real f_{self.definition.name}({arguments}) {{"
        variables = [f"    real {', '.join(f'{v}_ = 0' for v in self.variables)};"]
        return "\n".join([head, *variables * bool(self.variables), *body, "}"])

    # Statements

    def _block(self, statements: list[ast.stmt], indent: str) -> list[str]:
        lines: list[str] = []
        for statement in statements:
            match statement:
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case ast.Return(value=ast.expr() as value):
                    lines.append(f"{indent}return {_bare(self._value(value))};")
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    lines.append(indent + self._assigned(name, self._value(value)))
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    texts = [self._value(each) for each in values]
                    first = ", ".join(f"u{i} = {_bare(text)}" for i, text in enumerate(texts))
                    lines += [f"{indent}{{", f"{indent}    real {first};"]
                    for i, (target, text) in enumerate(zip(names, texts, strict=True)):
                        if not isinstance(target, ast.Name):
                            raise self._error(statement)
                        lines.append(f"{indent}    {self._assigned(target.id, text, f'u{i}')}")
                    lines.append(f"{indent}}}")
                case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                    both = ast.BinOp(ast.Name(name, ast.Load()), op, value)
                    lines.append(indent + self._assigned(name, self._value(both)))
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

    def _assigned(self, name: str, text: str, source: str | None = None) -> str:
        if name not in self.arguments and name not in self.variables:
            self.variables.append(name)
        change = self.conditions.add if isinstance(text, Condition) else self.conditions.discard
        change(name)
        return f"{name}_ = {source or _bare(text)};"

    # Expressions

    def _value(self, node: ast.expr) -> str:
        """C for an expression; a Condition if NumPy has true or false for it."""
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return Condition(int(node.value))
        plain = constant(node)
        if plain is not None:
            return number(plain)
        match node:
            case ast.Name(id=name) if name in self.arguments or name in self.variables:
                return (Condition if name in self.conditions else str)(f"{name}_")
            case ast.Name(id=name) if isinstance(self.scalars.numbers.get(name), int | float):
                return number(float(self.scalars.numbers[name]))
            case ast.BinOp(left=left, op=ast.Pow(), right=right) if constant(right) == 0.5:
                return self._numeric(node, "sqrt({0})", [left])  # as NumPy does
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as op, right=right):
                return self._logical(node, OPERATORS[type(op)], [left, right])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return self._numeric(node, OPERATORS[type(op)], [left, right])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Condition(OPERATORS[ast.Not].format(self._value(operand)))
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return self._logical(node, OPERATORS[ast.Invert], [operand])
            case ast.UnaryOp(op=op, operand=operand):
                return self._numeric(node, OPERATORS[type(op)], [operand])
            case ast.BoolOp(op=op, values=[first, *rest]):
                text: str = self._logical(node, "{0}", [first])
                for value in rest:
                    text = OPERATORS[type(op)].format(text, self._logical(node, "{0}", [value]))
                return Condition(text)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                parts = [self._value(part) for part in (left, right)]
                return Condition(OPERATORS[type(op)].format(*parts))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._chosen(test, body, orelse)
            case ast.Call(func=func, args=arguments, keywords=[]):
                return self._call(node, func, arguments)
        raise self._error(node)

    def _numeric(self, node: ast.expr, template: str, parts: list[ast.expr]) -> str:
        """Arithmetic: of conditions alone NumPy makes something else than of numbers."""
        texts = [self._value(part) for part in parts]
        if all(isinstance(text, Condition) for text in texts):
            raise self._error(node)
        return template.format(*texts)

    def _logical(self, node: ast.expr, template: str, parts: list[ast.expr]) -> Condition:
        """And, or, not: of conditions."""
        texts = [self._value(part) for part in parts]
        if not all(isinstance(text, Condition) for text in texts):
            raise self._error(node)
        return Condition(template.format(*texts))

    def _chosen(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> str:
        condition, *parts = [self._value(part) for part in (test, body, orelse)]
        kind = Condition if all(isinstance(text, Condition) for text in parts) else str
        return kind(FUNCTIONS["where"].format(condition, *parts))

    def _call(self, node: ast.Call, func: ast.expr, arguments: list[ast.expr]) -> str:
        attribute = numpy_attribute(func)
        template = self.scalars.templates.get(attribute or "", "")
        if template and arity(template) == len(arguments):
            if attribute in CONDITIONS:
                return Condition(template.format(*map(self._value, arguments)))
            if attribute == "where":
                return self._chosen(*arguments)
            if attribute == "asarray":
                return self._value(arguments[0])
            if attribute in ("float64", "float32"):
                return template.format(self._value(arguments[0]))
            return self._numeric(node, template, arguments)
        if attribute is None and isinstance(func, ast.Attribute):
            return self._method(node, func, arguments)
        if isinstance(func, ast.Name) and func.id in self.scalars.definitions:
            parts = ", ".join(map(self._value, arguments))
            if len(arguments) == len(self.scalars.definition(func.id).args.args):
                return f"{self.scalars.name(func.id)}({parts})"
        if isinstance(func, ast.Name) and func.id == "abs" and len(arguments) == 1:
            return self._numeric(node, FUNCTIONS["abs"], arguments)
        raise self._error(node)

    def _method(self, node: ast.Call, func: ast.Attribute, arguments: list[ast.expr]) -> str:
        """What leaves an array of one element as it is, or asks whether it is 0."""
        value = self._value(func.value)
        match func.attr, arguments:
            case "any" | "all", []:
                return Condition(f"({value} != 0)")
            case "copy", []:
                return value
            case "astype", [ast.Call(func=kind)] if numpy_attribute(kind) == "result_type":
                return f"(real){value}"
            case "astype", [ast.Attribute(attr="dtype", value=other)]:
                if not isinstance(self._value(other), Condition):
                    return f"(real){value}"
            case "astype", [kind] if "float64" in self.scalars.templates:
                if numpy_attribute(kind) == "float64" or ast.unparse(kind) == "float":
                    return f"(real){value}"
        raise self._error(node)

    def _error(self, node: ast.AST) -> UntranslatableError:
        return UntranslatableError(self.definition.name, node)


def _returns(body: list[ast.stmt]) -> bool:
    match body[-1]:
        case ast.Return():
            return True
        case ast.If(body=one, orelse=[_, *_] as other):
            return _returns(one) and _returns(other)
    return False


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
