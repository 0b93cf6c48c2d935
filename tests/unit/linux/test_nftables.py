"""Sets hold what they were given, as disjoint spans."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.linux import nftables

blocks = st.builds(
    lambda host, length: str(IPv4Network((host, length), strict=False)),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, 32),
) | st.sampled_from(["0.0.0.0/0", "255.255.255.255/32", "10.0.0.0/25", "10.0.0.128/25"])


@given(st.lists(blocks, max_size=6), st.integers(0, (1 << 32) - 1))
def test_an_address_set_holds_exactly_its_blocks(cidrs: list[str], address: int) -> None:
    spans = nftables.addresses("set", cidrs).spans
    edges = [edge for low, high in spans for edge in (low - 1, low, high, high + 1)]
    for value in [address, *(edge for edge in edges if 0 <= edge < 1 << 32)]:
        inside = any(IPv4Address(value) in IPv4Network(cidr) for cidr in cidrs)
        assert any(low <= value <= high for low, high in spans) == inside
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(spans))


def test_a_port_set_joins_neighbours() -> None:
    assert nftables.ports("p", [80, 81, (90, 95), (93, 99)]).spans == ((80, 81), (90, 99))
