"""The programs that are timed, and the engines that they run on."""

# A worker imports this and worker.py. They import little: whatever is there,
# the contestant's garbage collector has to trace.

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

RATE = 0.1  # of the descent

Layers = list[list[tuple[list[Any], Any]]]  # of neurons, each its weights and its bias


@dataclass(frozen=True)
class Engine:
    """What the programs need to know of an engine that records a graph.

    Arguments:
        number: makes a constant from a float.
        parameter: makes a leaf that wants a gradient.
        relu: applies it.
        no_gradient: what `grad` is set to before `backward`.
        mlp: the class of networks in its nn, if it has one for scalars.
    """

    number: Callable[[float], Any]
    parameter: Callable[[float], Any]
    relu: Callable[[Any], Any]
    no_gradient: Any = 0.0
    mlp: Any = None


@dataclass(frozen=True)
class Job:
    """A workload on an engine.

    Arguments:
        reset: sets the parameters to where they start, and their gradients to none.
        step: does what is timed, and gives the loss.
        gradient: gives what the last step found.
        record: does the forward part of a step, and gives the root of the graph.
    """

    reset: Callable[[], None]
    step: Callable[[], Any]
    gradient: Callable[[], list[Any]]
    record: Callable[[], Any] | None = None


def load(name: str, folder: str | None) -> Engine:
    """Import an engine that records a graph.

    Arguments:
        name: "ours", "micrograd" or "torch".
        folder: where PyPI's micrograd is.

    Raises:
        ImportError: if it is not there.
    """
    if name == "torch":
        torch = import_module("torch")
        number = partial(torch.tensor, dtype=torch.float64)
        return Engine(number, partial(number, requires_grad=True), torch.relu, no_gradient=None)
    if name == "micrograd":
        # Where there is none, Python would go on looking, and find ours.
        if folder is None or not (Path(folder) / "micrograd" / "engine.py").is_file():
            where = "no folder was given" if folder is None else f"it is not in {folder}"
            raise ImportError(where)
        sys.path.insert(0, folder)
        sys.setrecursionlimit(1_000_000)  # its backward recurses, thousands deep
    value = import_module("micrograd.engine").Value
    return Engine(value, value, value.relu, mlp=import_module("micrograd.nn").MLP)


def compiled(program: Any) -> Any:
    """What `vectorize` made, compiled.

    Raises:
        ImportError: if there is no C compiler.
    """
    if import_module("micrograd.native").compiler() is None:
        raise ImportError("there is no C compiler")
    return program.compile()


def layers_of(parameters: Iterable[Any], sizes: list[int]) -> Layers:
    """Put the parameters, in nn's order, where they belong."""
    each = iter(parameters)
    return [
        [([next(each) for _ in range(nin)], next(each)) for _ in range(nout)]
        for nin, nout in pairwise(sizes)
    ]


def network(layers: Layers, relu: Callable[[Any], Any], x: list[Any]) -> Any:
    """The output of a network with one output neuron, every neuron written out."""
    for i, layer in enumerate(layers):
        out = []
        for w, b in layer:
            act = b
            for wi, xi in zip(w, x, strict=True):
                act = act + wi * xi
            out.append(relu(act) if i < len(layers) - 1 else act)
        x = out
    return x[0]


def nodes_of(root: Any) -> int:
    """How many nodes a graph has, leaves included."""
    seen, stack = {root}, [root]
    while stack:
        parents = set(stack.pop()._prev) - seen
        seen |= parents
        stack += parents
    return len(seen)


def svm_loss(
    model: Callable[[list[Any]], Any],
    parameters: list[Any],
    number: Callable[[float], Any],
    relu: Callable[[Any], Any],
    task: dict[str, Any],
) -> Any:
    """The loss of micrograd's demo notebook: maximum margin, with L2."""
    scores = [model([number(v) for v in row]) for row in task["X"]]
    losses = [relu(1 + -yi * si) for yi, si in zip(task["y"], scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    return data_loss + 1e-4 * sum(p * p for p in parameters)


def graph_job(engine: Engine, task: dict[str, Any]) -> Job:
    """A workload, as one and the same program for every engine that records a graph."""
    if task["through_nn"] and engine.mlp:
        nin, *nouts = task["sizes"]
        model = engine.mlp(nin, nouts)
        parameters = model.parameters()
    else:
        parameters = [engine.parameter(v) for v in task["parameters"]]
        model = partial(network, layers_of(parameters, task["sizes"]), engine.relu)

    def reset() -> None:
        for p, number in zip(parameters, task["parameters"], strict=True):
            p.data = engine.number(number).data
            p.grad = engine.no_gradient

    def record() -> Any:
        return svm_loss(model, parameters, engine.number, engine.relu, task)

    def train() -> Any:
        loss = record()
        for p in parameters:
            p.grad = engine.no_gradient
        loss.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return loss.data

    def one_sample() -> Any:
        cost = sum((a - y) ** 2 for a, y in zip(model(task["X"][0]), task["y"], strict=True))
        cost.backward()
        return cost.data

    step = one_sample if task["kind"] == "sample" else train
    return Job(reset, step, lambda: [p.grad for p in parameters], record)


def xad_job(task: dict[str, Any]) -> Job:
    """The training step for XAD, which has a tape and whose Reals take no new value.

    Of several ways to write it this was the fastest: one tape for all steps,
    and plain floats for the inputs and for the zeros that relu gives.

    Raises:
        ImportError: if XAD is not there.
    """
    xad = import_module("xad.adj_1st")
    tape = xad.Tape()
    tape.activate()
    numbers: list[float] = []
    gradient: list[float] = []

    def reset() -> None:
        numbers[:] = task["parameters"]

    def relu(v: Any) -> Any:
        return v if v.value > 0.0 else 0.0

    def train() -> Any:
        parameters = [xad.Real(v) for v in numbers]
        tape.registerInputs(parameters)
        tape.newRecording()
        model = partial(network, layers_of(parameters, task["sizes"]), relu)
        loss = svm_loss(model, parameters, float, relu, task)
        tape.registerOutput(loss)
        loss.derivative = 1.0
        tape.computeAdjoints()
        gradient[:] = [p.derivative for p in parameters]
        numbers[:] = [v - RATE * g for v, g in zip(numbers, gradient, strict=True)]
        return loss.value

    return Job(reset, train, lambda: gradient)
