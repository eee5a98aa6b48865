"""Subclasses of Neuron, Layer, MLP and Module, each with an `__init__` of its own."""

import random

from micrograd.engine import Value
from micrograd.nn import MLP, Layer, Module, Neuron

random.seed(42)


class Scaled(Neuron):
    def __call__(self, x):
        return super().__call__(x) * 2.0


class OwnNeuron(Neuron):
    def __init__(self, nin, nonlin=True):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0.5)
        self.nonlin = nonlin


class Bounded(OwnNeuron):
    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act * act if self.nonlin else act


class OwnLayer(Layer):
    def __init__(self, nin, nout, kind=OwnNeuron, **kwargs):
        self.neurons = [kind(nin, **kwargs) for _ in range(nout)]


class OwnMLP(MLP):
    def __init__(self, nin, nouts):
        sizes = [nin] + nouts
        self.layers = [
            OwnLayer(sizes[i], sizes[i + 1], Bounded, nonlin=i != len(nouts) - 1)
            for i in range(len(nouts))
        ]


class Residual(Module):
    def __init__(self, width):
        self.inner = OwnLayer(width, width)

    def __call__(self, x):
        return [a + b for a, b in zip(self.inner(x), x)]

    def parameters(self):
        return self.inner.parameters()


def run(net, x):
    out = net(x)
    outs = out if isinstance(out, list) else [out]
    net.zero_grad()
    sum(o * o for o in outs).backward()
    return [o.data for o in outs] + [p.grad for p in net.parameters()]


result = run(OwnMLP(2, [3, 2]), [0.5, -1.0])
result += run(OwnMLP(2, [3, 1]), [Value(0.5), Value(-1.0)])
result += run(Residual(2), [Value(0.25), Value(2.0)])
result += run(OwnNeuron(3), [1.0, 2.0, 3.0])

layer = OwnLayer(2, 2)
layer.neurons[0] = Scaled(2)
layer.neurons.append(OwnNeuron(2, nonlin=False))
result += run(layer, [0.75, -0.5])

net = MLP(2, [2, 2])
net.layers[0].neurons[1] = Scaled(2)
net.layers[1].neurons[0].nonlin = True
net.layers[0].neurons[0].nonlin = False
result += run(net, [0.3, 0.7])
