"""The network view of a page: what is a network, and what is shown of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from demos import chain_rule, tiny_mlp
from micrograd import Value, ops, squared_error
from micrograd.engine import topological_order
from micrograd.losses import l2
from micrograd.nn import MLP
from tests.browser import Window
from tests.pages import labelled
from viz import page


def of(root: Value) -> Any:
    """The network of the page of a value; None for none."""
    found = re.search(r'id="data">(.*?)</script>', page(root).html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])["network"]


def test_networks_of_nn_are_found_and_nothing_else() -> None:
    root = tiny_mlp.build().cost
    order = topological_order(root)
    network = of(root)
    assert [len(layer) for layer in network["layers"]] == [3, 2]
    assert [order[i].label for i in network["inputs"]] == ["x_0", "x_1"]
    assert [order[n["a"]].label for n in network["layers"][1]] == ["a_{0}^{(2)}", "a_{1}^{(2)}"]
    assert [order[i].label for i in network["layers"][0][1]["w"]] == [
        "w_{10}^{(1)}",
        "w_{11}^{(1)}",
    ]
    assert len(of(chain_rule.build().cost)["layers"]) == 3
    x, y = Value(1.0, "x"), Value(2.0, "y")
    assert of((x * y).tanh()) is None
    assert of(ops.affine([x], [y], 1.0).tanh()) is None  # no parameters


def test_a_network_with_a_penalty_is_one_still() -> None:
    net = MLP(2, [3, 1], activation="tanh", rng=np.random.default_rng(1))
    cost = squared_error(net([0.5, -1.0]), 1.0) + l2(net, 0.1)
    assert [len(layer) for layer in of(cost)["layers"]] == [3, 1]


def test_circles_and_lines_are_the_numbers(show: Callable[..., Window]) -> None:
    root = tiny_mlp.build().cost
    order = topological_order(root)
    root.backward()
    window = show(root, "#step=55&view=network")
    units = window.page.locator(".unit").all()
    assert len(units) == 2 + 3 + 2 + 1
    bright = {}
    for unit in units:
        v = order[int(unit.get_attribute("data-node"))]
        label = unit.get_attribute("aria-label")
        assert f"value {v.data:.4g}".replace("-", "−") in label
        if v is not root:
            bright[v.data] = int(
                unit.locator("circle").evaluate(
                    "c => parseInt(c.style.getPropertyValue('--bright'))"
                )
            )
            wish = unit.locator(".wish").get_attribute("data-sign")
            assert wish == ("negative" if v.grad > 0 else "positive")
    assert [bright[x] for x in sorted(bright)] == sorted(bright.values())
    lines = window.page.locator(".connection").all()
    assert len(lines) == 2 * 3 + 3 * 2
    widths = {}
    for line in lines:
        w = order[int(line.get_attribute("data-weight"))]
        assert line.get_attribute("data-sign") == ("positive" if w.data > 0 else "negative")
        widths[abs(w.data)] = float(line.locator(".weight-line").get_attribute("stroke-width"))
    assert [widths[x] for x in sorted(widths)] == sorted(widths.values())


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_neuron_and_a_line_can_be_chosen(how: str, show: Callable[..., Window]) -> None:
    window = show(tiny_mlp.build().cost, "#step=55")
    window.page.click("#view-network")
    for selector, name in ((".unit[data-node]", ""), (".connection", "w")):
        one = window.page.locator(selector).nth(2)
        if how == "click":
            one.dispatch_event("click")
        else:
            one.focus()
            one.press("Enter")
        assert one.get_attribute("aria-pressed") == "true"
        title = window.page.text_content("#selection > h2")
        assert title.startswith("What does C owe to " if not name else "How ") or name in title
        window.page.keyboard.press("Escape")
    window.until("location.hash.includes('view=network')")


def test_a_graph_without_a_network_has_no_switch(show: Callable[..., Window]) -> None:
    window = show(labelled("C", Value(1.0, "x").exp()), "#view=network")
    assert not window.page.is_visible("#views")
    assert "was ignored" in window.page.inner_text("#message")
