"""Whom a container runs as.

Where the region has a range of ids, as root's has, the process becomes that user. Where it has one, as an
ordinary user's has, the process moves to a user namespace in which that one has the user's number: what
belongs to the region then seems to belong to the process, and there is nobody else to become.
"""

from __future__ import annotations

import errno
import os
import stat

from underpass.twin.linux.sandbox.kernel import CLONE_NEWUSER, check, libc

PASSWD, GROUP = "/etc/passwd", "/etc/group"


class Identity:
    """Ids to run with; ``groups`` are the supplementary ones."""

    def __init__(self, uid: int, gid: int, groups: list[int]) -> None:
        self.uid, self.gid, self.groups = uid, gid, groups

    def enter(self) -> None:
        """Move to a user namespace of its own, if these ids are none of this one's."""
        if _is_mapped(self.uid, "uid") and _is_mapped(self.gid, "gid"):
            return
        own = {"uid_map": f"{self.uid} {os.geteuid()} 1", "gid_map": f"{self.gid} {os.getegid()} 1"}
        check(libc.unshare(CLONE_NEWUSER), f"making a user namespace for user {self.uid}")
        for name, text in {"setgroups": "deny", **own}.items():
            with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
                stream.write(text)
        self.groups = []

    def assume(self) -> None:
        """Become the user; the output stays writable, also under its name in /dev."""
        if (os.getuid(), os.getgid()) == (self.uid, self.gid):
            return
        for descriptor in (0, 1, 2):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.fchown(descriptor, self.uid, -1)
        os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)

    def own(self, folder: str) -> None:
        """Give the user all of a folder, as an access point of EFS shows it, unless it has it already."""
        if os.stat(folder).st_uid == self.uid or not _is_mapped(self.uid, "uid"):
            return
        os.chown(folder, self.uid, self.gid)
        for place, folders, files in os.walk(folder):
            for name in folders + files:
                os.chown(f"{place}/{name}", self.uid, self.gid, follow_symlinks=False)


def identity(user: str) -> Identity:
    """Return whom ``user`` means: ``name``, ``1000``, or one of them with ``:group``; root when empty.

    The names are the host's. A number is none of the host's users, and so its group is 0, as where the image
    does not know it either.

    Raises
    ------
    OSError
        As Docker words it, when there is no user or group of that name.
    """
    name, _, group = (user or "0").partition(":")
    uid, gid = (int(name), 0) if name.isdecimal() else _named(PASSWD, name, "user")
    if group:
        gid = int(group) if group.isdecimal() else _named(GROUP, group, "group")[0]
    return Identity(uid, gid, [])


def of_process(pid: str) -> Identity:
    """Return whom a process of this user namespace runs as."""
    found = process_status(pid)
    groups = [int(one) for one in found["Groups"].split()]
    return Identity(int(found["Uid"].split()[1]), int(found["Gid"].split()[1]), groups)


def user_namespace(pid: str) -> int | None:
    """Return a descriptor of a process's user namespace; None if it is this one."""
    place = f"/proc/{pid}/ns/user"
    if os.readlink(place) == os.readlink("/proc/self/ns/user"):
        return None
    return os.open(place, os.O_RDONLY | os.O_CLOEXEC)


def joined(user_namespace: int) -> Identity:
    """Enter a user namespace, after all others: it has no rights over them. Return whom one is there."""
    check(libc.setns(user_namespace, CLONE_NEWUSER), "entering a user namespace")
    return Identity(os.getuid(), os.getgid(), [])


def process_status(pid: str) -> dict[str, str]:
    """Return what the kernel says of a process; see proc_pid_status(5)."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as stream:
        return dict(line.rstrip("\n").split(":", 1) for line in stream)


def _named(file: str, name: str, kind: str) -> tuple[int, int]:
    """Return the first two numbers in the line of a name: of a user, its own and its group's."""
    with open(file, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            fields = line.rstrip("\n").split(":")
            if fields[0] == name:
                return int(fields[2]), int(fields[3] or 0) if kind == "user" else 0
    where = file.rpartition("/")[2]
    raise OSError(
        errno.EINVAL, f"unable to find {kind} {name}: no matching entries in {where} file"
    )


def _is_mapped(number: int, kind: str) -> bool:
    """Return whether there is such an id in this user namespace."""
    with open(f"/proc/self/{kind}_map", encoding="ascii") as stream:
        ranges = [tuple(map(int, line.split())) for line in stream]
    return any(first <= number < first + count for first, _, count in ranges)
