"""Arrays of numbers and of Values."""

import numpy as np

from micrograd.engine import Value

values = [Value(1.5), Value(-0.5), Value(2.0)]
a = np.array(values)
shares = a / a.sum()
shifted = a - a[2]
scaled = np.array([1.0, 2.0, 3.0]) * a
dotted = a @ np.array([0.5, -1.0, 2.0])
v = Value(3.0)
spread = np.array([1.0, 2.0]) * v
total = sum(shares * scaled) + shifted.sum() * 0.25 + dotted * dotted + spread.sum()
total = total + np.float64(2.0) * v + v * np.int64(3) + np.dot(a, a) + (np.ones(2) * v + 1.0).sum()
total.backward()
result = [total.data, v.grad, *(x.grad for x in values), len(spread)]
result += [x.data for x in np.concatenate([shares, shifted, scaled])]

matrix = np.array([[Value(i + 2.0 * j) for j in range(2)] for i in range(3)])
product = matrix @ np.array([Value(1.0), Value(-1.0)])
loss = (product**2).sum() + np.abs(-2.5) * matrix[1, 1]
loss.backward()
result += [loss.data, *(x.grad for x in matrix.ravel())]
