"""Starts one container as a process that sees only what a container would.

``python -I -S sandbox.py FD`` reads a specification (JSON, see ``isolation.Spec``) from the socket FD,
makes the namespaces and the file system, and becomes the application: no process of ours stays behind,
and the application is a child of whoever started this. Over FD it answers ``{"pid": N}`` (with the metadata
socket's descriptor, if one was asked for) and, when something fails, ``{"error": ...}``; end of file
without an error means that the application runs.

``python -I -S sandbox.py enter PID -- ARGV...`` runs a command beside the application whose first process
is PID: in its namespaces, with its environment and folder, and without capabilities.

A sandbox has a tmpfs as root, the host's programs read-only, its own /proc, /dev, /tmp and /run, the
application's folder as an overlay whose changes live in memory, and volumes. No capabilities, nor a way
to regain them. There is no memory limit: cgroups are not an ordinary user's to make, and RLIMIT_AS breaks
every runtime that reserves address space (JVM, Node, Go).
"""

# Only what starts fast is imported: neither pathlib nor contextlib.
# ruff: noqa: PTH102, PTH103, PTH106, PTH108, PTH112, PTH114, PTH115, PTH118, PTH120, PTH123, PTH211, SIM105

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
# What a remount must repeat of a mount's flags, as statvfs shows them: noexec, noatime, nodiratime, relatime.
KEPT_FLAGS = ((8, 8), (1024, 1024), (2048, 2048), (4096, 1 << 21))
CLONE_PARENT, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x8000, 0x20000, 0x4000000, 0x8000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
SYS_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
SYS_MOUNT_SETATTR = 442  # the same number on every architecture
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SIOCSIFADDR, SIOCSIFFLAGS, SIOCGIFFLAGS, IFF_UP = 0x8916, 0x8914, 0x8913, 1

# A first process for task definitions with initProcessEnabled: reaps what is orphaned and passes signals
# on. A wait that a signal interrupts says 128 + n, although the child may have ended with something else.
INIT = """
"$@" & child=$!
trap 'kill -TERM $child 2>/dev/null' TERM
trap 'kill -INT $child 2>/dev/null' INT
while wait $child; status=$?; kill -0 $child 2>/dev/null; do :; done
if [ $status -gt 128 ]; then wait $child; last=$?; [ $last -eq 127 ] || status=$last; fi
exit $status
"""

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
    wanted = MountAttributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    path = os.fsencode(target)
    if libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, flags, ctypes.byref(wanted), size) == 0:
        return
    if ctypes.get_errno() != errno.ENOSYS:
        check(-1, f"making {target} read-only")
    for point in below(target) if recursive else [target]:  # before Linux 5.12
        there = os.statvfs(point).f_flag
        kept = sum(flag for seen, flag in KEPT_FLAGS if there & seen)
        mount("none", point, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | kept)


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
    if not writable:
        read_only(target)


def inside(root: str, path: str) -> str:
    """Return where ``path`` of the new root lies now, following its symbolic links within the new root."""
    for _ in range(40):
        place = root + path
        if not os.path.islink(place):
            return place
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(place)))
    raise OSError(errno.ELOOP, f"{path}: too many symbolic links")


# -- the network, before anything is given up


def join_network(path: str) -> None:
    """Enter the network namespace at ``path``."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    check(libc.setns(handle, CLONE_NEWNET), f"entering {path}")
    os.close(handle)


def listen(address: str, port: int) -> int:
    """Give the loopback interface ``address`` and return a listening socket on it."""
    import fcntl
    import socket
    import struct

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


# -- the file system


def build_root(spec: dict) -> None:  # type: ignore[type-arg]
    """Build the new root, and make it the root."""
    root = spec["root"]
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={spec['size_mib']}m")
    for link, target in spec["links"]:
        os.symlink(target, root + link)
    for folder, mode in (("/tmp", 0o1777), ("/run", 0o755), ("/var/tmp", 0o1777)):  # noqa: S108
        os.makedirs(root + folder)
        os.chmod(root + folder, mode)  # noqa: PTH101
    # What is shown may lie below a tmpfs or a volume, as a Python under /tmp does: these come first.
    shown = [target for _, target, _ in spec["binds"]]
    tmpfs = [one for one in spec["tmpfs"] if above(one[0], shown)]
    volumes = [one for one in spec["volumes"] if above(one[1], shown)]
    for target, options in tmpfs:
        empty(root + target, options)
    for source, target, writable in volumes:
        bind(source, inside(root, target), writable=writable)
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


def above(folder: str, paths: list) -> bool:  # type: ignore[type-arg]
    """Tell whether one of the paths lies below the folder."""
    return any(path.startswith(folder.rstrip("/") + "/") for path in paths)


def image(spec: dict, scratch: list, volumes: list) -> None:  # type: ignore[type-arg]
    """Show the image's folder, and the scratch folders and volumes, which may lie within it."""
    root, within = spec["root"], spec["at"] + "/"
    late = [one for one in scratch if one[0].startswith(within)]  # the image must not hide them
    for target, options in [one for one in scratch if one not in late]:
        empty(root + target, options)
    opened = bool(late) or any(target.startswith(within) for _, target, _ in volumes)
    application(
        spec["app"],
        root + spec["at"],
        spec["size_mib"],
        read_only_=spec["read_only"] and not opened,  # else only once the folders are there
    )
    for target, options in late:
        empty(root + target, options)
    for source, target, writable in volumes:
        bind(source, inside(root, target), writable=writable)
    if spec["read_only"] and opened:
        read_only(root + spec["at"], recursive=False)


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


# -- giving up rights


def drop_rights() -> None:
    """Give up every capability for good."""
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    check(
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
        "clearing ambient capabilities",
    )
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()), "dropping capabilities")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs")


def limits(wanted: list) -> None:  # type: ignore[type-arg]
    """Set resource limits; a hard limit above the one there is stays as it is."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unlimited = float("inf")
    for name, soft, hard in wanted:
        kind = getattr(resource, "RLIMIT_" + name.upper(), None)
        if kind is not None:
            least = [unlimited if n < 0 else n for n in (soft, hard, resource.getrlimit(kind)[1])]
            pair = (min(least), min(least[1:]))
            resource.setrlimit(kind, tuple(-1 if n == unlimited else int(n) for n in pair))  # type: ignore[arg-type]


def become(argv: list, environment: dict) -> None:  # type: ignore[type-arg]
    """Become ``argv``, with signals as a new program expects them."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606
    except FileNotFoundError:
        where = "" if "/" in argv[0] else " in $PATH"
        raise FileNotFoundError(
            errno.ENOENT, f'exec: "{argv[0]}": executable file not found{where}'
        ) from None
    except OSError as error:
        raise OSError(error.errno, f'exec: "{argv[0]}": {os.strerror(error.errno or 0)}') from None


# -- the two ways to run


def start(handle: int) -> None:
    """Start what the specification on socket ``handle`` says."""
    import json
    import socket

    control = socket.socket(fileno=handle)
    os.set_inheritable(handle, False)
    with control.makefile("rb") as stream:
        spec = json.loads(stream.readline())
    passed: list = []  # type: ignore[type-arg]
    try:
        if spec["network"]:
            join_network(spec["network"])
        if spec["listen"]:
            passed = [listen(*spec["listen"])]
        check(
            libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID),
            "making namespaces",
        )
        # CLONE_PARENT: the application becomes the child of our parent, and we need not stay to wait for it.
        pid = check(
            libc.syscall(SYS_CLONE[machine], CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0),
            "making a process",
        )
        if pid == 0:
            for descriptor in passed:
                os.close(descriptor)
            os.setsid()
            os.umask(0o022)
            libc.sethostname(spec["hostname"].encode(), len(spec["hostname"].encode()))
            build_root(spec)
            os.chdir(spec["cwd"])
            limits(spec["limits"])
            drop_rights()
            argv = ["/bin/sh", "-c", INIT, "init", *spec["argv"]] if spec["init"] else spec["argv"]
            become(argv, spec["environment"])
        socket.send_fds(control, [json.dumps({"pid": pid}).encode() + b"\n"], passed)
    except Exception as error:  # noqa: BLE001  whoever started this must hear of it
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, OSError):
            said = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        control.send(json.dumps({"error": said}).encode() + b"\n")
        os._exit(125)


def enter(pid: str, argv: list) -> int:  # type: ignore[type-arg]
    """Run ``argv`` beside process ``pid``; return its exit status."""
    with open(f"/proc/{pid}/environ", "rb") as stream:
        pairs = [pair.split(b"=", 1) for pair in stream.read().split(b"\0") if b"=" in pair]
    environment = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
    handles = [
        os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        for kind in ("net", "ipc", "uts", "pid", "mnt")
    ]
    for handle in handles:
        check(libc.setns(handle, 0), f"entering the namespaces of {pid}")
    child = os.fork()
    if child == 0:
        try:
            os.chdir(environment.get("PWD", "/"))
            if "TERM" in os.environ:
                environment.setdefault("TERM", os.environ["TERM"])
            drop_rights()
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            become(argv, environment)
        except OSError as error:
            os.write(2, f"{error.strerror}\n".encode())
            os._exit(127 if error.errno == errno.ENOENT else 126)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command as well
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if sys.argv[1] == "enter":
        sys.exit(enter(sys.argv[2], sys.argv[4:]))
    start(int(sys.argv[1]))
