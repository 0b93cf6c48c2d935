"""The network a container is in, entered before anything is given up."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from underpass.twin.linux.sandbox.kernel import CLONE_NEWNET, check, libc

SIOCSIFADDR, SIOCSIFFLAGS, SIOCGIFFLAGS, IFF_UP = 0x8916, 0x8914, 0x8913, 1


def join_network(path: str) -> None:
    """Enter the network namespace at ``path``."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    check(libc.setns(handle, CLONE_NEWNET), f"entering {path}")
    os.close(handle)


def listen(address: str, port: int) -> int:
    """Give the loopback interface ``address`` and return a listening socket on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack(
            "16sH", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))[:18]
        )[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
        packed = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(address))
        fcntl.ioctl(control, SIOCSIFADDR, packed)
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(64)
    return server.detach()
