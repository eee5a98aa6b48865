"""Pictures and explanations of the chain rule."""

from viz import origin as origin  # first: it says why the others could not be imported

# isort: split
from viz.draw import TooManyNodesError, draw, draw_dot
from viz.explain import ErrorTerms, Explanation, Path, error_terms, explain
from viz.page import Page, page
from viz.render import Drawing, NoRenderingEngineError, RenderError

__all__ = [
    "Drawing",
    "ErrorTerms",
    "Explanation",
    "NoRenderingEngineError",
    "Page",
    "Path",
    "RenderError",
    "TooManyNodesError",
    "draw",
    "draw_dot",
    "error_terms",
    "explain",
    "page",
]
