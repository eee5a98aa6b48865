"""A transformer with one layer, built from single Values.

Its cost for a sequence of tokens is the mean cross-entropy of guessing each
next one. It is computed three ways: by the engine, which records the graph and
differentiates it in every step; by what `vectorize` makes of one such graph;
and with matrices, to know what must come out.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from micrograd import Value, parameter, softmax
from micrograd.losses import cross_entropy
from micrograd.program import Program, vectorize
from tests.race.programs import Job, compiled

VOCABULARY, CONTEXT, WIDTH, HEADS = 27, 8, 16, 4
SHAPES = {
    "E": (VOCABULARY, WIDTH),  # embeds the tokens
    "P": (CONTEXT, WIDTH),  # and their positions
    "Q": (WIDTH, WIDTH),  # queries,
    "K": (WIDTH, WIDTH),  # keys
    "V": (WIDTH, WIDTH),  # and values of the heads
    "O": (WIDTH, WIDTH),  # puts the heads together
    "U": (4 * WIDTH, WIDTH),  # up
    "D": (WIDTH, 4 * WIDTH),  # and down again
    "H": (VOCABULARY, WIDTH),  # scores the next token
}
EPSILON = 1e-5  # keeps rmsnorm from dividing by zero

Vector = list[Any]
Matrices = dict[str, Any]


def task_of_transformer() -> dict[str, Any]:
    """The numbers that every contestant is given."""
    rng = random.Random(1337)  # noqa: S311
    size = sum(rows * columns for rows, columns in SHAPES.values())
    return {
        "kind": "transformer",
        "threads": 1,
        "parameters": [rng.gauss(0.0, 0.2) for _ in range(size)],
        "tokens": [rng.randrange(VOCABULARY) for _ in range(CONTEXT + 1)],
    }


# Of Values


def parameters_of(numbers: Sequence[float]) -> tuple[list[Value], Matrices]:
    """A parameter for each number: all in a list, and as the rows of each matrix."""
    parameters, matrices, each = [], {}, iter(numbers)
    for name, (rows, columns) in SHAPES.items():
        matrices[name] = [
            [parameter(next(each), f"{name}_{{{i},{j}}}") for j in range(columns)]
            for i in range(rows)
        ]
        parameters += [p for row in matrices[name] for p in row]
    return parameters, matrices


def dot(a: Vector, b: Vector) -> Any:
    """The sum of products."""
    return sum(ai * bi for ai, bi in zip(a, b, strict=True))


def linear(W: list[Vector], x: Vector) -> Vector:
    """W x."""
    return [dot(row, x) for row in W]


def rmsnorm(x: Vector) -> Vector:
    """X over the root of its mean square."""
    scale = (dot(x, x) / len(x) + EPSILON) ** -0.5
    return [scale * xi for xi in x]


def attend(query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
    """The mean of the values, each weighted by how well its key fits the query."""
    weights = softmax([dot(query, key) / len(query) ** 0.5 for key in keys])
    return [dot(weights, list(column)) for column in zip(*values, strict=True)]


def cost_of(W: Matrices, tokens: Sequence[int]) -> Value:
    """The mean cost of guessing each token from those before it."""
    keys: list[Vector] = []
    values: list[Vector] = []
    costs = []
    heads = [slice(i, i + WIDTH // HEADS) for i in range(0, WIDTH, WIDTH // HEADS)]
    for t, (token, following) in enumerate(pairwise(tokens)):
        x = rmsnorm([e + p for e, p in zip(W["E"][token], W["P"][t], strict=True)])
        normed = rmsnorm(x)
        query = linear(W["Q"], normed)
        keys.append(linear(W["K"], normed))
        values.append(linear(W["V"], normed))
        mixed = []
        for head in heads:
            mixed += attend(query[head], [k[head] for k in keys], [v[head] for v in values])
        x = [xi + oi for xi, oi in zip(x, linear(W["O"], mixed), strict=True)]
        hidden = [u.relu() for u in linear(W["U"], rmsnorm(x))]
        x = [xi + di for xi, di in zip(x, linear(W["D"], hidden), strict=True)]
        costs.append(cross_entropy(linear(W["H"], x), following))
    return sum(costs) / len(costs)


def eager_job(task: dict[str, Any]) -> Job:
    """Record the graph and differentiate it."""
    parameters, matrices = parameters_of(task["parameters"])

    def reset() -> None:
        for p in parameters:
            p.grad = 0.0

    def step() -> Any:
        cost = cost_of(matrices, task["tokens"])
        cost.backward()
        return cost.data

    return Job(reset, step, lambda: [p.grad for p in parameters])


def program_of(task: dict[str, Any]) -> Program:
    """What `vectorize` makes of the graph."""
    parameters, matrices = parameters_of(task["parameters"])
    return vectorize(cost_of(matrices, task["tokens"]), parameters=parameters)


def vectorized_job(task: dict[str, Any]) -> Job:
    """Run the array operations that are made of the graph."""
    return program_job(program_of(task))


def compiled_job(task: dict[str, Any]) -> Job:
    """Run what they are compiled to.

    Raises:
        ImportError: if there is no C compiler.
    """
    return program_job(compiled(program_of(task)))


def program_job(program: Program) -> Job:
    """Value and gradient, with a program."""
    found: Any = None

    def step() -> Any:
        nonlocal found
        cost, found = program.value_and_grad()
        return cost

    return Job(lambda: None, step, lambda: list(found))


JOBS = {"ours": vectorized_job, "compiled": compiled_job, "eager": eager_job}


# As array operations

VIEWS = {"reshape", "swapaxes", "broadcast_to"}  # and .T, and slices


def operations(task: dict[str, Any]) -> dict[str, int]:
    """How many lines the forward function has, and how many array operations are in them."""
    source = program_of(task).source
    forward = source[source.index("def forward(") : source.index("def value_and_grad(")]
    return count_operations(forward)


def count_operations(function: str) -> dict[str, int]:
    """Count what computes or copies in a function's source; what only looks does not count.

    >>> count_operations('def f(a):' + chr(10) + ' b = a[1:].T @ a' + chr(10) + ' return -b.sum()')
    {'lines': 1, 'operations': 3}
    """
    (definition,) = ast.parse(function).body
    assert isinstance(definition, ast.FunctionDef)
    count = 0
    for node in ast.walk(definition):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            count += name not in VIEWS
        elif isinstance(node, ast.BinOp | ast.UnaryOp):
            count += not all(isinstance(part, ast.Constant) for part in _operands(node))
    lines = sum(isinstance(line, ast.Assign | ast.AugAssign) for line in definition.body)
    return {"lines": lines, "operations": count}


def _operands(node: ast.BinOp | ast.UnaryOp) -> list[ast.expr]:
    return [node.left, node.right] if isinstance(node, ast.BinOp) else [node.operand]


# With matrices


def cost_with_matrices(numbers: Any, tokens: Sequence[int]) -> Any:
    """The same cost, with a row for each token; the numbers may be complex."""
    W, at = {}, 0
    for name, (rows, columns) in SHAPES.items():
        W[name] = numbers[at : at + rows * columns].reshape(rows, columns)
        at += rows * columns

    def rmsnorm(X: Any) -> Any:
        return X * ((X * X).mean(axis=-1, keepdims=True) + EPSILON) ** -0.5

    def heads(X: Any) -> Any:
        return X.reshape(CONTEXT, HEADS, -1).swapaxes(0, 1)

    X = rmsnorm(W["E"][tokens[:-1]] + W["P"])
    Q, K, V = (heads(rmsnorm(X) @ W[name].T) for name in "QKV")
    powers = np.exp(Q @ K.swapaxes(1, 2) / (WIDTH // HEADS) ** 0.5) * np.tri(CONTEXT)
    mixed = powers / powers.sum(axis=-1, keepdims=True) @ V
    X = X + mixed.swapaxes(0, 1).reshape(CONTEXT, WIDTH) @ W["O"].T
    hidden = rmsnorm(X) @ W["U"].T
    X = X + np.where(hidden.real > 0.0, hidden, 0.0) @ W["D"].T
    scores = X @ W["H"].T
    costs = np.log(np.exp(scores).sum(axis=-1)) - scores[np.arange(CONTEXT), tokens[1:]]
    return costs.mean()


def expected_of_transformer(task: dict[str, Any]) -> dict[str, Any]:
    """What a worker's `check` must answer.

    The derivative by a parameter is the imaginary part of the cost when that
    parameter has a tiny one: exact to the last digits, for nothing is subtracted.
    """
    numbers, tiny = np.array(task["parameters"], complex), 1e-30
    cost = cost_with_matrices(numbers.real, task["tokens"])
    gradient = []
    for i in range(len(numbers)):
        numbers[i] += tiny * 1j
        gradient.append(cost_with_matrices(numbers, task["tokens"]).imag / tiny)
        numbers[i] = numbers[i].real
    return {"losses": [float(cost)] * 2, "gradient": gradient}
