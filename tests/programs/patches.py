"""Methods that are added to Value, and methods of Value that are replaced."""

import math

from micrograd.engine import Value
from micrograd.nn import MLP


def sigmoid(self):
    s = 1 / (1 + math.exp(-self.data))
    out = Value(s, (self,), "sigmoid")

    def _backward():
        self.grad += s * (1 - s) * out.grad

    out._backward = _backward
    return out


def leaky(self):
    out = Value(self.data if self.data > 0 else 0.1 * self.data, (self,), "leaky")

    def _backward():
        self.grad += (1.0 if self.data > 0 else 0.1) * out.grad

    out._backward = _backward
    return out


Value.my_sigmoid = sigmoid
x = Value(0.3)
y = x.my_sigmoid() * x
y.backward()
result = [y.data, x.grad]

net = MLP(2, [3, 1])
for i, p in enumerate(net.parameters()):
    p.data = math.sin(i + 1.0)
Value.relu = leaky
out = net([Value(0.5), Value(-0.75)])
out.backward()
result += [out.data, *(p.grad for p in net.parameters())]

times = Value.__mul__
Value.__mul__ = lambda self, other: times(self, other) + 0.25
net.zero_grad()
out = net([Value(0.5), Value(-0.75)])
out.backward()
result += [out.data, *(p.grad for p in net.parameters())]
