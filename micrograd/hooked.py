"""The part of a Value that programs for micrograd reach into: `_prev`, `_op`, `_backward`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from micrograd import hooks
from micrograd.hooks import Hook
from micrograd.modes import namespace, recording
from micrograd.primitive import Primitive
from micrograd.trials import is_product


class Hooked:
    """A node whose parents, symbol and step of the chain rule may be set."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def op(self) -> Primitive | None:
            """As Value has it."""

        @property
        def parents(self) -> tuple[Any, ...]:
            """As Value has it."""

    _pull: Any
    _a: Any
    _symbol: Any = ""  # what `_op` was set to
    _twin: Callable[[], Any]

    @property
    def _prev(self) -> tuple[Any, ...]:
        """The parents, under micrograd's name. May be set, as there."""
        return self.parents

    @_prev.setter
    def _prev(self, parents: Any) -> None:
        hooks.set_parents(self, parents, self._twin, namespace["watch"])

    @property
    def _op(self) -> str:
        """The operation's symbol, as in micrograd; "" for a leaf. May be set."""
        return self._symbol or (self.op.symbol if self.op else "")

    @_op.setter
    def _op(self, symbol: str) -> None:
        if not isinstance(symbol, str):
            raise TypeError(f"_op: expected a string, got {type(symbol).__name__} {symbol!r}")
        self._symbol = symbol
        if hooks.is_hooked(self) and self._a is not None:
            self._pull.primitive = hooks.row_of(symbol)

    @property
    def _backward(self) -> Callable[[], Any]:
        """One node's step of the chain rule: it passes the node's gradient on to its parents.

        May be set to a function without arguments, as in micrograd: `backward` then runs
        that instead. It may call the one that was there before.

        >>> from micrograd import Value
        >>> x = Value(3.0); y = x * x; z = 2.0 * y
        >>> old = y._backward
        >>> def clip():
        ...     y.grad = min(y.grad, 1.0)
        ...     old()
        >>> y._backward = clip
        >>> z.backward(); x.grad
        6.0
        """
        pull = self._pull
        if type(pull) is Hook and pull.function is not None:
            return pull.function
        return self._step

    @_backward.setter
    def _backward(self, function: Callable[[], Any]) -> None:
        if getattr(self, "_pull", None) is hooks.UNRECORDED and recording():
            raise TypeError(
                "_backward: the value was made under no_grad, and has no parents to pass a "
                "gradient on to; make it anew"
            )
        hooks.install(self, function)

    def _step(self) -> None:
        """Do the step that the node was recorded with, whatever `_backward` was set to."""
        pull = self._pull
        if type(pull) is Hook:
            pull.step(self)
        elif pull is not None:
            pull(self)

    @property
    def hooked(self) -> bool:
        """Whether the value has a `_backward` of its own, or parents and no row of the table.

        >>> from micrograd import Value
        >>> x = Value(2.0); (x * x).hooked, Value(4.0, (x,), "square").hooked
        (False, True)
        """
        return hooks.is_hooked(self)

    def multiplies(self) -> bool:
        """Whether what is passed on is each local derivative times the gradient.

        So it is for every row of the table. A `_backward` of the program's own, which may
        clip gradients, is tried with several.
        """
        return not self.hooked or self._a is None or is_product(self)
