"""Starts a container, or a command beside one.

With ``FD``: reads a specification (JSON, see ``isolation.Spec``) from that socket, makes the namespaces and
the file system, and becomes the application: no process of ours stays behind, and the application is a child
of whoever started this. Over FD it answers ``{"pid": N}`` (with the metadata socket's descriptor, if one was
asked for) and, when something fails, ``{"error": ...}``; end of file without an error means that it runs.

With ``enter PID -- ARGV...``: runs a command beside the application whose first process is PID: in its
namespaces, with its environment and folder, as root with no more capabilities than are left there. With
``check PID -- ARGV...`` as the application's user.
"""

from __future__ import annotations

import errno
import os
import signal
import sys

from underpass.twin.linux.sandbox.filesystem import build_root
from underpass.twin.linux.sandbox.identity import (
    identity,
    joined,
    of_process,
    process_status,
    user_namespace,
)
from underpass.twin.linux.sandbox.kernel import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    CLONE_PARENT,
    SYS_CLONE,
    check,
    libc,
    machine,
)
from underpass.twin.linux.sandbox.rights import die_with_parent, drop_rights, limits

# A first process for task definitions with initProcessEnabled: reaps what is orphaned and passes signals
# on. A wait that a signal interrupts says 128 + n, although the child may have ended with something else.
# It has the control socket as descriptor 3 until it passes signals on: the kernel drops those that a first
# process has no handler for, and whoever started the sandbox would wait for an end that was never asked for.
INIT = """
"$@" 3>&- & child=$!
trap 'kill -TERM $child 2>/dev/null' TERM
trap 'kill -INT $child 2>/dev/null' INT
exec 3>&-
while wait $child; status=$?; kill -0 $child 2>/dev/null; do :; done
if [ $status -gt 128 ]; then wait $child; last=$?; [ $last -eq 127 ] || status=$last; fi
exit $status
"""


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1] in ("enter", "check"):
        sys.exit(enter(sys.argv[2], sys.argv[4:], as_root=sys.argv[1] == "enter"))
    start(int(sys.argv[1]))


def start(handle: int) -> None:
    """Start what the specification on socket ``handle`` says."""
    import json
    import socket

    from underpass.twin.linux.sandbox.network import join_network, listen

    control = socket.socket(fileno=handle)
    os.set_inheritable(handle, False)
    with control.makefile("rb") as stream:
        spec = json.loads(stream.readline())
    passed: list[int] = []
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
            who = identity(spec["user"])
            for target in spec["owned"]:
                who.own(target)
            drop_rights(who, spec["capabilities"])
            argv = spec["argv"]
            if spec["init"]:
                argv = ["/bin/sh", "-c", INIT, "init", *argv]
                os.dup2(handle, 3)
                os.set_inheritable(3, True)
            become(argv, spec["environment"])
        socket.send_fds(control, [json.dumps({"pid": pid}).encode() + b"\n"], passed)
    except Exception as error:  # noqa: BLE001  whoever started this must hear of it
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, OSError):
            said = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        control.send(json.dumps({"error": said}).encode() + b"\n")
        os._exit(125)


def enter(pid: str, argv: list[str], *, as_root: bool) -> int:
    """Run ``argv`` beside process ``pid``; return its exit status."""
    kept = int(process_status(pid)["CapBnd"], 16)
    who = identity("") if as_root else of_process(pid)
    with open(f"/proc/{pid}/environ", "rb") as stream:
        pairs = [pair.split(b"=", 1) for pair in stream.read().split(b"\0") if b"=" in pair]
    environment = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
    handles = [
        os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        for kind in ("net", "ipc", "uts", "pid", "mnt")
    ]
    own = None if as_root else user_namespace(pid)
    for handle in handles:
        check(libc.setns(handle, 0), f"entering the namespaces of {pid}")
    if own is not None:
        who = joined(own)
    child = os.fork()
    if child == 0:
        try:
            os.chdir(environment.get("PWD", "/"))
            if "TERM" in os.environ:
                environment.setdefault("TERM", os.environ["TERM"])
            drop_rights(who, kept)
            die_with_parent()
            become(argv, environment)
        except OSError as error:
            os.write(2, f"{error.strerror}\n".encode())
            os._exit(127 if error.errno == errno.ENOENT else 126)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command as well
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status


def become(argv: list[str], environment: dict[str, str]) -> None:
    """Become ``argv``, with signals as a new program expects them.

    Python ignores some, and a shell has what it starts in the background ignore SIGINT and SIGQUIT.
    """
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
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
