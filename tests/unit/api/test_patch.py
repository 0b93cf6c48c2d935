"""How moto is changed: registered by decorators, applied once, undone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from underpass.errors import UnderpassError
from underpass.twin import services
from underpass.twin.api import patch

HERE = sys.modules[__name__]


class Base:
    def inherited(self) -> str:
        return "moto's"


@pytest.fixture
def backend() -> Iterator[type[Any]]:
    """Return a class as moto's are; what was registered for it is undone."""

    class Backend(Base):
        words = "of moto's"

        def create(self, name: str) -> list[str]:
            return [name]

    yield Backend
    patch.undo(HERE)


def _noting(word: str) -> Callable[..., list[str]]:
    return lambda original, self, name: [word, *original(self, name)]


def test_nothing_changes_before_it_is_applied(backend: type[Any]) -> None:
    @patch.replace(backend, "create")
    def _create(self: Any, name: str) -> str:
        return f"ours: {name}"

    assert backend().create("a") == ["a"]
    patch.apply(HERE)
    assert backend().create("a") == "ours: a"


def test_applied_once_however_often_it_is_asked_for(backend: type[Any]) -> None:
    patch.wrap(backend, "create")(_noting("wrapped"))
    patch.apply(HERE)
    patch.apply(HERE, HERE)
    assert backend().create("a") == ["wrapped", "a"]


def test_later_wrapper_is_the_outer_one(backend: type[Any]) -> None:
    patch.wrap(backend, "create")(_noting("first"))
    patch.wrap(backend, "create")(_noting("second"))
    patch.apply(HERE)
    assert backend().create("a") == ["second", "first", "a"]


def test_undone_in_full_and_can_be_applied_again(backend: type[Any]) -> None:
    before = dict(vars(backend))
    patch.wrap(backend, "create")(_noting("first"))
    patch.wrap(backend, "create")(_noting("second"))
    patch.wrap(backend, "inherited")(lambda original, self: f"not {original(self)}")
    patch.compute(backend, "words")(lambda self: "of ours")
    patch.add(backend, "delete")(lambda self: "gone")
    for _ in range(2):
        patch.apply(HERE)
        made = backend()
        made.words = "set by moto, in vain"
        assert made.create("a") == ["second", "first", "a"]
        assert (made.inherited(), made.words, made.delete()) == ("not moto's", "of ours", "gone")
        patch.undo(HERE)
        patch.undo(HERE)
        assert dict(vars(backend)) == before
        assert backend().inherited() == "moto's"


def test_only_the_parts_that_are_named_are_applied(backend: type[Any]) -> None:
    patch.wrap(backend, "create")(_noting("wrapped"))
    package, other = __name__.rpartition(".")[0], f"{__name__}s"
    patch.apply(ModuleType(other))
    assert backend().create("a") == ["a"]
    patch.apply(ModuleType(package or __name__))
    assert backend().create("a") == ["wrapped", "a"]


@pytest.mark.parametrize("register", [patch.replace, patch.wrap])
def test_attribute_that_moto_lacks_is_refused_by_name(
    backend: type[Any], register: Callable[..., Any]
) -> None:
    with pytest.raises(UnderpassError, match=rf"{__name__} .*Backend\.destroy: .* has none"):
        register(backend, "destroy")(_noting("never"))
    patch.apply(HERE)
    assert not hasattr(backend, "destroy")


def test_two_modules_may_not_patch_one_attribute(backend: type[Any]) -> None:
    def elsewhere(original: Any, self: Any, name: str) -> Any: ...

    elsewhere.__module__ = "elsewhere"
    patch.wrap(backend, "create")(_noting("wrapped"))
    with pytest.raises(UnderpassError, match=rf"elsewhere .*Backend\.create: {__name__} does"):
        patch.wrap(backend, "create")(elsewhere)


def test_every_module_that_patches_moto_is_among_those_a_region_imports() -> None:
    folder = Path(services.__path__[0])
    found = {
        ".".join(file.relative_to(folder).with_suffix("").parts)
        for file in folder.rglob("*.py")
        if "from underpass.twin.api import patch\n" in file.read_text()
    }
    assert set(services.PATCHES) == found
