"""Few rows in which every two values of different axes meet: most faults take two settings, not one.

https://csrc.nist.gov/projects/automated-combinatorial-testing-for-software
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

Row = Mapping[str, str]  # axis to the value taken; an axis left out has its first value
Pair = frozenset[tuple[str, str]]


def pairs(axes: Mapping[str, Sequence[str]], possible: Callable[[Row], bool]) -> tuple[Row, ...]:
    """Return rows that hold every pair ``possible`` allows; the same rows every time."""
    missing = [pair for pair in all_pairs(axes) if possible(dict(pair))]
    rows: list[Row] = []
    while missing:
        row = _filled(dict(missing[0]), axes, set(missing), possible)
        rows.append(row)
        missing = [pair for pair in missing if not pair <= row.items()]
    return tuple(rows)


def all_pairs(axes: Mapping[str, Sequence[str]]) -> Iterator[Pair]:
    """Yield every two values of different axes."""
    for one, other in combinations(axes, 2):
        for value in axes[one]:
            for other_value in axes[other]:
                yield frozenset({(one, value), (other, other_value)})


def _filled(
    row: dict[str, str],
    axes: Mapping[str, Sequence[str]],
    missing: set[Pair],
    possible: Callable[[Row], bool],
) -> Row:
    """Return ``row`` with a value on every axis: of those that are possible, the most useful one."""
    for axis in axes:
        if axis not in row:
            useful = sorted(
                axes[axis],
                key=lambda value: (
                    -sum(frozenset({(axis, value), item}) in missing for item in row.items())
                ),
            )
            row[axis] = next(
                value for value in useful if possible(row | {axis: value})
            )  # at the least the first one, which an axis left out has had all along
    return row
