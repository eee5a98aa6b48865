"""A Program: NumPy functions written from a graph of Values, with their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from micrograd.engine import Value
from micrograd.primitive import is_number
from micrograd.program.comparing import ProgramMismatch, compared
from micrograd.program.listing import APART, Listing

__all__ = ["Program", "ProgramMismatch"]

Array = npt.NDArray[Any]
_FUNCTIONS: Final = ("forward", "value_and_grad", "per_sample_grad")


def _array(given: Any) -> Array | None:
    """An array; None for a sequence whose elements differ in length."""
    try:
        return np.asarray(given)
    except ValueError:
        return None


def _shape(size: int | None) -> str:
    return "(batch,)" if size is None else f"(batch, {size})"


class Program:
    """NumPy functions that compute what a graph of Values does, for many samples at once.

    Made by `vectorize`. NaN and infinity in the arrays go through the
    arithmetic as in the engine, and raise nothing.

    Attributes:
        dtype: of all arrays, float64 or float32.
    """

    def __init__(
        self,
        listing: Listing,
        inputs: Sequence[int | None],
        parameters: Sequence[Value],
        dtype: Any,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self._listing: Listing | None = listing
        self._inputs = list(inputs)
        self._input_names = listing.inputs
        self._values = list(parameters)
        self._parameters = np.zeros(len(parameters), self.dtype)
        self._single = listing.single
        self._source = self._apart = ""  # of a copy: what it runs, and how inputs matter
        self._functions: dict[str, Callable[..., Any]] = {}
        self._native = False  # whether they are compiled
        self._jax: Any = None
        self._c: Any = None  # the C and the shapes of its results, or why there is none
        self.from_values()

    @property
    def parameters(self) -> Array:
        """All parameters in one array, in the order given; `-=` changes it in place."""
        return self._parameters

    @parameters.setter
    def parameters(self, numbers: Any) -> None:
        if numbers is self._parameters and numbers.shape == (len(self._values),):
            return  # after parameters -= ...
        self._take(self._numbers(numbers))

    def from_values(self) -> None:
        """Take the parameters' numbers from the Values.

        Raises:
            TypeError: if one is no real number; then nothing has changed.
        """
        for i, v in enumerate(self._values):
            if not is_number(v.data):
                raise TypeError(
                    f"Program.from_values: expected a real number as parameter {i}, got {v!r}"
                )
        self._take(np.array([float(v.data) for v in self._values]))

    def _take(self, numbers: Array) -> None:
        with np.errstate(all="ignore"):  # what float32 cannot hold is infinite there
            self._parameters[...] = numbers

    def to_values(self) -> None:
        """Write the parameters' numbers to the Values."""
        for v, number in zip(self._values, self._parameters.tolist(), strict=True):
            v.data = number

    def __call__(self, *arrays: Any) -> Any:
        """The outputs for each sample.

        Arguments:
            arrays: one for each input, (batch, size); (batch,) for a single Value.

        Returns:
            (batch,) for one output, (batch, n_outputs) for a list; without
            inputs a float, or (n_outputs,).

        Raises:
            TypeError: for another number of arrays, or one that holds no real numbers.
            ValueError: for a wrong shape, different numbers of samples, or none.
        """
        out = np.array(self._run("forward", arrays), self.dtype)
        return float(out) if out.ndim == 0 else out

    def value_and_grad(self, *arrays: Any, parameters: Any = None) -> tuple[float, Array]:
        """The mean of the output over the samples, and its gradient by the parameters.

        Arguments:
            arrays: as for a call.
            parameters: numbers to use instead of the program's own; an array of its type
                is not copied. So several programs (for texts of different lengths, say)
                share one array that is trained.

        Returns:
            The mean; and (n_parameters,). The output does not depend on every
            parameter perhaps: by the others it is zero.

        Raises:
            TypeError: if there are several outputs; and as for a call.
            ValueError: as for a call; and for another number of parameters.

        >>> from micrograd import Value, parameter, vectorize
        >>> w, x = parameter(2.0, "w"), Value(1.0, "x")
        >>> program = vectorize(w * x, [x], [w])
        >>> program.value_and_grad([1.0, 3.0], parameters=np.array([5.0]))
        (10.0, array([2.]))
        """
        value, gradient = self._run("value_and_grad", arrays, parameters)
        return float(value), gradient

    def per_sample_grad(self, *arrays: Any) -> Array:
        """Each sample's gradient by the parameters.

        Arguments:
            arrays: as for a call.

        Returns:
            (batch, n_parameters); without inputs one row. The mean of the rows
            is the gradient of `value_and_grad`.

        Raises:
            TypeError: if there are several outputs; and as for a call.
            ValueError: as for a call.
        """
        gradient: Array = self._run("per_sample_grad", arrays)
        return gradient

    def input_grad(self, *arrays: Any) -> Any:
        """The derivatives of each sample's output by its own inputs: which pixels matter.

        Arguments:
            arrays: as for a call.

        Returns:
            For each input an array of its shape, in a tuple; for a single input that array.

        Raises:
            TypeError: if there are several outputs, or no inputs; and as for a call.
            ValueError: as for a call.

        >>> from micrograd import Value, vectorize
        >>> x, y = Value(1.0, "x"), Value(1.0, "y")
        >>> vectorize(x * x * y, [x, y]).input_grad([1.0, 3.0], [2.0, 1.0])
        (array([4., 6.]), array([1., 9.]))
        """
        if not self._inputs:
            raise TypeError("Program.input_grad: the program has no inputs")
        found = self._run(APART, arrays)
        several = found if isinstance(found, tuple) else (found,)
        own = [
            g[:, 0] if size is None else g for g, size in zip(several, self._inputs, strict=True)
        ]
        return own[0] if len(own) == 1 else tuple(own)

    def check(self, function: Callable[..., Any], *arrays: Any) -> float:
        """Run the Python function that was recorded on samples, and compare the program with it.

        A program knows the graph of one sample only. Where the function takes another way
        for another sample, by an `if` on a number say, the two differ.

        Arguments:
            function: what was recorded, as a function of the inputs: for each a list of
                Values, or a single one. It gives the output, or the list of outputs, and
                uses the program's parameters, the very Values.
            arrays: as for a call.

        Returns:
            The largest difference that was found, of values and of gradients, in parts of
            the numbers compared; rounding alone.

        Raises:
            ProgramMismatch: if they differ by more: it names the sample, the output and the
                difference.
            TypeError, ValueError: as for a call; and if function does not give as many
                Values, or uses none of the parameters.

        >>> from micrograd import Value, vectorize
        >>> def clipped(x):
        ...     return x if x.data > 0.0 else Value(0.0)
        >>> x = Value(1.0, "x")
        >>> vectorize(clipped(x), [x]).check(clipped, [1.0, -1.0])
        Traceback (most recent call last):
        micrograd.program.comparing.ProgramMismatch: Program.check: sample 1: the output is \
-1.0 in the program, and 0.0 where the function is run; 1 of 2 samples differ. Most likely the \
function branches on a number (if, max, sorted), and the program goes the way of the sample \
that was recorded; or it draws random numbers, or something frozen has changed since
        """
        checked = self._checked("check", arrays)
        numbers = [np.asarray(self(*arrays))]
        if self._single and self._values:
            numbers.append(self.per_sample_grad(*arrays))
        if not self._inputs:  # one sample, whose axis is missing in the outputs
            numbers[0] = numbers[0][None]
        samples = [
            [a[:, 0] if size is None else a for a, size in zip(checked, self._inputs, strict=True)]
        ][0]
        return compared(function, samples, numbers, self._values, self._parameters, self._single)

    @property
    def _names(self) -> tuple[str, ...]:
        return _FUNCTIONS if self._single else _FUNCTIONS[:1]

    @property
    def source(self) -> str:
        """The program as NumPy source, to be read.

        It runs on its own, but for operations of your own whose Python source
        cannot be had: these it takes from micrograd's table. Every input there
        has an axis for its Values, (n, 1) for a single one.

        Raises:
            ValueError: if such an operation is no longer in the table.
        """
        if self._listing is not None:
            self._source = self._listing.source(self._names)
        return self._source

    def compile(self) -> Self:
        """Translate the source to C, compile that, and run it from now on.

        It takes a C compiler: what the variable CC names, or cc, gcc or clang;
        and half a second, for very long programs some more. The program is
        used as before, each call runs on one thread, and results are the same
        but for rounding. (So after many steps two descents may be far apart.)
        A copy or a pickle runs with NumPy until it is compiled itself.

        Returns:
            The program itself.

        Raises:
            NotImplementedError: if an operation of your own has no form in C.
                Its array form may use arithmetic, conditions, np.where and
                those of NumPy's functions that C has, too, but no loops.
            ValueError: as `source`.
            RuntimeError: if there is no compiler, or it fails.
                In each of these cases the program runs as before.
        """
        if not self._native:
            from micrograd.native import build  # who compiles nothing need not wait for it

            text, results = self._translated()
            samples = int(bool(self._values)) if self._inputs else None
            self._functions |= build(text, results, samples, str(self.dtype))
            self._native = True
        return self

    @property
    def c_source(self) -> str:
        """The program as C, to be read: what `compile` compiles.

        Raises:
            NotImplementedError, ValueError: as `compile`.
        """
        text: str = self._translated()[0]
        return text

    def to_jax(self) -> Any:
        """The program as a function for JAX, to be jitted, differentiated and sharded there.

        It is pure: `cost(parameters, X, Y)`, the mean of the output over the samples;
        without `parameters` where the program has none; of several outputs, all of them,
        (batch, n_outputs). Its derivatives are the table's, at kinks, too. (XLA takes
        subnormal numbers for 0.)

        Returns:
            The function.

        Raises:
            ImportError: if JAX is not installed.
            RuntimeError: if the program computes in float64, and JAX is not set to.
            NotImplementedError: if an operation of your own has no form in JAX.
        """
        from micrograd.program.as_jax import function

        return function(self.jax_source, str(self.dtype))

    @property
    def jax_source(self) -> str:
        """The program as JAX source, to be read: what `to_jax` runs.

        Raises:
            NotImplementedError, ValueError: as `to_jax`.
        """
        if self._listing is not None:
            pairs = zip(self._input_names, self._inputs, strict=True)
            self._jax = self._listing.jax([name for name, size in pairs if size is None])
        if isinstance(self._jax, Exception):
            raise self._jax
        return str(self._jax)

    def _translated(self) -> Any:
        """The C, and the shapes of its results."""
        if self._listing is not None:
            from micrograd.native import translate

            listed = {name: self._listing.listed(name) for name in self._names}
            self._c = translate(listed, str(self.dtype))
        if isinstance(self._c, Exception):
            raise self._c
        return self._c

    def _run(self, name: str, arrays: Sequence[Any], parameters: Any = None) -> Any:
        function = self._functions.get(name) or self._prepared(name)
        checked = self._checked(name, arrays)
        own = self._parameters if parameters is None else self._numbers(parameters)
        if self._values:
            if own.shape != (len(self._values),):  # after parameters.resize
                raise ValueError(
                    f"Program.{name}: expected {len(self._values)} parameters, the array has "
                    f"shape {own.shape}"
                )
            checked.insert(0, own)
        return function(*checked)

    def _numbers(self, parameters: Any) -> Array:
        """Other parameters, checked, as an array of the program's type."""
        array = _array(parameters)
        if array is None or array.dtype.kind not in "fiu" or array.shape != (len(self._values),):
            got = "something else" if array is None else f"{array.dtype} of shape {array.shape}"
            raise ValueError(f"Program.parameters: expected {len(self._values)} numbers, got {got}")
        with np.errstate(all="ignore"):  # what float32 cannot hold is infinite there
            return array.astype(self.dtype, copy=False)

    def _checked(self, name: str, arrays: Sequence[Any]) -> list[Any]:
        where = "Program" if name == "forward" else f"Program.{name}"
        if len(arrays) != len(self._inputs):
            raise TypeError(
                f"{where}: expected {len(self._inputs)} arrays "
                f"({', '.join(self._input_names) or 'none'}), got {len(arrays)}"
            )
        checked: list[Array] = []
        for label, size, given in zip(self._input_names, self._inputs, arrays, strict=True):
            array = _array(given)
            if array is None:
                raise ValueError(
                    f"{where}: expected shape {_shape(size)} for {label}, got rows that differ"
                )
            if array.dtype.kind not in "fiub":
                raise TypeError(f"{where}: expected real numbers for {label}, got {array.dtype}")
            if array.shape[1:] != (() if size is None else (size,)) or array.ndim == 0:
                raise ValueError(
                    f"{where}: expected shape {_shape(size)} for {label}, got {array.shape}"
                )
            if not len(array):
                raise ValueError(f"{where}: expected at least one sample, {label} has none")
            if checked and len(array) != len(checked[0]):
                raise ValueError(
                    f"{where}: {self._input_names[0]} has {len(checked[0])} samples, "
                    f"but {label} has {len(array)}"
                )
            if array.dtype != self.dtype:
                with np.errstate(all="ignore"):
                    array = array.astype(self.dtype)
            checked.append(array[:, None] if size is None else array)
        return checked

    def _prepared(self, name: str) -> Callable[..., Any]:
        if name != "forward" and not self._single:
            raise TypeError(f"Program.{name}: the program has several outputs; expected one")
        namespace: dict[str, Any] = {}
        source = self._source if name in self._names else self._apart
        if self._listing is not None:
            source, namespace = self._listing.runnable(name)
        exec(compile(source, "<vectorized program>", "exec"), namespace)
        # As a decorator it takes half the time of a with statement.
        function: Callable[..., Any] = np.errstate(all="ignore")(namespace[name])
        self._functions[name] = function
        return function

    def __getstate__(self) -> dict[str, Any]:
        # What is printed says it all; compiled functions and the way to it stay here.
        try:
            self._translated()
        except (NotImplementedError, ValueError) as error:
            self._c = error
        try:
            _ = self.jax_source
        except (NotImplementedError, ValueError) as error:
            self._jax = error
        apart = self._apart
        if self._listing is not None and self._single and self._inputs:
            apart = self._listing.source([APART])
        own: dict[str, Any] = {
            "_source": self.source,
            "_apart": apart,
            "_listing": None,
            "_functions": {},
            "_native": False,
        }
        return self.__dict__ | own

    def __repr__(self) -> str:
        inputs = ", ".join(self._input_names)
        compiled = ", compiled" * self._native
        return f"<Program ({inputs}), {len(self._values)} parameters, {self.dtype}{compiled}>"
