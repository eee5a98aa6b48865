"""Random graphs, random samples: what the arrays say against the engine, sample by sample."""

from __future__ import annotations

import itertools
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from micrograd import Value, ops
from micrograd.engine import topological_order
from micrograd.ops import Primitive
from micrograd.program import Program, vectorize
from micrograd.program import form as form_module
from micrograd.program import transpose as transpose_module
from micrograd.program.form import Builder
from micrograd.program.listing import Listing
from micrograd.program.transpose import Transpose
from tests.graphs import ROWS, flat, programs, shaped
from tests.networks import Layer, Network, networks
from tests.rounding import (
    DOUBLE,
    SINGLE,
    Precision,
    uncertainties,
    uncertainties_of_gradient,
)
from tests.sources import commented, run, variables

inf, nan = math.inf, math.nan
SPECIAL = [0.0, -0.0, inf, -inf, nan, 1e308, -1e308, 5e-324, 1000.0, -1000.0, 1.0, -1.0]
ORDINARY = st.floats(-3.0, 3.0).map(lambda x: round(x, 3))


@dataclass(frozen=True)
class Case:
    """A graph, what its leaves are, and samples.

    Arguments:
        name: how it is shown.
        function: from leaves to outputs, the last of which is the cost.
        numbers: of the leaves, when the graph is recorded.
        roles: of each leaf: i for an input, p for a parameter, c for a constant.
        batch: each sample's inputs.
        apart: whether every input is an array of its own.
        dtype: of the program.
        compiled: whether the program is.
    """

    name: str
    function: Callable[[list[Value]], list[Value]]
    numbers: tuple[float, ...]
    roles: str
    batch: tuple[tuple[float, ...], ...]
    apart: bool
    dtype: str = "float64"
    compiled: bool = False

    def program(self, *, all_outputs: bool = False) -> Program:
        """Record the graph once, and vectorise it."""
        leaves = [Value(x) for x in self.numbers]
        outputs = list(self.function(leaves))
        inputs = chosen(leaves, self.roles, "i")
        read = set(topological_order(outputs[-1]))
        for v in inputs:
            if v not in read:  # an input that nothing reads is an error
                outputs[-1] = ops.where(1.0, outputs[-1], v)
        program = vectorize(
            outputs if all_outputs else outputs[-1],
            inputs if self.apart else [inputs] * bool(inputs),
            chosen(leaves, self.roles, "p"),
            dtype=self.dtype,
            frozen=chosen(leaves, self.roles, "c"),
        )
        return program.compile() if self.compiled else program

    def arrays(self) -> list[Any]:
        """The samples, as the program takes them."""
        X = np.array(self.batch, self.dtype)
        return [X] * bool(X.size) if not self.apart else list(X.T)

    def samples(self) -> Iterator[tuple[list[Value], list[Value]]]:
        """The graph recorded anew for every sample: its parameters, and its outputs."""
        for sample in self.batch:
            numbers = iter(sample)
            leaves = [
                Value(next(numbers) if role == "i" else x)
                for x, role in zip(self.numbers, self.roles, strict=True)
            ]
            yield chosen(leaves, self.roles, "p"), self.function(leaves)

    def __repr__(self) -> str:
        return (
            f"{self.name}, leaves {self.numbers} as {self.roles}, samples {self.batch}"
            f"{', apart' * self.apart}"
        )


@st.composite
def cases(draw: st.DrawFn, special: bool = True, dtype: str = "float64") -> Case:
    """Programs of the whole table and networks of layers, on samples that are often special."""
    number = st.one_of(ORDINARY, st.sampled_from(SPECIAL)) if special else ORDINARY
    if draw(st.booleans()):
        program = draw(programs(max_steps=14, max_inputs=4))
        numbers = program.inputs
        roles = "".join(draw(st.sampled_from("ipc")) for _ in numbers)
        name, function = f"{program}", lambda leaves: program.results(leaves, ROWS)
    else:
        network = draw(networks())
        seed = draw(st.integers(0, 99))
        count = network.parameters()
        weights = np.random.default_rng(seed).uniform(-1, 1, count).round(3)
        numbers = (*(0.5 for _ in range(network.inputs)), *map(float, weights))
        kinds = draw(st.sampled_from(["ip", "ip", "pp", "ic", "im", "mp", "mm"]))
        roles = _roles(kinds[0], network.inputs) + _roles(kinds[1], count)

        def function(leaves: list[Value]) -> list[Value]:
            outputs = network(leaves)
            return [*outputs, ops.sum(outputs)]

        name = f"{network}"
    size = roles.count("i")
    # One sample in any case; without inputs there is no other.
    length = draw(st.integers(1, 4)) if size else 1
    batch = tuple(tuple(draw(number) for _ in range(size)) for _ in range(length))
    if special and draw(st.booleans()):
        odd = draw(st.integers(0, len(numbers) - 1))
        numbers = (*numbers[:odd], draw(st.sampled_from(SPECIAL)), *numbers[odd + 1 :])
    case = Case(name, function, tuple(numbers), roles, batch, draw(st.booleans()), dtype)
    return case if dtype == "float64" else in_single(case)


def _roles(kind: str, count: int) -> str:
    return ("pic" * count)[:count] if kind == "m" else kind * count


def in_single(case: Case) -> Case:
    """The same with numbers that float32 has."""
    with np.errstate(over="ignore"):  # 1e308 is inf there
        numbers = tuple(float(np.float32(x)) for x in case.numbers)
        batch = tuple(tuple(float(np.float32(x)) for x in sample) for sample in case.batch)
    return replace(case, numbers=numbers, batch=batch)


THOROUGHLY = settings(max_examples=2 * settings.default.max_examples)

# The checks.


def agree(got: float, expected: float, off: float) -> bool:
    """Whether two results are the same but for rounding.

    Where off is nan the engine's own result hangs on its rounding: on which
    side of a kink it lies, or in which order a sum overflows.
    """
    if math.isnan(off):
        return True
    if not math.isfinite(expected):
        return got == expected or (math.isnan(got) and math.isnan(expected))
    return abs(got - expected) <= off


def check_outputs(case: Case, precision: Precision = DOUBLE) -> None:
    """A call gives what the engine gives for every sample."""
    got = case.program(all_outputs=True)(*case.arrays())
    assert got.dtype == case.dtype
    got = got.reshape(len(case.batch), -1)
    for row, (_, outputs) in zip(got.tolist(), case.samples(), strict=True):
        off = uncertainties(outputs, precision)
        for x, v in zip(row, outputs, strict=True):
            assert agree(x, v.data, off[v]), (x, v, off[v])


def check_gradients(case: Case, precision: Precision = DOUBLE) -> None:
    """The engine's gradient for every sample, and the mean of them all."""
    program, arrays = case.program(), case.arrays()
    each = program.per_sample_grad(*arrays)
    value, gradient = program.value_and_grad(*arrays)
    assert each.shape == (len(case.batch), len(program.parameters)) or not case.batch[0]
    assert gradient.shape == program.parameters.shape
    assert each.dtype == gradient.dtype == case.dtype
    assert type(value) is float
    each = each.reshape(len(case.batch), -1)
    rows, values, moderate = [], [], True
    for row, (parameters, outputs) in zip(each.tolist(), case.samples(), strict=True):
        cost = outputs[-1]
        cost.backward()
        off = uncertainties_of_gradient(cost, parameters, precision)
        for x, p, e in zip(row, parameters, off, strict=True):
            assert agree(x, p.grad, e), (x, p, e)
        nodes = uncertainties([cost], precision)
        rows.append([(p.grad, e) for p, e in zip(parameters, off, strict=True)])
        values.append((cost.data, nodes[cost]))
        # Sums over samples overflow where no sample does.
        numbers = [abs(x) for v in nodes for x in (v.data, v.grad)]
        moderate &= all(not 1e-9 * precision.largest < x < inf for x in numbers)
    if not moderate:
        return
    with np.errstate(all="ignore"):
        columns = [values, *([row[i] for row in rows] for i in range(len(gradient)))]
        for x, column in zip([value, *gradient.tolist()], columns, strict=True):
            expected, off = np.array(column).mean(axis=0)
            largest = np.nanmax(np.abs([g for g, _ in column if np.isfinite(g)] or [0.0]))
            assert agree(x, expected, off + precision.rounding * largest), (x, expected, off)


def check_source(case: Case) -> None:
    """The source runs alone, and gives the same to the last bit."""
    program, arrays = case.program(), case.arrays()
    namespace = run(program.source)
    columns = [a[:, None] if case.apart else a for a in arrays]
    if "p" in case.roles:
        columns.insert(0, program.parameters)
    with np.errstate(all="ignore"):
        same(namespace["forward"](*columns), program(*arrays))
        for one, other in zip(
            namespace["value_and_grad"](*columns), program.value_and_grad(*arrays), strict=True
        ):
            same(one, other)
        same(namespace["per_sample_grad"](*columns), program.per_sample_grad(*arrays))


def check_pickle(case: Case) -> None:
    """A copy through pickle gives the same to the last bit."""
    program, arrays = case.program(), case.arrays()
    copy = pickle.loads(pickle.dumps(program))
    same(copy(*arrays), program(*arrays))
    for one, other in zip(
        copy.value_and_grad(*arrays), program.value_and_grad(*arrays), strict=True
    ):
        same(one, other)
    same(copy.per_sample_grad(*arrays), program.per_sample_grad(*arrays))
    assert copy.source == program.source
    assert copy.parameters.dtype == program.parameters.dtype


def check_no_trace(case: Case) -> None:
    """Nothing that was given is changed; what was returned does not change later."""
    program, arrays = case.program(), case.arrays()
    before = [a.tobytes() for a in [*arrays, program.parameters]]
    results = [
        [f(*arrays) for f in (program, program.value_and_grad, program.per_sample_grad)]
        for _ in range(2)
    ]
    assert [a.tobytes() for a in [*arrays, program.parameters]] == before
    first, second = (pickle.dumps(r) for r in results)
    assert first == second
    for a in arrays:
        a[...] = 7.0
    program.parameters[...] = 7.0
    assert pickle.dumps(results[0]) == first


def check_comments(case: Case) -> None:
    """The comments in the source say what shape each array has; and none is of another type."""
    program, arrays = case.program(), case.arrays()
    columns = [a[:, None] if case.apart else a for a in arrays]
    if "p" in case.roles:
        columns.insert(0, program.parameters)
    for name in "forward", "value_and_grad", "per_sample_grad":
        found = variables(program.source, name, columns)
        for variable, shape in commented(program.source, name, len(case.batch)).items():
            array = np.asarray(found[variable])
            assert array.shape == shape, (variable, program.source)
            # A number of Python's own takes the arrays' type.
            if case.dtype == "float32" and type(found[variable]) is not float:
                assert array.dtype == np.float32, (variable, program.source)


def check_special_values(name: str, *, compiled: bool = False) -> None:
    """One operation on special values, be they inputs, parameters or constants."""
    width = len(flat(ROWS[name], special_points(name)[0]))
    if compiled:  # it takes longer: all of them parameters, which have derivatives, and one input
        check_special_roles(ROWS[name], "i" + "p" * (width - 1), compiled=True)
        check_special_roles(ROWS[name], "p" * width, compiled=True)
        return
    every = map("".join, itertools.product("ipc", repeat=width))
    for roles in itertools.islice(every, 0, None, 1 if width < 5 else 17):
        if roles.count("c") < width:
            check_special_roles(ROWS[name], roles)


def check_special_roles(row: Primitive, roles: str, *, compiled: bool = False) -> None:
    """The same where it is laid down what each argument is."""

    def of(point: Any, role: str) -> list[float]:
        return chosen(flat(row, point), roles, role)

    points = special_points(row.name)
    # Constants are part of the graph, parameters set between one call and the next.
    for numbers, same_graph in grouped(points, lambda point: of(point, "c")):
        constants = iter(numbers)
        leaves = [Value(next(constants) if role == "c" else 0.5) for role in roles]
        inputs, parameters = chosen(leaves, roles, "i"), chosen(leaves, roles, "p")
        z = row(*shaped(row, leaves, points[0]))
        program = vectorize(z, inputs, parameters, frozen=True)
        if compiled:
            program.compile()
        for weights, batch in grouped(same_graph, lambda point: of(point, "p")):
            program.parameters = np.array(weights)
            arrays = list(np.array([of(point, "i") for point in batch]).T)
            results = np.reshape(program(*arrays), len(batch))
            slopes = program.per_sample_grad(*arrays).reshape(len(batch), len(weights))
            for point, z, gradient in zip(batch, results, slopes.tolist(), strict=True):
                check_point(row, point, roles, float(z), gradient)


def check_point(row: Primitive, point: Any, roles: str, z: float, gradient: list[float]) -> None:
    """An operation's result and derivatives against the engine's."""
    leaves = [Value(x) for x in flat(row, point)]
    expected = row(*shaped(row, leaves, point))
    expected.backward()
    assert agree(z, expected.data, uncertainties([expected])[expected]), (point, roles)
    parameters = chosen(leaves, roles, "p")
    off = uncertainties_of_gradient(expected, parameters)
    for slope, p, e in zip(gradient, parameters, off, strict=True):
        assert agree(slope, p.grad, e), (point, roles, slope, p)


def special_points(name: str) -> list[tuple[Any, ...]]:
    """All pairs of special numbers, or triples of fewer; lists for starred arguments."""
    row = ROWS[name]
    if any(row.starred):
        return [
            tuple([x, y] if star else 1.0 for star in row.starred)
            for x, y in itertools.product(SPECIAL, SPECIAL)
        ]
    few = SPECIAL if len(row.arguments) < 3 else [0.0, inf, nan, 2.0]
    return list(itertools.product([*few, 0.5, -2.0], repeat=len(row.arguments)))


def grouped(items: Sequence[Any], key: Callable[[Any], list[float]]) -> list[tuple[Any, Any]]:
    """Items with the same key, to the last bit; the key, and the list of them."""
    groups: dict[bytes, tuple[list[float], list[Any]]] = {}
    for item in items:
        numbers = key(item)
        groups.setdefault(np.array(numbers).tobytes(), (numbers, []))[1].append(item)
    return list(groups.values())


def chosen(items: Sequence[Any], roles: str, role: str) -> list[Any]:
    """The items that have a role."""
    return [item for item, r in zip(items, roles, strict=True) if r == role]


def same(one: Any, other: Any) -> None:
    """Equal to the last bit; nan is nan."""
    np.testing.assert_array_equal(one, other, strict=isinstance(other, np.ndarray))


# They hold on random graphs.


@THOROUGHLY
@given(cases())
def test_outputs_are_the_engines(case: Case) -> None:
    check_outputs(case)


@THOROUGHLY
@given(cases())
def test_gradients_are_the_engines_and_their_mean(case: Case) -> None:
    check_gradients(case)


@given(cases())
def test_the_source_runs_alone_with_the_same_results(case: Case) -> None:
    check_source(case)


@given(cases())
def test_a_pickled_program_gives_the_same_results(case: Case) -> None:
    check_pickle(case)


@given(cases())
def test_nothing_given_is_changed_and_nothing_returned_changes(case: Case) -> None:
    check_no_trace(case)


@given(cases())
def test_comments_say_the_shapes(case: Case) -> None:
    check_comments(case)


@given(cases(special=False, dtype="float32"))
def test_float32_is_the_engine_rounded(case: Case) -> None:
    check_outputs(case, SINGLE)
    check_gradients(case, SINGLE)


@given(cases(dtype="float32"))
def test_float32_goes_through_all_of_a_program(case: Case) -> None:
    check_comments(case)


@pytest.mark.parametrize(("special", "share"), [(False, 0.1), (True, 0.25)])
def test_most_results_say_something(special: bool, share: float) -> None:
    # What nobody knows is not checked: where sums overflow, mostly. It is to stay rare.
    known = unknown = 0

    @given(cases(special=special))
    def count(case: Case) -> None:
        nonlocal known, unknown
        for parameters, outputs in case.samples():
            off = [*uncertainties(outputs).values()]
            off += uncertainties_of_gradient(outputs[-1], parameters)
            unknown += sum(map(math.isnan, off))
            known += sum(e < 1e-9 for e in off)

    count()
    assert unknown < share * known


@pytest.mark.parametrize("name", list(ROWS))
def test_every_operation_on_special_values(name: str) -> None:
    check_special_values(name)


# They find faults that are planted in the generator.


def plant_wrong_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of x y, x gets x times what arrives."""
    right = transpose_module.share_formula
    monkeypatch.setattr(
        transpose_module,
        "share_formula",
        lambda row, i, g, z, arguments: right(row, i, g, z, list(arguments)[::-1]),
    )


def plant_no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local derivative, without what arrives."""
    right = transpose_module.share_formula
    monkeypatch.setattr(
        transpose_module,
        "share_formula",
        lambda row, i, g, z, arguments: right(row, i, 1.0, z, arguments),
    )


def plant_lost_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a product, each factor gets what arrives, without the other one."""
    right = transpose_module.share_formula
    monkeypatch.setattr(
        transpose_module,
        "share_formula",
        lambda row, i, g, z, arguments: g if row is ops.mul else right(row, i, g, z, arguments),
    )


def plant_uncounted_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all samples share gets the gradient of one of them."""
    right = Builder.over_samples
    monkeypatch.setattr(
        Builder, "over_samples", lambda self, x: right(self, x) if self.steps[x].batched else x
    )


def plant_untransposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix product's columns are assumed to lie in the order of its rows."""
    right = Builder.product

    def product(self: Builder, x: int, y: int, axes: Any, batched: bool) -> int:
        rows = self.steps[y].shape
        if len(rows) == 2 and rows[0] == rows[1]:
            axes = axes[0], axes[1][::-1], axes[2]
        return right(self, x, y, axes, batched)

    monkeypatch.setattr(Builder, "product", product)


def plant_one_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements are read from the next place, if there is one."""
    right = form_module.find_view

    def find_view(index: Any, size: int) -> Any:
        return right(index + (index.max() + 1 < size), size)

    monkeypatch.setattr(form_module, "find_view", find_view)


def plant_lost_term(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a sum of different kinds of terms only the first is computed."""
    monkeypatch.setattr(Builder, "plus", lambda self, x, y: x)


def without(rule: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Plant a fault in the derivative: an operation passes nothing back."""
    return lambda monkeypatch: monkeypatch.setattr(Transpose, rule, lambda *_: None)


def plant_gather_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read several times gets what arrives at one of them."""
    right = Builder.segments
    monkeypatch.setattr(
        Builder,
        "segments",
        lambda self, x, counts, kind="sum": right(self, x, counts, "max"),
    )


def rewritten(old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Plant a fault in the text itself."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        right = Listing.function
        monkeypatch.setattr(
            Listing, "function", lambda self, name: right(self, name).replace(old, new)
        )

    return plant


FAULTS = {
    "another argument's derivative": plant_wrong_partner,
    "a local derivative only": plant_no_chain,
    "a factor lost": plant_lost_factor,
    "samples not counted": plant_uncounted_samples,
    "a matrix not transposed": plant_untransposed,
    "the next element": plant_one_off,
    "a term lost": plant_lost_term,
    "the mean forgotten": rewritten("1.0 / n", "1.0"),
    "samples not added up": rewritten("ones = np.ones", "ones = np.zeros"),
    "the largest instead of the sum": rewritten(".sum(axis=-1", ".max(axis=-1"),
    "written over, not added": rewritten(" += ", " = "),
    "a sign": rewritten(" - ", " + "),
    "the order of a gather": rewritten(".take(", "[..., ::-1].take("),
    "uneven sums": rewritten("np.add.reduceat", "np.maximum.reduceat"),
    "uneven sums in a derivative": plant_gather_of_one,
    **{
        f"no rule of {rule}": without(f"of_{rule}")
        for rule in ("map", "product", "sum", "segment", "view", "gather")
    },
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[fault](monkeypatch)

    @settings(max_examples=500, phases=[Phase.generate], report_multiple_bugs=False)
    @given(cases())
    def search(case: Case) -> None:
        check_outputs(case)
        check_gradients(case)

    with pytest.raises(AssertionError):
        search()


def test_a_wrong_slope_at_a_kink_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten(" <= 0.0, 0.0", " < 0.0, 0.0")(monkeypatch)
    with pytest.raises(AssertionError):
        check_special_values("relu")


def test_a_lost_sum_of_matrices_over_samples_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # Random graphs have it too seldom: weights in a matrix that is no matrix product.
    network = Network(4, (Layer("own part", (0, 0), 2, "affine", 0),))
    numbers = (0.5,) * (4 + network.parameters())
    batch = ((0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8))

    def function(leaves: list[Value]) -> list[Value]:
        return [ops.sum(network(leaves))]

    case = Case(f"{network}", function, numbers, "iiii" + "p" * 6, batch, apart=False)
    check_gradients(case)
    rewritten(".sum(axis=0)", ".max(axis=0)")(monkeypatch)
    with pytest.raises(AssertionError):
        check_gradients(case)
