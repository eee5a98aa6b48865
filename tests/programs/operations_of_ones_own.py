"""How nearly everyone adds an operation: a Value with children, and a closure."""

import math

from micrograd.engine import Value


def tanh(self):
    t = math.tanh(self.data)
    out = Value(t, (self,), "tanh")

    def _backward():
        self.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


def exp(v):
    out = Value(math.exp(v.data), _children=(v,), _op="exp")

    def _backward():
        v.grad += out.data * out.grad

    out._backward = _backward
    return out


def weighted(values, weights):
    out = Value(sum(v.data * w for v, w in zip(values, weights)), tuple(values), "dot")

    def _backward():
        for v, w in zip(values, weights):
            v.grad += w * out.grad

    out._backward = _backward
    return out


a, b = Value(0.5), Value(-1.5)
shared = exp(a * b)
d = tanh(shared + b) * shared
e = weighted([d, a, shared], [2.0, -1.0, 0.5])
f = e * e + tanh(a)
f.backward()
result = [v.data for v in (shared, d, e, f)] + [v.grad for v in (a, b, shared, d, e, f)]

square = Value(a.data * a.data, (a, a), "sq")


def _backward():
    a.grad += 2 * a.data * square.grad


square._backward = _backward
a.grad = 0
(square * 3.0 + square).backward()
result += [square.data, a.grad, len(square._prev), len(f._prev)]
