"""A Value with more operations, and with operators of its own."""

import math

from micrograd.engine import Value
from micrograd.nn import Neuron


class Number(Value):
    def __init__(self, data, _children=(), _op="", label=""):
        super().__init__(data, _children, _op)
        self.label = label

    def log(self):
        out = Number(math.log(self.data), (self,), "log")

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    def __rmul__(self, other):
        out = Number(self.data * (other.data if isinstance(other, Value) else other), (self,), "x")
        others = [other] if isinstance(other, Value) else []

        def _backward():
            self.grad += 10 * out.grad
            for v in others:
                v.grad += 0.0

        out._backward = _backward
        return out


x = Number(2.0, label="x")
y = x.log() * x
y.backward()
result = [y.data, x.grad]
x.grad = 0
z = 3.0 * x
z.backward()
result += [z.data, x.grad]

neuron = Neuron(2)
for p, number in zip(neuron.parameters(), (0.5, 0.25, 0.125)):
    p.data = number
inputs = [Number(1.0), Number(2.0)]
out = neuron(inputs)
out.backward()
result += [out.data, *(v.grad for v in inputs), *(p.grad for p in neuron.parameters())]
