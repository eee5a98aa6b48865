"""Pictures of the chain rule."""

from viz.draw import TooManyNodesError, draw, draw_dot
from viz.render import Drawing, NoRenderingEngineError, RenderError

__all__ = [
    "Drawing",
    "NoRenderingEngineError",
    "RenderError",
    "TooManyNodesError",
    "draw",
    "draw_dot",
]
