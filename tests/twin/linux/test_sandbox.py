"""The sandbox, wherever a region may run: what a task cannot do, what it can, and what it costs."""

from __future__ import annotations

import pwd
import sys

import pytest
from tests.twin.ecs.modes import run_as
from tests.twin.linux import sandboxes

from underpass.twin.linux.capabilities import bits

MODES = pytest.mark.parametrize("mode", ["userns", "root"])
NOTHING = "0" * 16
NOBODY = pwd.getpwnam("nobody")


@MODES
def test_a_task_has_no_capabilities_and_is_its_own_first_process(mode: str) -> None:
    found = run_as(mode, sandboxes.rights)
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {NOTHING}
    assert (found["NoNewPrivs"], found["Me"]) == ("1", "1")


@MODES
def test_a_task_can_neither_change_the_host_nor_see_what_is_not_its_own(mode: str) -> None:
    assert [deed for deed, done in run_as(mode, sandboxes.attempts).items() if done] == []


@MODES
def test_a_task_may_write_in_its_folder_and_the_image_stays_as_it_was(mode: str) -> None:
    found = run_as(mode, sandboxes.what_it_may)
    assert found == {
        "code": 0,
        "said": "changed\n",
        "image": "from the image",
        "files": ["data.txt"],
    }


@MODES
def test_a_task_has_its_own_environment_names_and_network(mode: str) -> None:
    found = run_as(mode, sandboxes.surroundings)
    expected = ["GREETING", "HOME", "LANG", "PATH", "PWD", "PYTHONUNBUFFERED"]
    assert found["environment"] == expected
    assert found["greeting"] == [
        "hello",
        "/app",
        "ip-10-20-0-5.ec2.internal",
        "nameserver 10.20.0.2",
        "127.0.0.1 localhost ip-10-20-0-5.ec2.internal",
    ]
    assert found["interfaces"] == ["lo"]
    assert found["python"] == [found["prefix"]]


@MODES
def test_a_virtual_environments_programs_find_its_packages(mode: str) -> None:
    assert run_as(mode, sandboxes.virtual_environment) == [["/run/ve\n", "0"]] * 2


@MODES
def test_an_interpreter_and_its_scripts_are_found_by_their_names_as_in_an_image(mode: str) -> None:
    virtual, lone = ["/run/ve", "0"], [sys.base_prefix, "0"]
    assert run_as(mode, sandboxes.commands) == [virtual] * 3 + [lone] * 2


@MODES
def test_volumes_are_shared_and_a_read_only_one_stays_as_it_is(mode: str) -> None:
    found = run_as(mode, sandboxes.volumes)
    assert found["code"] != 0
    assert found["said"].startswith("kept")
    assert (found["shared"], found["fixed"]) == ("y\n", ["x"])


@MODES
def test_a_part_of_a_volume_is_followed_no_further_than_the_volume(mode: str) -> None:
    said = run_as(mode, sandboxes.parts_of_a_volume)
    assert sorted(said[:3]) == ["ours", "x", "y"]
    assert all("Invalid cross-device link" in one for one in said[3:5])
    assert said[5:] == ["ours"]


def test_a_python_below_a_writable_folder_is_still_there() -> None:
    found = run_as("userns", sandboxes.writable_above_python)
    assert found == [[0, "1\n"], [0, "1\n"], ["x"]]


@MODES
def test_a_read_only_root_leaves_only_volumes_to_write(mode: str) -> None:
    found = run_as(mode, sandboxes.read_only_root)
    assert {place for place, written in found.items() if written} == {"/scratch/x", "/dev/shm/x"}


@MODES
def test_a_read_only_image_may_have_writable_folders_within(mode: str) -> None:
    found = run_as(mode, sandboxes.folders_open_in_a_read_only_image)
    assert {place for place, yes in found.items() if yes} == {
        *("/tmp/x", "/app/memory/x", "/app/disk/x", "read", "kept"),
    }


def test_the_init_process_reaps_orphans() -> None:
    found = run_as("userns", sandboxes.zombies)
    assert found["True"] == "0"
    assert int(found["False"]) > 0


def test_signals_and_exit_codes_are_a_containers() -> None:
    assert run_as("userns", sandboxes.signals) == {
        "handled": 7,
        "handled under init": 7,
        "default under init": 143,
        "default ends within 0.3 s": False,
        "killed": 137,
        "kills itself": 137,
    }


def test_a_region_started_in_the_background_makes_no_task_ignore_signals() -> None:
    assert run_as("userns", sandboxes.signals_ignored) == [NOTHING, NOTHING]


def test_nothing_of_ours_stays_behind_but_a_small_init() -> None:
    sizes = run_as("userns", sandboxes.footprint)
    assert set(sizes) == {"sh", "sleep"}
    assert sizes["sh"] < 1024


def test_what_cannot_start_says_why() -> None:
    said = run_as("userns", sandboxes.failures)
    assert said["no program"] == 'exec: "nonesuch": executable file not found in $PATH'
    assert said["no file"] == 'exec: "/app/nonesuch": executable file not found'
    assert said["not a program"] == 'exec: "/app/data.txt": Permission denied'
    assert "/run/netns/none" in said["no network"]
    assert "/run/none" in said["no volume"]


@MODES
def test_a_command_beside_a_task_is_in_its_sandbox_and_ends_with_who_asked_for_it(
    mode: str,
) -> None:
    found = run_as(mode, sandboxes.beside)
    greeting, folder, pid, capabilities = found["said"]
    assert (found["code"], greeting, folder) == (5, "hello", "/app")
    assert int(pid) < 10
    assert capabilities.endswith(NOTHING)
    assert found["missing"] == [127, 'exec: "nonesuch": executable file not found in $PATH\n']
    assert not found["left"]


def test_the_socket_in_the_tasks_network_is_handed_back() -> None:
    assert run_as("userns", sandboxes.listens) == "its own"


@MODES
def test_a_container_runs_as_whom_it_is_told(mode: str) -> None:
    found = run_as(mode, sandboxes.users)
    ids = {user: lines[:2] for user, lines in found.items()}
    assert ids == {
        "": ["0", "0"],
        "0": ["0", "0"],
        "54321": ["54321", "0"],
        "54321:33": ["54321", "33"],
        "nobody": [str(NOBODY.pw_uid), str(NOBODY.pw_gid)],
        "nobody:1234": [str(NOBODY.pw_uid), "1234"],
        "root:33": ["0", "33"],
    }
    for lines in found.values():
        assert set(lines[3].split("Cap")[1:]) == {
            f"{name}:\t{NOTHING}" for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")
        }
        assert lines[4:] == ["x", ""], "it can write to its output by name, and in /tmp"


def test_a_user_or_group_that_is_not_there_is_told_as_docker_tells_it() -> None:
    assert run_as("userns", sandboxes.unknown_users) == [
        "unable to find user nobody-of-that-name: no matching entries in passwd file",
        "unable to find group no-such-group: no matching entries in group file",
    ]


@MODES
def test_root_keeps_what_is_left_to_it_and_can_do_no_more_with_it(mode: str) -> None:
    found = run_as(mode, sandboxes.kept)
    kept = f"{bits(['SETUID', 'SETGID', 'CHOWN', 'MKNOD', 'DAC_OVERRIDE']):016x}"
    assert found["sets"] == [NOTHING, kept, kept, kept, NOTHING]  # inheritable and ambient: none
    # With a single id there is nobody else to become, and nobody to give a file to.
    assert found["done"] == (["become another", "give away"] if mode == "root" else [])


@MODES
def test_a_command_beside_a_user_is_roots_and_a_health_check_the_users(mode: str) -> None:
    command, check = run_as(mode, sandboxes.beside_a_user)
    assert command == ["0", "0", "CapEff:", f"{bits(['KILL']):016x}"]
    assert check == ["54321", "33", "CapEff:", NOTHING]


@MODES
def test_what_an_access_point_shows_is_whoevers_it_is_shown_to(mode: str) -> None:
    assert run_as(mode, sandboxes.files_of_an_access_point) == ["0", "54321", "0"]
