"""What a program computes element by element, as C.

>>> from micrograd.symbols import Symbol
>>> scalars = Scalars("float64")
>>> scalars.formula(2.0 * ops.relu(Symbol("x")), {"x": "p0[i0]"}, [])
'((real)2.0 * f_relu(p0[i0]))'
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

from micrograd import ops
from micrograd.primitive import Primitive
from micrograd.program.functions import definitions, function_source, numpy_name
from micrograd.symbols import Expression, Symbol

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
    """An operation of a program has no form in C."""


def _refused(function: str, node: ast.AST | None = None) -> UntranslatableError:
    """An error.

    Arguments:
        function: the one it is in.
        node: what has no form; None if there is no source.
    """
    what = "its array form is not in a Python file, or needs more than NumPy and numbers"
    if node is not None:
        what = f"{ast.unparse(node)!r} has no form in C here"
    return UntranslatableError(f"Program.compile: {function}: {what}; it still runs with NumPy")


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
    """The formulas of a program as C, and the functions that they call.

    A function is made of the Python function that computes a row on arrays; that is
    taken to work element by element.

    Arguments:
        dtype: "float64" or "float32".
    """

    def __init__(self, dtype: str) -> None:
        other = "float64" if dtype == "float32" else ""  # it would compute with more digits
        self.templates = {name: text for name, text in FUNCTIONS.items() if name != other}
        self.definitions: dict[str, Any] = {}
        self.numbers: dict[str, float] = {}
        self.sources: list[str] = []
        self._names: dict[tuple[str, tuple[int, ...]], str] = {}

    def formula(self, x: Any, named: Mapping[str, str], before: list[str]) -> str:
        """A formula in C.

        Arguments:
            x: an expression or a number.
            named: what stands for each symbol.
            before: collects lines that are to come before it.

        Raises:
            UntranslatableError: if an operation has no form in C.
        """
        if not isinstance(x, Expression):
            return number(float(x))
        if isinstance(x, Symbol):
            return named[x.name]
        row = x.op
        assert row is not None
        if row is ops.where:
            condition, *parts = x.arguments
            one, other = (self.formula(part, named, before) for part in parts)
            if isinstance(condition, Expression) and condition.op is ops.step:
                test = self.formula(condition.arguments[0], named, before)
                return f"({test} <= 0 ? {other} : {one})"
            return f"({self.formula(condition, named, before)} != 0 ? {one} : {other})"
        parts = row.mapped(lambda e: self.formula(e, named, before), x.arguments)
        exponent = x.arguments[1] if row is ops.pow else None
        if exponent is not None and not isinstance(exponent, Expression) and exponent != 0.5:
            return f"pow({parts[0]}, {parts[1]})"
        if row.fold is not None:
            return self._fold(row, parts, before)
        attribute = numpy_name(row.arrays)
        if attribute is not None and attribute.removeprefix("np.") in self.templates:
            return self.templates[attribute.removeprefix("np.")].format(*parts)
        counts = tuple(len(part) if isinstance(part, list) else 0 for part in parts)
        return f"{self._of_row(row, counts)}({', '.join(row.flatten(parts))})"

    def _fold(self, row: Primitive, parts: list[Any], before: list[str]) -> str:
        """The loop of a fold, one line for each turn."""
        assert row.fold is not None
        start, step = row.fold
        pairs = list(zip(row.arguments, row.starred, strict=True))
        fixed = [Symbol(a) for a, star in pairs if not star]
        named = dict(zip(row.arguments, parts, strict=True))
        total = f"total{len(before)}"
        first = self.formula(start(*fixed), named, before)
        before.append(f"real {total} = {_bare(first)};")
        following = step(Symbol("total of it"), *(Symbol(a) for a in row.arguments))
        for elements in row.elements(parts):
            named = dict(zip(row.arguments, elements, strict=True)) | {"total of it": total}
            before.append(f"{total} = {_bare(self.formula(following, named, before))};")
        return total

    def _of_row(self, row: Primitive, counts: tuple[int, ...]) -> str:
        """What C calls the function of a row; so many elements has each starred argument."""
        if row.code_name not in self.definitions:
            found = definitions(row, row.code_name)
            if found is None:
                function_source(row, row.code_name)  # which may not be in the table any more
                raise _refused(row.code_name)
            for node in found:
                if isinstance(node, ast.FunctionDef):
                    self.definitions[node.name] = node
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    self.numbers[node.targets[0].id] = float(eval(ast.unparse(node.value)))  # noqa: S307
        return self.name(row.code_name, counts)

    def definition(self, function: str) -> ast.FunctionDef:
        """A function's syntax.

        Raises:
            UntranslatableError: if it takes more than plain arguments.
        """
        found: ast.FunctionDef = self.definitions[function]
        if found.args.posonlyargs or found.args.kwonlyargs or found.args.vararg:
            raise _refused(function, found.args)
        return found

    def name(self, function: str, counts: tuple[int, ...] = ()) -> str:
        """What C calls a function; it is written when it is first asked for.

        Arguments:
            function: which.
            counts: of each argument, how many elements it has; 0 for one that is no list.

        Raises:
            UntranslatableError: if that cannot be done.
        """
        key = function, counts if any(counts) else ()
        if key not in self._names:
            definition = self.definition(function)
            tail = "_".join(["", *map(str, counts)]) if any(counts) else ""
            self._names[key] = f"f_{function}{tail}"
            self.sources.append(_Function(self, definition, counts, tail).text())
        return self._names[key]


class _Function:
    def __init__(
        self, scalars: Scalars, definition: ast.FunctionDef, counts: tuple[int, ...], tail: str
    ) -> None:
        self.scalars, self.definition, self.tail = scalars, definition, tail
        self.arguments: list[str] = []
        self.lists: dict[str, list[str]] = {}
        for i, a in enumerate(definition.args.args):
            if any(counts) and counts[i]:
                self.lists[a.arg] = [f"{a.arg}_{k}" for k in range(counts[i])]
            self.arguments += self.lists.get(a.arg, [a.arg])
        self.variables: list[str] = []
        self.conditions: set[str] = set()  # those of the variables

    def text(self) -> str:
        if not _returns(self.definition.body):
            raise self._error(self.definition)
        body = self._block(self.definition.body, "    ")
        arguments = ", ".join(f"real {a}_" for a in self.arguments)
        head = f"static inline real f_{self.definition.name}{self.tail}({arguments}) {{"
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
                case ast.For(target=target, iter=over, body=body, orelse=[]):
                    lines += self._unrolled(statement, target, over, body, indent)
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

    def _unrolled(
        self, node: ast.For, target: ast.expr, over: ast.expr, body: list[ast.stmt], indent: str
    ) -> list[str]:
        """The loop over lists, one turn after the other."""
        match over:
            case ast.Call(func=ast.Name(id="zip"), args=several, keywords=[]):
                names = list(target.elts) if isinstance(target, ast.Tuple) else [target]
            case _:
                several, names = [over], [target]
        lists = [
            self.lists.get(each.id, []) if isinstance(each, ast.Name) else [] for each in several
        ]
        if not all(lists) or not all(isinstance(name, ast.Name) for name in names):
            raise self._error(node)
        lines: list[str] = []
        for turn in zip(*lists, strict=True):
            for name, each in zip(names, turn, strict=True):
                assert isinstance(name, ast.Name)
                lines.append(indent + self._assigned(name.id, f"{each}_"))
            lines += self._block(body, indent)
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
        return _refused(self.definition.name, node)


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
