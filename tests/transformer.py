"""A transformer of one layer, written in scalars: what a vectoriser has to find matrices in.

It is the smallest network of the kind that writes text: each token of a
sequence looks back at those before it, and the next token is guessed.

>>> network = Transformer(vocabulary=5, context=3, embedding=4, heads=2)
>>> len(network.parameters())
244
>>> f"{network([4, 0, 1], [0, 1, 2]).data:.2f}"
'1.88'
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from random import Random
from typing import cast

from micrograd import Value, parameter

Vector = list[Value]
Matrix = list[Vector]


class Transformer:
    """Embeddings, causal attention with several heads, two layers of neurons, softmax.

    Arguments:
        vocabulary: how many different tokens there are.
        context: how many of them a sequence has at most.
        embedding: how many numbers stand for a token.
        heads: how many parts attention is split into.
        seed: of the weights.
    """

    def __init__(
        self,
        vocabulary: int = 27,
        context: int = 8,
        embedding: int = 16,
        heads: int = 4,
        seed: int = 0,
    ) -> None:
        rng = Random(seed)  # noqa: S311

        def matrix(letter: str, rows: int, columns: int) -> Matrix:
            return [
                [parameter(rng.gauss(0.0, 0.2), f"{letter}_{{{i},{j}}}") for j in range(columns)]
                for i in range(rows)
            ]

        self.heads = heads
        self.token = matrix("E", vocabulary, embedding)
        self.position = matrix("P", context, embedding)
        self.query = matrix("Q", embedding, embedding)
        self.key = matrix("K", embedding, embedding)
        self.value = matrix("V", embedding, embedding)
        self.out = matrix("O", embedding, embedding)
        self.up = matrix("U", 4 * embedding, embedding)
        self.down = matrix("D", embedding, 4 * embedding)
        self.guess = matrix("G", vocabulary, embedding)

    def parameters(self) -> list[Value]:
        """Matrix by matrix, row by row."""
        matrices = [self.token, self.position, self.query, self.key, self.value, self.out]
        matrices += [self.up, self.down, self.guess]
        return [p for m in matrices for row in m for p in row]

    def __call__(self, tokens: Sequence[int | Vector], targets: Sequence[int | Vector]) -> Value:
        """The cost: the mean cross-entropy of the guesses at each position.

        Arguments:
            tokens: the sequence; each one a number, or a vector that is 1 at
                its place and 0 elsewhere, so that it may differ from sample to
                sample.
            targets: what comes after each, in the same way.
        """
        keys: list[Vector] = []
        values: list[Vector] = []
        costs = []
        for t, (token, target) in enumerate(zip(tokens, targets, strict=True)):
            x = normalised(added(_row(self.token, token), self.position[t]))
            probabilities = self._guess(x, keys, values)
            if isinstance(target, int):
                costs.append(-probabilities[target].log())
            else:
                costs.append(-dot(target, [p.log() for p in probabilities]))
        return total(costs) / len(costs)

    def _guess(self, x: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
        """The probability of each token to come next; keys and values get longer by one."""
        y = normalised(x)
        keys.append(times(self.key, y))
        values.append(times(self.value, y))
        x = added(times(self.out, self._attention(times(self.query, y), keys, values)), x)
        hidden = [z.relu() for z in times(self.up, normalised(x))]
        x = added(times(self.down, hidden), x)
        return softmax(times(self.guess, x))

    def _attention(self, query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
        size = len(query) // self.heads
        mixed: Vector = []
        for h in range(self.heads):
            part = slice(h * size, (h + 1) * size)
            scores = [dot(query[part], key[part]) / math.sqrt(size) for key in keys]
            weights = softmax(scores)
            mixed += [
                dot(weights, column) for column in zip(*(v[part] for v in values), strict=True)
            ]
        return mixed


def total(terms: Iterable[Value]) -> Value:
    """Their sum, as Python adds up: beginning at 0."""
    return cast(Value, sum(terms))


def dot(w: Sequence[Value], x: Sequence[Value]) -> Value:
    """W . x, as + and * write it."""
    return total(wi * xi for wi, xi in zip(w, x, strict=True))


def times(matrix: Matrix, x: Vector) -> Vector:
    """A matrix times a vector."""
    return [dot(row, x) for row in matrix]


def added(x: Vector, y: Vector) -> Vector:
    """Two vectors' sum."""
    return [xi + yi for xi, yi in zip(x, y, strict=True)]


def normalised(x: Vector) -> Vector:
    """X divided by the root of the mean of its squares (rmsnorm)."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def softmax(z: Vector) -> Vector:
    """e^z, divided by their sum; the largest z is taken off first, so that none overflows."""
    largest = max(v.data for v in z)
    powers = [(v - largest).exp() for v in z]
    whole = total(powers)
    return [p / whole for p in powers]


def _row(matrix: Matrix, token: int | Vector) -> Vector:
    if isinstance(token, int):
        return matrix[token]
    return [dot(token, column) for column in zip(*matrix, strict=True)]
