"""A scalar autograd engine to understand back-propagation with."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd.checking import gradcheck
from micrograd.engine import (
    AnomalyError,
    Value,
    detect_anomaly,
    grad,
    hessian,
    jacobian,
    no_grad,
    parameter,
)
from micrograd.ops import (
    Primitive,
    affine,
    cos,
    exp,
    log,
    maximum,
    minimum,
    primitive,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    squared_error,
    step,
    tanh,
    where,
)
from micrograd.ops import abs as abs
from micrograd.ops import sum as sum
from micrograd.several import log_softmax, logsumexp, mean, softmax

if TYPE_CHECKING:
    from micrograd.program import vectorize

# Not abs and sum: a star import would replace the built-in ones.
__all__ = [
    "AnomalyError",
    "Primitive",
    "Value",
    "affine",
    "cos",
    "detect_anomaly",
    "exp",
    "grad",
    "gradcheck",
    "hessian",
    "jacobian",
    "log",
    "log_softmax",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "no_grad",
    "parameter",
    "primitive",
    "relu",
    "sigmoid",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "squared_error",
    "step",
    "tanh",
    "vectorize",
    "where",
]

# Imported when first asked for: `import micrograd` alone need not wait for them.
_MODULES = {"checking", "collector", "data", "losses", "nn", "optim", "program"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"micrograd.{name}")
    if name == "vectorize":
        return import_module("micrograd.program").vectorize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, "vectorize"})
