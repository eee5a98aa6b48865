"""Any callable as a layer, and inputs that come one by one."""

import random

from micrograd.engine import Value
from micrograd.nn import MLP, Layer, Neuron

random.seed(3)
net = MLP(2, [3, 3, 1])
net.layers.insert(1, lambda xs: [x * x for x in xs])
out = net([0.5, -0.25])
out.backward()
weights = [p for layer in net.layers if isinstance(layer, Layer) for p in layer.parameters()]
result = [out.data, *(p.grad for p in weights)]

neuron = Neuron(3)
result += [neuron(iter([1.0, 2.0, 3.0])).data, neuron(x * 0.5 for x in (1, 2, 3)).data]
result += [neuron((1, 2, 3)).data, neuron({1: "a", 2: "b", 3: "c"}).data]
double = [Value(1.0), Value(2.0), Value(3.0)]
one = Layer(3, 1)(v * 2.0 for v in double)
one.backward()
result += [one.data, *(v.grad for v in double)]
