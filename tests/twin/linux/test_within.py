"""Going into another network namespace, and coming back whatever happens there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.twin.inside import run_inside

from underpass.twin.linux import namespaces
from underpass.twin.linux.within import HERE, unshared, within


def where() -> str:
    return str(Path(HERE).readlink())


def there_and_back() -> dict[str, bool]:
    home, started, told = where(), threading.Event(), list[str]()
    made = namespaces.create("one", where), namespaces.create("two", where)
    one, two = namespaces.path("one"), namespaces.path("two")

    def look() -> None:
        started.wait(5)
        told.append(where())

    other = threading.Thread(target=look)
    other.start()

    def inner() -> tuple[str, str, str]:
        started.set()
        other.join()
        return where(), within(two, where), where()

    before, between, after = within(one, inner)
    with pytest.raises(ZeroDivisionError):
        within(one, lambda: 1 // 0)
    with pytest.raises(OSError, match="nowhere"):
        within("/run/netns/nowhere", where)
    with pytest.raises(OSError, match="/proc/self/ns/mnt"):
        within("/proc/self/ns/mnt", where)
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(50):
        within(one, where)
    return {
        "inside": (before, after) == (made[0], made[0]) and home not in made,
        "deeper": between == made[1] != made[0],
        "others stay": told == [home],
        "a new one": unshared(where) not in {home, before, between},
        "back": where() == home,
        "nothing left open": len([*Path("/proc/self/fd").iterdir()]) == descriptors,
    }


def test_a_thread_goes_alone_and_always_comes_back() -> None:
    found = run_inside(there_and_back)
    assert [told for told, true in found.items() if not true] == []
