"""What happens in sandboxes: functions run inside a place (``modes``), with the standard library alone."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

from underpass.twin.linux import process
from underpass.twin.linux.isolation import Spec, Tmpfs, Volume
from underpass.twin.linux.process import Process, StartError

APP = Path("/run/state/images/x/app")

PYTHON = shlex.quote(sys.executable)  # for a shell


def spec(*argv: str, **more: Any) -> Spec:
    APP.mkdir(parents=True, exist_ok=True)
    (APP / "data.txt").write_text("from the image")
    Path("/run/resolv.conf").write_text("nameserver 10.20.0.2\n")
    return Spec(
        **{
            "app": APP,
            "argv": argv,
            "environment": {"GREETING": "hello"},
            "root": Path("/run/sandbox"),
            "hostname": "ip-10-20-0-5.ec2.internal",
            "resolv": Path("/run/resolv.conf"),
            "hidden": (Path("/run/state"),),
            **more,
        }
    )


def begin(*argv: str, **more: Any) -> tuple[Process, int]:
    reader, writer = os.pipe()
    try:
        return process.start(spec(*argv, **more), writer), reader
    finally:
        os.close(writer)


def printed(reader: int, timeout_s: float = 40) -> str:
    """Return all that was printed; nobody holds the pipe any more once this returns."""
    text = b""
    while select.select([reader], [], [], timeout_s)[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            return text.decode()
        text += part
    raise AssertionError(f"the pipe is still held; so far: {text!r}")


def run(script: str, **more: Any) -> tuple[int, str]:
    started, reader = begin("/bin/sh", "-c", script, **more)
    text = printed(reader)
    return started.wait(), text


def lines(script: str, **more: Any) -> list[str]:
    code, text = run(script, **more)
    assert code == 0, text
    return text.splitlines()


# -- each function below is one experiment; its answer is what the test looks at


def rights() -> dict[str, str]:
    found = lines("cat /proc/self/status; echo Me: $$")
    wanted = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Me")
    pairs = dict(line.split(":", 1) for line in found)
    return {name: pairs[name].strip() for name in wanted}


def attempts() -> dict[str, bool]:
    """Return which of a list of misdeeds succeeded."""
    deeds = {
        "write to /usr": "echo x > /usr/underpass-was-here",
        "write to /etc": "echo x > /etc/underpass-was-here",
        "write to a sysctl": "echo 1 > /proc/sys/net/ipv4/ip_forward",
        "write to core_pattern": "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern",
        "remount /usr": "mount -o remount,rw,bind /usr",
        "mount": "mount -t tmpfs tmpfs /tmp",
        "make the host writable in a namespace of its own": (
            "unshare --user --map-root-user --mount sh -c 'mount -o remount,rw,bind /usr'"
        ),
        "make a device": "mknod /tmp/disk b 8 0",
        "see the state": "ls /run/state",
        "see other programs' sockets": "ls /run/* /var/run/*",
        "see home folders": f"ls /home/* {Path.home()}/.ssh {Path.home()}/.bash_history",
        "read what root keeps": "grep . /etc/shadow",
        "see other processes": "cat /proc/[0-9]*/cmdline | grep -q mode[s].py",
    }
    return {deed: run(script)[0] == 0 for deed, script in deeds.items()}


def what_it_may() -> dict[str, Any]:
    code, text = run(
        "echo changed > data.txt && cat data.txt && touch /tmp/a /run/b new /dev/shm/c; rm data.txt"
    )
    return {
        "code": code,
        "said": text,
        "image": (APP / "data.txt").read_text(),
        "files": [path.name for path in APP.iterdir()],
    }


def surroundings() -> dict[str, Any]:
    os.environ["REGION_SECRET"] = "s3cret"
    return {
        "environment": sorted(line.split("=")[0] for line in lines("/usr/bin/env")),
        "greeting": lines("echo $GREETING; pwd; hostname; cat /etc/resolv.conf; cat /etc/hosts"),
        "interfaces": lines("ls /sys/class/net || echo lo"),
        "python": lines(f"{PYTHON} -c 'import sys; print(sys.prefix)'"),
        "prefix": sys.prefix,
    }


def virtual_environment() -> list[list[str]]:
    """Run a program of a virtual environment, and its Python by name, which both need what it holds."""
    place = Path("/run/ve")
    venv.create(place, symlinks=True)
    (packages,) = place.glob("lib/python3*/site-packages")
    (packages / "only_here.py").write_text("import sys\nprint(sys.prefix)\n")
    program = place / "bin" / "program"
    program.write_text(f"#!{place}/bin/python\nimport only_here\n")
    program.chmod(0o755)
    said = []
    for started, reader in (
        begin(str(program)),
        begin("python", "-c", "import only_here", python=str(place / "bin" / "python")),
    ):
        said.append([printed(reader), str(started.wait())])
    return said


def commands() -> list[list[str]]:
    """Run by name what an image has on its PATH: a virtual environment's, or a lone interpreter's."""
    place, lone = Path("/run/ve"), Path("/run/lone/python9")
    venv.create(place, symlinks=True)
    script = place / "bin" / "celery"  # in the same folder as "python", as pip puts it
    script.write_text(f"#!{place}/bin/python\nimport sys\nprint(sys.prefix)\n")
    script.chmod(0o755)
    lone.parent.mkdir()
    lone.symlink_to(os.path.realpath(sys.executable))  # called neither python nor python3
    told = ("-c", "import sys; print(sys.prefix)")
    said = []
    for argv, python in (
        *(((name, *told), place / "bin" / "python") for name in ("python", "python3")),
        (("celery",), place / "bin" / "python"),
        *(((name, *told), lone) for name in ("python", "python3")),
    ):
        started, reader = begin(*argv, python=str(python), read_only=True)
        said.append([printed(reader).strip(), str(started.wait())])
    return said


def volumes() -> dict[str, Any]:
    shared, fixed = Path("/run/state/files/a"), Path("/run/state/files/b")
    for folder in (shared, fixed):
        folder.mkdir(parents=True, exist_ok=True)
    (fixed / "x").write_text("kept")
    mounted = (Volume(shared, "/data/in/here"), Volume(fixed, "/app/fixed", writable=False))
    code, text = run("echo y > /data/in/here/y; cat fixed/x; echo z > fixed/z", volumes=mounted)
    return {
        "code": code,
        "said": text,
        "shared": (shared / "y").read_text(),
        "fixed": [path.name for path in fixed.iterdir()],
    }


def parts_of_a_volume() -> list[str]:
    """Mount a part of a volume, then the same once another task has put a link to elsewhere there."""
    shared, secret = Path("/run/state/files/c"), Path("/run/secret")
    (shared / "notes/app").mkdir(parents=True)
    (shared / "notes/app/x").write_text("ours")
    (secret / "app").mkdir(parents=True)
    (secret / "app/x").write_text("the host's")
    part: dict[str, Any] = {"volumes": (Volume(shared, "/data", part="notes/app"),)}
    said = [run("cat /data/x && touch /data/y", **part)[1]]
    said += [path.name for path in (shared / "notes/app").iterdir()]
    (shared / "notes").rename(shared / "mine")
    for target in (str(secret), "../../../secret"):
        (shared / "notes").symlink_to(target)
        try:
            said.append(run("cat /data/x", **part)[1])
        except StartError as error:
            said.append(str(error))
        (shared / "notes").unlink()
    (shared / "notes").symlink_to("mine")
    return [*said, run("cat /data/x", **part)[1]]


def read_only_root() -> dict[str, bool]:
    more: dict[str, Any] = {"read_only": True, "tmpfs": (Tmpfs("/scratch", 1),)}
    places = ("/app/x", "/x", "/tmp/x", "/scratch/x", "/dev/shm/x")
    return {place: run(f"echo x > {place}", **more)[0] == 0 for place in places}


def folders_open_in_a_read_only_image() -> dict[str, bool]:
    """Write beside and in a volume and a tmpfs that lie within the image's own folder."""
    kept = Path("/run/kept")
    kept.mkdir()
    more: dict[str, Any] = {
        "read_only": True,
        "tmpfs": (Tmpfs("/app/memory", 1),),
        "volumes": (Volume(kept, "/app/disk"), Volume(kept, "/tmp")),
    }
    places = ("/app/x", "/app/data.txt", "/x", "/tmp/x", "/app/memory/x", "/app/disk/x")
    written = {place: run(f"echo x > {place}", **more)[0] == 0 for place in places}
    same = run("cat data.txt", **more)[1] == "from the image"
    return {**written, "read": same, "kept": (kept / "x").is_file()}


def writable_above_python() -> list[Any]:
    """Mount a writable folder over the one Python is in: as a tmpfs (Fargate), as a volume (EC2)."""
    above = str(Path(sys.prefix).parent)
    own = Path("/run/own")
    own.mkdir(parents=True)
    script = f"{PYTHON} -c 'print(1)' && echo 2 > {shlex.quote(f'{above}/x')}"
    return [
        run(script, tmpfs=(Tmpfs(above, 1),)),
        run(script, volumes=(Volume(own, above),)),
        sorted(path.name for path in own.glob("x")),
    ]


ORPHANS = (
    "for n in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 0.5; cat /proc/[0-9]*/stat | grep -c ' Z '"
)
HANDLER = (
    "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(7))\nprint('up')\nsignal.pause()"
)


def zombies() -> dict[str, str]:
    script = [sys.executable, "-c", f"import subprocess; subprocess.run(['sh', '-c', {ORPHANS!r}])"]
    counted = {}
    for init in (True, False):
        started, reader = begin(*script, init=init)
        counted[str(init)] = printed(reader).strip()
        started.wait()
    return counted


def up(reader: int) -> None:
    """Wait for the line that says so."""
    text = b""
    while b"up\n" not in text:
        part = os.read(reader, 16)
        assert part, text
        text += part


def signals() -> dict[str, int]:
    codes = {}
    for name, init, source in (
        ("handled", False, HANDLER),
        ("handled under init", True, HANDLER),
        ("default under init", True, "print('up', flush=True)\nimport time\ntime.sleep(60)"),
    ):
        started, reader = begin(sys.executable, "-c", source, init=init)
        up(reader)
        started.signal(signal.SIGTERM)
        codes[name] = started.wait()
    ignored, reader = begin(
        sys.executable, "-c", "print('up', flush=True)\nimport time\ntime.sleep(60)"
    )
    up(reader)
    ignored.signal(signal.SIGTERM)  # a first process has no default action: as in any container
    codes["default ends within 0.3 s"] = bool(select.select([ignored.handle], [], [], 0.3)[0])
    ignored.signal(signal.SIGKILL)
    codes["killed"] = ignored.wait()
    codes["kills itself"], _ = run("kill -9 $$", init=True)
    return codes


def signals_ignored() -> list[str]:
    """Return what a task and a command beside it ignore, when the region was started in the background."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ask = ["grep", "SigIgn", "/proc/self/status"]
    started, _ = begin("/bin/sleep", "60")
    beside = subprocess.run([*process.enter(started.pid), *ask], capture_output=True, text=True)
    started.signal(signal.SIGKILL)
    started.wait()
    found = [line.split()[1] for line in (*lines(shlex.join(ask)), beside.stdout)]
    # 32 and 33 are the C library's own, which no program can set, and a test's parent may have left ignored.
    return [f"{int(mask, 16) & ~(0b11 << 31):016x}" for mask in found]


def footprint() -> dict[str, Any]:
    """Return what one idle sandbox leaves behind in processes and memory."""
    before = _children()
    started, _ = begin("/bin/sleep", "60", init=True)
    time.sleep(0.2)
    mine = [pid for pid in _children() if pid not in before]
    tree = [*mine, *(child for pid in mine for child in _children(pid))]
    sizes = {Path(f"/proc/{pid}/comm").read_text().strip(): _pss_kib(pid) for pid in tree}
    started.signal(signal.SIGKILL)
    started.wait()
    return sizes


def _children(pid: int | str = "self") -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _pss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("Pss:")[2].split()[0])


def failures() -> dict[str, str]:
    said = {}
    for name, argv, more in (
        ("no program", ("nonesuch",), {}),
        ("no file", ("/app/nonesuch",), {}),
        ("not a program", ("/app/data.txt",), {}),
        ("no network", ("true",), {"network": "/run/netns/none"}),
        ("no volume", ("true",), {"volumes": (Volume(Path("/run/none"), "/data"),)}),
    ):
        try:
            begin(*argv, **more)
        except StartError as error:
            said[name] = str(error)
    return said


def beside() -> dict[str, Any]:
    started, _ = begin("/bin/sleep", "60")
    line = process.enter(started.pid)
    script = "echo $GREETING; pwd; echo $$; grep CapEff /proc/self/status; exit 5"
    done = subprocess.run([*line, "sh", "-c", script], capture_output=True, text=True, check=False)
    missing = subprocess.run([*line, "nonesuch"], capture_output=True, text=True, check=False)
    # Whoever waits for the command is killed: the command must not stay behind in the sandbox.
    left = subprocess.Popen([*line, "sleep", "61"])
    time.sleep(0.3)
    left.kill()
    left.wait()
    os.waitpid(-1, 0)  # its command, ours by now, as the region's first process would reap it
    counted = subprocess.run([*line, "ps", "ax"], capture_output=True, text=True, check=False)
    started.signal(signal.SIGKILL)
    started.wait()
    return {
        "code": done.returncode,
        "said": done.stdout.splitlines(),
        "missing": [missing.returncode, missing.stderr],
        "left": "sleep 61" in counted.stdout,
    }


def listens() -> str:
    started, reader = begin(
        sys.executable,
        "-c",
        "import socket; s = socket.create_connection(('169.254.170.2', 80), 5); print(s.recv(9).decode())",
        listen=("169.254.170.2", 80),
    )
    assert started.listener is not None
    caller, _ = started.listener.accept()
    caller.sendall(b"its own")
    caller.close()
    text = printed(reader)
    started.wait()
    return text.strip()


def users() -> dict[str, list[str]]:
    """Return what a container says of itself, by whom it runs as."""
    caps = "grep Cap /proc/self/status | tr -d '\\n'; echo"
    script = f"id -u; id -g; id -G; {caps}; echo x > /dev/stdout; touch /tmp/x"
    wanted = ("", "0", "54321", "54321:33", "nobody", "nobody:1234", "root:33")
    return {user: run(script, user=user)[1].split("\n") for user in wanted}


def unknown_users() -> list[str]:
    said = []
    for user in ("nobody-of-that-name", "1000:no-such-group"):
        try:
            said.append(str(run("true", user=user)))
        except StartError as error:
            said.append(str(error))
    return said


def kept() -> dict[str, Any]:
    """Return the sets of capabilities, and which deeds succeed with them."""
    deeds = {
        "become another": "setpriv --reuid 33 --clear-groups id -u",
        "give away": "touch /tmp/x && chown 33 /tmp/x",
        "make a device": "mknod /data/disk b 8 0 && cat /data/disk",
        "mount": "mount -t tmpfs tmpfs /tmp",
        "write to /usr": "echo x > /usr/underpass-was-here",
        "read what root keeps": "grep . /etc/shadow",
    }
    data = Path("/run/state/files/kept")
    data.mkdir(parents=True, exist_ok=True)
    names = ("SETUID", "SETGID", "CHOWN", "MKNOD", "DAC_OVERRIDE")
    more: dict[str, Any] = {"capabilities": names, "volumes": (Volume(data, "/data"),)}
    sets = lines("grep Cap /proc/self/status", **more)
    return {
        "sets": [line.split()[1] for line in sets],
        "done": sorted(deed for deed, script in deeds.items() if run(script, **more)[0] == 0),
    }


def beside_a_user() -> list[list[str]]:
    """Return whom a command and a health check run as, beside a container of an ordinary user's."""
    started, _ = begin("/bin/sleep", "60", user="54321:33", capabilities=("KILL",))
    show = ["/bin/sh", "-c", "id -u; id -g; grep CapEff /proc/self/status"]
    said = []
    for start in (process.enter, process.check):
        done = subprocess.run(
            [*start(started.pid), *show], capture_output=True, text=True, check=False
        )
        said.append((done.stdout + done.stderr).split())
    started.signal(signal.SIGKILL)
    started.wait()
    return said


def files_of_an_access_point() -> list[str]:
    """Return what is written to a volume by root, and then by a user, of whoever made what is in it."""
    shared = Path("/run/state/files/point")
    (shared / "made").mkdir(parents=True)
    (shared / "made" / "before").write_text("x")
    point: dict[str, Any] = {"volumes": (Volume(shared, "/data", owned=True),)}
    write = "echo y >> /data/made/before && stat -c %u /data/made/before"
    return [run(write, user=user, **point)[1].strip() for user in ("", "54321", "")]
