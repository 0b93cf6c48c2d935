"""How moto is changed: attributes replaced, wrapped or added by decorators, applied once, undone at will.

    @patch.wrap(EFSBackend, "create_mount_target")
    def _create(original: Any, backend: Any, *arguments: Any) -> Any: ...

A decorator only registers; ``apply`` changes moto. What one module patches twice is applied as written: the
later wrapper is the outer one. No two modules may patch the same attribute, so that the order in which they
are imported and applied makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from underpass.errors import UnderpassError

T = TypeVar("T", bound=Callable[..., Any])
_ABSENT: Any = object()


@dataclass(frozen=True, eq=False)
class _Patch:
    module: str
    owner: Any
    name: str
    make: Callable[[Any], Any]  # of the attribute as it is, the new one


_registered: list[_Patch] = []
_before: dict[_Patch, Any] = {}  # what each applied patch found among its owner's own attributes


def replace(owner: Any, name: str) -> Callable[[T], T]:
    """Register a function in the place of one of a class or module of moto's."""
    return lambda new: _register(owner, name, new, lambda _: new)


def add(owner: Any, name: str) -> Callable[[T], T]:
    """Register a function that moto may lack."""
    return lambda new: _register(owner, name, new, lambda _: new, needed=False)


def compute(owner: Any, name: str) -> Callable[[T], T]:
    """Register a function that returns an attribute of an object; moto may set it, in vain."""
    return lambda get: _register(
        owner, name, get, lambda _: property(get, lambda *_: None), needed=False
    )


def wrap(owner: Any, name: str) -> Callable[[T], T]:
    """Register a function around one of moto's, which it is given before that one's arguments."""
    return lambda wrapper: _register(owner, name, wrapper, lambda method: _around(method, wrapper))


def apply(*parts: ModuleType) -> None:
    """Apply what these modules, or the modules of these packages, registered; once is enough."""
    for one in _of(parts):
        if one not in _before:
            _before[one] = vars(one.owner).get(one.name, _ABSENT)
            setattr(one.owner, one.name, one.make(getattr(one.owner, one.name, None)))


def undo(*parts: ModuleType) -> None:
    """Give moto back what ``apply`` of the same parts took from it."""
    for one in reversed(_of(parts)):
        if one in _before:
            before = _before.pop(one)
            if before is _ABSENT:
                delattr(one.owner, one.name)
            else:
                setattr(one.owner, one.name, before)


def _of(parts: tuple[ModuleType, ...]) -> list[_Patch]:
    within = tuple(f"{part.__name__}." for part in parts)
    return [one for one in _registered if f"{one.module}.".startswith(within)]


def _register(
    owner: Any, name: str, new: T, make: Callable[[Any], Any], *, needed: bool = True
) -> T:
    module = new.__module__
    what = f"{module} cannot patch moto's {owner.__name__}.{name}"
    if needed and not hasattr(owner, name):
        raise UnderpassError(
            what, "the installed moto has none", "install the moto that underpass asks for"
        )
    for one in _registered:
        if (one.owner, one.name) == (owner, name) and one.module != module:
            raise UnderpassError(what, f"{one.module} does", "patch it in one of them")
    _registered.append(_Patch(module, owner, name, make))
    return new


def _around(method: Any, wrapper: Any) -> Callable[..., Any]:
    return lambda *arguments, **named: wrapper(method, *arguments, **named)
