"""The table of primitives, row by row, on each row's own domain.

Every check is a plain function of a row, a reference and points. It is called
on all rows as they are, and on rows with an error planted, where it must fail.
"""

from __future__ import annotations

import builtins
import dis
import itertools
import math
import types
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from micrograd import Value, exp, grad, log, ops, primitive, value
from micrograd.generate import compile_row, pull_source, record_source
from micrograd.ops import Primitive
from tests.graphs import (
    REFERENCES,
    ROWS,
    exact_derivative,
    exactly,
    flat,
    points,
    shaped,
    stars,
    ulps,
)

Points = Sequence[tuple[Any, ...]]

EVERY_ROW = pytest.mark.parametrize("name", list(ROWS))


def apply_to_values(row: Primitive, point: Sequence[Any]) -> tuple[Value, list[Value]]:
    """The row applied to leaves, and the leaves in one list."""
    leaves = [Value(x) for x in flat(row, point)]
    return row(*shaped(row, leaves, point)), leaves


# The checks.


def check_floats_against_reference(row: Primitive, reference: Any, at: Points) -> None:
    for point in at:
        expected = float(exactly(reference, row, point))
        # The largest error of a libm function or of a few roundings.
        assert row(*point) == pytest.approx(expected, rel=1e-14, abs=1e-14), point


def check_floats_against_arrays(row: Primitive, reference: Any, at: Points) -> None:
    lengths = {len(flat(row, point)) for point in at}
    for length in lengths:
        same = [point for point in at if len(flat(row, point)) == length]
        columns = [np.array(c) for c in zip(*(flat(row, point) for point in same), strict=True)]
        results = row(*shaped(row, columns, same[0]))
        assert results.shape == (len(same),)
        for point, result in zip(same, results, strict=True):
            # NumPy has vector code of its own for exp, tanh and others.
            assert ulps(row(*point), result) <= 4, point
        # The partial derivatives serve arrays as well.
        for k, one in enumerate(row.partials):
            nested = shaped(row, columns, same[0])
            views = row.elements(nested) if row.starred[k] else [nested]
            for i, view in enumerate(views):
                slopes = np.broadcast_to(one(results, *view), len(same))
                for point, slope in zip(same, slopes, strict=True):
                    expected = row.slopes(row(*point), *point)[k]
                    wanted = expected[i] if row.starred[k] else expected
                    assert slope == pytest.approx(wanted, rel=1e-13, abs=1e-13), point


def check_slopes_against_differences(row: Primitive, reference: Any, at: Points) -> None:
    h = 1e-5
    for point in at:
        slopes = flat(row, row.slopes(row(*point), *point))
        numbers = flat(row, point)
        for i, slope in enumerate(slopes):
            above, below = list(numbers), list(numbers)
            above[i] += h
            below[i] -= h
            difference = row(*shaped(row, above, point)) - row(*shaped(row, below, point))
            numeric = difference / (above[i] - below[i])
            # Curvature adds 1e-10 times the third derivative, which x ** y has
            # up to 1e6 of; rounding adds 1e-16 / 1e-5 times the result.
            assert slope == pytest.approx(numeric, rel=1e-6, abs=1e-8), (point, i)


def check_slopes_against_reference(row: Primitive, reference: Any, at: Points) -> None:
    for point in at:
        slopes = flat(row, row.slopes(row(*point), *point))
        for i, slope in enumerate(slopes):
            expected = float(exact_derivative(reference, row, point, [i]))
            assert slope == pytest.approx(expected, rel=1e-12, abs=1e-13), (point, i)


def check_engine_against_reference(row: Primitive, reference: Any, at: Points) -> None:
    for point in at:
        z, leaves = apply_to_values(row, point)
        expected = float(exactly(reference, row, point))
        assert z.data == pytest.approx(expected, rel=1e-14, abs=1e-14), point
        (3.0 * z).backward()
        for i, leaf in enumerate(leaves):
            slope = float(exact_derivative(reference, row, point, [i]))
            assert leaf.grad == pytest.approx(3.0 * slope, rel=1e-12, abs=1e-13), (point, i)


def check_grad_against_reference(row: Primitive, reference: Any, at: Points) -> None:
    for point in at:
        z, leaves = apply_to_values(row, point)
        for i, slope in enumerate(grad(z, leaves)):
            expected = float(exact_derivative(reference, row, point, [i]))
            assert slope.data == pytest.approx(expected, rel=1e-12, abs=1e-13), (point, i)


def check_second_derivatives_against_reference(row: Primitive, reference: Any, at: Points) -> None:
    for point in at:
        z, leaves = apply_to_values(row, point)
        for i, slope in enumerate(grad(z, leaves)):
            for j, second in enumerate(grad(slope, leaves)):
                expected = float(exact_derivative(reference, row, point, [i, j]))
                assert second.data == pytest.approx(expected, rel=1e-11, abs=1e-12), (point, i, j)


CHECKS_OF_SLOPES = [
    check_slopes_against_differences,
    check_slopes_against_reference,
    check_engine_against_reference,
    check_grad_against_reference,
]
CHECKS = [
    check_floats_against_reference,
    check_floats_against_arrays,
    *CHECKS_OF_SLOPES,
    check_second_derivatives_against_reference,
]
EVERY_CHECK = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__[6:])


# On all rows as they are.


@EVERY_CHECK
@EVERY_ROW
def test_every_row_passes(name: str, check: Callable[..., None]) -> None:
    check(ROWS[name], REFERENCES[name], points(ROWS[name]))


def test_every_row_has_a_reference_and_every_reference_a_row() -> None:
    assert set(ROWS) == set(REFERENCES)


def test_the_table_has_the_rows_that_the_design_names() -> None:
    wanted = "add sub mul div pow neg exp log sqrt sin cos tanh sigmoid relu abs maximum minimum"
    assert set(wanted.split()) | {"sum", "affine", "squared_error"} <= set(ROWS)


@EVERY_ROW
def test_the_points_of_a_row_visit_every_interval_of_its_domain(name: str) -> None:
    row = ROWS[name]
    for position, domain in enumerate(row.domain):
        for low, high in domain:
            arguments = [point[position] for point in points(row)]
            numbers = [x for a in arguments for x in (a if row.starred[position] else [a])]
            assert any(low <= x <= high for x in numbers)


@EVERY_ROW
def test_a_row_is_named_as_in_the_table_and_declares_one_of_everything(name: str) -> None:
    row = ROWS[name]
    assert row.name == name
    assert ops.lookup(name) is row
    assert len(row.arguments) == len(row.partials) == len(row.domain) == len(row.starred) > 0
    assert repr(row) == f"<primitive {name}>"


def globals_read(code: types.CodeType) -> set[str]:
    """The global names that a function, and the functions in it, look up."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return names.union(*map(globals_read, inner))


@EVERY_ROW
def test_the_generated_source_compiles_and_every_name_in_it_is_known(name: str) -> None:
    row = ROWS[name]
    for source in record_source(row), pull_source(row):
        compile(source, name, "exec")
    namespace = dict.fromkeys(("Value", "constant", "new", "lift", "shares", "watch"))
    for function in compile_row(row, namespace):
        assert globals_read(function.__code__) <= set(namespace) | set(vars(builtins))


# With an error planted.


def planted(row: Primitive, **changed: Any) -> Primitive:
    """A copy of a row, under a name of its own, with something changed."""
    forward = {"fold": row.fold} if row.fold else {"floats": row.floats, "arrays": row.arrays}
    if row.fold and ("floats" in changed or "arrays" in changed):
        forward = {"floats": row.floats, "arrays": row.arrays}
    same = {"partials": row.partials, "arguments": stars(row), "domain": row.domain}
    ops.table.pop("planted", None)
    return primitive("planted", **(forward | same | changed))


def passes(check: Callable[..., None], row: Primitive, reference: Any, at: Points) -> bool:
    try:
        check(row, reference, at)
    except AssertionError:
        return False
    return True


WRONG = {
    "times 1.01": lambda slope: slope * 1.01,
    "plus 0.01": lambda slope: slope + 0.01,
    "sign flipped": lambda slope: -slope,
    "zero": lambda slope: 0.0,
    "one": lambda slope: 1.0,
}
EVERY_PARTIAL = [(name, i) for name, row in ROWS.items() for i in range(len(row.partials))]
# Derivatives that are the same everywhere, so that some changes change nothing.
ZERO = {("step", 0), ("equal", 0), ("equal", 1), ("where", 0)}
ONE = {("add", 0), ("add", 1), ("sub", 0), ("sum", 0), ("affine", 2)}


def corrupted(name: str, i: int, how: str) -> Primitive:
    """The row with one partial derivative wrong."""
    row = ROWS[name]
    partials = list(row.partials)
    right, wrong = partials[i], WRONG[how]
    partials[i] = lambda *arguments: wrong(right(*arguments))
    return planted(row, partials=partials)


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize(("name", "i"), EVERY_PARTIAL)
def test_a_corrupted_partial_is_found_by_every_check_of_derivatives(
    name: str, i: int, how: str
) -> None:
    no_change = (name, i) in ZERO and how != "plus 0.01" and how != "one"
    no_change |= (name, i) in ONE and how == "one"
    row = corrupted(name, i, how)
    for check in CHECKS_OF_SLOPES:
        assert passes(check, row, REFERENCES[name], points(row)) == no_change, check.__name__


@pytest.mark.parametrize("name", ROWS)
def test_a_copy_without_an_error_passes(name: str) -> None:
    # So it is the planted error that is found, and not the planting.
    row = planted(ROWS[name])
    for check in CHECKS:
        check(row, REFERENCES[name], points(row, 4))


@pytest.mark.parametrize("form", ["floats", "arrays"])
@EVERY_ROW
def test_a_corrupted_forward_form_is_found(name: str, form: str) -> None:
    row = ROWS[name]
    right = getattr(row, form)
    wrong = planted(row, **{form: lambda *arguments: right(*arguments) + 1e-6})
    reference, at = REFERENCES[name], points(row)
    assert not passes(check_floats_against_arrays, wrong, reference, at)
    found = not passes(check_floats_against_reference, wrong, reference, at)
    assert found == (form == "floats")


@EVERY_ROW
def test_a_wrong_second_derivative_is_found(name: str) -> None:
    row, reference = ROWS[name], REFERENCES[name]

    def curved(*arguments: Any) -> Any:
        first = arguments[0][0] if row.starred[0] else arguments[0]
        return reference(*arguments) + first * first / 100

    check = check_second_derivatives_against_reference
    assert not passes(check, row, curved, points(row))


def curved_slope(z: Any, x: Any) -> Any:
    """The slope of sine, but for Values one whose own slope is off by 0.01."""
    return ops.cos(x) + 0.01 * (x - x.data) if isinstance(x, Value) else ops.cos(x)


def test_a_partial_that_is_right_but_cannot_be_differentiated_is_found() -> None:
    row = planted(ROWS["sin"], partials=[curved_slope])
    reference, at = REFERENCES["sin"], points(row)
    check_slopes_against_reference(row, reference, at)
    check_grad_against_reference(row, reference, at)
    assert not passes(check_second_derivatives_against_reference, row, reference, at)


# Rows from outside: nothing but the declaration is needed.


def unary() -> tuple[Primitive, Any]:
    row = primitive(
        "bent",
        floats=lambda x: math.log1p(math.exp(x)),
        arrays=lambda x: np.logaddexp(0.0, x),
        partials=[lambda z, x: 1.0 / (1.0 + exp(-x))],
    )
    return row, lambda x: mpmath.log(1 + mpmath.exp(x))


def binary() -> tuple[Primitive, Any]:
    row = primitive(
        "hypotenuse",
        symbol="hyp",
        floats=math.hypot,
        arrays=np.hypot,
        partials=[lambda z, x, y: x / z, lambda z, x, y: y / z],
        domain=[[(-3.0, -0.1), (0.1, 3.0)], (0.5, 2.0)],
    )
    return row, lambda x, y: mpmath.sqrt(x * x + y * y)


def ternary() -> tuple[Primitive, Any]:
    row = primitive(
        "fused",
        arguments="p q r",
        floats=lambda p, q, r: p * q + r,
        arrays=lambda p, q, r: p * q + r,
        partials=[lambda z, p, q, r: q, lambda z, p, q, r: p, lambda z, p, q, r: 1.0],
    )
    return row, lambda p, q, r: p * q + r


def nary_of_floats_and_arrays() -> tuple[Primitive, Any]:
    row = primitive(
        "log_sum_exp",
        arguments=["x*"],
        floats=lambda x: math.log(sum(map(math.exp, x))),
        arrays=lambda x: np.log(sum(map(np.exp, x))),
        partials=[lambda z, x: exp(x - z)],
    )
    return row, lambda x: mpmath.log(mpmath.fsum(map(mpmath.exp, x)))


def nary_of_a_fold() -> tuple[Primitive, Any]:
    row = primitive(
        "weighted_squares",
        arguments="w* x* b",
        fold=(lambda b: b * b, lambda total, w, x, b: total + w * x * x),
        partials=[
            lambda z, w, x, b: x * x,
            lambda z, w, x, b: 2.0 * w * x,
            lambda z, w, x, b: 2.0 * b,
        ],
    )
    return row, lambda w, x, b: b * b + mpmath.fdot(w, [e * e for e in x])


def nary_of_a_fold_with_functions() -> tuple[Primitive, Any]:
    row = primitive(
        "log_likelihood",
        arguments="x*",
        fold=(lambda: 0.0, lambda total, x: total + log(x)),
        partials=[lambda z, x: 1.0 / x],
        domain=[(0.2, 3.0)],
    )
    return row, lambda x: mpmath.fsum(map(mpmath.log, x))


def nary_with_a_partner_in_every_slope() -> tuple[Primitive, Any]:
    row = primitive(
        "scaled_sum",
        arguments="s x*",
        fold=(lambda s: 0.0, lambda total, s, x: total + s * x),
        partials=[lambda z, s, x: z / s, lambda z, s, x: s],
        domain=[(0.5, 2.0), (-2.0, 2.0)],
    )
    return row, lambda s, x: s * mpmath.fsum(x)


OUTSIDE = [
    unary,
    binary,
    ternary,
    nary_of_floats_and_arrays,
    nary_of_a_fold,
    nary_of_a_fold_with_functions,
    nary_with_a_partner_in_every_slope,
]


@EVERY_CHECK
@pytest.mark.parametrize("declare", OUTSIDE, ids=lambda declare: declare.__name__)
def test_a_row_from_outside_passes_the_same_checks(
    declare: Callable[[], Any], check: Callable[..., None]
) -> None:
    row, reference = declare()
    check(row, reference, points(row))
    assert ops.table[row.name] is row


def test_a_row_from_outside_shows_its_own_symbol_and_arguments() -> None:
    row, _ = binary()
    x, y = Value(3.0), Value(4.0)
    z = row(x, y)
    assert (z.data, z._op, z.op, z.parents) == (5.0, "hyp", row, (x, y))
    assert row.latex.format(x="a", y="b") == r"\operatorname{hypotenuse}(a, b)"


def test_a_row_whose_floats_raise_has_the_result_of_its_arrays() -> None:
    row = primitive(
        "reciprocal_root",
        floats=lambda x: 1.0 / math.sqrt(x),
        arrays=lambda x: 1.0 / np.sqrt(x),
        partials=[lambda z, x: -0.5 * z / x],
        domain=[(0.2, 3.0)],
    )
    assert row(0.0) == math.inf
    assert math.isnan(row(-1.0))
    zero, negative = Value(0.0), Value(-1.0)
    (row(zero) + row(negative)).backward()
    assert row(zero).data == math.inf
    assert zero.grad == -math.inf
    assert math.isnan(row(negative).data)
    assert math.isnan(negative.grad)


def test_a_row_takes_a_star_of_any_length_even_none() -> None:
    total = ops.sum([])
    assert total == 0.0
    bias = Value(2.0)
    z = ops.affine([], [], bias)
    z.backward()
    assert (z.data, bias.grad, z.parents) == (2.0, 1.0, (bias,))
    assert [g.data for g in grad(z, [bias])] == [1.0]


NAMES = ["g", "node", "data", "slope", "slope0", "each_x", "z", "v", "new", "type", "zip"]


@pytest.mark.parametrize("name", [*NAMES, "Value", "lift", "slopes", "watch", "Constants"])
def test_an_argument_may_have_any_name(name: str) -> None:
    row = primitive(
        "named",
        arguments=[name, "other"],
        floats=lambda x, y: math.exp(x) * y,
        arrays=lambda x, y: np.exp(x) * y,
        partials=[lambda z, x, y: z, lambda z, x, y: exp(x)],
    )
    a, b = Value(0.5), Value(3.0)
    z = row(a, b)
    assert z.parents == (a, b)
    z.backward()
    assert (a.grad, b.grad) == pytest.approx((3.0 * math.exp(0.5), math.exp(0.5)))
    starred = primitive(
        "starred",
        arguments=[f"{name}*", "other"],
        fold=(lambda y: y, lambda total, x, y: total + x * x),
        partials=[lambda z, x, y: 2.0 * x, lambda z, x, y: 1.0],
    )
    a, b = Value(0.5), Value(3.0)
    z = starred([a], b)
    assert z.parents == (a, b)
    z.backward()
    assert (z.data, a.grad, b.grad) == (3.25, 1.0, 1.0)


@pytest.mark.parametrize("name", ["g", "z", "node", "slope", "share", "share0", "x"])
def test_an_argument_may_have_any_name_where_float_operations_raise_too(name: str) -> None:
    row = primitive(
        "named_log",
        arguments=[name, "other"],
        floats=lambda x, y: math.log(x) * y,
        arrays=lambda x, y: np.log(x) * y,
        partials=[lambda z, x, y: y / x, lambda z, x, y: z / y],
    )
    a, b = Value(0.0), Value(3.0)
    z = row(a, b)
    (2.0 * z).backward()
    assert (z.data, a.grad, b.grad) == (-math.inf, math.inf, -math.inf)
    assert z.local_derivatives() == [math.inf, -math.inf]


@pytest.mark.parametrize("x", [2.0, 0.0])
def test_a_partial_may_be_written_with_sums(x: float) -> None:
    # At 0 the division raises, and the slopes are worked out another way.
    row = primitive(
        "summed",
        floats=lambda x, y: x * y,
        arrays=lambda x, y: x * y,
        partials=[
            lambda z, x, y: ops.sum([1.0 / x, y]),
            lambda z, x, y: ops.affine([x, 2.0], [y, 1.0 / x], x),
        ],
    )
    a, b = Value(x), Value(3.0)
    row(a, b).backward()
    reciprocal = 1.0 / x if x else math.inf
    assert (a.grad, b.grad) == (reciprocal + 3.0, 3.0 * x + 2.0 * reciprocal + x)
    assert [v.data for v in grad(row(a, b), [a, b])] == [a.grad, b.grad]


def test_a_row_declared_anew_leaves_the_one_before_it_as_it_was() -> None:
    # As when the cell of a notebook is run again with something changed.
    def scaled(factor: float) -> Primitive:
        ops.table.pop("scaled", None)
        return primitive(
            "scaled",
            floats=lambda x: factor * x,
            arrays=lambda x: factor * x,
            partials=[lambda z, x: factor],
        )

    double = scaled(2.0)
    x = Value(1.0)
    before = double(x)
    triple = scaled(3.0)
    assert triple(x).data == 3.0
    for row, z, factor in (double, before, 2.0), (double, double(x), 2.0), (triple, triple(x), 3.0):
        x.grad = 0.0
        z.backward()
        assert (z.data, x.grad, z.op) == (factor, factor, row)


CONSTANTS = {
    "int": 2,
    "float": 0.5,
    "numpy": np.float64(0.5),
    "inf": math.inf,
    "-inf": -math.inf,
    "nan": math.nan,
}


@pytest.mark.parametrize("constant", CONSTANTS.values(), ids=CONSTANTS)
def test_a_partial_may_be_any_constant(constant: float) -> None:
    row = primitive(
        "steep", floats=lambda x: x, arrays=lambda x: x, partials=[lambda z, x: constant]
    )
    x = Value(1.0)
    row(x).backward()
    assert ulps(x.grad, float(constant)) == 0


@pytest.mark.parametrize("constant", CONSTANTS.values(), ids=CONSTANTS)
def test_a_partial_may_compute_with_any_constant(constant: float) -> None:
    row = primitive(
        "steeper", floats=lambda x: x, arrays=lambda x: x, partials=[lambda z, x: x * constant]
    )
    x = Value(3.0)
    row(x).backward()
    assert ulps(x.grad, 3.0 * float(constant)) == 0


# Declarations that cannot be right.

FORWARD: dict[str, Any] = {"floats": math.exp, "arrays": np.exp}
SLOPE: dict[str, Any] = {"partials": [lambda z, x: z]}


@pytest.mark.parametrize(
    ("error", "says", "declaration"),
    [
        (ValueError, "already a primitive named 'exp'", {"name": "exp"}),
        (ValueError, "identifier for name, got 'two words'", {"name": "two words"}),
        (ValueError, "identifier for name, got 'lambda'", {"name": "lambda"}),
        (ValueError, "identifier for name, got ''", {"name": ""}),
        (TypeError, "function for floats, got 3", {"floats": 3}),
        (TypeError, "function for arrays, got 'np.exp'", {"arrays": "np.exp"}),
        (TypeError, r"function for partials\[0\], got 1.0", {"partials": [1.0]}),
        (TypeError, "either floats and arrays, or fold", {"floats": None}),
        (TypeError, "either floats and arrays, or fold", {"arrays": None}),
        (TypeError, "either floats and arrays, or fold", {"fold": (float, float)}),
        (ValueError, "2 arguments, 1 partial", {"arguments": "x y"}),
        (ValueError, "1 arguments, 1 partial derivatives and 2 domains", {"domain": [(0, 1)] * 2}),
        (ValueError, "0 partial", {"partials": [], "arguments": "x"}),
        (
            TypeError,
            r"expected partials\[0\] to be a function of \(z, x\), got one of \(x\)",
            {"partials": [lambda x: x]},
        ),
        (
            TypeError,
            r"partials\[1\] to be a function of \(z, w, x, b\), got one of \(z, x, y\)",
            {
                "arguments": "w* x* b",
                "partials": [lambda z, *_: z, lambda z, x, y: z, lambda z, *_: z],
                "floats": lambda w, x, b: b,
                "arrays": lambda w, x, b: b,
            },
        ),
        (
            TypeError,
            r"expected floats to be a function of \(x\), got one of \(x, y\)",
            {"floats": lambda x, y: x},
        ),
        (TypeError, r"expected floats to be a function of \(x\), got", {"floats": math.pow}),
        (TypeError, r"expected arrays to be a function of \(x\), got", {"arrays": lambda: 0.0}),
    ],
)
def test_a_bad_declaration_is_refused_and_leaves_no_row(
    error: type[Exception], says: str, declaration: dict[str, Any]
) -> None:
    before = dict(ops.table)
    wrong = {"name": "brand_new"} | FORWARD | SLOPE | declaration
    with pytest.raises(error, match=says):
        primitive(wrong.pop("name"), **wrong)
    assert ops.table == before


def test_functions_that_do_not_say_what_they_take_and_those_with_defaults_are_accepted() -> None:
    row = primitive(
        "brand_new", floats=max, arrays=np.maximum, partials=[lambda z, x, y, k=1.0: k] * 2
    )
    assert row(1.0, 2.0) == 2.0


@pytest.mark.parametrize("arguments", ["x-1", "lambda", "1", "*"])
def test_an_argument_that_is_no_identifier_is_refused(arguments: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        primitive("brand_new", arguments=arguments, **FORWARD, **SLOPE)


def test_two_arguments_of_one_name_are_refused() -> None:
    slope = SLOPE["partials"][0]
    with pytest.raises(ValueError, match="x"):
        primitive("brand_new", arguments="x x", partials=[slope, slope], **FORWARD)


def test_a_row_without_arguments_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        primitive("brand_new", floats=lambda: 1.0, arrays=lambda: 1.0, partials=[])


def test_an_unknown_name_says_how_to_add_a_row() -> None:
    with pytest.raises(KeyError, match=r"'bent'.*micrograd\.primitive"):
        ops.lookup("bent")


# Calling a row.


@pytest.mark.parametrize("argument", ["x", 1j, None, object(), [1.0], np.complex128(1j)])
@pytest.mark.parametrize("other", [1.0, Value(1.0), np.ones(2)])
def test_a_row_refuses_what_is_no_number_and_names_it(argument: Any, other: Any) -> None:
    for arguments in itertools.permutations([argument, other]):
        with pytest.raises(TypeError, match=f"mul.*{type(argument).__name__}"):
            ops.mul(*arguments)


def test_a_row_refuses_a_wrong_number_of_arguments() -> None:
    with pytest.raises(TypeError, match=r"mul: expected 2 arguments \(x, y\), got 1"):
        ops.mul(Value(1.0))
    with pytest.raises(TypeError, match=r"exp: expected 1 arguments \(x\), got 2"):
        ops.exp(1.0, 2.0)


@pytest.mark.parametrize("wrong", [1.0, Value(1.0), "ab", None])
def test_a_starred_argument_is_a_sequence(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"sum: expected a sequence for x, got "):
        ops.sum(wrong)


def test_starred_arguments_of_different_length_are_refused() -> None:
    x = Value(1.0)
    with pytest.raises(ValueError, match="affine: w has 2 elements but x has 1"):
        ops.affine([x, x], [x], x)


def test_an_element_that_is_no_number_is_named_by_its_index() -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"affine: .*x\[1\], got str 'y'"):
        ops.affine([x, x], [x, "y"], x)


@EVERY_ROW
def test_a_row_gives_a_float_for_numbers_an_array_for_arrays_and_a_value_for_values(
    name: str,
) -> None:
    row = ROWS[name]
    point = points(row, 1)[0]
    arrays = [np.array([x, x]) for x in flat(row, point)]
    assert type(row(*point)) is float
    assert type(row(*shaped(row, arrays, point))) is np.ndarray
    assert type(apply_to_values(row, point)[0]) is Value


def test_rows_compile_once() -> None:
    # A row's two functions are kept: recording a million nodes must not
    # compile them a million times.
    assert value.recorder(ops.exp) is value.recorder(ops.exp)


@pytest.mark.parametrize(
    ("functions", "says"),
    [
        ({"partials": [lambda x, z: 0.5 / z]}, r"partials\[0\] .* order \(z, x\), got \(x, z\)"),
        (
            {
                "arguments": "w x",
                "floats": lambda x, w: x / w,
                "partials": [lambda z, w, x: 1.0, lambda z, w, x: 1.0],
            },
            r"floats .* order \(w, x\), got \(x, w\)",
        ),
    ],
)
def test_arguments_in_another_order_are_refused(functions: Any, says: str) -> None:
    given: Any = {"floats": math.sqrt, "arrays": np.sqrt} | functions
    with pytest.raises(TypeError, match=f"^primitive swapped: expected {says}"):
        primitive("swapped", **given)
    # other names say nothing of the order
    row = primitive(
        "named", floats=math.sqrt, arrays=np.sqrt, partials=[lambda result, at: 0.5 / result]
    )
    assert row.slopes(2.0, 4.0) == [0.25]


def test_a_fold_that_overflows_on_the_way_is_infinite() -> None:
    total = primitive(
        "exponentials",
        arguments="x*",
        fold=(lambda: 0.0, lambda total, x: total + exp(x)),
        partials=[lambda z, x: exp(x)],
    )
    x = [Value(1000.0), Value(0.0)]
    z = total(x)
    z.backward()
    assert (z.data, x[0].grad, x[1].grad) == (math.inf, math.inf, 1.0)


@pytest.mark.parametrize("name", ["zip", "type", "shares", "new", "inf", "Deciding"])
def test_an_argument_may_be_called_as_something_the_generated_code_needs(name: str) -> None:
    row = primitive(
        "weighted_here",
        arguments=f"{name}* x*",
        fold=(lambda: 0.0, lambda total, w, x: total + exp(w) * x),
        partials=[lambda z, w, x: exp(w) * x, lambda z, w, x: exp(w)],
    )
    w, x = [Value(0.0), Value(1000.0)], [Value(2.0), Value(3.0)]
    z = row(w, x)
    z.backward()
    assert (z.data, [v.grad for v in x]) == (math.inf, [1.0, math.inf])


def test_a_slope_by_cases_that_is_zero_stops_an_infinite_gradient_in_grad_too() -> None:
    row = primitive(
        "half_a_square",
        floats=lambda x: 0.5 * x * x if x > 0.0 else 0.0,
        arrays=lambda x: 0.5 * np.square(np.maximum(x, 0.0)),
        partials=[lambda z, x: ops.where(ops.step(x), x, 0.0)],
    )
    for upstream in math.inf, math.nan:
        x = Value(-1.0)
        z = row(x) * upstream
        z.backward()
        assert x.grad == grad(z, x).data == 0.0
