"""The demo notebook's loop, on a fixed grid."""

import random

from micrograd.engine import Value
from micrograd.nn import MLP

random.seed(1337)
model = MLP(2, [4, 4, 1])
points = [(x / 4.0, y / 4.0) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]
labels = [1 if x * x + y * y < 0.5 else -1 for x, y in points]
result = []
for k in range(15):
    scores = [model(list(map(Value, point))) for point in points]
    losses = [(1 + -yi * si).relu() for yi, si in zip(labels, scores)]
    loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= (1.0 - 0.9 * k / 100) * p.grad
    result.append(loss.data)
result += [p.data for p in model.parameters()]
