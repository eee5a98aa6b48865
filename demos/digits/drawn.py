"""Digits drawn here, for want of handwritten ones: lines and arcs, each time a little different."""

from __future__ import annotations

from typing import Any

import numpy as np

from demos.common import progress

SIZE = 28


def _arc(x: float, y: float, across: float, up: float, start: float, end: float) -> Any:
    """A piece of an ellipse as points; angles in turns, from the right, downwards."""
    angle = 2.0 * np.pi * np.linspace(start, end, 13)
    return np.stack([x + across * np.cos(angle), y + up * np.sin(angle)], axis=1)


def _line(*points: tuple[float, float]) -> Any:
    return np.array(points)


# Each digit's strokes, from (-1, -1) at the top left to (1, 1).
STROKES = [
    [_arc(0, 0, 0.6, 1, 0, 1)],
    [_line((-0.4, -0.6), (0.1, -1), (0.1, 1))],
    [_arc(0, -0.45, 0.55, 0.55, -0.5, 0.1), _line((0.45, -0.12), (-0.6, 1), (0.65, 1))],
    [_arc(0, -0.5, 0.5, 0.5, -0.4, 0.25), _arc(0, 0.5, 0.6, 0.5, -0.25, 0.4)],
    [_line((0.3, 1), (0.3, -1), (-0.6, 0.4), (0.65, 0.4))],
    [_line((0.55, -1), (-0.45, -1), (-0.5, -0.1)), _arc(-0.05, 0.4, 0.6, 0.6, -0.38, 0.4)],
    [_arc(0.4, 0.2, 0.95, 1.2, 0.5, 0.7), _arc(0, 0.45, 0.55, 0.55, 0, 1)],
    [_line((-0.6, -1), (0.6, -1), (-0.15, 1))],
    [_arc(0, -0.5, 0.48, 0.5, 0, 1), _arc(0, 0.5, 0.58, 0.5, 0, 1)],
    [_arc(0, -0.45, 0.52, 0.55, 0, 1), _line((0.52, -0.45), (0.3, 1))],
]


def draw_digits(n: int, seed: int) -> tuple[Any, Any]:
    """Draw digits: turned, slanted, scaled, moved, thick or thin, and a little noisy.

    Arguments:
        n: how many.
        seed: the same seed draws the same digits.

    Returns:
        The pixels from 0 to 1, of shape (n, 784), and the n labels; in the
        form of micrograd.data.read_digits.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    X = np.empty((n, SIZE * SIZE))
    y, x = np.mgrid[:SIZE, :SIZE]
    for i in progress(range(n), "digit"):
        turn, slant = rng.normal(0.0, 0.2), rng.normal(0.1, 0.25)
        cos, sin = np.cos(turn), np.sin(turn)
        shape = np.array([[cos, -sin], [sin, cos]]) @ [[1.0, -slant], [0.0, 1.0]]
        scale, middle = rng.uniform(6.5, 8.5, 2), 13.5 + rng.uniform(-2.0, 2.0, 2)
        ink = np.zeros((SIZE, SIZE))
        for stroke in STROKES[labels[i]]:
            points = (stroke + rng.normal(0.0, 0.12, stroke[[0]].shape)) @ shape.T * scale + middle
            ink = np.maximum(ink, _ink(points, x, y, rng.uniform(0.9, 1.6)))
        noise = rng.normal(0.0, 0.1, ink.shape) * (ink > 0.0)
        X[i] = np.clip(ink + noise, 0.0, 1.0).ravel()
    return X, labels


def _ink(points: Any, x: Any, y: Any, thickness: float) -> Any:
    """How dark each pixel is: 1 along the stroke, and falling off within a pixel."""
    here, there = points[:-1, :, None, None], points[1:, :, None, None]
    along = there - here
    pixel = np.stack([x, y]) - here
    share = np.clip((pixel * along).sum(axis=1) / (along**2).sum(axis=1), 0.0, 1.0)
    distance = np.sqrt(((pixel - share[:, None] * along) ** 2).sum(axis=1)).min(axis=0)
    return np.clip(thickness + 0.5 - distance, 0.0, 1.0)
