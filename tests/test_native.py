"""Programs compiled: against the engine, against NumPy, and what cannot be compiled."""

from __future__ import annotations

import ctypes
import gc
import itertools
import math
import pickle
import threading
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from micrograd import Value, exp, native, ops, parameter, primitive
from micrograd.losses import squared_error
from micrograd.native import UntranslatableError, as_c, compiler, library
from micrograd.native import loops as loops_module
from micrograd.native.as_c import Tables
from micrograd.native.loops import Array, Kernels, Loops, axes_of, collapsed
from micrograd.native.scalars import FUNCTIONS, Scalars, arity
from micrograd.nn import MLP
from micrograd.program import Program, vectorize
from tests.compiling import together
from tests.graphs import ROWS
from tests.recorded import neuron
from tests.rounding import DOUBLE, SINGLE, Precision
from tests.sources import functions, needs_compiler, run
from tests.test_vectorize_properties import (
    Case,
    cases,
    check_gradients,
    check_outputs,
    check_special_values,
)
from tests.transformer import Transformer


def network(sizes: list[int], dtype: str = "float64") -> Program:
    """The squared error of a network as in the lessons."""
    nin, *nouts = sizes
    net = MLP(nin, nouts, "sigmoid", output="sigmoid", init="xavier")
    x, y = ([Value(0.0) for _ in range(size)] for size in (nin, nouts[-1]))
    return vectorize(squared_error(net(x), y), [x, y], net.parameters(), dtype)


def samples(program: Program, sizes: list[int], n: int) -> list[Any]:
    """Random inputs and targets."""
    rng = np.random.default_rng(n)
    return [rng.uniform(size=(n, size)).astype(program.dtype) for size in (sizes[0], sizes[-1])]


def results(program: Program, arrays: list[Any]) -> list[Any]:
    """What all functions of a program give."""
    value, gradient = program.value_and_grad(*arrays)
    return [program(*arrays), value, gradient, program.per_sample_grad(*arrays)]


def assert_close(got: list[Any], expected: list[Any], tolerance: float) -> None:
    """Equal but for rounding, and of the same shape and type."""
    for one, other in zip(got, expected, strict=True):
        assert type(one) is type(other)
        one, other = np.asarray(one), np.asarray(other)
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        largest = np.abs(other).max(initial=0.0)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * largest)


# Compiled programs give what the others give.


@needs_compiler
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 3e-6)])
def test_the_lessons_network(dtype: str, tolerance: float) -> None:
    sizes = [784, 16, 16, 10]
    program = network(sizes, dtype)
    batches = [samples(program, sizes, n) for n in (1, 2, 7, 8, 9, 100)]
    expected = [results(program, arrays) for arrays in batches]
    assert program.compile() is program
    for arrays, right in zip(batches, expected, strict=True):
        assert_close(results(program, arrays), right, tolerance)


@needs_compiler
def test_a_transformer() -> None:
    model = Transformer(vocabulary=7, context=5, embedding=8, heads=2)
    program = vectorize(model([3, 1, 4, 1, 5], [1, 4, 1, 5, 2]), parameters=model.parameters())
    expected = results(program, [])
    assert_close(results(program.compile(), []), expected, 1e-12)


def check_compiled(
    examples: int,
    strategy: st.SearchStrategy[Case],
    precision: Precision = DOUBLE,
    having: str = "",
) -> None:
    """Outputs and gradients of so many cases, of which up to 16 are compiled together.

    Arguments:
        examples: how many cases are drawn.
        strategy: draws them.
        precision: of their results.
        having: what the source of a program has, or it is left out.
    """
    drawn: list[Case] = []
    generate = settings(max_examples=examples, phases=[Phase.generate])
    generate(given(strategy)(lambda case: drawn.append(case)))()
    chosen = (replace(c, compiled=True) for c in drawn if having in c.program().source)
    size = 1  # a fault that is planted is mostly found soon
    while several := list(itertools.islice(chosen, size := min(2 * size, 16))):
        with together():
            for case in several:
                case.program(all_outputs=True)
                case.program()
        for case in several:
            try:
                check_outputs(case, precision)
                check_gradients(case, precision)
            except AssertionError as error:
                error.add_note(f"{case}")
                raise


@needs_compiler
def test_random_graphs_are_the_engines() -> None:
    check_compiled(settings.default.max_examples // 2, cases())


@needs_compiler
def test_random_graphs_in_float32() -> None:
    check_compiled(
        settings.default.max_examples // 4, cases(special=False, dtype="float32"), SINGLE
    )


@needs_compiler
@pytest.mark.parametrize("name", list(ROWS))
def test_every_operation_on_special_values(name: str) -> None:
    check_special_values(name, compiled=True)


@needs_compiler
def test_arrays_of_every_layout() -> None:
    program = network([3, 4, 2])
    X, Y = samples(program, [3, 4, 2], 5)
    right = results(program, [X, Y])
    program.compile()
    wide = np.zeros((5, 6))
    wide[:, ::2] = X
    shifted = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view("f8").reshape(5, 3)
    assert not shifted.flags.aligned
    backwards = np.ascontiguousarray(X[::-1])[::-1]
    fixed = X.copy()
    fixed.flags.writeable = False
    for given_X in (X.tolist(), wide[:, ::2], np.asfortranarray(X), X.astype(">f8"), shifted,
                    backwards, fixed):  # fmt: skip
        assert_close(results(program, [given_X, Y]), right, 1e-14)


@needs_compiler
def test_what_is_given_is_checked_as_before() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w).compile()
    with pytest.raises(ValueError, match=r"Program.value_and_grad: expected shape \(batch, 2\)"):
        program.value_and_grad([[1.0]], [1.0])


@needs_compiler
def test_parameters_are_read_at_each_call() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    other = pickle.loads(pickle.dumps(program))
    program.compile()
    for p in (program, other):
        p.parameters -= 0.25
    assert program([[1.0, 2.0]], [3.0]) == pytest.approx(other([[1.0, 2.0]], [3.0]), rel=1e-14)


@needs_compiler
def test_a_pickle_holds_the_source_and_can_be_compiled() -> None:
    program = network([3, 4, 2])
    arrays = samples(program, [3, 4, 2], 5)
    expected = results(program, arrays)
    copy = pickle.loads(pickle.dumps(program.compile()))
    assert_close(results(copy, arrays), expected, 0.0)
    assert_close(results(copy.compile(), arrays), expected, 1e-14)


@needs_compiler
def test_a_program_says_that_it_is_compiled_and_is_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    program = network([2, 2, 1])
    assert "compiled" not in repr(program)
    program.compile()
    assert repr(program).endswith(", float64, compiled>")
    assert "compiled" not in repr(pickle.loads(pickle.dumps(program)))
    monkeypatch.setenv("CC", "false")  # it is not called again
    program.compile()


def test_the_c_can_be_read() -> None:
    text = network([784, 16, 16, 10]).c_source
    at = [text.index(part) for part in (
        "typedef double real;", "SHARED int\nmatmul(", "static inline real f_sigmoid(real x_) {",
        "// A1 = sigmoid(X @ W1.T + b1)", "matmul(n, 16, 784, a[1], 784, 1, a[0], 1, 785, ",
        "/* a: parameters, X, Y */\nint value_and_grad(idx n, const real *const *a, real *const",
    )]  # fmt: skip
    assert at == sorted(at)
    assert "typedef float real;" in network([2, 1], "float32").c_source


@needs_compiler
def test_several_outputs_compiled() -> None:
    x, w = Value(2.0, "x"), parameter(3.0, "w")
    program = vectorize([w * x, x, w, exp(x)], [x], [w]).compile()
    np.testing.assert_allclose(program([0.0, 1.0]), [[0, 0, 3, 1], [3, 1, 3, math.e]], rtol=1e-15)


@needs_compiler
def test_equal_products_cancel_exactly() -> None:
    # A processor that multiplies and adds in one step would leave the product's rounding.
    x, y = Value(1.0, "x"), Value(1.0, "y")
    program = vectorize((x * x - y * y).sqrt(), [x, y]).compile()
    v = np.random.default_rng(0).uniform(1.0, 2.0, 50)
    np.testing.assert_array_equal(program(v, v), np.zeros(50))


@needs_compiler
def test_a_sum_over_many_samples_in_float32() -> None:
    sizes, n = [4, 3], 200_000
    program = network(sizes, "float32")
    X, Y = samples(program, sizes, n)
    right = network(sizes)
    right.parameters = program.parameters
    expected = right.value_and_grad(X, Y)[1]
    got = program.compile().value_and_grad(X, Y)[1]
    assert np.abs(got - expected).max() < 1e-6 * np.abs(expected).max()


@needs_compiler
def test_more_inputs_than_a_call_in_c_has_arguments() -> None:
    inputs = [Value(0.0) for _ in range(1100)]
    program = vectorize(ops.sum(inputs), inputs).compile()
    np.testing.assert_allclose(program(*([[1.0, 2.0]] * 1100)), [1100.0, 2200.0])


@needs_compiler
def test_threads_do_not_disturb_each_other() -> None:
    sizes = [20, 16, 3]
    program = network(sizes).compile()
    batches = [samples(program, sizes, n) for n in (3, 50, 200)]
    expected = [results(program, arrays) for arrays in batches]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(200):
            for one, other in zip(results(program, batches[k]), expected[k], strict=True):
                if not np.array_equal(one, other):
                    wrong.append(k)

    threads = [threading.Thread(target=work, args=[k]) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_deep_graph_has_few_kernels() -> None:
    # Compilers take as long as there are different loops, and ever longer for a long function.
    def kernels(depth: int) -> tuple[int, int]:
        weights = [parameter(0.5) for _ in range(depth)]
        v = x = Value(0.3)
        for w in weights:
            v = (v * w).sin()
        text = vectorize(v, [x], weights).c_source
        longest = max(len(part.splitlines()) for part in text.split("\n\n"))
        return text.count("SHARED void"), longest

    assert kernels(50)[0] == kernels(100)[0]
    assert kernels(400)[1] < 150


# Operations of one's own.


def own(arrays: Callable[..., Any], starred: bool = False) -> Program:
    """A program of one operation on two parameters."""
    row = primitive(
        "own_native",
        arguments="x*" if starred else "x y",
        floats=lambda x, y=0.0: 0.0,
        arrays=arrays,
        partials=[lambda z, x: 1.0] if starred else [lambda z, x, y: y, lambda z, x, y: x],
    )
    leaves = [parameter(0.5), parameter(-2.0)]
    v = row(leaves) if starred else row(*leaves)
    return vectorize(v, [], leaves)


SCALE = 1.5


def _inner(x: Any) -> Any:
    return np.sqrt(x * x + SCALE)


def _everything(x: Any, y: Any) -> Any:
    """Whatever can be translated."""
    a, b = y, x
    total = np.where((a > 0.0) & ~(b < 0.0), np.hypot(a, b), -_inner(a)) ** 2.0
    total += np.clip(a, -1.0, 1.0) * np.pi + (1.0 - (a > 0.0)) * abs(a)
    if np.isnan(x).any() or not np.isfinite(y).all():
        total = total + np.inf
    elif (x == 3.0).all():
        return a
    else:
        total = total / np.float64(4.0)
    return total.astype(np.result_type(x)) if (x != 7.0).all() else b


@needs_compiler
@pytest.mark.parametrize(
    "point", [(0.5, -2.0), (0.5, 2.0), (-1.0, 3.0), (3.0, 0.25), (math.nan, 1.0), (1.0, math.inf)]
)
def test_array_forms_of_ones_own(point: tuple[float, float]) -> None:
    program = own(_everything)
    program.parameters = np.array(point)
    expected = program()
    assert program.compile()() == pytest.approx(expected, rel=1e-15, nan_ok=True)


@needs_compiler
def test_a_fold_of_ones_own() -> None:
    norm = primitive(
        "norm_native",
        arguments="x* p",
        fold=(lambda p: 0.0, lambda total, x, p: total + x * x + 0.0 * p),
        partials=[lambda z, x, p: 2.0 * x, lambda z, x, p: 0.0],
    )
    x = [Value(float(i)) for i in range(5)]
    program = vectorize(norm(x, 1.0), [x])
    X = np.arange(15.0).reshape(3, 5)
    expected = program(X)
    np.testing.assert_allclose(program.compile()(X), expected, rtol=1e-14)


def _by_sorting(x: Any, y: Any) -> Any:
    return np.sort(x) * y


def _by_a_method(x: Any, y: Any) -> Any:
    return (x - x.mean()) * y


def _by_bits(x: Any, y: Any) -> Any:
    return np.where((x > 0.0) & y.astype(np.int64), x, y)


def _by_whole_numbers(x: Any, y: Any) -> Any:
    return x.astype(int) + y


def _by_a_loop(x: Any, y: Any) -> Any:
    for _ in range(3):
        x = x * y
    return x


@needs_compiler
@pytest.mark.parametrize(
    ("form", "what"),
    [
        (_by_sorting, r"own_native\w*: 'np.sort\(x\)' has no form in C"),
        (_by_a_method, r"own_native\w*: 'x.mean\(\)' has no form in C"),
        (_by_bits, r"own_native\w*: 'y.astype\(np.int64\)' has no form in C"),
        (_by_whole_numbers, r"own_native\w*: 'x.astype\(int\)' has no form in C"),
        (_by_a_loop, r"own_native\w*: 'for _ in range\(3\):"),
        (
            np.vectorize(lambda x, y: x * y),
            r"own_native\w*: its array form is not in a Python file, or needs",
        ),
    ],
)
def test_what_has_no_form_in_c_is_named_and_runs_as_before(form: Any, what: str) -> None:
    program = own(form)
    expected = results(program, [])
    with pytest.raises(NotImplementedError, match=f"^Program.compile: {what}"):
        program.compile()
    assert_close(results(program, []), expected, 0.0)


# In NumPy true + true is true, and true / true is 1.0 but is an int division in C.
CONDITIONS = [
    "((x > 0) + (y > 0)) * 3.0",
    "np.add(x > 0, y > 0) * 3.0",
    "np.where(x > 0, True, False) + (y > 0)",
    "np.maximum(x > 0, y > 0) + (y > 0)",
    "np.asarray(x > 0) + (y > 0)",
    "((x > 0) if True else (y > 1)) + (y > 0)",
    "np.square(x > 0) + (y > 0) * 1.0",
    "(x > 0) / (y > 0)",
    "-(x > 0)",
    "x & y",
    "~x",
    "(x > 0) | y",
    "(x > 0) and y",
    "x.astype(bool) * 2.0",
    "x.astype(x.dtype, casting='no')",
    "x.astype((x > 0).dtype)",
]


def written(source: str, dtype: str) -> str:
    """The function f of a Python source, in C."""
    scalars = Scalars(dtype)
    scalars.definitions |= functions(source)
    scalars.name("f")
    return scalars.sources[-1]


@pytest.mark.parametrize("text", CONDITIONS)
def test_what_numpy_does_with_conditions_is_refused(text: str) -> None:
    with pytest.raises(UntranslatableError, match=r"^Program.compile: f: "):
        written(f"def f(x, y):\n    return {text}", "float64")


@pytest.mark.parametrize(
    "text", ["x.astype(np.float64) * 1e300", "np.float64(x)", "x.astype(float)"]
)
def test_more_digits_than_the_program_has_are_refused(text: str) -> None:
    source = f"def f(x):\n    return {text}"
    written(source, "float64")
    with pytest.raises(UntranslatableError, match=r"^Program.compile: f: "):
        written(source, "float32")


def _with_more(x: Any, *rest: Any) -> Any:
    return x * rest[0]


def _positional(x: Any, y: Any, /) -> Any:
    return x * y


def _without_an_end(x: Any, y: Any) -> Any:
    if (y < 0.0).all():
        return x * y
    raise ValueError("y is positive")


@needs_compiler
@pytest.mark.parametrize("form", [_with_more, _positional, _without_an_end])
def test_functions_of_other_kinds_are_refused(form: Any) -> None:
    program = own(form)
    expected = program()
    with pytest.raises(UntranslatableError, match=r"^Program.compile: own_native\w*: "):
        program.compile()
    assert program() == expected


def _total(xs: Any) -> Any:
    total = SCALE
    for x in xs:
        total += x
    total *= 2.0
    return total


@needs_compiler
def test_a_starred_form_of_ones_own() -> None:
    program = own(_total, starred=True)
    assert program() == pytest.approx(program.compile()(), rel=1e-15)
    del ops.table["own_native"]
    with pytest.raises(UntranslatableError, match=r"own_native\w*: 'sum\(xs\)' has no form"):
        own(lambda xs: sum(xs), starred=True).compile()


@needs_compiler
def test_an_operation_that_is_gone_from_the_table() -> None:
    program = own(np.vectorize(lambda x, y: x * y))
    copy = pickle.loads(pickle.dumps(program))
    ops.table.clear()
    with pytest.raises(ValueError, match=r"^Program.\w+: own_native\w*: "):
        program.compile()
    # A copy holds what was printed for it; or why it could not be, when it was made.
    with pytest.raises(NotImplementedError, match=r"^Program.compile: own_native\w*: "):
        copy.compile()


# Without a compiler.


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    assert compiler() is None
    with pytest.raises(RuntimeError, match=r"^Program.compile: expected a C compiler as CC, cc"):
        program.compile()
    assert program([[1.0, 2.0]], [3.0]).shape == (1,)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("false", r"\S*false failed: exit status 1\. The program still runs with NumPy$"),
        ("true", "what .*true has made cannot be loaded: "),
        ("no-such-compiler", "expected a C compiler .* CC is 'no-such-compiler', which is not"),
        ('"unclosed', "expected a C compiler "),
    ],
)
def test_a_compiler_that_fails(command: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    monkeypatch.setenv("CC", command)
    with pytest.raises(RuntimeError, match=f"^Program.compile: {why}"):
        program.compile()
    assert program([[1.0, 2.0]], [3.0]).shape == (1,)


@needs_compiler
def test_a_compiler_with_options(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compiler()
    assert found is not None
    monkeypatch.setenv("CC", f"{found[0]} -g0")
    assert compiler() == [found[0], "-g0"]
    assert_close([network([2, 2, 1]).compile()([[0.0, 1.0]], [[1.0]]).shape], [(1,)], 0.0)


@needs_compiler
def test_a_compiler_in_a_folder_with_a_space(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = compiler()
    assert found is not None
    folder = tmp_path / "a folder"
    folder.mkdir()
    own = folder / "my cc"
    own.write_text(f'#!/bin/sh\nexec "{found[0]}" "$@"\n', encoding="utf-8")
    own.chmod(0o755)
    monkeypatch.setenv("CC", str(own))
    assert compiler() == [str(own)]
    assert network([2, 2, 1]).compile()([[0.0, 1.0]], [[1.0]]).shape == (1,)
    monkeypatch.setenv("CC", f"'{own}' -g0")
    assert compiler() == [str(own), "-g0"]


@needs_compiler
def test_without_room_for_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "load", library.load)  # not one that another test has compiled
    monkeypatch.setattr(library.tempfile, "tempdir", str(tmp_path / "gone"))
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    with pytest.raises(RuntimeError, match=r"^Program.compile: the files of the compiler cannot"):
        program.compile()
    assert program([[1.0, 2.0]], [3.0]).shape == (1,)


@needs_compiler
def test_a_library_is_let_go_with_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    right = library._close
    monkeypatch.setattr(library, "_close", lambda handle: (closed.append(handle), right(handle)))
    monkeypatch.setattr(native, "load", library.load)  # which tests keep what they have loaded
    x, w = Value(1.0, "x"), parameter(0.8125, "w")
    program = vectorize(w * x * 0.40625, [x], [w]).compile()
    assert program([2.0]).tolist() == [0.8125 * 2.0 * 0.40625]
    assert not closed
    del program
    gc.collect()
    assert len(closed) == 1


@needs_compiler
def test_a_processor_that_the_compiler_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_PROCESSOR", ("-march=unheard-of", ""))
    program = network([20, 9, 5])
    arrays = samples(program, [20, 9, 5], 11)
    expected = results(program, arrays)
    assert_close(results(program.compile(), arrays), expected, 1e-12)


# Loops and products, each against NumPy.


@given(st.lists(st.integers(1, 4), max_size=4), st.data())
def test_collapsed_loops_go_through_the_same_elements(
    shape: list[int], data: st.DataObject
) -> None:
    n, arrays = 3, []
    for _ in range(2):
        own = tuple(data.draw(st.sampled_from([d, 1])) for d in shape)
        order = data.draw(st.permutations(range(len(own))))
        strides = [0] * len(own)
        for k, axis in enumerate(order):
            strides[axis] = math.prod(own[a] for a in order[k + 1 :])
        batched = data.draw(st.booleans())
        arrays.append(Array("A", own, tuple(strides), math.prod(own) * batched))

    def visited(axes: Any) -> list[tuple[int, ...]]:
        turns = itertools.product(*(range(count * (n if many else 1)) for count, many, _ in axes))
        return [
            tuple(sum(i * own[k] for i, (_, _, own) in zip(turn, axes, strict=True))
                  for k in range(2))
            for turn in turns
        ]  # fmt: skip

    axes = axes_of(tuple(shape), arrays)
    fewer = collapsed(axes)
    assert len(fewer) <= len(axes)
    assert visited(fewer) == visited(axes)


MARGIN = 10_000  # in which a fault of a whole matrix stays
PRODUCT = """
int product(idx rows, idx columns, idx length, const real *a, idx ai, idx ak,
            const real *b, idx bk, idx bj, real *c, idx ci, idx cj) {
    return matmul(rows, columns, length, a, ai, ak, b, bk, bj, c, ci, cj);
}
"""


def product_of(kind: str, old: str = "", new: str = "") -> Any:
    """The product of matrices in C, with a part of it replaced."""
    text = files("micrograd.native").joinpath("kernels.h").read_text(encoding="utf-8")
    assert old in text
    function = library.load(f"typedef {kind} real;\n{text.replace(old, new)}{PRODUCT}").product
    function.argtypes = [ctypes.c_ssize_t] * 3 + [
        ctypes.c_void_p,
        ctypes.c_ssize_t,
        ctypes.c_ssize_t,
    ] * 3
    return function


@pytest.fixture(scope="module")
def products() -> dict[str, Any]:
    return {"float64": product_of("double"), "float32": product_of("float")}


@st.composite
def matrices(draw: st.DrawFn) -> tuple[tuple[int, int, int], list[str], int]:
    """How long the three sides are, how each matrix lies in memory, and a seed."""
    side = st.one_of(st.integers(1, 40), st.sampled_from([1, 7, 8, 9, 16, 17, 31, 32, 33, 70]))
    kinds = st.sampled_from(["plain", "transposed", "gaps", "every other"])
    return (
        draw(st.tuples(side, side, side)),
        draw(st.lists(kinds, min_size=3, max_size=3)),
        draw(st.integers(0, 9)),
    )


def laid_out(rows: int, columns: int, kind: str, dtype: str) -> Any:
    """A matrix of nan in the middle of a memory of nan."""
    wide = {"gaps": columns + 3, "every other": 2 * columns}.get(kind, columns)
    memory = np.full(rows * wide + 2 * MARGIN, np.nan, dtype)
    inside = memory[MARGIN:-MARGIN]
    if kind == "transposed":
        return inside.reshape(columns, rows).T
    return inside.reshape(rows, wide)[:, :: 2 if kind == "every other" else 1][:, :columns]


def check_product(function: Any, case: Any, dtype: str) -> None:
    """C = A B, and nothing else is written."""
    (i, j, k), kinds, seed = case
    rng = np.random.default_rng(seed)
    sides = [(i, k), (k, j), (i, j)]
    a, b, c = (laid_out(*side, kind, dtype) for side, kind in zip(sides, kinds, strict=True))
    a[...], b[...] = rng.integers(-9, 9, a.shape), rng.integers(-9, 9, b.shape)
    arguments: list[Any] = []
    for m in (a, b, c):
        arguments += [m.ctypes.data, *(s // m.itemsize for s in m.strides)]
    assert function(i, j, k, *arguments) == 0
    np.testing.assert_array_equal(c, a @ b)
    for m in (a, b, c):
        assert np.isfinite(m.base).sum() == m.size


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=400)
@given(case=matrices())
def test_products_of_matrices(products: Any, dtype: str, case: Any) -> None:
    check_product(products[dtype], case, dtype)


# Faults that are planted are found.

KERNEL_FAULTS = {
    "a panel too far": ("copy + (j - whole) * K", "copy + (j - whole) * K + (j > whole)"),
    "gaps within a row": ("bj == 1 ? J / width * width : 0", "J / width * width"),
    "half of a tile": ("if (wide) c[r][1] += x * b1;", "if (wide) c[r][1] += x * b0;"),
    "the last term": ("k < K && k < k0 + 16", "k < K - 1 && k < k0 + 16"),
    "more than there is room for": ("J - j < width ? J - j : width", "width"),
}


@needs_compiler
@pytest.mark.parametrize("fault", list(KERNEL_FAULTS))
def test_a_fault_in_the_product_is_found(fault: str) -> None:
    function = product_of("double", *KERNEL_FAULTS[fault])

    @settings(max_examples=1000, phases=[Phase.generate], report_multiple_bugs=False)
    @given(matrices())
    def search(case: Any) -> None:
        check_product(function, case, "float64")

    with pytest.raises(AssertionError):
        search()


def plant_wrong_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that is read only the first element."""
    right = loops_module.collapsed

    def wrong(axes: Any) -> Any:
        return [(count, many, [to, *(0 for _ in read)]) for count, many, (to, *read) in right(axes)]

    monkeypatch.setattr(loops_module, "collapsed", wrong)


def plant(table: dict[Any, str], key: Any, text: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setitem(table, key, text)


def plant_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added is written instead."""
    right, by_table = Loops.write, Loops.by_table

    def write(self: Loops, *arguments: Any, **options: Any) -> None:
        right(self, *arguments[:4])

    def put(self: Loops, target: Array, source: Array, table: str, scatter: str = "") -> None:
        by_table(self, target, source, table, scatter and "=")

    monkeypatch.setattr(Loops, "write", write)
    monkeypatch.setattr(Loops, "by_table", put)


def plant_late_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches that end where they begin."""
    right = Loops.segments
    monkeypatch.setattr(
        Loops,
        "segments",
        lambda self, to, array, starts, ends, largest: right(
            self, to, array, starts, starts, largest
        ),
    )


def plant_tables_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Tables.indices
    monkeypatch.setattr(Tables, "indices", lambda self, x: right(self, np.ravel(x)[::-1]))


def plant_everything_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are written where they are scattered to, though others were there before."""
    right = as_c.firsts
    monkeypatch.setattr(as_c, "firsts", lambda step: ([True] * len(step.operands), right(step)[1]))


def plant_no_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is filled with zeros before some of it is written."""
    right = as_c.firsts
    monkeypatch.setattr(as_c, "firsts", lambda step: (right(step)[0], True))


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "strides": plant_wrong_strides,
    "what is added": plant_overwritten,
    "uneven sums": plant_late_segments,
    "a function": plant(FUNCTIONS, "tanh", "sinh({0})"),
    "the other of two": plant(FUNCTIONS, "where", "({0} ? {2} : {1})"),
    "a table backwards": plant_tables_backwards,
    "added to nothing": plant_everything_in_place,
    "no zeros": plant_no_zeros,
}


@needs_compiler
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_in_the_translation_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[fault](monkeypatch)

    having = {"uneven sums": "reduceat", "a table backwards": "I_1"}.get(fault, "")
    with pytest.raises(AssertionError):
        check_compiled(300, cases(special=False), having=having)


# What is written.


def test_equal_loops_are_written_once() -> None:
    loops = Loops(kernels := Kernels())
    A, B = Array("A", (4,), (1,)), Array("B", (4,), (1,))
    loops.write(A, "(2 * {0})", [B])
    loops.write(B, "(2 * {0})", [A])
    loops.write(A, "(2 * {0})", [A])  # in place
    assert loops.lines == ["k1(n, A, B);", "k1(n, B, A);", "k2(n, A);"]
    assert len(kernels.sources) == 2


def test_arity_counts_different_slots() -> None:
    assert [arity(FUNCTIONS[n]) for n in ("isnan", "where", "exp")] == [1, 3, 1]


def test_numpy_functions_are_numpys() -> None:
    known = {n for n in FUNCTIONS if not hasattr(np, n)}
    assert not known


@needs_compiler
def test_every_numpy_function_on_special_numbers() -> None:
    points = [0.0, -0.0, 0.3, -0.7, 1.0, 2.5, -3.0, math.inf, -math.inf, math.nan, 1e300]
    grid = np.array(list(itertools.product(points, repeat=3)))
    names = sorted(FUNCTIONS)
    calls = [f"1.0 * np.{n}({', '.join('xyz'[: arity(FUNCTIONS[n])])})" for n in names]
    calls = [c.replace("np.where(x", "np.where(x != 0.0") for c in calls]
    source = "\n".join(
        f"def f_{n}(x, y, z):\n    return {c}" for n, c in zip(names, calls, strict=True)
    )
    scalars = Scalars("float64")
    scalars.definitions |= functions(source)
    loop = "    for (idx i = 0; i < n; i++) out[{} * n + i] = {}(x[i], y[i], z[i]);"
    lines = [loop.format(k, scalars.name(f"f_{n}")) for k, n in enumerate(names)]
    head = files("micrograd.native").joinpath("kernels.h").read_text(encoding="utf-8")
    body = "void all(idx n, const real *x, const real *y, const real *z, real *out) {"
    text = "\n".join(["typedef double real;", head, *scalars.sources, body, *lines, "}"])
    call = library.load(text).all
    out = np.empty((len(names), len(grid)))
    columns = [np.ascontiguousarray(c) for c in grid.T]
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in [*columns, out]]
    call(ctypes.c_ssize_t(len(grid)), *pointers)
    namespace = run("import numpy as np\n" + source)
    for name, got in zip(names, out, strict=True):
        with np.errstate(all="ignore"):
            right = namespace[f"f_{name}"](*columns)
        np.testing.assert_allclose(got, right, rtol=1e-14, atol=1e-14, err_msg=name)


def test_scalars_are_written_once() -> None:
    scalars = Scalars("float64")
    scalars.definitions |= functions(
        "def f(x):\n    return g(x) + g(2.0)\ndef g(x):\n    return -x"
    )
    assert scalars.name("f") == scalars.name("f") == "f_f"
    assert [source.split("(")[0].split()[-1] for source in scalars.sources] == ["f_g", "f_f"]
