"""How long it takes to record a network's graph, and to make array operations of it."""

from __future__ import annotations

import random
import time
from typing import Any

from micrograd import Value, vectorize
from micrograd.losses import squared_error
from micrograd.nn import MLP
from tests.race.programs import layers_of, network, nodes_of


def recording(sizes: list[int], written_out: bool = False, repeats: int = 1) -> dict[str, Any]:
    """Record a network and vectorise it, the function for value and gradient compiled.

    Arguments:
        sizes: of the layers.
        written_out: whether every neuron is sums and products, with a single
            output that is the result; or else nn's sigmoid neurons and the
            squared error, summed over the outputs.
        repeats: how often, for the mean.

    Returns:
        The seconds that it takes to record the graph and to vectorise it, and its nodes.
    """
    nin, *nouts = sizes
    net = MLP(nin, nouts, "sigmoid", output="sigmoid", rng=random.Random(0))  # noqa: S311
    parameters = net.parameters()
    layers = layers_of(parameters, sizes)
    passed = {"record": 0.0, "vectorize": 0.0}
    for _ in range(repeats):
        start = time.perf_counter()
        x = [Value(0.0) for _ in range(nin)]
        if written_out:
            inputs, result = [x], network(layers, Value.relu, x)
        else:
            y = [Value(0.0) for _ in range(nouts[-1])]
            inputs, result = [x, y], squared_error(net(x), y)
        recorded = time.perf_counter()
        program = vectorize(result, inputs, parameters)
        program.value_and_grad(*([[0.0] * len(one)] for one in inputs))
        passed["vectorize"] += time.perf_counter() - recorded
        passed["record"] += recorded - start
    seconds = {name: total / repeats for name, total in passed.items()}
    return {**seconds, "nodes": nodes_of(result)}
