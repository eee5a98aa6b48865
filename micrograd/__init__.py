"""A scalar autograd engine to understand back-propagation with."""

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
from micrograd.gradcheck import gradcheck
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
    tanh,
)
from micrograd.ops import abs as abs
from micrograd.ops import sum as sum

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
    "maximum",
    "minimum",
    "no_grad",
    "parameter",
    "primitive",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "squared_error",
    "tanh",
]
