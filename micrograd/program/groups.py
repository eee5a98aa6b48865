"""Which nodes of a level are computed by one array operation.

Nodes belong together if they apply the same primitive to elements of the same
arrays. Sums of products do if their terms come from the same arrays; where
every one of some rows meets every one of some columns, they are a matrix
product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.primitive import Primitive
from micrograd.program.form import Builder
from micrograd.program.naming import Names
from micrograd.program.terms import Applied, Level, Total
from micrograd.program.views import Index
from micrograd.several import LARGEST, SHIFT
from micrograd.symbols import Symbol

_TAKEN_OFF: Final = (LARGEST, SHIFT)
FIRST: Final = 2  # the number of the first input's source, after parameters and constants
_TERMS: Final = 8  # in one line
_WORTH: Final = 256  # products in a block that are worth a matrix product of their own
_FEW: Final = 1  # with more forms of small blocks than that they are no products


class Grouping:
    """Where each place's number is to be found: the sources, steps that scalars are computed by.

    Every source is a flat array.

    Arguments:
        builder: makes the steps.
        labels: of each place.
        parameters: how many.
        inputs: the name of each, and how many numbers it has.
        constants: place and number of each.

    Attributes:
        sources: the step of each.
        source: the number of each place's source in that list.
        index: the place's number in the source.
        reads: the numbers of the sources that are read.
    """

    def __init__(
        self,
        builder: Builder,
        labels: Sequence[str],
        parameters: int,
        inputs: Sequence[tuple[str, int]],
        constants: Sequence[tuple[int, float]],
    ) -> None:
        self.builder, self.labels = builder, labels
        self.names = Names([name for name, _ in inputs])
        self.sources: list[int] = []
        self.reads: set[int] = set()
        self.source = np.zeros(len(labels), np.int64)
        self.index = np.zeros(len(labels), np.int64)
        self.rank = np.zeros(len(labels), np.int64)  # by source, those that samples share first
        self.size = first = parameters
        given = builder.add("parameters", (), (first,), label="parameters")
        self._add(given, range(parameters))
        numbers = np.array([number for _, number in constants])
        self._add(
            builder.add("constant", (), numbers.shape, data=numbers), [p for p, _ in constants]
        )
        for name, size in inputs:
            given = builder.add("input", (), (size,), batched=True, data=name, label=name)
            self._add(given, range(first, first + size))
            first += size

    def _add(self, step: int, places: Sequence[int] | Index) -> None:
        where = np.asarray(places, np.int64)
        self.source[where] = number = len(self.sources)
        self.index[where] = np.arange(len(where))
        self.rank[where] = number + self.builder.steps[step].batched * len(self.source)
        self.sources.append(step)

    def read(self, places: Index) -> int:
        """The step that reads elements of one source, by their places."""
        return self._read(int(self.source[places.flat[0]]), self.index[places])

    def _read(self, source: int, index: Index) -> int:
        self.reads.add(source)
        step = self.builder.read(self.sources[source], index)
        if source == 0 and self.builder.steps[step].op == "view":
            labels = [self.labels[p] for p in index.ravel().tolist()]
            self.builder.name(step, lambda: self.names.new(labels, vector=index.ndim == 1))
        return step

    def add_level(self, level: Level) -> None:
        """Form the groups of a level; what only decides is in groups of its own."""
        if not level.decides:
            self._add_groups(level.totals, level.applied)
            return
        for decides in False, True:
            self._add_groups(
                [n for n in level.totals if (n.place in level.decides) is decides],
                [n for n in level.applied if (n.place in level.decides) is decides],
            )

    def _add_groups(self, totals: list[Total], applied: list[Applied]) -> None:
        groups = [*self._totals(totals)]
        for row in _TAKEN_OFF:
            several = [Total(n.place, [], [], n.arguments[0]) for n in applied if n.op is row]
            groups += self._totals(several, row)
        groups += self._applied([node for node in applied if node.op not in _TAKEN_OFF])
        for step, places in groups:
            step = self.builder.broadcast(step, (len(places),))
            self._add(step, places)
            of = self.builder.steps[step]
            if of.op == "view":  # of a matrix, which is what is read
                step = of.operands[0]
            labels = [self.labels[p] for p in places.tolist()]
            self.builder.name(step, partial(self.names.new, labels))

    def _applied(self, nodes: list[Applied]) -> Iterable[tuple[int, Index]]:
        kinds: dict[Any, list[Applied]] = {}
        for node in nodes:
            sources = [
                tuple(self.source[a].tolist()) if isinstance(a, list) else int(self.source[a])
                for a in node.arguments
            ]
            kinds.setdefault((node.op, *sources), []).append(node)
        for (op, *_), members in kinds.items():
            places = np.array([node.place for node in members])
            # One row for each node; a starred argument has a column for each element.
            columns = [
                np.array(
                    [a if star else [a] for a in (node.arguments[i] for node in members)], np.int64
                )
                for i, star in enumerate(op.starred)
            ]
            order = self._order([c[:, 0] for c in columns if c.shape[1]])
            arguments = [
                [self.read(column[order, k]) for k in range(column.shape[1])]
                if star
                else self.read(column[order, 0])
                for column, star in zip(columns, op.starred, strict=True)
            ]
            yield self.builder.map(op, arguments), places[order]

    def _order(self, columns: Sequence[Index]) -> Index:
        """The order in which nodes read an array as it stands, if there is one.

        Nodes that read parameters and constants alone stay in the order in
        which they were recorded.
        """
        keys = []
        for places in columns:
            if len(places) and self.source[places[0]] >= FIRST:
                index = self.index[places]
                if len(np.unique(index)) == len(index):
                    return np.argsort(index)
                keys.append(index)
        return np.lexsort(keys[::-1]) if keys else np.arange(len(columns[0]) if columns else 1)

    def _totals(
        self, nodes: list[Total], row: Primitive | None = None
    ) -> Iterable[tuple[int, Index]]:
        """Sums of the same kinds of terms, split into blocks where they are matrix products.

        Arguments:
            nodes: the sums.
            row: LARGEST or SHIFT, where not the sum is wanted but the largest term.
        """
        for members, kinds in self._alike(nodes):
            places = np.array([node.place for node in members])
            rest = np.arange(len(members))
            products = [k for k in kinds if k.q is not None]
            main = max(products, key=lambda k: len(k.p), default=None)
            if main is not None:
                blocks, rest = _blocks(main, self.index)
                for dims, order in blocks:
                    yield self._sum(kinds, order, dims, row), places[order]
            if len(rest):
                first = main if main is not None else kinds[-1]
                columns = [first.p] if first.q is None else [first.p, first.q]
                rest = rest[self._order([c[first.starts[rest]] for c in columns])]
                yield self._sum(kinds, rest, None, row), places[rest]

    def _alike(self, nodes: list[Total]) -> Iterable[tuple[list[Total], list[_Kind]]]:
        """Sums whose terms come from the same sources, and their terms by these."""
        if not nodes:
            return
        p, q = _columns([n.p for n in nodes]), _columns([n.q for n in nodes])
        of_product = np.repeat(np.arange(len(nodes)), [len(n.p) for n in nodes])
        s = _columns([n.singles for n in nodes])
        of_single = np.repeat(np.arange(len(nodes)), [len(n.singles) for n in nodes])
        # A product's factors: what does not differ between samples comes first.
        swap = self.rank[p] > self.rank[q]
        p, q = np.where(swap, q, p), np.where(swap, p, q)
        many = len(self.sources)
        kind_of_product = (self.source[p] + 1) * many + self.source[q]
        kind_of_single = self.source[s]
        # Which kinds each sum has, as a set; and sums with the same set are alike.
        kinds_of: list[list[int]] = [[] for _ in nodes]
        for of, kind in ((of_single, kind_of_single), (of_product, kind_of_product)):
            codes = np.unique(of * (many + 1) ** 2 + kind)
            pairs = np.divmod(codes, (many + 1) ** 2)
            for node, code in zip(*(part.tolist() for part in pairs), strict=True):
                kinds_of[node].append(code)
        numbers: dict[tuple[int, ...], int] = {}
        family = np.array([numbers.setdefault(tuple(k), len(numbers)) for k in kinds_of])
        members = _split(np.argsort(family, kind="stable"), np.sort(family))
        place = np.zeros(len(nodes), np.int64)
        for own in members:
            place[own] = np.arange(len(own))
        found: list[list[_Kind]] = [[] for _ in members]
        for of, kind, columns in (
            (of_product, kind_of_product, [p, q]),
            (of_single, kind_of_single, [s]),
        ):
            order = np.lexsort((kind, family[of]))
            for terms in _split(order, family[of[order]], kind[order]):
                number = int(family[of[terms[0]]])
                counts = np.bincount(place[of[terms]], minlength=len(members[number]))
                found[number].append(_Kind(counts, *(c[terms] for c in columns)))
        for own, kinds in zip(members, found, strict=True):
            yield [nodes[i] for i in own.tolist()], kinds

    def _sum(
        self,
        kinds: list[_Kind],
        order: Index,
        dims: tuple[int, int, int] | None,
        row: Primitive | None,
    ) -> int:
        kind = "sum" if row is None else "max"
        terms = [self._term(k.taken(order), dims, kind) for k in kinds]
        if row is None:
            return added(self.builder, terms, lambda: self.names.numbered("S"))
        largest = reduce(lambda x, y: self.builder.map(ops.maximum, [x, y]), terms)
        if row is not LARGEST:
            m = Symbol("m")
            finite = ops.where(ops.equal(m - m, 0.0), m, 0.0)
            largest = self.builder.formula(finite, {"m": largest})
        return self.builder.stop(largest)

    def _term(self, kind: _Kind, dims: tuple[int, int, int] | None, which: str) -> int:
        """The terms of one kind, for sums in their final order: a step of as many numbers."""
        b, size = self.builder, len(kind.counts)
        columns = [kind.p] if kind.q is None else [kind.p, kind.q]
        n = int(kind.counts[0])
        even = bool((kind.counts == n).all())
        if dims is not None and even and len(columns) == 2:
            blocks, rows, across = dims
            r, c = (p.reshape(blocks, across, rows, n) for p in columns)
            own, other = self.index[r], self.index[c]
            if (own == own[:, :1]).all() and (other == other[:, :, :1]).all():
                return b.reshaped(self._product(r[:, 0], c[:, :, 0]), (size,))
        if even and n > 1 and size > 1:
            columns = [p.reshape(size, n) for p in columns]
        shape = columns[0].shape
        factors = [self.read(p) for p in columns]
        terms = factors[0] if len(factors) == 1 else b.times(*factors)
        if even and n == 1:
            return terms
        terms = b.broadcast(terms, shape)
        if even:
            return b.sum(terms, [len(shape) - 1], keep=size == 1, kind=which)
        return b.segments(terms, kind.counts, which)

    def _product(self, rows: Index, columns: Index) -> int:
        """Every row of a block with every column of it.

        Arguments:
            rows: places, of shape (blocks, rows, n).
            columns: of shape (blocks, columns, n). The results are in the order
                block, column, row.
        """
        axes = ["bck", "brk", "bcr"]
        if len(rows) == 1:
            rows, columns, axes = rows[0], columns[0], ["ck", "rk", "cr"]
            if len(columns) == 1 and not self.builder.steps[self.read(rows)].batched:
                columns, axes = columns[0], ["k", "rk", "r"]
        x, y = (self.builder.broadcast(self.read(p), p.shape) for p in (columns, rows))
        batched = self.builder.steps[x].batched or self.builder.steps[y].batched
        return self.builder.product(x, y, (axes[0], axes[1], axes[2]), batched)


@dataclass
class _Kind:
    """The terms of some sums that come from one source, or one pair of sources.

    Arguments:
        counts: how many each sum has.
        p, q: places of single terms, or of both factors; sum after sum.
    """

    counts: Index
    p: Index
    q: Index | None = None

    @property
    def starts(self) -> Index:
        """Where each sum's terms begin."""
        return np.cumsum(self.counts) - self.counts

    def taken(self, order: Index) -> _Kind:
        """The same for some of the sums, in another order."""
        counts = self.counts[order]
        ends = np.cumsum(counts)
        # For each term: its sum's beginning there, plus its number in the sum.
        terms = np.repeat(self.starts[order] - (ends - counts), counts) + np.arange(counts.sum())
        return _Kind(counts, self.p[terms], None if self.q is None else self.q[terms])


def _blocks(kind: _Kind, index: Index) -> tuple[list[tuple[tuple[int, int, int], Index]], Index]:
    """Find the matrix products among dot products.

    Rows that meet the same columns are a block; blocks of one form are
    computed together.

    Returns:
        For each form: how many blocks, rows and columns, and the sums in the
        order block, column, row. And the sums that are in none of them.
    """
    assert kind.q is not None
    rows, row_of = _distinct(kind.p, kind.counts, index)
    columns, column_of = _distinct(kind.q, kind.counts, index)
    met: list[dict[int, int]] = [{} for _ in rows]
    rest = []
    for number, (r, c) in enumerate(zip(row_of, column_of, strict=True)):
        if met[r].setdefault(c, number) != number:
            rest.append(number)  # the same sum a second time
    # Rows of one length that meet the same columns.
    alike: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for r, by_column in enumerate(met):
        length = int(kind.counts[next(iter(by_column.values()))])
        alike.setdefault((length, tuple(sorted(by_column))), []).append(r)
    forms: dict[tuple[int, int, int], list[tuple[list[int], list[int]]]] = {}
    for (length, across), block in alike.items():
        block.sort(key=rows.__getitem__)
        forms.setdefault((length, len(block), len(across)), []).append(
            (block, sorted(across, key=columns.__getitem__))
        )
    found = []
    for (length, high, wide), blocks in forms.items():
        blocks.sort(key=lambda block: (rows[block[0][0]], columns[block[1][0]]))
        order = [met[r][c] for block, across in blocks for c in across for r in block]
        plain = high * wide == 1 or (length == len(blocks) == 1 and 1 in (high, wide))
        small = length * high * wide < _WORTH and len(forms) > _FEW
        if plain or small:
            rest += order
        else:
            found.append(((len(blocks), high, wide), np.array(order)))
    return found, np.array(sorted(rest), np.int64)


def _distinct(
    places: Index, counts: Index, index: Index
) -> tuple[list[tuple[int, int]], list[int]]:
    """Number the different sequences of elements.

    Returns:
        For each of them where it begins, to sort by; and which one each sum has.
    """
    data, width = index[places].tobytes(), index.itemsize
    known: dict[bytes, int] = {}
    first: list[tuple[int, int]] = []
    which: list[int] = []
    begin = 0
    for end in np.cumsum(counts * width).tolist():
        number = known.setdefault(data[begin:end], len(known))
        if number == len(first):
            first.append((int(index[places[begin // width]]), number))
        which.append(number)
        begin = end
    return first, which


def _split(items: Index, *keys: Index) -> list[Index]:
    """Cut sorted items where a key changes."""
    if not len(items):
        return []
    changes = np.any([np.diff(key) != 0 for key in keys], axis=0)
    return np.split(items, np.flatnonzero(changes) + 1)


def _columns(lists: Sequence[list[int]]) -> Index:
    return np.fromiter(chain.from_iterable(lists), np.int64)


def added(builder: Builder, terms: Sequence[int], name: Callable[[], str]) -> int:
    """The sum of steps, elementwise; a long one in several lines."""
    total = terms[0]
    for i, term in enumerate(terms[1:], 1):
        total = builder.plus(total, term)
        if i % _TERMS == 0:
            builder.name(total, name)
    return total
