"""What there is to see of a network that reads digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator

from demos.common import BLUE, GREEN, GREY, ORANGE, axes
from demos.digits.source import Digits
from demos.digits.wishes import Wishes
from micrograd.nn import MLP

_RED = "#b2182b"  # of the colour map RdBu


def curves(history: list[list[float]], digits: Digits) -> Any:
    """The cost and the accuracy after each epoch."""
    figure, (left, right) = axes(2)
    epochs = np.arange(len(history)) + 1
    training, held, accuracy = np.array(history).T
    images = f"{len(digits.X):,} images,\neach moved by up to a pixel"
    left.plot(epochs, training, color=BLUE, label=f"training: {images}")
    left.plot(epochs, held, color=ORANGE, label=f"held out: {len(digits.X_held):,} images")
    left.set(xlabel="epoch", ylabel="mean cost", yscale="log", title="cost")
    left.legend()
    left.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
    left.yaxis.set_major_formatter("{x:g}")
    left.yaxis.set_minor_formatter("")
    right.plot(epochs, 100 * accuracy, color=ORANGE)
    right.set(xlabel="epoch", ylabel="%", title=f"held out: {accuracy[-1]:.1%} right at the end")
    for ax in (left, right):
        ax.xaxis.get_major_locator().set_params(integer=True)
    return figure


def first_layer(net: MLP) -> Any:
    """The weights of each neuron of the first layer, where they look in the image."""
    weights = np.array([[w.data for w in neuron.w] for neuron in net.layers[0].neurons])
    figure, grid = axes(8, -(-len(weights) // 8), size=(12, 3.7))
    largest = np.quantile(np.abs(weights), 0.995)  # a few huge ones would leave the others pale
    for ax in grid.flat:
        ax.set_axis_off()
    for j, (ax, row) in enumerate(zip(grid.flat, weights, strict=False)):
        ax.set_title(f"$a_{{{j}}}^{{(1)}}$")
        image = ax.imshow(row.reshape(28, 28), cmap="RdBu", vmin=-largest, vmax=largest)
    bar = figure.colorbar(image, ax=grid, shrink=0.8, extend="both")
    bar.set_label("weight: blue for ink there, red against it")
    return figure


def wish_picture(w: Wishes) -> Any:
    """An image, what each output wants for itself, and what it wants of the layer before."""
    n, m = w.by_output.shape
    figure, parts = axes(3, size=(14, 4.6))
    image, bars, table = parts
    figure.get_layout_engine().set(w_pad=0.1)
    bars.get_gridspec().set_width_ratios([1.0, 1.1, 2.0])
    image.set_axis_off()
    image.imshow(w.x.reshape(28, 28), cmap="gray_r")
    image.set_title(f"shows {w.label}, taken for {w.guess}")

    bars.grid(visible=False, axis="y")
    rows = np.arange(n)
    wanted = (rows == w.label).astype(float)
    bars.barh(rows, w.a, color=np.where(rows == w.label, GREEN, "#bbbbbb"), height=0.7)
    for j in rows:
        colour = GREY
        if abs(wanted[j] - w.a[j]) > 0.02:
            colour = BLUE if w.by_a[j] > 0 else _RED
            style = {"arrowstyle": "-|>", "color": colour, "lw": 1 + abs(w.by_a[j])}
            bars.annotate("", (wanted[j], j), (w.a[j], j), arrowprops=style)
        bars.text(1.08, j, _signed(w.by_a[j]), va="center", color=colour)
    bars.set(xlim=(0, 1.35), ylim=(n - 0.5, -0.5), yticks=rows, xticks=[0, 0.5, 1])
    bars.set(xlabel="$a_j$, and where it wants to be", ylabel="output $j$")
    bars.set_title(r"its wish $2\,(y_j-a_j)$", loc="right")

    # All of them together are the last row, with a gap above it.
    both = np.vstack([w.by_output, np.full(m, np.nan), w.total])
    largest = np.abs(np.nan_to_num(both)).max() or 1.0
    table.grid(visible=False)
    table.spines[:].set_visible(False)
    shown = table.imshow(both, cmap="RdBu", vmin=-largest, vmax=largest, aspect="auto")
    ticks = [f"{k}\n{a:.2f}".replace("0.", ".") for k, a in enumerate(w.before)]
    table.set_xticks(range(m), ticks, fontsize=8)
    table.set_yticks([*rows, n + 1], [*map(str, rows), "all"])
    table.tick_params(length=0)
    table.set_xlabel("activation $a_k$ of the layer before, and its value")
    table.set_title(r"what output $j$ wishes of $a_k$:  $-\,w_{jk}\,\sigma'(z_j)\,2\,(a_j-y_j)$")
    bar = figure.colorbar(shown, ax=table)
    bar.set_label("blue: go up; red: go down")
    return figure


def _signed(x: float) -> str:
    return f"{x:+.2f}".replace("-", "−") if abs(x) >= 0.005 else "0"
