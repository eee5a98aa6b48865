"""Walks over `_prev`, `_op` read and set, and the backward pass written out by hand."""

from micrograd.engine import Value

a, b = Value(2.0), Value(-3.0)
c = a * b
d = c + a
e = d.relu() + c * c


def topological(root):
    order, seen = [], set()

    def build(v):
        if v not in seen:
            seen.add(v)
            for child in v._prev:
                build(child)
            order.append(v)

    build(root)
    return order


order = topological(e)
e.grad = 1.0
for v in reversed(order):
    v._backward()
result = [e.data, a.grad, b.grad, c.grad, d.grad]
result += [len(order), len(c._prev), float(c._op == "*"), float(a._op == "")]

c._op = "product"
result += [float(c._op == "product")]

# A node that is put together afterwards.
x = Value(1.5)
cube = Value(x.data**3)
cube._prev = {x}
cube._op = "cube"


def _backward():
    x.grad += 3 * x.data**2 * cube.grad


cube._backward = _backward
(cube * 2.0 + x).backward()
result += [x.grad, len(cube._prev)]

# Truncated: what is behind is not walked any more.
p = Value(0.5)
q = p * p
r = q * q
r._prev = ()
s = r * 3.0
s.backward()
result += [s.data, r.grad, q.grad, p.grad]
