"""A step of descent on a minibatch: with `vectorize`, by hand in NumPy, with PyTorch and with JAX.

What `vectorize` makes takes part twice: as it is, in NumPy, and compiled.

The cost of a sample is the squared error, summed over the outputs; that of the
minibatch is the mean. A step finds it and its gradient, and goes down that.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from micrograd import Value
from micrograd.losses import squared_error
from micrograd.nn import MLP
from micrograd.program import Program, vectorize
from tests.race.programs import RATE, Job, compiled, layers_of

Array = npt.NDArray[Any]


def matrices(task: dict[str, Any]) -> list[Array]:
    """The parameters that the descent starts at: W1, b1, W2, b2, ..."""
    layers = layers_of(task["parameters"], task["sizes"])
    return [np.array(part, task["dtype"]) for layer in layers for part in zip(*layer, strict=True)]


def samples(task: dict[str, Any]) -> tuple[Array, Array]:
    """The minibatch: X of shape (batch, inputs), Y of shape (batch, outputs)."""
    return np.array(task["X"], task["dtype"]), np.array(task["y"], task["dtype"])


def flat(matrices: list[Any]) -> Array:
    """All parameters in nn's order: neuron by neuron, the weights and then the bias."""
    pairs = zip(matrices[::2], matrices[1::2], strict=True)
    return np.concatenate([np.column_stack([W, b]).ravel() for W, b in pairs], dtype=np.float64)


def job(
    task: dict[str, Any],
    reset: Callable[[], None],
    step: Callable[[], Any],
    parameters: Callable[[], Any],
) -> Job:
    """The job of a contestant whose gradient is known by what its step takes off the parameters."""
    before = np.array(task["parameters"], task["dtype"]).astype(np.float64)
    return Job(reset, step, lambda: ((before - parameters()) / RATE).tolist())


def program_of(task: dict[str, Any]) -> Program:
    """The cost of one sample, written down with Values, and what `vectorize` makes of it."""
    nin, *nouts = task["sizes"]
    net = MLP(nin, nouts, "sigmoid", output="sigmoid")
    x = [Value(0.0) for _ in range(nin)]
    y = [Value(0.0) for _ in range(nouts[-1])]
    cost_of_one = squared_error(net(x), y)
    return vectorize(cost_of_one, [x, y], net.parameters(), task["dtype"])


def vectorized_job(task: dict[str, Any]) -> Job:
    """The program as it is."""
    return program_job(task, program_of(task))


def compiled_job(task: dict[str, Any]) -> Job:
    """The program, compiled.

    Raises:
        ImportError: if there is no C compiler.
    """
    return program_job(task, compiled(program_of(task)))


def program_job(task: dict[str, Any], program: Program) -> Job:
    """Steps of descent with a program."""
    X, Y = samples(task)

    def reset() -> None:
        program.parameters = task["parameters"]

    def step() -> Any:
        cost, gradient = program.value_and_grad(X, Y)
        program.parameters -= RATE * gradient
        return cost

    return job(task, reset, step, lambda: program.parameters)


def numpy_job(task: dict[str, Any]) -> Job:
    """Forward and backward by hand."""
    X, Y = samples(task)
    weights: list[Array] = []
    biases: list[Array] = []

    def reset() -> None:
        parameters = matrices(task)
        weights[:], biases[:] = parameters[::2], parameters[1::2]

    def step() -> Any:
        a = [X]
        for W, b in zip(weights, biases, strict=True):
            a.append(1.0 / (1.0 + np.exp(-(a[-1] @ W.T + b))))
        error = a[-1] - Y
        cost = (error * error).sum() / len(X)
        d = 2.0 / len(X) * error * a[-1] * (1.0 - a[-1])
        for layer in reversed(range(len(weights))):
            dW, db = d.T @ a[layer], d.sum(axis=0)
            if layer:
                d = d @ weights[layer] * a[layer] * (1.0 - a[layer])
            weights[layer] -= RATE * dW
            biases[layer] -= RATE * db
        return cost

    def parameters() -> Array:
        return flat([part for layer in zip(weights, biases, strict=True) for part in layer])

    return job(task, reset, step, parameters)


def torch_job(task: dict[str, Any]) -> Job:
    """PyTorch, eager: of several ways to write it this was the fastest.

    Raises:
        ImportError: if PyTorch is not there.
    """
    torch = import_module("torch")
    torch.set_num_threads(task["threads"])
    X, Y = map(torch.from_numpy, samples(task))
    parameters: list[Any] = []

    def reset() -> None:
        parameters[:] = [torch.from_numpy(m).requires_grad_() for m in matrices(task)]

    def step() -> Any:
        a = X
        for W, b in zip(parameters[::2], parameters[1::2], strict=True):
            a = torch.sigmoid(torch.nn.functional.linear(a, W, b))
        cost = torch.nn.functional.mse_loss(a, Y, reduction="sum") / len(X)
        gradients = torch.autograd.grad(cost, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, gradients, strict=True):
                p.sub_(g, alpha=RATE)
        return cost.item()

    return job(task, reset, step, lambda: flat([p.detach() for p in parameters]))


def jax_job(task: dict[str, Any]) -> Job:
    """JAX: value, gradient and update in one compiled function.

    Raises:
        ImportError: if JAX is not there.
    """
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", task["dtype"] == "float64")
    X, Y = map(jax.numpy.asarray, samples(task))
    parameters: list[Any] = []

    def cost_of(parameters: list[Any], X: Any, Y: Any) -> Any:
        a = X
        for W, b in zip(parameters[::2], parameters[1::2], strict=True):
            a = jax.nn.sigmoid(a @ W.T + b)
        return ((a - Y) ** 2).sum() / len(X)

    def descend(parameters: list[Any], X: Any, Y: Any) -> Any:
        cost, gradients = jax.value_and_grad(cost_of)(parameters, X, Y)
        return cost, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    compiled = jax.jit(descend, donate_argnums=0)

    def reset() -> None:
        parameters[:] = map(jax.numpy.asarray, matrices(task))

    def step() -> Any:
        cost, parameters[:] = jax.block_until_ready(compiled(parameters, X, Y))
        return cost

    return job(task, reset, step, lambda: flat(parameters))


JOBS = {
    "ours": vectorized_job,
    "compiled": compiled_job,
    "numpy": numpy_job,
    "torch": torch_job,
    "jax": jax_job,
}
