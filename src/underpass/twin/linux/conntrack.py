"""Ends flows an NLB no longer carries: those of a target that became unhealthy, or has finished draining.

And tells to whom a load balancer's node has connections, so that a target that drains has its time for them.

Forgetting a translated flow is enough: its next packet counts as a new flow, goes to a target that knows
nothing of it, and the reset that target answers with reaches the client, as an NLB's reset would.

A flow whose first packet nobody has answered is not a connection yet. It is forgotten as soon as its target
gets no new flows, so that the client's next try goes to another.

A busy node knows thousands of flows, so the kernel's messages are read here by their fixed layout, a hundred
times faster than by a library that makes objects of them.
Source: the kernel's include/uapi/linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from underpass.twin.linux.within import within

NETLINK_NETFILTER = 12
_GET, _DELETE = 0x0101, 0x0102  # IPCTNL_MSG_CT_GET and _DELETE of the subsystem ctnetlink
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_ORIGINAL, _REPLY, _STATUS = 1, 2, 3  # CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS
_PROTOINFO, _TCP, _STATE = 4, 1, 1  # CTA_PROTOINFO, _TCP in it, and _STATE in that
_ESTABLISHED = 3  # TCP_CONNTRACK_ESTABLISHED
_ANSWERED = 1 << 1  # IPS_SEEN_REPLY
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_FAMILY = struct.pack("=BBH", socket.AF_INET, 0, 0)  # nfgenmsg
_ATTRIBUTE = struct.Struct("=HH")
# A tuple: its header, CTA_TUPLE_IP with two addresses, CTA_TUPLE_PROTO with number and ports.
_TUPLE = struct.Struct("=4x 4x 4x 4s 4x 4s 4x 4x B 3x 4x 2s 2x 4x 2s 2x")
_NESTED = 0x7FFF


@dataclass(frozen=True)
class Flow:
    """A flow: where its answers come from, whether any came, and what names it to the kernel.

    ``open`` is a connection of which neither side has closed its half.
    """

    source: tuple[str, int]
    answered: bool
    original: bytes
    open: bool = False


def cut(namespace: str, targets: Collection[tuple[str, int]], *, unanswered: bool = False) -> int:
    """Forget the flows to these addresses and ports in the namespace at that path; return how many.

    With ``unanswered`` only those to which no packet has come back.

    Raises
    ------
    OSError
        When there is no such namespace, or the kernel does not list or forget them.
    """
    return within(namespace, lambda: _cut(frozenset(targets), unanswered=unanswered))


def connected(namespace: str) -> frozenset[tuple[str, int]]:
    """Return the addresses and ports to which there are open connections from the namespace at that path.

    Raises
    ------
    OSError
        When there is no such namespace, or the kernel does not list its flows.
    """
    return within(namespace, lambda: frozenset(flow.source for flow in _flows() if flow.open))


def _cut(targets: frozenset[tuple[str, int]], *, unanswered: bool) -> int:
    going = [
        flow for flow in _flows() if flow.source in targets and not (unanswered and flow.answered)
    ]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as line:
        for flow in going:
            line.send(_message(_DELETE, _REQUEST | _ACK, flow.original))
            answer = line.recv(1 << 16)
            code = -struct.unpack_from("=i", answer, _HEADER.size)[0]
            if code not in {0, errno.ENOENT}:  # it may have ended by itself
                raise OSError(code, f"a flow could not be forgotten: {errno.errorcode.get(code)}")
    return len(going)


def _flows() -> Iterator[Flow]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as line:
        line.send(_message(_GET, _REQUEST | _DUMP))
        while True:
            part = line.recv(1 << 18)
            at = 0
            while at < len(part):
                length, kind, _, _, _ = _HEADER.unpack_from(part, at)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    code = -struct.unpack_from("=i", part, at + _HEADER.size)[0]
                    raise OSError(code, "the flows could not be listed")
                flow = flow_of(part[at + _HEADER.size + len(_FAMILY) : at + length])
                if flow:
                    yield flow
                at += (length + 3) & ~3


def flow_of(attributes: bytes) -> Flow | None:
    """Return the TCP flow a message of the kernel describes, or None when it is of another kind."""
    found = _attributes(attributes, last=_PROTOINFO)
    original, reply = found.get(_ORIGINAL, b""), found.get(_REPLY, b"")
    if len(reply) != _TUPLE.size:
        return None
    source, _, protocol, port, _ = _TUPLE.unpack(reply)
    if protocol != socket.IPPROTO_TCP:
        return None
    status = found.get(_STATUS, b"\0" * 8)
    return Flow(
        (socket.inet_ntoa(source), int.from_bytes(port, "big")),
        bool(int.from_bytes(status[4:8], "big") & _ANSWERED),
        original,
        _state(found.get(_PROTOINFO, b"")) == _ESTABLISHED,
    )


def _state(information: bytes) -> int:
    """Return the state of a TCP flow; 0 when the kernel does not tell."""
    tcp = _attributes(information[_ATTRIBUTE.size :]).get(_TCP, b"")
    state = _attributes(tcp[_ATTRIBUTE.size :]).get(_STATE, b"")
    return state[_ATTRIBUTE.size] if len(state) > _ATTRIBUTE.size else 0


def _attributes(content: bytes, last: int = 0) -> dict[int, bytes]:
    """Return the attributes up to the ``last`` one that is of interest, each with its header."""
    at, found = 0, dict[int, bytes]()
    while at + _ATTRIBUTE.size <= len(content) and last not in found:
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        found[kind & _NESTED] = content[at : at + length]
        at += max(4, (length + 3) & ~3)
    return found


def _message(kind: int, flags: int, attributes: bytes = b"") -> bytes:
    length = _HEADER.size + len(_FAMILY) + len(attributes)
    return _HEADER.pack(length, kind, flags, 1, 0) + _FAMILY + attributes
