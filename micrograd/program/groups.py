"""Which nodes of a level are computed by one array operation.

Nodes belong together if they apply the same primitive to elements of the same
arrays. Sums of products do if their terms come from the same arrays; where
every one of some rows meets every one of some columns, they are a matrix
product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from micrograd.primitive import Primitive
from micrograd.program.terms import Applied, Level, Total
from micrograd.program.views import Index
from micrograd.several import LARGEST, SHIFT

_TAKEN_OFF: Final = (LARGEST, SHIFT)
_WORTH: Final = 256  # products in a block that are worth a matrix product of their own
_FEW: Final = 3  # forms of blocks, each of which may be a matrix product in any case


@dataclass
class Source:
    """An array whose elements later ones are computed from.

    Arguments:
        number: in the list of all.
        size: how many elements a sample has.
        batched: whether the samples differ in it.
        places: of its elements.
        group: what computes it; None for parameters, inputs and constants.
        values: the numbers, if they are constants.
        depends: whether parameters have a part in it, and gradients are passed on.
        read: whether anything reads it.
    """

    number: int
    size: int
    batched: bool
    places: Sequence[int] | Index
    group: Any = None
    values: Any = None
    depends: bool = False
    read: bool = False


@dataclass
class Operand:
    """Elements of a source, in the shape in which they are read."""

    source: Source
    index: Index


@dataclass
class Elementwise:
    """A primitive on operands; for a starred argument a list of them, one for each element."""

    op: Primitive
    arguments: list[Operand | list[Operand]]


@dataclass
class Reduced:
    """Single terms or products, added up along the last axis.

    Arguments:
        factors: one operand or two.
        counts: how many terms each sum has: None for one, a number for as
            many each, an array for different ones, which then follow one
            another. A number and one sum only: the operands have one axis.
    """

    factors: list[Operand]
    counts: Any = None


@dataclass
class Product:
    """Blocks of dot products, every row of a block with every column of it.

    Arguments:
        rows: an operand of shape (blocks, rows, n).
        columns: of shape (blocks, columns, n). The results are in the order
            block, column, row.
    """

    rows: Operand
    columns: Operand


@dataclass
class Largest:
    """The largest of several terms, to be taken off before exponentials: see several.py.

    Arguments:
        terms: a Reduced each, of one factor: its largest instead of its sum.
        finite: whether 0 stands in for what is infinite or nan.
    """

    terms: list[Reduced | Product]
    finite: bool


@dataclass
class Sum:
    """The sum of several terms: a Reduced or a Product each."""

    terms: list[Reduced | Product]


class Grouping:
    """Where each place's number is to be found: the sources so far.

    Arguments:
        parameters: how many.
        inputs: how many numbers each input has.
        constants: place and number of each.
        places: how many there are.
    """

    def __init__(
        self,
        parameters: int,
        inputs: Sequence[int],
        constants: Sequence[tuple[int, float]],
        places: int,
    ) -> None:
        self.sources: list[Source] = []
        self.source = np.zeros(places, np.int64)
        self.index = np.zeros(places, np.int64)
        self.rank = np.zeros(places, np.int64)  # by source, those that samples share first
        first = parameters
        self._add(range(parameters), batched=False, depends=True)
        self._add(
            [place for place, _ in constants],
            batched=False,
            values=np.array([number for _, number in constants]),
        )
        self.inputs = []
        for size in inputs:
            self.inputs.append(self._add(range(first, first + size), batched=True))
            first += size

    @property
    def parameters(self) -> Source:
        """The source that the parameters are."""
        return self.sources[0]

    def _add(self, places: Sequence[int] | Index, **known: Any) -> Source:
        source = Source(len(self.sources), len(places), places=places, **known)
        self.sources.append(source)
        where = np.asarray(places, np.int64)
        self.source[where] = source.number
        self.index[where] = np.arange(len(where))
        self.rank[where] = source.number + source.batched * len(self.source)
        return source

    def operand(self, places: Index) -> Operand:
        """Elements of one source, by their places."""
        source = self.sources[int(self.source[places.flat[0]])]
        source.read = True
        return Operand(source, self.index[places])

    def add_level(self, level: Level) -> None:
        """Form the groups of a level."""
        if not level.decides:
            self._add_groups(level.totals, level.applied, passed_on=True)
            return
        for decides in False, True:
            self._add_groups(
                [n for n in level.totals if (n.place in level.decides) is decides],
                [n for n in level.applied if (n.place in level.decides) is decides],
                passed_on=not decides,
            )

    def _add_groups(self, totals: list[Total], applied: list[Applied], passed_on: bool) -> None:
        groups: list[tuple[Any, Index]] = list(self._totals(totals))
        groups += self._largest(applied)
        groups += self._applied([node for node in applied if node.op not in _TAKEN_OFF])
        for group, places in groups:
            operands = list(operands_of(group))
            self._add(
                places,
                batched=any(o.source.batched for o in operands),
                depends=passed_on
                and not isinstance(group, Largest)
                and any(o.source.depends for o in operands),
                group=group,
            )

    def _largest(self, nodes: list[Applied]) -> Iterable[tuple[Largest, Index]]:
        for row in _TAKEN_OFF:
            totals = [Total(n.place, [], [], n.arguments[0]) for n in nodes if n.op is row]
            for group, places in self._totals(totals):
                yield Largest(group.terms, finite=row is SHIFT), places

    def _applied(self, nodes: list[Applied]) -> Iterable[tuple[Elementwise, Index]]:
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
            arguments: list[Operand | list[Operand]] = [
                [self.operand(column[order, k]) for k in range(column.shape[1])]
                if star
                else self.operand(column[order, 0])
                for column, star in zip(columns, op.starred, strict=True)
            ]
            yield Elementwise(op, arguments), places[order]

    def _order(self, columns: Sequence[Index]) -> Index:
        """The order in which nodes read an array as it stands, if there is one.

        Nodes that read parameters and constants alone stay in the order in
        which they were recorded.
        """
        keys = []
        for places in columns:
            if len(places) and self.source[places[0]] > 1:
                index = self.index[places]
                if len(np.unique(index)) == len(index):
                    return np.argsort(index)
                keys.append(index)
        return np.lexsort(keys[::-1]) if keys else np.arange(len(columns[0]) if columns else 1)

    def _totals(self, nodes: list[Total]) -> Iterable[tuple[Sum, Index]]:
        """Sums of the same kinds of terms, split into blocks where they are matrix products."""
        for members, kinds in self._alike(nodes):
            places = np.array([node.place for node in members])
            rest = np.arange(len(members))
            products = [k for k in kinds if k.q is not None]
            main = max(products, key=lambda k: len(k.p), default=None)
            if main is not None:
                blocks, rest = _blocks(main, self.index)
                for dims, order in blocks:
                    yield self._sum(kinds, order, dims), places[order]
            if len(rest):
                first = main if main is not None else kinds[-1]
                columns = [first.p] if first.q is None else [first.p, first.q]
                rest = rest[self._order([c[first.starts[rest]] for c in columns])]
                yield self._sum(kinds, rest, None), places[rest]

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

    def _sum(self, kinds: list[_Kind], order: Index, dims: tuple[int, int, int] | None) -> Sum:
        return Sum([self._term(kind.taken(order), dims) for kind in kinds])

    def _term(self, kind: _Kind, dims: tuple[int, int, int] | None) -> Reduced | Product:
        """The terms of one kind, for sums in their final order."""
        columns = [kind.p] if kind.q is None else [kind.p, kind.q]
        operands = [self.operand(c) for c in columns]
        if not (kind.counts == kind.counts[0]).all():
            return Reduced(operands, kind.counts)
        n = int(kind.counts[0])
        if dims is not None and kind.q is not None:
            blocks, rows, across = dims
            r, c = (o.index.reshape(blocks, across, rows, n) for o in operands)
            if (r == r[:, :1]).all() and (c == c[:, :, :1]).all():
                return Product(
                    Operand(operands[0].source, r[:, 0]), Operand(operands[1].source, c[:, :, 0])
                )
        if n == 1:
            return Reduced(operands)
        if len(kind.counts) > 1:
            for o in operands:
                o.index = o.index.reshape(len(kind.counts), n)
        return Reduced(operands, n)


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


def operands_of(group: Elementwise | Largest | Sum) -> Iterable[Operand]:
    """All that a group reads."""
    if isinstance(group, Elementwise):
        yield from group.op.flatten(group.arguments)
    else:
        for term in group.terms:
            yield from term.factors if isinstance(term, Reduced) else (term.rows, term.columns)
