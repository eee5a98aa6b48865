r"""A program's NumPy source as C: every line becomes loops, or a product of matrices.

>>> source = "def forward(X):\n    V1 = X * 2.0 + 1.0  # (n, 3)\n    return V1[:, 0]"
>>> c, results = translate(source, {"forward": [("n", 3)]}, "float64")
>>> results
{'forward': [('n',)]}
>>> print(c[c.index("SHARED void k1") : c.index("SHARED void k2")].rstrip())
SHARED void k1(idx n, real *restrict p0, const real *p1) {
    INDEPENDENT
    for (idx i0 = 0; i0 < 3 * n; i0++) {
        p0[i0] = ((p1[i0] * (real)2.0) + (real)1.0);
    }
}
>>> print(c[c.index("    // V1") : c.index("    // return")].rstrip())
    // V1 = X * 2.0 + 1.0
    k1(n, v[0], a[0]);
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

import numpy as np

from micrograd.native.arrays import ONE, Shape, Size, View, broadcast, product
from micrograd.native.loops import (
    MAX,
    SUM,
    Array,
    Formula,
    Kernels,
    Loops,
    Product,
    Reduction,
    combined,
)
from micrograd.native.scalars import (
    ARITHMETIC,
    CONDITIONS,
    OPERATORS,
    Scalars,
    UntranslatableError,
    arity,
    constant,
    number,
    numpy_attribute,
)
from micrograd.native.tables import Tables

SAMPLES: Final = Size(1, power=1)
Dimensions = tuple[int | str, ...]  # "n" for the samples
_PIECE: Final = 100  # lines of C
_LAST: Final = {"axis": -1}
_METHODS: Final = {"sum": SUM, "max": MAX}
_UFUNCS: Final = {"add": SUM, "maximum": MAX}


def translate(
    source: str, shapes: Mapping[str, Sequence[Dimensions]], dtype: str
) -> tuple[str, dict[str, list[Dimensions]]]:
    """Write C for functions of a program.

    Arguments:
        source: of the program, all of it.
        shapes: of each function's arguments, "n" for the number of samples.
        dtype: "float64" or "float32".

    Returns:
        The C, and the shapes of each function's results. A function in C has
        as arguments n and where the arrays and the results are, all of them
        without gaps; it returns 0, or 1 if there was no memory.

    Raises:
        UntranslatableError: if something in the source has no form in C.
        ValueError: if an operation that it takes from the table is not there.
    """
    body = ast.parse(source).body
    definitions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    named: dict[str, Any] = {}
    try:
        exec(compile(source, "<vectorized program>", "exec"), named)
    except KeyError as error:
        raise ValueError(f"Program.compile: {error.args[0]}: it is not in the table") from error
    scalars, tables, kernels = Scalars(definitions, named, dtype), Tables(named), Kernels()
    functions = {
        name: Translation(definitions[name], own, scalars, tables, kernels)
        for name, own in shapes.items()
    }
    texts = [function.text() for function in functions.values()]
    base = files("micrograd.native").joinpath("kernels.h").read_text(encoding="utf-8")
    real = "double" if dtype == "float64" else "float"
    parts = [f"typedef {real} real;", base.rstrip(), *tables.sources, *scalars.sources]
    parts += [*kernels.sources, *texts]
    results = {name: list(map(_dimensions, f.results)) for name, f in functions.items()}
    return "\n\n".join(parts) + "\n", results


def _dimensions(shape: Shape) -> Dimensions:
    assert all(size == SAMPLES or not size.power for size in shape)
    return tuple("n" if size == SAMPLES else size.count for size in shape)


class Translation:
    """One function.

    Arguments:
        definition: in Python.
        shapes: of its arguments.
        scalars: collects the functions that it calls.
        tables: collects the numbers that it reads.
        kernels: collects its loops.
    """

    def __init__(
        self,
        definition: ast.FunctionDef,
        shapes: Sequence[Dimensions],
        scalars: Scalars,
        tables: Tables,
        kernels: Kernels,
    ) -> None:
        self.name, self.scalars, self.tables = definition.name, scalars, tables
        self.loops = Loops(kernels)
        self.results: list[Shape] = []
        self.given: dict[str, str] = {}  # arrays that are results themselves
        self.arguments = [a.arg for a in definition.args.args]
        self.known: dict[str, Any] = {}
        self.inlined = False  # whether this is a function that it calls
        for i, (argument, dimensions) in enumerate(zip(self.arguments, shapes, strict=True)):
            shape = tuple(SAMPLES if d == "n" else Size(int(d)) for d in dimensions)
            self.known[argument] = View.of(f"a[{i}]", shape)
        self.blocks: list[list[str]] = []  # the lines in C of each in Python
        for statement in definition.body:
            self.loops.lines = []
            if not isinstance(statement, ast.Expr):
                line = ast.unparse(statement).splitlines()[0]
                self.loops.lines.append("// " + line.encode("ascii", "replace").decode())
            self._statement(statement)
            self.blocks.append(self.loops.lines)

    def text(self) -> str:
        """The function in C.

        It is cut in pieces, for compilers take ever longer over a long one.
        They are told where each argument, a[i], and each array, v[i], is.
        """
        pieces: list[list[str]] = [[]]
        for block in self.blocks:
            if len(pieces[-1]) + len(block) > _PIECE and pieces[-1]:
                pieces.append([])
            pieces[-1] += block
        name, texts = self.name, []
        for i, piece in enumerate(pieces):
            head = f"CALLS static int {name}_{i}(idx n, const real *const *a, real *const *v) {{"
            texts.append(_braced(head, ["int failed = 0;", *piece, "return failed;"]))
        sizes = [
            Size(0) if f"v[{i}]" in self.given else size
            for i, size in enumerate(self.loops.memory.values())
        ]
        assert all(size.power < 2 for size in sizes)
        numbers = ", ".join(f"{{{s.count}, {s.power}}}" for s in sizes)
        texts.append(f"static const idx {name}_sizes[][2] = {{{numbers}}};")
        calls = " || ".join(f"{name}_{i}(n, a, v)" for i in range(len(pieces)))
        body = [
            f"real **v = places({name}_sizes, {len(sizes)}, n);",
            "if (!v) return 1;",
            *(f"{array} = {out};" for array, out in self.given.items()),
            f"const int failed = {calls};",
            "free(v);",
            "return failed;",
        ]
        head = f"int {name}(idx n, const real *const *a, real *const *out) {{"
        about = f"/* a: {', '.join(self.arguments) or 'nothing'} */"
        return "\n\n".join([*texts, f"{about}\n{_braced(head, body)}"])

    # Statements

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found = self._value(value)
                if isinstance(found, Formula) and found.condition:
                    raise self._error(statement)
                self.known[name] = self._bound(found)
            case ast.Assign(targets=[place], value=value):
                self._store(place, value, "{1}")
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value) if (
                self.inlined and type(op) in ARITHMETIC
            ):
                both = ast.BinOp(ast.Name(name, ast.Load()), op, value)
                self.known[name] = self._bound(self._value(both))
            case ast.AugAssign(target=place, op=op, value=value) if type(op) in ARITHMETIC:
                self._store(place, value, OPERATORS[type(op)])
            case ast.For(target=target, iter=over, body=body):
                self._unrolled(target, over, body)
            case ast.Return(value=ast.Tuple(elts=values)):
                for value in values:
                    self._result(self._array(value))
            case ast.Return(value=ast.expr() as value):
                self._result(self._array(value))
            case _:
                raise self._error(statement)

    def _bound(self, value: Any) -> Any:
        return self.loops.view(value) if isinstance(value, Formula | Product) else value

    def _store(self, place: ast.expr, value: ast.expr, change: str) -> None:
        if isinstance(place, ast.Subscript):
            table = self._fancy(place.slice)
            if table is not None:
                target, indices = self._view(place.value), self.tables.indices(table)
                array = self._array(value)
                self.loops.scatter(target, indices, _shape_of(table), array, change)
                return
        self.loops.store(self._view(place), self._array(value), change)

    def _fancy(self, node: ast.expr) -> Any:
        """The table of [..., table]; None for another kind of index."""
        match node:
            case ast.Tuple(elts=[ast.Constant(value=start), ast.Name(id=name)]) if start is ...:
                return self.tables.arrays.get(name)
        return None

    def _unrolled(self, target: ast.expr, over: ast.expr, body: list[ast.stmt]) -> None:
        """The loop of a fold, over lists of arrays."""
        match over:
            case ast.Call(func=ast.Name(id="zip"), args=arguments):
                turns = list(zip(*map(self._value, arguments), strict=True))
                names = list(target.elts) if isinstance(target, ast.Tuple) else [target]
            case _:
                turns, names = [(each,) for each in self._value(over)], [target]
        for turn in turns:
            for name, each in zip(names, turn, strict=True):
                assert isinstance(name, ast.Name)
                self.known[name.id] = each
            for statement in body:
                self._statement(statement)

    def _result(self, array: Array) -> None:
        out = f"out[{len(self.results)}]"
        self.results.append(array.shape)
        whole = isinstance(array, View) and (
            array.is_contiguous
            and self.loops.memory.get(array.pointer) == array.size
            and array.pointer not in self.given
        )
        if not whole:
            copy = self.loops.new(array.shape)
            self.loops.store(copy, array)
            array = copy
        assert isinstance(array, View)
        self.given[array.pointer] = out

    # Expressions

    def _array(self, node: ast.expr) -> Array:
        value = self._value(node)
        if isinstance(value, Size):
            return Formula(f"(real)({value.c})", ())
        if not isinstance(value, View | Formula | Product):
            raise self._error(node)
        return value

    def _view(self, node: ast.expr) -> View:
        return self.loops.view(self._array(node))

    def _value(self, node: ast.expr) -> Any:
        """An array; or a list of arrays, or a Size."""
        plain = constant(node)
        match node:
            case ast.Constant(value=int(count)) if not isinstance(count, bool):
                return Size(count)
            case _ if plain is not None:
                return Formula(number(plain), ())
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.List(elts=elements):
                return [self._bound(self._array(e)) for e in elements]
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return self._product(self._view(left), self._view(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return self._combined(node, OPERATORS[type(op)], [left, right])
            case ast.UnaryOp(op=op, operand=operand) if type(op) in ARITHMETIC:
                return self._combined(node, OPERATORS[type(op)], [operand])
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return self._condition(OPERATORS[type(op)], [left, right])
            case ast.Attribute(value=value, attr="T"):
                view = self._view(value)
                return view.transposed(range(len(view.shape))[::-1])
            case ast.Subscript(value=value, slice=index):
                items = _items(index)
                if items is not None:
                    return self._view(value).pick(items)
            case ast.Call(func=func, args=arguments):
                return self._call(node, func, arguments)
        raise self._error(node)

    def _named(self, node: ast.expr, name: str) -> Any:
        if name in self.known:
            return self.known[name]
        if name in self.tables.arrays:
            return self.tables.constants(name)
        if isinstance(self.scalars.numbers.get(name), int | float):
            return Formula(number(float(self.scalars.numbers[name])), ())
        raise self._error(node)

    def _combined(self, node: ast.expr, template: str, parts: Sequence[ast.expr]) -> Formula:
        """Arithmetic: of conditions alone NumPy makes something else than of numbers."""
        arrays = [self.loops.formula(self._array(part)) for part in parts]
        if all(isinstance(array, Formula) and array.condition for array in arrays):
            raise self._error(node)
        return combined(template, arrays)

    def _condition(self, template: str, parts: Sequence[ast.expr]) -> Formula:
        arrays = [self.loops.formula(self._array(part)) for part in parts]
        return replace(combined(template, arrays), condition=True)

    def _product(self, left: View, right: View) -> Product:
        vectors = len(left.shape) == 1, len(right.shape) == 1
        if vectors[0]:
            left = left.pick([None, ...])
        if vectors[1]:
            right = right.pick([..., None])
        lead = broadcast(left.shape[:-2], right.shape[:-2])
        shape = lead + left.shape[-2:-1] * (not vectors[0]) + right.shape[-1:] * (not vectors[1])
        return Product(left, right, shape, vectors)

    def _call(self, node: ast.Call, func: ast.expr, arguments: list[ast.expr]) -> Any:
        options = {k.arg: _literal(k.value) for k in node.keywords}
        match func:
            case ast.Name(id="len"):
                return self._view(arguments[0]).shape[0]
            case ast.Name(id=name) if name not in self.scalars.numbers:
                raise self._error(node)
            case ast.Name(id=name) if any(isinstance(a, ast.List) for a in arguments):
                return self._inlined(name, arguments)
            case ast.Name(id=name):
                slots = ", ".join(f"{{{i}}}" for i in range(len(arguments)))
                return self._combined(node, f"{self.scalars.name(name)}({slots})", arguments)
            case ast.Attribute(value=ufunc, attr="reduceat") if options == _LAST:
                reduction = _UFUNCS.get(numpy_attribute(ufunc) or "")
                if reduction is not None:
                    return self._segments(arguments[0], arguments[1], reduction)
        attribute = numpy_attribute(func)
        if attribute is None and isinstance(func, ast.Attribute):
            return self._method(node, func, arguments, options)
        template = self.scalars.templates.get(attribute or "", "")
        if template and arity(template) == len(arguments) and not options:
            if attribute in CONDITIONS:
                return self._condition(template, arguments)
            return self._combined(node, template, arguments)
        match attribute, arguments:
            case _ if options != (_LAST if attribute in ("concatenate", "repeat") else {}):
                pass
            case (("empty" | "zeros" | "ones"), [shape, _]):
                new = self.loops.new(self._shape(shape))
                if attribute != "empty":
                    self.loops.store(new, Formula("0" if attribute == "zeros" else "1", ()))
                return new
            case ("full", [shape, value, _]) | ("broadcast_to", [value, shape]):
                return self._full(self._array(value), self._shape(shape))
            case "concatenate", [ast.List(elts=elements)]:
                return self._joined([self._array(e) for e in elements])
            case "repeat", [value, ast.Name(id=name)]:
                counts = self.tables.arrays[name]
                view, each = self._view(value), np.repeat(np.arange(len(counts)), counts)
                return self.loops.gather(view, self.tables.indices(each), _shape_of(each))
            case "outer", [left, right]:
                columns = self._view(left).pick([slice(None), None])
                return combined("({0} * {1})", [columns, self._view(right)])
        raise self._error(node)

    def _method(
        self,
        node: ast.Call,
        func: ast.Attribute,
        arguments: list[ast.expr],
        options: dict[str | None, Any],
    ) -> Any:
        numbers = [_integer(a) for a in arguments]
        match func.attr, arguments:
            case (("sum" | "max"), []) if options.keys() <= {"axis", "keepdims"}:
                keep, reduction = options.get("keepdims", False), _METHODS[func.attr]
                return self._sum(self._array(func.value), options.get("axis"), keep, reduction)
            case "take", [ast.Name(id=name)] if options == _LAST:
                table = self.tables.arrays[name]
                view = self._view(func.value)
                return self.loops.gather(view, self.tables.indices(table), _shape_of(table))
            case _ if options:
                pass
            case "reshape", _:
                return self._reshaped(self._view(func.value), arguments)
            case "swapaxes", [_, _]:
                view = self._view(func.value)
                axes = list(range(len(view.shape)))
                a, b = (axes[i] for i in numbers if i is not None)
                axes[a], axes[b] = b, a
                return view.transposed(axes)
            case "transpose", _:
                return self._view(func.value).transposed([i for i in numbers if i is not None])
        raise self._error(node)

    def _full(self, array: Array, shape: Shape) -> Formula:
        formula = combined("{0}", [self.loops.formula(array)])
        return Formula(formula.text, shape, formula.views)

    def _joined(self, arrays: list[Array]) -> View:
        width = sum(array.shape[-1].count for array in arrays)
        target, at = self.loops.new((*arrays[0].shape[:-1], Size(width))), 0
        for array in arrays:
            end = at + array.shape[-1].count
            self.loops.store(target.pick([..., slice(at, end)]), array)
            at = end
        return target

    def _sum(self, array: Array, axis: int | None, keep: bool, reduction: Reduction) -> View:
        axes = range(len(array.shape))
        if axis is None:
            return self.loops.sum(array, axes, reduction)
        total = self.loops.sum(array, [axes[axis]], reduction)
        if not keep:
            return total
        full = list(array.shape)
        full[axis] = ONE
        kept = total.reshaped(tuple(full))
        assert kept is not None
        return kept

    def _segments(self, value: ast.expr, table: ast.expr, reduction: Reduction) -> View:
        array = self._array(value)
        assert isinstance(table, ast.Name)
        starts = self.tables.arrays[table.id]
        ends = np.append(starts[1:], array.shape[-1].count)
        assert (starts < ends).all()
        names = self.tables.indices(starts), self.tables.indices(ends)
        return self.loops.segments(array, *names, len(starts), reduction)

    def _reshaped(self, view: View, nodes: list[ast.expr]) -> View:
        sizes = [None if _integer(node) == -1 else self._size(node) for node in nodes]
        total, known = view.size, product([s for s in sizes if s is not None])
        rest = Size(total.count // known.count, total.power - known.power)
        shape = tuple(rest if s is None else s for s in sizes)
        found = view.reshaped(shape)
        if found is None:
            copy = self.loops.new(view.shape)
            self.loops.store(copy, view)
            found = copy.reshaped(shape)
            assert found is not None
        return found

    def _shape(self, node: ast.expr) -> Shape:
        nodes = node.elts if isinstance(node, ast.Tuple) else [node]
        return tuple(map(self._size, nodes))

    def _size(self, node: ast.expr) -> Size:
        count = _integer(node)
        size = self._value(node) if count is None else Size(count)
        if not isinstance(size, Size):
            raise self._error(node)
        return size

    def _inlined(self, name: str, arguments: list[ast.expr]) -> Any:
        """What a function of lists gives: a fold."""
        definition = self.scalars.definition(name)
        outside = self.known, self.name, self.inlined
        own = [a.arg for a in definition.args.args]
        self.known = dict(zip(own, map(self._value, arguments), strict=True))
        self.name, self.inlined = name, True
        *body, last = definition.body
        for statement in body:
            self._statement(statement)
        if not isinstance(last, ast.Return) or last.value is None:
            raise self._error(last)
        result = self._value(last.value)
        self.known, self.name, self.inlined = outside
        return result

    def _error(self, node: ast.AST) -> UntranslatableError:
        return UntranslatableError(self.name, node)


def _braced(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, *(f"    {line}" for line in lines), "}"])


def _shape_of(table: Any) -> Shape:
    return tuple(map(Size, np.shape(table)))


def _literal(node: ast.expr) -> Any:
    """What a node says; None if that is no plain number."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _integer(node: ast.expr) -> int | None:
    found = _literal(node)
    return found if isinstance(found, int) else None


def _items(node: ast.expr) -> list[Any] | None:
    """An index of integers, slices, None and Ellipsis; None for another kind."""
    nodes = node.elts if isinstance(node, ast.Tuple) else [node]
    items: list[Any] = []
    for item in nodes:
        if isinstance(item, ast.Slice):
            ends = item.lower, item.upper, item.step
            items.append(slice(*(None if e is None else _integer(e) for e in ends)))
        elif isinstance(item, ast.Constant):
            items.append(item.value)
        else:
            return None
    return items
