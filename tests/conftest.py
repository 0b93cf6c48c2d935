"""Which tests run in one process with ``--dist loadgroup``: those that share a fixture of their module."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group each module's tests by its own fixtures, and by what these are parametrized with."""
    for item in items:
        if isinstance(item, pytest.Function) and (shared := _shared(item)):
            item.add_marker(
                pytest.mark.xdist_group(f"{item.path.parent.name}/{item.path.name} {shared}")
            )


def _shared(item: pytest.Function) -> str:
    """Return them as words; xdist takes no group with a bracket."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    return " ".join(
        f"{name}={given.get(name, '')}"
        for name, found in sorted(item._fixtureinfo.name2fixturedefs.items())
        if found[-1].scope == "module"
    )
