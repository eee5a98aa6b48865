"""Neuron.__call__ replaced for all, and for one network's class."""

import random

from micrograd.engine import Value
from micrograd.nn import MLP, Layer, Neuron

random.seed(7)
net, layer = MLP(2, [2, 1]), Layer(2, 2)
right = Neuron.__call__
Neuron.__call__ = lambda self, x: Value(4.0) * sum(self.w, self.b)
outs = layer([1.0, 2.0])
result = [o.data for o in outs]
out = net([1.0, 2.0])
out.backward()
result += [out.data, *(p.grad for p in net.parameters())]
Neuron.__call__ = right
net.zero_grad()
out = net([1.0, 2.0])
out.backward()
result += [out.data, *(p.grad for p in net.parameters())]

forward = Layer.__call__
Layer.__call__ = lambda self, x: [o * 0.5 for o in (n(x) for n in self.neurons)]
result += [o.data for o in net([1.0, 2.0])]
Layer.__call__ = forward
