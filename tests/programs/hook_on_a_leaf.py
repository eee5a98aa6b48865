"""Hooks on leaves: they run when all has arrived."""

from micrograd.engine import Value
from micrograd.nn import MLP, Neuron

w, x = Value(3.0), Value(2.0)
loss = w * x + w * w


def clip():
    w.grad = max(-1.0, min(1.0, w.grad))


w._backward = clip
loss.backward()
result = [w.grad, x.grad]

neuron = Neuron(2)
for p, number in zip(neuron.parameters(), (0.5, -0.25, 0.125)):
    p.data = number
out = neuron([Value(4.0), Value(1.0)])
weight = neuron.w[0]
weight._backward = lambda: setattr(weight, "grad", min(weight.grad, 1.5))
out.backward()
result += [out.data, *(p.grad for p in neuron.parameters())]
again = neuron([Value(4.0), Value(1.0)])
neuron.zero_grad()
(again * 10.0).backward()
result += [p.grad for p in neuron.parameters()]
result += [len(MLP(2, [2, 1]).parameters())]
