"""nftables values as netlink messages, which replace a whole table at once: no packet ever meets half of it.

Written against ``linux/netfilter/nf_tables.h``.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from underpass.twin.linux import nftables
from underpass.twin.linux.netlink import (
    ACK,
    APPEND,
    CREATE,
    EXCLUSIVE,
    answers,
    attribute,
    message,
    nest,
    text,
)
from underpass.twin.linux.within import within

NETLINK_NETFILTER = 12
NFPROTO_IPV4 = 2
SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
BATCH_BEGIN, BATCH_END = 16, 17
NEW_TABLE, DELETE_TABLE, NEW_CHAIN, NEW_RULE, NEW_SET, NEW_ELEMENTS = 0, 2, 3, 6, 9, 12

HOOKS = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
VERDICTS = {"drop": 0, "accept": 1}
KEY_TYPES = {"address": (7, 4), "port": (13, 2)}  # (data type as nft(8) shows it, length)
INTERVAL, IS_MAP = 4, 8  # set flags
ELEMENTS_A_MESSAGE = 500  # an attribute holds 64 KiB

REGISTER = 1  # four words wide
WORDS = 8  # NFT_REG32_00, the first word of REGISTER

_META = {
    nftables.Field.IIFNAME: (6, 16),
    nftables.Field.OIFNAME: (7, 16),
    nftables.Field.L4PROTO: (16, 1),
}
_PAYLOAD = {  # (header: 1 network, 2 transport; offset; length)
    nftables.Field.SADDR: (1, 12, 4),
    nftables.Field.DADDR: (1, 16, 4),
    nftables.Field.SPORT: (2, 0, 2),
    nftables.Field.DPORT: (2, 2, 2),
    nftables.Field.ICMP_TYPE: (2, 0, 1),
    nftables.Field.ICMP_CODE: (2, 1, 1),
}
_CONNTRACK = {nftables.Field.CT_STATE: 0, nftables.Field.CT_STATUS: 2}


def apply(namespace: str, table: nftables.Table) -> None:
    """Replace the table of that name in the namespace at path ``namespace``, all of it or nothing.

    Raises
    ------
    OSError
        When the kernel refuses it; what was there before stands.
    """
    within(namespace, lambda: install(table))


def remove(namespace: str, name: str) -> None:
    """Remove a table; one that is not there is no error."""
    within(namespace, lambda: send(_removal(name)))


def install(table: nftables.Table) -> None:
    """Put ``table`` in the place of any table of its name, in the current namespace.

    A transaction that deletes anything waits for the kernel's next grace period, some 15 ms, so it is first
    tried without: a new table takes half a millisecond.
    """
    try:
        send(_creation(table, EXCLUSIVE))
    except FileExistsError:
        send(_removal(table.name) + _creation(table))


def _creation(table: nftables.Table, flags: int = 0) -> list[bytes]:
    messages = [_table(NEW_TABLE, table.name, flags)]
    for named in table.sets:
        messages.extend(_set(table.name, number=len(messages), named=named))
    for mapped in table.maps:
        messages.extend(_map(table.name, number=len(messages), mapped=mapped))
    messages.extend(_chain(table.name, chain) for chain in table.chains)
    for chain in table.chains:
        messages.extend(_rule(table.name, chain.name, rule) for rule in chain.rules)
    return messages


def _removal(name: str) -> list[bytes]:
    """Return the messages that remove a table, whether it exists or not."""
    return [_table(NEW_TABLE, name), _table(DELETE_TABLE, name)]


def send(messages: list[bytes]) -> None:
    """Apply the messages in the current namespace as one transaction.

    Raises
    ------
    OSError
        The kernel's reason; nothing was changed.
    """
    last = len(messages)
    framed = [message(BATCH_BEGIN, 0, 0, _header(0, SUBSYSTEM >> 8))]
    for number, one in enumerate(messages, start=1):
        kind, flags = struct.unpack_from("=HH", one, 4)
        framed.append(message(kind, flags | (ACK if number == last else 0), number, one[16:]))
    framed.append(message(BATCH_END, 0, last + 1, _header(0, SUBSYSTEM >> 8)))
    batch = b"".join(framed)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, max(len(batch) * 2, 1 << 17))
        netlink.bind((0, 0))
        netlink.send(batch)
        for number, error in answers(netlink, last):
            if error:
                raise OSError(error, os.strerror(error), f"nftables message {number} of {last}")


# Objects


def _table(kind: int, name: str, flags: int = 0) -> bytes:
    return _message(kind, text(1, name) + (_number(2, 0) if kind == NEW_TABLE else b""), flags)


def _chain(table: str, chain: nftables.Chain) -> bytes:
    body = text(1, table) + text(3, chain.name)
    hook = _number(1, HOOKS[chain.hook]) + attribute(2, struct.pack(">i", chain.priority))
    body += nest(4, hook) + _number(5, VERDICTS[chain.policy]) + text(7, chain.type)
    return _message(NEW_CHAIN, body)


def _set(table: str, number: int, named: nftables.Set) -> Iterator[bytes]:
    kind, length = KEY_TYPES[named.type]
    # Spans of one value each need no interval set, whose lookup is a tree and not a hash.
    intervals = any(low != high for low, high in named.spans)
    body = _number(3, INTERVAL if intervals else 0) + _number(4, kind) + _number(5, length)
    yield _message(NEW_SET, text(1, table) + text(2, named.name) + body + _number(10, number))
    elements: list[bytes] = []
    for low, high in named.spans:
        elements.append(_data(1, low.to_bytes(length, "big")))
        if intervals and high + 1 < 1 << (8 * length):  # the end is the first value outside
            elements.append(_data(1, (high + 1).to_bytes(length, "big")) + _number(3, 1))
    yield from _elements(table, named.name, elements)


def _map(table: str, number: int, mapped: nftables.Map) -> Iterator[bytes]:
    concatenation = (7 << 6) | 13  # address . port, as nft(8) shows it
    body = _number(3, IS_MAP) + _number(4, 4) + _number(5, 4)
    body += _number(6, concatenation) + _number(7, 8) + _number(10, number)
    yield _message(NEW_SET, text(1, table) + text(2, mapped.name) + body)
    yield from _elements(
        table,
        mapped.name,
        [
            _data(1, struct.pack("=I", index))
            + _data(2, _packed(address) + struct.pack(">Hxx", port))
            for index, (address, port) in enumerate(mapped.targets)
        ],
    )


def _elements(table: str, name: str, elements: list[bytes]) -> Iterator[bytes]:
    for start in range(0, len(elements), ELEMENTS_A_MESSAGE):
        listed = b"".join(
            nest(1, element) for element in elements[start : start + ELEMENTS_A_MESSAGE]
        )
        yield _message(NEW_ELEMENTS, text(1, table) + text(2, name) + nest(3, listed))


def _rule(table: str, chain: str, rule: nftables.Rule) -> bytes:
    expressions = b"".join(nest(1, part) for expression in rule for part in _expression(expression))
    return _message(NEW_RULE, text(1, table) + text(2, chain) + nest(4, expressions), APPEND)


# Expressions


def _expression(expression: nftables.Expression) -> Iterable[bytes]:
    match expression:
        case nftables.Match(field, (low, high), negated):
            return _load(field), _within(field, low, high, negated=negated)
        case nftables.MatchName(field, name, negated):
            return _load(field), _compare(name.encode().ljust(16, b"\0"), negated=negated)
        case nftables.MatchBits(field, mask, negated):
            masked = _number(1, REGISTER) + _number(2, REGISTER) + _number(3, 4)
            masked += _data(4, struct.pack("=I", mask)) + _data(5, bytes(4))
            return _load(field), _named("bitwise", masked), _compare(bytes(4), negated=not negated)
        case nftables.MatchSet(field, name, negated):
            flags = _number(5, 1) if negated else b""
            return _load(field), _named("lookup", text(1, name) + _number(2, REGISTER) + flags)
        case nftables.Verdict(kind):
            code = attribute(1, struct.pack(">i", VERDICTS[kind]))
            return (_named("immediate", _number(1, 0) + nest(2, nest(2, code))),)
        case nftables.Reject(tcp_reset):
            refusal = _number(1, 1) if tcp_reset else _number(1, 0) + attribute(2, b"\3")
            return (_named("reject", refusal),)
        case nftables.Translate(which, address, port):
            return _translate(which, address, port)
        case nftables.Spread(name, count, seed):
            return _spread(name, count, seed)
        case nftables.Masquerade():
            return (_named("masq", b""),)


def _load(field: nftables.Field, register: int = REGISTER) -> bytes:
    if field in _META:
        return _named("meta", _number(1, register) + _number(2, _META[field][0]))
    if field in _CONNTRACK:
        return _named("ct", _number(1, register) + _number(2, _CONNTRACK[field]))
    header, offset, length = _PAYLOAD[field]
    place = _number(2, header) + _number(3, offset) + _number(4, length)
    return _named("payload", _number(1, register) + place)


def _within(field: nftables.Field, low: int, high: int, *, negated: bool) -> bytes:
    if low == high:
        return _compare(_value(field, low), negated=negated)
    ends = _data(3, _value(field, low)) + _data(4, _value(field, high))
    return _named("range", _number(1, REGISTER) + _number(2, int(negated)) + ends)


def _value(field: nftables.Field, value: int) -> bytes:
    return value.to_bytes(_PAYLOAD[field][2] if field in _PAYLOAD else 1, "big")


def _compare(value: bytes, *, negated: bool) -> bytes:
    return _named("cmp", _number(1, REGISTER) + _number(2, int(negated)) + _data(3, value))


def _immediate(register: int, value: bytes) -> bytes:
    return _named("immediate", _number(1, register) + _data(2, value))


def _translate(which: str, address: str, port: int) -> Iterator[bytes]:
    yield _immediate(WORDS, _packed(address))
    if port:
        yield _immediate(WORDS + 1, struct.pack(">H", port))
    yield _nat(0 if which == "source" else 1, port=bool(port))


def _spread(name: str, count: int, seed: int) -> Iterator[bytes]:
    yield _load(nftables.Field.SADDR, WORDS)
    yield _load(nftables.Field.SPORT, WORDS + 1)
    hashed = (
        _number(1, WORDS) + _number(2, WORDS) + _number(3, 6) + _number(4, count) + _number(5, seed)
    )
    yield _named("hash", hashed)
    yield _named("lookup", text(1, name) + _number(2, WORDS) + _number(3, WORDS))
    yield _nat(1, port=True)


def _nat(kind: int, *, port: bool) -> bytes:
    registers = _number(3, WORDS) + (_number(5, WORDS + 1) if port else b"")
    return _named("nat", _number(1, kind) + _number(2, NFPROTO_IPV4) + registers)


def _named(name: str, body: bytes) -> bytes:
    return text(1, name) + nest(2, body)


# Netlink


def _packed(address: str) -> bytes:
    return IPv4Address(address).packed


def _message(kind: int, body: bytes, flags: int = 0) -> bytes:
    flags |= 0 if kind == DELETE_TABLE else CREATE
    return message(SUBSYSTEM | kind, flags, 0, _header(NFPROTO_IPV4, 0) + body)


def _header(family: int, resource: int) -> bytes:
    return struct.pack(">BBH", family, 0, resource)


def _data(kind: int, value: bytes) -> bytes:
    return nest(kind, attribute(1, value))


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack(">I", value))
