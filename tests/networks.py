"""Random networks of layers: graphs in which there are matrices to be found.

A network is data, as the programs of tests/graphs.py are: layers, each of
which says what it does to vectors that came before. Built from any numbers it
gives the same graph, so that it can be vectorised once and recorded anew for
every sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from micrograd import Value, ops
from tests.graphs import ROWS

Vector = list[Value]
_LONGEST = 12  # so that attention over attention stays small
UNARY = [n for n, row in ROWS.items() if len(row.arguments) == 1 and not any(row.starred)]
BINARY = [n for n, row in ROWS.items() if len(row.arguments) == 2]

# A sum of products, in all the ways in which people write it.
STYLES: dict[str, Callable[[Vector, Vector, Value], Value]] = {
    "affine": lambda w, x, b: ops.affine(w, x, b),
    "sum": lambda w, x, b: ops.sum([*(wi * xi for wi, xi in zip(w, x, strict=True)), b]),
    "builtin": lambda w, x, b: sum((wi * xi for wi, xi in zip(w, x, strict=True)), b),
    "from zero": lambda w, x, b: sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b,
    "left": lambda w, x, b: _chain([wi * xi for wi, xi in zip(w, x, strict=True)]) + b,
    "flipped": lambda w, x, b: _chain([xi * wi for wi, xi in zip(w, x, strict=True)]) + b,
    "bias first": lambda w, x, b: b + _chain([wi * xi for wi, xi in zip(w, x, strict=True)]),
    "right": lambda w, x, b: _from_the_right([wi * xi for wi, xi in zip(w, x, strict=True)], b),
    "halves": lambda w, x, b: _halves([wi * xi for wi, xi in zip(w, x, strict=True)] + [b]),
}


def _chain(terms: Sequence[Value]) -> Value:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _from_the_right(terms: Sequence[Value], last: Value) -> Value:
    for term in reversed(terms):
        last = term + last
    return last


def _halves(terms: Sequence[Value]) -> Value:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return _halves(terms[:middle]) + _halves(terms[middle:])


@dataclass(frozen=True)
class Layer:
    """What is done to earlier vectors; `sources` counts back from the last one."""

    kind: str
    sources: tuple[int, ...]
    size: int
    style: str
    choice: int


@dataclass(frozen=True)
class Network:
    """Layers, and how many numbers they start from; the last vector is the output."""

    inputs: int
    layers: tuple[Layer, ...]

    def outputs(self, x: Vector, parameter: Callable[[], Value]) -> Vector:
        """Build it.

        Arguments:
            x: the inputs.
            parameter: gives the next parameter.
        """
        vectors = [x]
        matrices: dict[tuple[int, int], list[Vector]] = {}
        for layer in self.layers:
            u, *others = [vectors[max(len(vectors) - 1 - s, 0)] for s in layer.sources]
            made = _KINDS[layer.kind](layer, u, others[0], parameter, matrices)
            vectors.append(made[:_LONGEST])
        return vectors[-1]

    def __call__(self, numbers: Sequence[Value]) -> Vector:
        """The same on a list that begins with the inputs; parameters are taken from the rest."""
        rest: Iterator[Value] = iter(numbers[self.inputs :])
        return self.outputs(list(numbers[: self.inputs]), lambda: next(rest))

    def parameters(self) -> int:
        """How many it has."""
        count = 0

        def parameter() -> Value:
            nonlocal count
            count += 1
            return Value(0.5)

        self.outputs([Value(0.5) for _ in range(self.inputs)], parameter)
        return count


def _matrix(rows: int, columns: int, parameter: Callable[[], Value], layout: int) -> list[Vector]:
    """Weights row by row, or column by column, as they lie in the list of parameters."""
    if layout % 2 == 0:
        return [[parameter() for _ in range(columns)] for _ in range(rows)]
    return [
        list(row)
        for row in zip(*[[parameter() for _ in range(rows)] for _ in range(columns)], strict=True)
    ]


def _dense(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """W u + b; bias beside each row, or after all of them."""
    write, out = STYLES[layer.style], []
    if layer.choice % 3 == 0:
        for _ in range(layer.size):
            w = [parameter() for _ in u]
            out.append(write(w, u, parameter()))
        return out
    matrix = _matrix(layer.size, len(u), parameter, layer.choice)
    matrices[layer.size, len(u)] = matrix
    return [write(row, u, parameter()) for row in matrix]


def _tied(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """A matrix that another layer has already, as it is or transposed; else a new one."""
    matrix = matrices.get((layer.size, len(u)))
    if matrix is None and (len(u), layer.size) in matrices:
        matrix = [list(row) for row in zip(*matrices[len(u), layer.size], strict=True)]
    if matrix is None:
        matrix = matrices[layer.size, len(u)] = _matrix(layer.size, len(u), parameter, 0)
    return [STYLES[layer.style](row, u, row[0]) for row in matrix]


def _both(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """W u + V v: two kinds of products in one sum."""
    first, second = (_matrix(layer.size, len(x), parameter, layer.choice) for x in (u, v))
    return [
        STYLES[layer.style](r, u, _chain([w * x for w, x in zip(s, v, strict=True)]))
        for r, s in zip(first, second, strict=True)
    ]


def _sparse(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Neurons that look at different numbers of inputs."""
    return [
        STYLES[layer.style]([parameter() for _ in u[j % len(u) :]], u[j % len(u) :], parameter())
        for j in range(layer.size)
    ]


def _each_part(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """The same neurons on every part, as on every token of a sequence."""
    n = min(layer.size, len(u))
    matrix = _matrix(1 + layer.choice % 3, n, parameter, layer.choice)
    biases = [parameter() for _ in matrix]
    return [
        STYLES[layer.style](row, u[i : i + n], b)
        for i in range(0, len(u) - n + 1, n)
        for row, b in zip(matrix, biases, strict=True)
    ]


def _own_part(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Each neuron sees a part of its own, with weights of its own."""
    n = min(layer.size, max(len(u) // 2, 1))
    return [
        STYLES[layer.style]([parameter() for _ in range(n)], u[i : i + n], parameter()).tanh()
        for i in range(0, len(u) - n + 1, n)
    ]


def _convolution(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """The same few weights all along."""
    width = min(layer.size, len(u))
    kernel, bias = [parameter() for _ in range(width)], parameter()
    return [STYLES[layer.style](kernel, u[i : i + width], bias) for i in range(len(u) - width + 1)]


def _pairs(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """A binary operation, element by element; a vector of one meets them all."""
    length = max(len(u), len(v)) if 1 in (len(u), len(v)) else min(len(u), len(v))
    row = ROWS[BINARY[layer.choice % len(BINARY)]]
    return [row(u[i % len(u)], v[i % len(v)]) for i in range(length)]


def _attention(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Inputs' products with each other: every part of u meets every part of v."""
    n = min(layer.size, len(u), len(v))
    rows, columns = ([x[i : i + n] for i in range(0, len(x) - n + 1, n)] for x in (u, v))
    return [_chain([a * b for a, b in zip(r, c, strict=True)]) for r in rows for c in columns]


def _elementwise(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    return [ROWS[UNARY[layer.choice % len(UNARY)]](x) for x in u]


def _softmax(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    powers = [x.tanh().exp() for x in u]
    total = ops.sum(powers)
    return [p / total for p in powers]


def _prefixes(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Each one's part in those up to it, as in causal attention; the first is no sum."""
    powers = [x.tanh().exp() for x in u]
    return [p / _chain(powers[: i + 1]) for i, p in enumerate(powers)]


def _constants(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Numbers in the formula, some of them the same."""
    return [x * (0.5 + i % layer.size) + 0.25 for i, x in enumerate(u)]


def _some(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Every so manieth, from the end, and some of the others behind: a different order."""
    return u[:: -layer.size] + v[: layer.size]


def _total(layer: Layer, u: Vector, v: Vector, parameter: Any, matrices: Any) -> Vector:
    """Sums of squares, of which there is one or one for each part."""
    n = max(len(u) // layer.size, 1)
    return [_chain([x * x for x in u[i : i + n]]) for i in range(0, len(u), n)]


_KINDS: dict[str, Callable[..., Vector]] = {
    "dense": _dense,
    "tied": _tied,
    "both": _both,
    "sparse": _sparse,
    "each part": _each_part,
    "own part": _own_part,
    "convolution": _convolution,
    "pairs": _pairs,
    "attention": _attention,
    "elementwise": _elementwise,
    "softmax": _softmax,
    "prefixes": _prefixes,
    "constants": _constants,
    "some": _some,
    "total": _total,
}


def networks(max_layers: int = 6) -> st.SearchStrategy[Network]:
    """Networks of a few layers, one of which may see any two before it."""
    layer = st.builds(
        Layer,
        kind=st.sampled_from([*_KINDS, "dense", "dense", "each part", "each part"]),
        sources=st.tuples(st.sampled_from([0, 0, 1, 2]), st.integers(0, 3)),
        size=st.sampled_from([1, 2, 3, 4, 5]),
        style=st.sampled_from(list(STYLES)),
        choice=st.sampled_from(range(12)),
    )
    layers = st.lists(layer, min_size=2, max_size=max_layers).map(tuple)
    return st.builds(Network, inputs=st.sampled_from([1, 2, 3, 4, 6]), layers=layers)
