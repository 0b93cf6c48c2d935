"""What is asked of the kernel: system calls Python has no function for, and mounts."""

from __future__ import annotations

import ctypes
import errno
import os

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
# What a remount must repeat of a mount's flags, as statvfs shows them: noexec, noatime, nodiratime, relatime.
KEPT_FLAGS = ((8, 8), (1024, 1024), (2048, 2048), (4096, 1 << 21))
CLONE_PARENT, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x8000, 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
SYS_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
SYS_OPENAT2, SYS_MOUNT_SETATTR = 437, 442  # the same numbers on every architecture
RESOLVE_BENEATH = 8
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4

libc = ctypes.CDLL(None, use_errno=True)
machine = os.uname().machine


def check(result: int, doing: str) -> int:
    """Raise OSError, saying what was being done, when a libc call answered -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{doing}: {os.strerror(number)}")
    return result


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode() or None)
    check(
        libc.mount(*arguments, ctypes.c_ulong(flags), os.fsencode(options) or None),
        f"mounting {source} on {target}",
    )


class MountAttributes(ctypes.Structure):
    """struct mount_attr."""

    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns", ctypes.c_uint64),
    )


def read_only(target: str, *, recursive: bool = True) -> None:
    """Make a mount, and by default all below it, read-only, without set-uid programs and devices."""
    restrict(target, MOUNT_ATTR_RDONLY, MS_RDONLY, recursive=recursive)


def restrict(target: str, attribute: int, flag: int, *, recursive: bool) -> None:
    """Give a mount ``attribute``, and take set-uid programs and devices away; ``flag`` is mount(2)'s."""
    wanted = MountAttributes(attribute | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    path = os.fsencode(target)
    if libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, flags, ctypes.byref(wanted), size) == 0:
        return
    if ctypes.get_errno() != errno.ENOSYS:
        check(-1, f"restricting {target}")
    for point in below(target) if recursive else [target]:  # before Linux 5.12
        there = os.statvfs(point).f_flag
        kept = sum(flag for seen, flag in KEPT_FLAGS if there & seen)
        mount("none", point, "", MS_REMOUNT | MS_BIND | flag | MS_NOSUID | MS_NODEV | kept)


class OpenHow(ctypes.Structure):
    """struct open_how."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_folder(root: int, path: str) -> int:
    """Open the folder ``path`` of the folder ``root``, however its links change meanwhile: openat2(2).

    A path that leads out of ``root`` is an OSError with EXDEV.
    """
    how = OpenHow(os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0, RESOLVE_BENEATH)
    arguments = (root, os.fsencode(path), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)))
    while (handle := libc.syscall(SYS_OPENAT2, *arguments)) == -1:
        if ctypes.get_errno() != errno.EAGAIN:  # something was renamed on the way
            check(-1, f"opening {path}")
    return int(handle)


def below(target: str) -> list[str]:
    """Return ``target`` and every mount point below it."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        points = [line.split(" ")[4].encode().decode("unicode_escape") for line in table]
    real = os.path.realpath(target)
    return [point for point in points if point == real or point.startswith(real.rstrip("/") + "/")]


def bind(source: str, target: str, *, writable: bool = False) -> None:
    """Show ``source`` at ``target``, made to fit: a folder for a folder, a file for a file."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, target, "", MS_BIND | MS_REC)
    if writable:
        restrict(target, 0, 0, recursive=False)
    else:
        read_only(target)
