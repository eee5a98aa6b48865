"""Operations of one's own: what is wrong with one is said when it is declared."""

from __future__ import annotations

import builtins
import copy
import html
import keyword
import math
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from micrograd import Value, exp, grad, ops, primitive, sin, vectorize
from micrograd.ops import ATOM, SUM, Primitive
from micrograd.primitive import Printed
from viz import draw, explain, page

UNARY: dict[str, Any] = {"floats": math.exp, "arrays": np.exp, "partials": [lambda z, x: z]}
BINARY: dict[str, Any] = {
    "arguments": "rate x",
    "floats": lambda rate, x: rate * x,
    "arrays": lambda rate, x: rate * x,
    "partials": [lambda z, rate, x: x, lambda z, rate, x: rate],
}
STARRED: dict[str, Any] = {
    "arguments": "w* b",
    "fold": (lambda b: b, lambda total, w, b: total + w * b),
    "partials": [lambda z, w, b: b, lambda z, w, b: 1.0],
}


def refused(error: type[Exception], says: str, **declaration: Any) -> None:
    before = dict(ops.table)
    with pytest.raises(error, match=says) as caught:
        primitive(**({"name": "own"} | declaration))
    assert str(caught.value).startswith("primitive"), caught.value
    assert ops.table == before


def everywhere(row: Primitive, *arguments: Any) -> None:
    """Use the row in every way there is."""
    root = row(*arguments)
    root.backward()
    leaf = root.parents[0]
    grad(root, leaf)
    draw(root).pipe("svg")
    for text in str(explain(root, leaf)), explain(root, leaf).latex(), explain(root, leaf).mathml():
        assert text
    page(root)
    vectorize(root, parameters=root.parents).value_and_grad()
    pickle.loads(pickle.dumps(root)).backward()


# Names.


@pytest.mark.parametrize(
    "declaration",
    [
        {"arguments": "scale_factor learning_rate"},
        {"arguments": "_x x_"},
        {"arguments": "__ ___"},
        {"arguments": "größe 激活值"},
        {"arguments": "x1 x_1"},
        {"name": "own_operation_", "arguments": "x_1 _"},
        {"name": "_"},
        {"name": "größe_激活值"},
    ],
    ids=str,
)
def test_names_may_have_underscores_and_any_letters(declaration: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "name": "own",
        "floats": lambda x, y: x * y,
        "arrays": lambda x, y: x * y,
        "javascript": "(x, y) => x * y",
        "partials": [lambda z, a, b: b, lambda z, a, b: a],
    }
    row = primitive(**(given | declaration))
    everywhere(row, Value(2.0, "w"), Value(3.0, "a"))
    formula = explain(row(a := Value(2.0, "a"), Value(3.0, "b")), a).latex()
    assert f"{{{row.name.replace('_', chr(92) + '_')}}}" in row.latex.replace("{{", "{")  # type: ignore[union-attr]
    assert "KeyError" not in formula


@pytest.mark.parametrize(
    ("name", "written"), [("ﬁt", "fit"), ("µ", "μ"), ("ℯ", "e"), ("x²", ""), ("ſ", "s")]
)
def test_a_name_that_python_reads_as_another_is_refused(name: str, written: str) -> None:
    hint = f"; Python reads it as '{written}'" if written else ""
    expected = f"expected an identifier for name, got '{name}'{hint}$"
    refused(ValueError, expected, **(UNARY | {"name": name}))
    expected = f"different identifiers as arguments, got rate, {name}{hint}$"
    refused(ValueError, expected, **(BINARY | {"arguments": f"rate {name}"}))


def test_a_word_of_pythons_is_no_name_and_no_argument() -> None:
    for word in [*keyword.kwlist, "__debug__"]:
        refused(ValueError, f"identifier for name, got '{word}'", **(UNARY | {"name": word}))
        refused(ValueError, f"identifiers .* got {word}", **(UNARY | {"arguments": word}))


@pytest.mark.parametrize(
    "name",
    sorted({*dir(builtins), "np", "g", "node"} - {"__debug__", *keyword.kwlist, *ops.table}),
)
def test_any_other_word_is_a_name_and_an_argument(name: str) -> None:
    row = primitive(
        name,
        arguments=f"{name} w",
        floats=lambda x, y: x * y,
        arrays=lambda x, y: x * y,
        partials=[lambda z, x, y: y * exp(0.0 * x), lambda z, x, y: x],
    )
    a, b = Value(2.0), Value(3.0)
    z = row(a, b)
    z.backward()
    assert (z.data, a.grad, b.grad) == (6.0, 3.0, 2.0)
    assert vectorize(z, parameters=[a, b]).value_and_grad()[0] == 6.0


def times(name: str, factor: float) -> Primitive:
    ops.table.pop(name, None)
    return primitive(
        name,
        floats=lambda x: factor * x,
        arrays=lambda x: factor * x,
        javascript=f"x => {factor} * x",
        partials=[lambda z, x: factor * exp(0.0 * x)],
    )


def test_a_name_that_is_declared_anew_is_nobody_elses() -> None:
    # The code of a row that is declared anew has another name; nobody may declare that.
    rows = [times("own", 2.0), times("own", 3.0), times("own__2", 5.0), times("own", 7.0)]
    rows += [times("own__3", 11.0), times("own__2", 13.0), times("own__2__2", 17.0)]
    factors = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0]
    assert len({row.code_name for row in rows}) == len(rows)
    leaves = [Value(1.0) for _ in rows]
    nodes = [row(x) for row, x in zip(rows, leaves, strict=True)]
    root = ops.sum(nodes)
    root.backward()
    assert [z.data for z in nodes] == [x.grad for x in leaves] == factors
    assert vectorize(root, parameters=leaves).value_and_grad()[1].tolist() == factors
    text = page(root).html
    assert all(
        f"const ${row.code_name} = x => {f} * x;" in text
        for row, f in zip(rows, factors, strict=True)
    )


def test_a_row_that_is_no_longer_in_the_table_is_copied_and_not_pickled() -> None:
    # A pickle names the row, and would be read with the formulas of another.
    double = times("own", 2.0)
    x = Value(1.0)
    z = double(x)
    triple = times("own", 3.0)
    assert copy.copy(double) is copy.deepcopy(double) is double
    twin = copy.deepcopy(z)
    twin.backward()
    assert (twin.data, twin.parents[0].grad) == (2.0, 2.0)
    for one in double, z:
        with pytest.raises(
            pickle.PicklingError, match=r"^primitive own: .* no longer in the table"
        ):
            pickle.dumps(one)
    del ops.table["own"]
    with pytest.raises(pickle.PicklingError, match=r"^primitive own: "):
        pickle.dumps(triple)


# What is given for the arguments of `primitive`.


@pytest.mark.parametrize(
    ("error", "says", "declaration"),
    [
        (TypeError, "primitive: expected a string as name, got int 3", UNARY | {"name": 3}),
        (TypeError, "primitive: expected a string as name, got None", UNARY | {"name": None}),
        (TypeError, "own: expected a string or a list of names as arguments", {"arguments": 3}),
        (TypeError, "own: expected a string or a list of names as arguments", {"arguments": [3]}),
        (TypeError, "own: expected a list of functions as partials", {"partials": math.exp}),
        (TypeError, "own: expected a list of functions as partials", {"partials": None}),
        (TypeError, r"own: expected a function for partials\[0\], got 'x'", {"partials": "x"}),
        (TypeError, "own: expected a string as symbol, got int 3", {"symbol": 3}),
        (ValueError, "own: expected level to be SUM, PRODUCT, POWER or ATOM, got 0", {"level": 0}),
        (ValueError, "own: expected level to be .*, got 5", {"level": 5}),
        (ValueError, "own: expected level to be .*, got '2'", {"level": "2"}),
        (ValueError, "own: expected level to be .*, got None", {"level": None}),
        (TypeError, "own: expected as domain an interval, or a list", {"domain": 3}),
        (TypeError, "own: expected as domain an interval, or a list", {"domain": [3]}),
        (TypeError, "own: expected as domain an interval, or a list", {"domain": (0.0, 1.0)}),
        (TypeError, "own: expected as domain an interval, or a list", {"domain": [(0, 1, 2)]}),
        (TypeError, "own: expected as domain an interval, or a list", {"domain": [("a", "b")]}),
        (TypeError, "own: expected as domain an interval, or a list", {"domain": [[]]}),
        (ValueError, r"own: expected an interval .* got \(1.0, 0.0\)", {"domain": [(1, 0)]}),
        (ValueError, r"own: expected an interval", {"domain": [[(0, 1), (math.nan, 0)]]}),
        (TypeError, "own: expected a string of JavaScript", {"javascript": 3}),
        (
            ValueError,
            "JavaScript form of the primitive own would end the page's script",
            {"javascript": "x => '</SCRIPT>'"},
        ),
        (
            ValueError,
            "own: .*javascript.* a character that no file can hold",
            {"javascript": "\ud800"},
        ),
        (TypeError, "own: expected fold to be two functions", STARRED | {"fold": 3}),
        (TypeError, "own: expected fold to be two functions", STARRED | {"fold": (abs,)}),
        (TypeError, "own: expected fold to be two functions", STARRED | {"fold": (abs, 3)}),
        (
            TypeError,
            r"own: expected fold\[0\] to be a function of \(b\), got one of \(w, b\)",
            STARRED | {"fold": (lambda w, b: b, lambda total, w, b: total)},
        ),
        (
            TypeError,
            r"own: expected fold\[1\] to be a function of \(total, w, b\), got one of \(w, b\)",
            STARRED | {"fold": (lambda b: b, lambda w, b: w)},
        ),
        (
            TypeError,
            r"own: expected fold\[1\] to take .* in the order \(total, w, b\), got \(w, b, total\)",
            STARRED | {"fold": (lambda b: b, lambda w, b, total: w)},
        ),
        (
            ValueError,
            "own: expected an argument with a star beside fold",
            STARRED | {"arguments": "w b"},
        ),
    ],
)
def test_what_is_given_is_of_the_right_kind(
    error: type[Exception], says: str, declaration: dict[str, Any]
) -> None:
    given = declaration if "floats" in declaration or "fold" in declaration else UNARY | declaration
    refused(error, says, **given)


# How it is printed.


@pytest.mark.parametrize(
    ("error", "says", "latex"),
    [
        (TypeError, "expected latex to be a string or a function", 3),
        (ValueError, r"over \(rate, x\).*there is no argument 'y'", r"{rate:2} {y}"),
        (ValueError, r"there is no argument 'bell'", r"\operatorname{bell}({rate}, {x})"),
        (ValueError, r"there is no argument ''", "{} {}"),
        (ValueError, r"there is no argument '0'", "{0} {1}"),
        (ValueError, r"there is no argument 'x.level'", "{x.level}"),
        (ValueError, r"there is no argument 'x\[0\]'", "{x[0]}"),
        (ValueError, r"a level from 1 to 4 behind the colon, got 'b'", "{x:b}"),
        (ValueError, r"a level from 1 to 4 behind the colon, got '5'", "{x:5}"),
        (ValueError, r"a level from 1 to 4 behind the colon, got '\{rate\}'", "{x:{rate}}"),
        (ValueError, r"nothing behind the argument x, got '!r'", "{x!r}"),
        (ValueError, r"braces are doubled.*[Ss]ingle '\}'", "x}"),
        (ValueError, r"braces are doubled.*expected '\}'", "{x"),
        (ValueError, r"an argument in braces", r"\frac{rate}{x}"),
        (ValueError, r"an argument in braces", "e^{x}"),
        (ValueError, r"an argument in braces", "c_{x}"),
        (ValueError, r"an argument in braces", r"\text{x}"),
        (ValueError, r"as many braces opened as closed", r"\frac{{{x}}}{{{rate}"),
        (ValueError, r"as many braces opened as closed", r"}}{x}{{"),
        (TypeError, "expected latex to give a string, got None", lambda rate, x: None),
        (TypeError, "expected latex to give a string, got int", lambda rate, x: 3),
        (TypeError, r"expected latex to be a function of \(rate, x\)", lambda x: x),
        (TypeError, r"latex to take .* order \(rate, x\), got \(x, rate\)", lambda x, rate: x),
        (ValueError, "latex cannot print.*ZeroDivisionError", lambda rate, x: 1 / 0),
        (ValueError, "latex cannot print.*TypeError", lambda rate, x: rate - x),
        (ValueError, "as many braces opened as closed", lambda rate, x: "{" + x),
        (ValueError, "an argument in braces", lambda rate, x: f"e^{x}"),
    ],
)
def test_a_wrong_latex_is_refused(error: type[Exception], says: str, latex: Any) -> None:
    refused(error, f"^primitive own: .*{says}", **(BINARY | {"latex": latex}))


def test_a_latex_that_fails_later_names_the_operation() -> None:
    row = primitive("own", **(STARRED | {"latex": lambda w, b: f"{w[1]} + {b}"}))
    with pytest.raises(ValueError, match=r"^primitive own: latex cannot print.*IndexError"):
        draw(row([Value(1.0, "x")], 2.0))


def test_a_latex_of_braces_and_levels_is_printed() -> None:
    latex = r"\frac{{{rate}}}{{2}} \left\{{ {x:4} \right\}}"
    row = primitive("own", **(BINARY | {"latex": latex}))
    printed = row.printed([Printed("a", ATOM), Printed("a + b", SUM)])
    assert printed == r"\frac{a}{2} \left\{ \left(a + b\right) \right\}"
    assert row.printed([Printed("a", ATOM), Printed("b", ATOM)]).endswith(r"{ b \right\}")
    for open_ended in r"\left\{{ {rate} {x} \right.", r"\_{rate} \^{x}":
        primitive(f"own{len(open_ended)}", **(BINARY | {"latex": open_ended}))
    starred = primitive("own2", **(STARRED | {"latex": "({w:2})^{{{b}}}"}))
    sums = [Printed("a + b", SUM), Printed("c", ATOM)]
    assert starred.printed([sums, Printed("2", ATOM)]) == "(a + b, c)^{2}"


@pytest.mark.parametrize(
    "latex", [r"\mathcal{{F}}({rate}, {x})", r"\bigl({rate} \bigr)^{{{x}}}", "{rate} & {x}"]
)
def test_latex_that_pictures_cannot_read_is_shown_as_it_stands_and_said(latex: str) -> None:
    row = primitive("own", **(BINARY | {"latex": latex, "javascript": "(x, y) => x * y"}))
    root = row(Value(2.0, "w_{1}"), x := Value(3.0, "x"))
    root.label = "C"
    says = r"the latex of the primitive own is shown as it stands: .* cannot be read from character"
    shown = {}
    for way in draw, page, lambda root: explain(row(root, root), x):
        with pytest.warns(UserWarning, match=says) as warned:
            shown[way] = way(root)
        assert len(warned) == 1
    assert shown[draw].pipe("svg")
    start = html.escape(latex.split("{rate}")[0].replace("{{", "{").replace("}}", "}"))
    assert start.replace("\\", "\\\\") in shown[draw].source


def test_an_operation_that_has_no_latex_is_asked_for_none() -> None:
    x = Value(2.0, "x")
    out = Value(4.0, (x,), r"\mathcal{F}")
    out._backward = lambda: None
    draw(out)


# What the formulas are made of.


@pytest.mark.parametrize(
    ("says", "partial"),
    [
        (r"partials\[0\] takes plain numbers only .*micrograd.exp", lambda z, x: math.exp(x)),
        (r"partials\[0\] takes plain numbers only", lambda z, x: np.exp(x)),
        (r"partials\[0\] takes plain numbers only", lambda z, x: z if x > 0 else 0.0),
        (r"partials\[0\] takes plain numbers only", lambda z, x: x.data),
        (r"partials\[0\] takes plain numbers only", lambda z, x: f"{x:.3f}" and 1.0),
        (r"partials\[0\] gives NoneType None, expected a number or a formula", lambda z, x: None),
        (r"partials\[0\] gives str 'x', expected", lambda z, x: "x"),
        (r"partials\[0\] gives tuple .*, expected", lambda z, x: (x, x)),
        (r"partials\[0\] gives complex 1j, expected", lambda z, x: 1j),
        (r"partials\[0\] gives ndarray .*, expected", lambda z, x: np.ones(2)),
        (r"partials\[0\] cannot be printed as a formula: .*a Value", lambda z, x: Value(1.0)),
        (r"partials\[0\] cannot be printed as a formula: .*a Value", lambda z, x: x * Value(1.0)),
        (r"partials\[0\] .*ZeroDivisionError", lambda z, x: 1 / 0),
    ],
)
def test_a_partial_that_is_no_formula_is_refused(says: str, partial: Callable[..., Any]) -> None:
    refused(TypeError, f"^primitive own: {says}", **(UNARY | {"partials": [partial]}))


@pytest.mark.parametrize(
    ("says", "fold"),
    [
        (r"fold\[1\] takes plain numbers only", (lambda b: b, lambda t, w, b: t + math.exp(w))),
        (r"fold\[0\] takes plain numbers only", (math.exp, lambda t, w, b: t + w)),
        (r"fold\[1\] gives NoneType", (lambda b: b, lambda t, w, b: None)),
        (r"fold\[0\] gives str", (lambda b: "0", lambda t, w, b: t + w)),
    ],
)
def test_a_fold_that_is_no_formula_is_refused(says: str, fold: Any) -> None:
    refused(TypeError, f"^primitive own: {says}", **(STARRED | {"fold": fold}))


def test_a_partial_may_name_a_row_that_is_declared_later() -> None:
    rows: dict[str, Primitive] = {}
    later: Any = SimpleNamespace()
    for name, function, slope in (
        ("own_sin", math.sin, lambda z, x: rows["own_cos"](x)),
        ("own_cos", math.cos, lambda z, x: -later.own_sin(x)),
    ):
        rows[name] = primitive(
            name, floats=function, arrays=getattr(np, name[4:]), partials=[slope]
        )
    later.own_sin = rows["own_sin"]
    x = Value(0.5)
    first = grad(rows["own_sin"](x), x)
    assert first.data == math.cos(0.5)
    assert grad(first, x).data == -math.sin(0.5)
    rows["own_tan"] = primitive(
        "own_tan",
        floats=math.tan,
        arrays=np.tan,
        partials=[lambda z, x: 1.0 + not_yet(z)],  # noqa: F821
    )
    with pytest.raises(NameError, match="not_yet"):
        rows["own_tan"](x)


@pytest.mark.parametrize("given", [None, "3", 1j, np.complex64(1j), [1.0], np.ones(2)], ids=repr)
def test_a_forward_that_gives_no_number_is_named(given: Any) -> None:
    def no_number(x: float) -> float:
        raise ValueError("no number")

    slope = [lambda z, x: -sin(x)]
    by_floats = primitive("first", floats=lambda x: given, arrays=np.cos, partials=slope)
    by_arrays = primitive("second", floats=no_number, arrays=lambda x: given, partials=slope)
    for row, of in (by_floats, "floats"), (by_arrays, "arrays"):
        for x in Value(1.0), 1.0:
            if of == "floats" and isinstance(given, complex | np.complexfloating):
                z = row(x)  # complex numbers are for the array form to judge
                assert (z.data if isinstance(z, Value) else z) == np.cos(1.0)
                continue
            says = rf"^primitive {row.name}: what {of} gives for \(1\.0,\): expected a real number"
            with pytest.raises(TypeError, match=says):
                row(x)
