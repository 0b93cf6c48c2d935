"""The file system a container sees, made in a mount namespace of its own."""

from __future__ import annotations

import errno
import os

from underpass.twin.linux.sandbox.kernel import (
    MNT_DETACH,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    SYS_PIVOT_ROOT,
    bind,
    check,
    libc,
    machine,
    mount,
    open_folder,
    read_only,
)

TYPE_CHECKING = False  # as in typing, which takes its time to import
if TYPE_CHECKING:
    from typing import Any


def build_root(spec: dict[str, Any]) -> None:
    """Build the new root, and make it the root."""
    root = spec["root"]
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={spec['size_mib']}m")
    for folder, mode in (("/tmp", 0o1777), ("/run", 0o755), ("/var/tmp", 0o1777)):  # noqa: S108
        os.makedirs(root + folder)
        os.chmod(root + folder, mode)
    for link, target in spec["links"]:
        os.makedirs(os.path.dirname(root + link), exist_ok=True)
        os.symlink(target, root + link)
    # What is shown may lie below a tmpfs or a volume, as a Python under /tmp does: these come first.
    shown = [target for _, target, _ in spec["binds"]]
    tmpfs = [one for one in spec["tmpfs"] if above(one[0], shown)]
    volumes = [one for one in spec["volumes"] if above(one[1], shown)]
    for target, options in tmpfs:
        empty(root + target, options)
    for source, target, part, writable in volumes:
        volume(root, source, target, part, writable=writable)
    for source, target, writable in spec["binds"]:
        bind(source, inside(root, target), writable=writable)
    for target, text in spec["files"]:
        place_file(root, target, text)
    for path in spec["masks"]:
        mask(root + path)
    processes(root)
    devices(root)
    image(
        spec,
        [one for one in spec["tmpfs"] if one not in tmpfs],
        [one for one in spec["volumes"] if one not in volumes],
    )
    os.chdir(root)
    check(libc.syscall(SYS_PIVOT_ROOT[machine], b".", b"."), "changing the root")
    check(libc.umount2(b".", MNT_DETACH), "leaving the old root")
    os.chdir("/")
    if spec["read_only"]:
        read_only("/", recursive=False)


def above(folder: str, paths: list[str]) -> bool:
    """Tell whether one of the paths lies below the folder."""
    return any(path.startswith(folder.rstrip("/") + "/") for path in paths)


def image(spec: dict[str, Any], scratch: list[Any], volumes: list[Any]) -> None:
    """Show the image's folder, and the scratch folders and volumes, which may lie within it."""
    root, within = spec["root"], spec["at"] + "/"
    late = [one for one in scratch if one[0].startswith(within)]  # the image must not hide them
    for target, options in [one for one in scratch if one not in late]:
        empty(root + target, options)
    opened = bool(late) or any(one[1].startswith(within) for one in volumes)
    application(
        spec["app"],
        root + spec["at"],
        spec["size_mib"],
        read_only_=spec["read_only"] and not opened,  # else only once the folders are there
    )
    for path in spec["hidden"]:
        mask(root + path)
    for target, options in late:
        empty(root + target, options)
    for source, target, part, writable in volumes:
        volume(root, source, target, part, writable=writable)
    if spec["read_only"] and opened:
        read_only(root + spec["at"], recursive=False)


def volume(root: str, source: str, target: str, part: str, *, writable: bool) -> None:
    """Show a volume, or a part of it: other containers may be changing the links that lead there."""
    if not part:
        bind(source, inside(root, target), writable=writable)
        return
    whole = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
    handle = open_folder(whole, part)
    bind(f"/proc/self/fd/{handle}", inside(root, target), writable=writable)
    os.close(handle)
    os.close(whole)


def empty(target: str, options: str) -> None:
    """Mount an empty, writable folder."""
    os.makedirs(target, exist_ok=True)
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)


def place_file(root: str, target: str, text: str) -> None:
    """Put a file of our own where a bind mount, perhaps a dangling link of the host's, stands."""
    own = root + "/.own"
    handle = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    os.write(handle, text.encode())
    os.close(handle)
    bind(own, inside(root, target))
    os.unlink(own)  # the mount keeps it


def mask(path: str) -> None:
    """Hide a file or a folder."""
    if os.path.isdir(path):
        mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "mode=000,size=0")
    elif os.path.lexists(path):
        mount("/dev/null", path, "", MS_BIND)


def processes(root: str) -> None:
    """Mount /proc of the new process namespace, the host's settings out of reach, and /sys if allowed."""
    os.mkdir(root + "/proc")
    mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in ("sys", "sysrq-trigger", "irq", "bus", "fs"):
        path = f"{root}/proc/{name}"
        if os.path.lexists(path):
            bind(path, path)
    for name in ("kcore", "keys", "timer_list", "kpagecount", "kpageflags"):
        if os.path.lexists(f"{root}/proc/{name}"):
            mask(f"{root}/proc/{name}")
    os.mkdir(root + "/sys")
    try:  # a fresh one shows this network namespace's interfaces, not the host's
        mount("sysfs", root + "/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:
        pass


def devices(root: str) -> None:
    """Make the few devices every program may expect."""
    dev = root + "/dev"
    os.mkdir(dev)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        mount(f"/dev/{name}", f"{dev}/{name}", "", MS_BIND)
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
    ):
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(dev + "/shm")
    mount("tmpfs", dev + "/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m")
    os.mkdir(dev + "/pts")
    os.symlink("pts/ptmx", dev + "/ptmx")
    try:
        mount(
            "devpts",
            dev + "/pts",
            "devpts",
            MS_NOSUID | MS_NOEXEC,
            "newinstance,ptmxmode=0666,mode=620",
        )
    except OSError:  # only a terminal needs it
        pass


def application(source: str, target: str, size_mib: int, *, read_only_: bool) -> None:
    """Show the image's folder so that the application may write in it and nothing outside changes."""
    if read_only_:
        bind(source, target)
        return
    os.makedirs(target)
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={size_mib}m")
    upper, work = target + "/upper", target + "/work"
    os.mkdir(upper, 0o755)
    os.mkdir(work)
    lower, upper, work = (
        place.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
        for place in (source, upper, work)
    )
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    for extra in (
        ",userxattr",
        "",
    ):  # an ordinary user's overlay keeps its notes in user.*, where the kernel can
        try:
            mount("overlay", target, "overlay", MS_NOSUID | MS_NODEV, options + extra)
        except OSError:
            continue
        return
    import shutil

    os.rmdir(upper)
    os.rmdir(work)
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def inside(root: str, path: str) -> str:
    """Return where ``path`` of the new root lies now, following its symbolic links within the new root."""
    for _ in range(40):
        place = root + path
        if not os.path.islink(place):
            return place
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(place)))
    raise OSError(errno.ELOOP, f"{path}: too many symbolic links")
