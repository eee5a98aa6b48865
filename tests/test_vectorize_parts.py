"""The parts that make a program, one by one: views, terms, names, functions, steps, passes."""

from __future__ import annotations

import doctest
import importlib
import keyword
import linecache
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Value, ops, parameter, primitive
from micrograd.ops import Primitive
from micrograd.program.as_numpy import printed
from micrograd.program.form import Builder, Form
from micrograd.program.functions import function_source
from micrograd.program.naming import Names
from micrograd.program.passes import inlined, live
from micrograd.program.tables import Tables
from micrograd.program.terms import Applied, Level, Total, flatten
from micrograd.program.text import Functions, Text, number
from micrograd.program.views import find_view
from micrograd.symbols import Symbol, evaluate
from micrograd.value import recorder
from tests.graphs import ROWS, little_stack, points, programs
from tests.sources import run

inf, nan = math.inf, math.nan


# Views.


def seen(index: Any, size: int, lead: bool = False) -> Any:
    """What the view's source reads of an array that holds its own indices; None if there is none.

    Arguments:
        index: what is to be read.
        size: of the array.
        lead: whether there are two samples of it.
    """
    view = find_view(np.asarray(index), size)
    if view is None:
        return None
    array = np.arange(size)
    if lead:
        array = np.stack([array, array + size])
    found = eval(view.code("P", lead), {"P": array})  # noqa: S307
    assert np.shares_memory(found, array), view
    return found


@st.composite
def regular(draw: st.DrawFn) -> tuple[Any, int]:
    """Elements that can be had by slicing, reshaping, slicing again and transposing."""
    dims = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    before, after, step = (draw(st.integers(low, 3)) for low in (0, 0, 1))
    size = before + math.prod(dims) * step + after
    array = np.arange(size)[before : before + math.prod(dims) * step : step].reshape(dims)
    cuts = [slice(draw(st.integers(0, d - 1)), draw(st.integers(1, d))) for d in dims]
    array = array[tuple(cuts)].transpose(draw(st.permutations(range(len(dims))))).squeeze()
    return (array if array.ndim else array.reshape(1)), size


@given(regular())
def test_a_view_reads_what_it_is_to_read(case: tuple[Any, int]) -> None:
    index, size = case
    found = seen(index, size)
    if found is not None:
        np.testing.assert_array_equal(found, index)
        np.testing.assert_array_equal(seen(index, size, lead=True), [index, index + size])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.sampled_from([(-1,), (2, -1)]))
def test_there_is_a_view_of_regular_elements_only(numbers: list[int], shape: Any) -> None:
    index = np.array(numbers)
    if len(numbers) % 2 == 0 and len(numbers) > 2:
        index = index.reshape(shape)
    found = seen(index, 10)
    if found is not None:
        np.testing.assert_array_equal(found, index)
    steps = set(np.diff(numbers).tolist())
    if index.ndim == 1 and steps and (len(steps) > 1 or min(steps) < 1):
        assert found is None


# fmt: off
VIEWS = {
    "all of it": (np.arange(6), 6, "P"),
    "the beginning": (np.arange(4), 6, "P[:4]"),
    "the end": (np.arange(4, 6), 6, "P[4:6]"),
    "one": (np.array([3]), 6, "P[3:4]"),
    "the only one": (np.array([0]), 1, "P"),
    "every third": (np.arange(1, 9, 3), 9, "P[1:8:3]"),
    "a matrix": (np.arange(6).reshape(2, 3), 6, "P.reshape(2, 3)"),
    "a matrix among others": (np.arange(2, 8).reshape(2, 3), 10, "P[2:8].reshape(2, 3)"),
    "its transpose": (np.arange(6).reshape(2, 3).T, 6, "P.reshape(2, 3).T"),
    "without its last column": (np.arange(8).reshape(2, 4)[:, :3], 8, "P.reshape(2, 4)[:, :3]"),
    "without its first column": (np.arange(8).reshape(2, 4)[:, 1:], 8, "P.reshape(2, 4)[:, 1:4]"),
    "half a transpose": (np.arange(8).reshape(4, 2)[:2].T, 8, "P[:4].reshape(2, 2).T"),
    "every other column": (np.arange(8).reshape(2, 4)[:, ::2], 8, "P.reshape(2, 2, 2)[:, :, 0]"),
    "heads": (
        np.arange(24).reshape(2, 3, 4).swapaxes(0, 1), 24, "P.reshape(2, 3, 4).transpose(1, 0, 2)"
    ),
}
# fmt: on


@pytest.mark.parametrize("name", list(VIEWS))
def test_these_are_views(name: str) -> None:
    index, size, expected = VIEWS[name]
    np.testing.assert_array_equal(seen(index, size), index)
    np.testing.assert_array_equal(seen(index, size, lead=True), [index, index + size])
    view = find_view(index, size)
    assert view is not None
    assert view.code("P") == expected


@pytest.mark.parametrize(
    "index",
    [[0, 0], [1, 0], [0, 1, 3], [[0, 1], [0, 1]], [[0, 1], [3, 5]], [[0, 2], [1, 3], [2, 4]], []],
    ids=["twice", "backwards", "uneven", "rows twice", "uneven rows", "overlapping", "none"],
)
def test_these_are_none(index: Any) -> None:
    assert find_view(np.array(index, np.int64), 6) is None


# Terms.


def described(outputs: list[Value], leaves: list[Value]) -> list[list[str]]:
    """Every level in words: labels for places."""
    places, levels = flatten(outputs, leaves)
    label = {place: v.label or f"{v.data:g}" for v, place in places.items()}
    return [
        sorted(
            [
                f"{label[t.place]} = "
                + " + ".join(
                    [f"{label[p]} {label[q]}" for p, q in zip(t.p, t.q, strict=True)]
                    + [label[s] for s in t.singles]
                )
                for t in level.totals
            ]
            + [
                f"{label[a.place]} = {a.op.name}"
                f"({', '.join(_words(argument, label) for argument in a.arguments)})"
                for a in level.applied
            ]
        )
        for level in levels
    ]


def _words(argument: Any, label: dict[int, str]) -> str:
    return str([label[a] for a in argument]) if isinstance(argument, list) else label[argument]


def named(value: Value, label: str) -> Value:
    value.label = label
    return value


def abc() -> list[Value]:
    return [Value(2.0 + i, label) for i, label in enumerate("abc")]


SUMS: dict[str, Callable[[Value, Value, Value], Value]] = {
    "+": lambda a, b, c: a * b + c,
    "+ the other way": lambda a, b, c: c + a * b,
    "sum": lambda a, b, c: ops.sum([a * b, c]),
    "sum of a sum": lambda a, b, c: ops.sum([ops.sum([a * b, c])]),
    "affine": lambda a, b, c: ops.affine([a], [b], c),
    "affine without products": lambda a, b, c: ops.affine([], [], a * b + c),
    "Python's sum": lambda a, b, c: sum([a * b, c]),
    "with zeros": lambda a, b, c: 0 + (a * b + 0.0) + (c + -0.0),
}


@pytest.mark.parametrize("name", list(SUMS))
def test_a_sum_of_products_is_the_same_however_it_is_written(name: str) -> None:
    a, b, c = abc()
    assert described([named(SUMS[name](a, b, c), "z")], [a, b, c]) == [["z = a b + c"]]


def test_a_product_is_a_sum_of_one() -> None:
    a, b, c = abc()
    assert described([named(a * a, "z")], [a]) == [["z = a a"]]
    z = named(named(a * b, "ab") * c, "z")
    assert described([z], [a, b, c]) == [["ab = a b"], ["z = ab c"]]


def test_a_number_is_a_sum_of_one_where_such_numbers_are_added_up_elsewhere() -> None:
    a, b, c = abc()
    ea, eb, ec = (named(v.exp(), f"e{v.label}") for v in (a, b, c))
    z = [named(a / ea, "y"), named(a / named(eb + ec, "s"), "z")]
    first = ["ea = exp(a)", "eb = exp(b)", "ec = exp(c)"]
    one = f"{ea.data:g}"  # it has no label
    then = [sorted([f"{one} = ea", "s = eb + ec"]), [f"y = div(a, {one})", "z = div(a, s)"]]
    assert described(z, [a, b, c]) == [first, *then]
    # Not where other numbers are added up, nor for another argument or operation.
    for other in (b + c, b.sin() + c.sin(), eb + c):
        z = [named(a / ea, "y"), named(a / named(other, "s"), "z")]
        assert any("y = div(a, ea)" in level for level in described(z, [a, b, c]))
    z = [named(ea / a, "y"), named(ea - b, "d"), named(a / named(eb + ec, "s"), "z")]
    assert described(z, [a, b, c])[1] == ["d = sub(ea, b)", "s = eb + ec", "y = div(ea, a)"]


def test_a_square_is_a_product_of_a_sum_of_them() -> None:
    a, b, c = abc()
    assert described([named(a**2 + (b**2 + c), "z")], [a, b, c]) == [["z = a a + b b + c"]]
    assert described([named(a**2, "z")], [a]) == [["z = a a"]]
    # Where the exponent is a number in the formula; not where it is something given.
    assert described([named(a**3, "z")], [a]) == [["z = pow(a, 3)"]]
    b.data = 2.0
    assert described([named(a**b, "z")], [a, b]) == [["z = pow(a, b)"]]
    b.kind = "constant"
    assert described([named(a**b, "z")], [a, b]) == [["z = pow(a, b)"]]


def test_a_part_that_is_used_twice_is_computed_once() -> None:
    a, b, c = abc()
    part = named(a + b, "s")
    twice = [named(part + c, "y"), named(part + a, "z")]
    assert described(twice, [a, b, c]) == [["s = a + b"], ["y = s + c", "z = s + a"]]
    assert described([named(part + part, "z")], [a, b]) == [["s = a + b"], ["z = s + s"]]
    # Used by something that is no sum, as well.
    z = named(named(part.exp(), "e") + part, "z")
    assert described([z], [a, b]) == [["s = a + b"], ["e = exp(s)"], ["z = s + e"]] or described(
        [z], [a, b]
    ) == [["s = a + b"], ["e = exp(s)"], ["z = e + s"]]


def test_a_part_that_is_an_output_is_computed_itself() -> None:
    a, b, c = abc()
    part = named(a + b, "s")
    assert described([named(part + c, "z"), part], [a, b, c]) == [["s = a + b"], ["z = s + c"]]


def test_what_cannot_be_taken_apart_is_not() -> None:
    a, b, c = abc()
    product = named((a + b) * c, "z")
    product.parents[0].label = "s"
    assert described([product], [a, b, c]) == [["s = a + b"], ["z = s c"]]
    difference = named(a - named(b + c, "s"), "z")
    assert described([difference], [a, b, c]) == [["s = b + c"], ["z = sub(a, s)"]]


def test_a_starred_argument_keeps_its_elements_together() -> None:
    longest = primitive(
        "longest_of_parts",
        arguments="x* b",
        floats=lambda x, b: max(*x, b),
        arrays=lambda x, b: np.maximum.reduce([*x, b]),
        partials=[lambda z, x, b: ops.equal(z, x), lambda z, x, b: ops.equal(z, b)],
    )
    a, b, c = abc()
    z = named(longest([a, named(b.exp(), "e"), a], c), "z")
    assert described([z], [a, b, c]) == [
        ["e = exp(b)"],
        ["z = longest_of_parts(['a', 'e', 'a'], c)"],
    ]


def test_a_level_is_the_longest_way_from_a_leaf() -> None:
    a, b, c = abc()
    deep = named(named(a.exp(), "e").sin(), "s")
    z = named(deep + b * c, "z")
    assert described([z], [a, b, c]) == [["e = exp(a)"], ["s = sin(e)"], ["z = b c + s"]]


def test_leaves_come_first_and_others_are_constants() -> None:
    a, b, c = abc()
    places, _ = flatten([a * b + c * 3.0], [c, a])
    assert (places[c], places[a]) == (0, 1)
    assert sorted(number for _, number in places.constants) == [b.data, 3.0]


def test_a_zero_is_only_left_out_of_a_sum_where_it_is_a_number_in_the_formula() -> None:
    a, b, _ = abc()
    b.data = 0.0
    assert described([named(a + b, "z")], [a, b]) == [["z = a + b"]]
    assert described([named(a + 0.0, "z")], [a]) == [["z = a"]]
    assert described([named(a * 0.0, "z")], [a]) == [["z = a 0"]]
    b.kind = "constant"
    assert described([named(a + b, "z")], [a]) == [["z = a"]]
    # Unless the program is given it.
    assert described([named(a + b, "z")], [a, b]) == [["z = a + b"]]


def test_what_depends_on_nothing_that_is_given_is_a_constant() -> None:
    a, b, c = abc()
    z = named(a * named((b + c).exp(), "e"), "z")
    b.data = 0.0  # since it was recorded
    places, levels = flatten([z, c], [a])
    assert len(levels) == 1
    number = dict(places.constants)
    assert sorted(number.values()) == [c.data, math.exp(0.0 + c.data)]
    assert described([z], [a]) == [["z = a e"]]


def test_sums_of_nothing() -> None:
    places, levels = flatten([empty := recorder(ops.sum)(())], [])
    assert (levels, places.constants) == ([], [(places[empty], 0.0)])
    a, *_ = abc()
    assert described([named(ops.affine([], [], a), "z")], [a]) == [["z = a"]]


def test_outputs_that_are_leaves() -> None:
    a, b, _ = abc()
    places, levels = flatten([a, b, a], [a])
    assert (levels, places.constants, len(places)) == ([], [(1, b.data)], 2)


def test_a_deep_graph_is_numbered_without_recursion() -> None:
    w = parameter(0.5, "w")
    z = w
    for i in range(20_000):
        z = z + w if i % 3 else z.sin()
    chain = w
    for _ in range(20_000):
        chain = w * w + chain
    with little_stack(60):
        flatten([z, chain], [w])
        _, levels = flatten([chain], [w])
    assert levels == [Level(totals=[Total(1, [0] * 20_000, [0] * 20_000, [0])])]


@given(programs(max_steps=12))
def test_levels_compute_what_the_graph_does(program: Any) -> None:
    leaves = [Value(x) for x in program.inputs]
    outputs = program.results(leaves, ROWS)
    places, levels = flatten(outputs, leaves)
    numbers = dict(enumerate(v.data for v in leaves)) | dict(places.constants)
    for level in levels:
        found: dict[int, float] = {}
        for t in level.totals:
            products = [numbers[p] * numbers[q] for p, q in zip(t.p, t.q, strict=True)]
            found[t.place] = math.fsum([*products, *(numbers[s] for s in t.singles)])
        for a in level.applied:
            found[a.place] = a.op.ieee(*(_numbers(argument, numbers) for argument in a.arguments))
        assert not found.keys() & numbers.keys()
        numbers |= found
    for v in outputs:
        assert numbers[places[v]] == pytest.approx(v.data, rel=1e-9, abs=1e-9)
    assert all(isinstance(a, Applied) for level in levels for a in level.applied)


def _numbers(argument: Any, numbers: dict[int, float]) -> Any:
    return [numbers[a] for a in argument] if isinstance(argument, list) else numbers[argument]


# Names.


@pytest.mark.parametrize(
    ("labels", "vector", "name"),
    [
        (["w_{00}^{(1)}", "w_{01}^{(1)}"], False, "W1"),
        (["b_0^{(12)}", "b_1^{(12)}"], True, "b12"),
        (["a_j^{(L-1)}"], False, "A_L_1"),
        (["z^{(L)}", "z_{3}^{(L)}"], False, "Z_L"),
        (["x"], False, "X"),
        (["x_1", "x_{2,3}", "x"], False, "X"),
        ([r"\delta_0"], False, "Delta"),
        (["token_3"], False, "Token"),
        (["token_3"], True, "token"),
        ([r"\lambda"], True, "lambda_"),
        (["a^{(1)}", "a^{(2)}"], False, "V1"),
        (["a", "b"], False, "V1"),
        (["a", ""], False, "V1"),
        ([""], False, "V1"),
        ([], False, "V1"),
        (["a b"], False, "V1"),
        (["2"], False, "V1"),
        (["σ"], False, "V1"),
    ],
)
def test_an_array_is_named_as_its_elements_are(labels: Any, vector: bool, name: str) -> None:
    assert Names().new(labels, vector) == name


@given(
    st.lists(
        st.one_of(
            st.text(max_size=6),
            st.sampled_from("np n I_1 K_1 I K_{1} V V^{1} a^{(1)} A if None".split()),
            st.from_regex(r"\A[A-Za-z]{1,3}(_\{[0-9]{1,2}\})?(\^\{\([A-Za-z0-9-]{1,3}\)\})?\Z"),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_names_are_different_and_can_be_names(labels: list[str], vector: bool) -> None:
    names = Names(["X", "dX"])
    given_names = [names.new([label], vector) for label in labels]
    given_names += [names.unique("X"), names.unique("X"), names.numbered("V")]
    assert len({*given_names, "X", "dX", "np", "n", "gradient"}) == len(given_names) + 5
    for name in given_names:
        assert name.isidentifier(), name
        assert name.isascii(), name
        assert not keyword.iskeyword(name), name


# Functions of the primitives.

SHIFT, FACTORS = 0.5, [1.0, 2.0]


def _inner(x: Any, factor: Any) -> Any:
    return factor * x + SHIFT


def _outer(x: Any) -> Any:
    """Not to be copied."""
    y: Any = _inner(x, 2.0)  # nor this
    return np.sqrt(np.abs(y)) + _inner(y, SHIFT)


def _uses_a_list(x: Any) -> Any:
    return x * FACTORS[0]


def _even(x: Any) -> Any:
    return x if SHIFT > 0 else _odd(x)


def _odd(x: Any) -> Any:
    return _even(-x)


def _with_branches(x: Any) -> Any:
    for _ in range(2):
        x = x + 1.0
    if len(np.shape(x)) > 3:
        return -x
    return np.array([0.0, *np.ravel(x)])[1:].reshape(np.shape(x))


def _nested(x: Any) -> Any:
    def inside(y: Any) -> Any:
        return _inner(y, x)

    return inside(2.0)


def twice(x: Any) -> Any:
    return 2.0 * x


def _twice(x: Any) -> Any:
    return 20.0 * x


_SHIFT = 5.0


def _like_names(x: Any) -> Any:
    return twice(x) + _twice(x) + SHIFT * _SHIFT


def _hidden(x: Any) -> Any:
    return (lambda SHIFT: SHIFT * 3.0)(x) + SHIFT


def _hidden_numpy(x: Any) -> Any:
    return (lambda np: np * 3.0)(x) + np.float64(1.0)


def _decorated(function: Any) -> Any:
    return lambda x: 3.0 * function(x)


@_decorated
def _wrapped(x: Any) -> Any:
    return np.sin(x)


# Two on one line, and one over several.
# fmt: off
LEFT, RIGHT = (lambda x: x + 1.0), (lambda x: x - 1.0)
WITHIN = (lambda f: (lambda x: x * 5.0))(None)
LONG, = (
    lambda x:
        x
        * 7.0,
)
# fmt: on


def own(arrays: Any) -> Primitive:
    """A row of the table."""
    ops.table["own"] = row = Primitive(
        "own", "own", "", 4, lambda x: 0.0, arrays, (lambda z, x: 0.0,), (((-1, 1),),), ("x",)
    )
    return row


@pytest.mark.parametrize(
    "function",
    [_inner, _outer, _even, _with_branches, _nested, LEFT, RIGHT, WITHIN, LONG, lambda x: x**2,
     _like_names],
    ids=["two arguments", "helpers", "mutual", "branches", "nested", "left", "right", "within",
         "long", "lambda", "like names"],
)  # fmt: skip
def test_a_functions_source_does_what_the_function_does(function: Any) -> None:
    source = function_source(own(function), "renamed")
    arguments = [np.array([-1.5, 0.0, 2.0])] * function.__code__.co_argcount
    namespace = run("import numpy as np\n" + source)
    np.testing.assert_array_equal(namespace["renamed"](*arguments), function(*arguments))
    assert "micrograd" not in source
    assert "copied" not in source


@pytest.mark.parametrize(
    "function",
    [
        _uses_a_list,
        _wrapped,
        lambda x, by=2.0: by * x,
        abs,
        np.frompyfunc(abs, 1, 1),
        math.sin,
        _hidden,
        _hidden_numpy,
    ],
    ids=[
        "list",
        "decorated",
        "default",
        "builtin",
        "frompyfunc",
        "math",
        "hidden name",
        "hidden numpy",
    ],
)
def test_what_has_no_source_of_its_own_is_taken_from_the_table(function: Any) -> None:
    assert function_source(own(function), "f") == "f = micrograd.ops.table['own'].arrays"


def test_a_closure_has_no_source_of_its_own() -> None:
    factor = 2.0
    assert "table" in function_source(own(lambda x: factor * x), "f")


def test_a_function_from_exec_has_no_source_of_its_own() -> None:
    # Even where the file that it claims to be from exists.
    for file in "<string>", __file__, "no_such_file.py":
        namespace: dict[str, Any] = {}
        exec(compile("def f(x):\n    return x + 99.0", file, "exec"), namespace)  # noqa: S102
        assert "table" in function_source(own(namespace["f"]), "f")


def test_a_function_whose_file_has_changed_has_no_source_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "changing_module.py"
    monkeypatch.syspath_prepend(tmp_path)
    file.write_text("def f(x):\n    return x * 3.0\n")
    function = importlib.import_module("changing_module").f
    assert "3.0" in function_source(own(function), "f")
    file.write_text("def f(x):\n    return x * 4.0\n")
    linecache.clearcache()
    assert function_source(own(function), "f") == "f = micrograd.ops.table['own'].arrays"


@pytest.mark.parametrize("name", list(ROWS))
def test_every_row_of_the_table_can_be_written_out(name: str) -> None:
    row, functions = ROWS[name], Functions("float64")
    for point in points(row, 5):
        text = str(functions.call(row, [list(a) if isinstance(a, tuple) else a for a in point]))
        source = "\n".join(["import numpy as np", *functions.sources(), f"z = {text}"])
        arrays = [list(map(np.float64, a)) if star else np.float64(a)
                  for a, star in zip(point, row.starred, strict=True)]  # fmt: skip
        assert run(source)["z"] == row(*arrays)
        assert "micrograd" not in source


def test_a_function_is_written_once_and_hides_nothing() -> None:
    functions = Functions("float64")
    assert [functions.name(ops.sigmoid) for _ in range(2)] == ["sigmoid", "sigmoid"]
    assert len(functions.sources()) == 1
    assert functions.name(ops.abs) == "np.absolute"
    assert functions.name(ops.exp) == "np.exp"
    assert functions.name(ops.pow) == "pow_"  # there is a builtin pow


# Formulas in text, with parentheses where they are needed.


@st.composite
def expressions(draw: st.DrawFn) -> Any:
    """Formulas in x and y, and numbers that are negative, infinite or nan."""
    numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0, -2.5, 0.1, inf, -inf, nan, 1e-300])
    leaves: list[Any] = [Symbol("x"), Symbol("y")]
    for _ in range(draw(st.integers(1, 8))):
        row = ROWS[draw(st.sampled_from("add sub mul div neg exp where step pow".split()))]
        arguments = [
            draw(st.sampled_from(leaves)) if draw(st.integers(0, 3)) else draw(numbers)
            for _ in row.arguments
        ]
        if not any(hasattr(a, "python") for a in arguments):
            arguments[0] = leaves[-1]
        leaves.append(row(*arguments))
    return leaves[-1]


@given(expressions(), st.sampled_from([0.5, -2.0, 0.0, inf]), st.sampled_from([3.0, -0.1, nan]))
def test_a_formula_is_printed_as_it_is_computed(formula: Any, x: float, y: float) -> None:
    functions = Functions("float64")
    code = functions.formula(formula, {n: Text(n) for n in "xy"})
    head = ["import numpy as np", *functions.sources()]
    function = run("\n".join([*head, f"def f(x, y):\n    return {code}"]))["f"]
    with np.errstate(all="ignore"):
        result = np.broadcast_to(function(np.array([x]), np.array([y])), 1)
    expected = evaluate(formula, {"x": x, "y": y})
    np.testing.assert_allclose(result, [expected], rtol=1e-14, atol=0.0)


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.5, "0.5"), (-0.0, "-0.0"), (inf, "np.inf"), (-inf, "-np.inf"), (nan, "np.nan"), (1, "1.0")],
)
def test_a_number_in_the_source(x: float, text: str) -> None:
    assert str(number(x)) == text
    assert f"{number(x):4}" == (f"({text})" if text.startswith("-") else text)
    np.testing.assert_array_equal(eval(text, {"np": np}), x)  # noqa: S307


# Steps: what a builder makes of what is asked for.


class Given:
    """A builder with an input X of 6 numbers, parameters of 4, and a number."""

    def __init__(self) -> None:
        self.b = b = Builder()
        self.p = b.add("parameters", (), (4,), label="parameters")
        self.x = b.add("input", (), (6,), batched=True, label="X")
        self.two = b.constant(2.0)

    def text(self, *results: int) -> list[str]:
        """What is printed for a program with these results, without its shapes."""
        names = Names(["X"])
        form = inlined(live(Form(self.b.steps, results)), names)
        lines = printed(form, Functions("float64"), Tables(), "float64").lines
        return [line.split("  #")[0].removeprefix("return ") for line in lines]


def test_the_same_step_is_made_once() -> None:
    g = Given()
    assert g.b.times(g.x, g.two) == g.b.times(g.x, g.two)
    assert g.b.constant(0.0) != g.b.constant(-0.0)
    assert g.b.constant(nan) == g.b.constant(nan)
    assert g.b.constant([0.0, 1.0]) != g.b.constant([-0.0, 1.0])
    index = np.array([0, 2, 1])
    assert g.b.read(g.x, index) == g.b.read(g.x, index.copy())
    assert g.b.read(g.x, index) != g.b.read(g.x, index.reshape(3, 1))


def test_what_is_exact_is_simplified() -> None:
    g = Given()
    b = g.b
    assert b.times(g.x, b.constant(1.0)) == g.x
    assert b.times(b.constant(1.0), g.x) == g.x
    assert g.text(b.times(g.x, b.constant(0.0))) == ["X * 0.0"]  # nan stays nan
    assert b.number(b.times(g.two, b.constant(3.0))) == 6.0
    assert b.number(b.plus(g.two, b.constant(3.0))) == 5.0
    assert g.text(b.plus(g.x, b.constant(0.0))) == ["X + 0.0"]  # -0 + 0 = 0
    assert g.text(b.plus(g.two, g.x)) == ["X + 2.0"]
    assert g.text(b.plus(g.x, b.constant(-2.0))) == ["X - 2.0"]
    assert g.text(b.plus(g.x, g.x)) == ["2.0 * X"]


def test_elements_of_elements_are_read_at_once() -> None:
    g = Given()
    matrix = g.b.read(g.x, np.arange(6).reshape(2, 3).T)
    assert g.text(matrix) == ["X.reshape(-1, 2, 3).transpose(0, 2, 1)"]
    assert g.b.read(matrix, np.array([0, 2, 4])) == g.b.read(g.x, np.array([0, 1, 2]))
    assert g.b.reshaped(g.b.reshaped(g.x, (2, 3)), (6,)) == g.x
    assert g.b.read(g.b.constant([1.0, 2.0]), np.array([1, 1])) == g.two


def test_what_is_read_several_times_along_an_axis_is_broadcast() -> None:
    g = Given()
    rows = g.b.read(g.x, np.repeat([[0], [1]], 3, axis=1))
    step = g.b.steps[rows]
    assert (step.op, step.shape, g.b.steps[step.operands[0]].shape) == ("broadcast", (2, 3), (2, 1))
    assert g.text(g.b.times(g.b.reshaped(g.x, (2, 3)), rows)) == [
        "X.reshape(-1, 2, 3) * X[:, :2].reshape(-1, 2, 1)"
    ]
    # So is what is computed from nothing else.
    both = g.b.steps[g.b.times(rows, rows)]
    assert (both.op, g.b.steps[both.operands[0]].shape) == ("broadcast", (2, 1))


# fmt: off
PRODUCTS = {
    "a layer": ("k", "rk", "r", (True, False, True), "X @ Y.T"),
    "back to its inputs": ("r", "rk", "k", (True, False, True), "X @ Y"),
    "the gradient of its weights": ("r", "k", "rk", (True, True, False), "X.T @ Y"),
    "of each sample": ("r", "k", "rk", (True, True, True), "X[:, :, None] * Y[:, None, :]"),
    "without samples": ("r", "k", "rk", (False, False, False), "X[:, None] * Y"),
    "a layer on parts": ("ck", "rk", "cr", (True, False, True),
                         "(X.reshape(-1, 3) @ Y.T).reshape(-1, 2, 4)"),
    "the gradient of those weights": ("cr", "ck", "rk", (True, True, False),
                                      "X.reshape(-1, 4).T @ Y.reshape(-1, 3)"),
    "of each sample then": ("cr", "ck", "rk", (True, True, True), "X.swapaxes(-1, -2) @ Y"),
    "parts of samples": ("ck", "rk", "cr", (True, True, True), "X @ Y.swapaxes(-1, -2)"),
    "blocks": ("bck", "brk", "bcr", (True, False, True), "X @ Y.swapaxes(-1, -2)"),
    "the gradient of a block": ("bcr", "bck", "brk", (True, True, False),
        "X.transpose(1, 3, 0, 2).reshape(5, 4, -1) @ Y.transpose(1, 0, 2, 3).reshape(5, -1, 3)"),
    "columns alone": ("ck", "rk", "cr", (False, True, True), "X @ Y.swapaxes(-1, -2)"),
}
# fmt: on


@pytest.mark.parametrize("name", list(PRODUCTS))
def test_a_product_is_numpys(name: str) -> None:
    one, two, out, (first, second, batched), text = PRODUCTS[name]
    sizes, n = dict(zip("bcrk", (5, 2, 4, 3), strict=True)), 7
    b, rng = Builder(), np.random.default_rng(0)
    given, arrays = [], {}
    for label, axes, own in (("X", one, first), ("Y", two, second)):
        shape = tuple(sizes[a] for a in axes)
        given.append(b.add("input", (), shape, own, data=label, label=label))
        arrays[label] = rng.integers(-9, 9, (n,) * own + shape).astype(float)
    product = b.product(*given, (one, two, out), batched)
    [*_, last] = printed(Form(b.steps, (product,)), Functions("float64"), Tables(), "float64").lines
    assert last == f"return {text}"
    found = eval(text, {"np": np} | arrays)  # noqa: S307
    einsum = f"{'n' * first}{one},{'n' * second}{two}->{'n' * batched}{out}"
    np.testing.assert_array_equal(found, np.einsum(einsum, *arrays.values()))


# Passes.


def test_what_nothing_reads_is_left_out() -> None:
    g = Given()
    b = g.b
    b.map(ops.exp, [g.x])
    wanted = b.map(ops.sin, [b.times(g.x, g.two)])
    form = live(Form(b.steps, (wanted, g.x)))
    assert [step.op for step in form.steps] == ["parameters", "input", "map", "map"]
    assert [form.steps[x].op for x in form.results] == ["map", "input"]
    assert form.steps[form.results[0]].operands == (2,)


def test_a_line_that_one_other_uses_is_written_into_it() -> None:
    g = Given()
    z = g.b.name(g.b.plus(g.x, g.two), lambda: "Z")
    a = g.b.name(g.b.map(ops.exp, [z]), lambda: "A")
    assert g.text(g.b.times(a, a)) == ["A = np.exp(X + 2.0)", "A * A"]
    assert g.text(g.b.times(z, g.two)) == ["(X + 2.0) * 2.0"]
    # Of two that follow one another only the first: a line says one thing, or two.
    s = g.b.name(g.b.map(ops.sin, [a]), lambda: "S")
    assert g.text(g.b.map(ops.exp, [s])) == ["A = np.exp(X + 2.0)", "np.exp(np.sin(A))"]


def test_what_is_read_twice_or_makes_a_line_too_long_has_a_name() -> None:
    g = Given()
    b = g.b
    part = b.read(g.x, np.array([3, 1]))
    assert g.text(b.times(part, part)) == ["X_1 = X.take(I_1, axis=-1)", "X_1 * X_1"]
    total = b.sum(g.x, [0], keep=True)
    for i in range(6):
        total = b.plus(total, b.sum(b.times(g.x, b.constant(2.5 + i)), [0], keep=True))
    lines = g.text(total)
    assert len(lines) > 2
    assert all(len(line) < 120 for line in lines)


def test_what_is_scattered_is_written_first_and_added_then() -> None:
    def text(*places: list[int]) -> list[str]:
        g = Given()
        parts = [g.b.read(g.p, np.arange(len(p))) for p in places]
        found = g.b.add("scatter", parts, (4,), False, tuple(map(np.array, places)))
        form = Form(g.b.steps, (g.b.name(found, lambda: "D"),))
        lines = printed(form, Functions("float64"), Tables(), "float64").lines
        return [line.split("  #")[0] for line in lines if line.startswith("D")]

    assert text([0, 1, 2, 3]) == ["D = np.empty(4, np.float64)", "D[...] = parameters"]
    assert text([0, 1], [2, 3])[0] == "D = np.empty(4, np.float64)"
    assert text([0, 1], [1, 2, 3]) == [
        "D = np.zeros(4, np.float64)",
        "D[:2] = parameters[:2]",
        "D[1:4] += parameters[:3]",
    ]
    assert text([0, 1], [0, 1])[1:] == ["D[:2] = parameters[:2]", "D[:2] += parameters[:2]"]
    assert text([0, 3, 2])[1] == "D[..., I_1] = parameters[:3]"


# Tables.


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.one_of(
        st.lists(NUMBERS, min_size=1, max_size=12).map(np.array),
        st.lists(st.integers(-9, 99), min_size=1, max_size=12).map(np.array),
        st.builds(
            lambda start, step, n: start + step * np.arange(n),
            st.integers(0, 9),
            st.integers(-3, 3),
            st.integers(1, 9),
        ),
    ),
    st.booleans(),
)
def test_a_table_is_written_to_the_last_bit(array: Any, matrix: bool) -> None:
    if matrix and array.size % 2 == 0:
        array = array.reshape(2, -1)
    tables = Tables()
    name = tables.name("T", array)
    assert tables.name("T", array.copy()) == name
    found = run("import numpy as np\n" + tables.source())[name]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    numbers = ~np.isnan(array)
    np.testing.assert_array_equal(np.signbit(found)[numbers], np.signbit(array)[numbers])


def test_tables_that_differ_are_different() -> None:
    tables = Tables()
    arrays = [np.array([1, 2]), np.array([[1], [2]]), np.array([1.0, 2.0]), np.array([0.0, -0.0])]
    names = {tables.name("T", a) for a in arrays} | {tables.name("I", arrays[0])}
    assert len(names) == 5


def test_a_long_table_is_written_out_whole() -> None:
    tables = Tables()
    array = np.random.default_rng(0).normal(size=3_000)
    name = tables.name("K", array)
    with np.printoptions(precision=2, threshold=5, suppress=True):
        source = tables.source()
    assert run("import numpy as np\n" + source)[name].tolist() == array.tolist()


# The page that says how it is done.


def test_the_page_for_contributors_is_what_happens() -> None:
    page = Path(__file__).parent.parent / "CONTRIBUTING.md"
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert (failed, tried > 10) == (0, True)
