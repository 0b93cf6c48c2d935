"""Whom a task can be, by whose the twin is."""

import pytest

from underpass.config.model import Service
from underpass.errors import UsageError
from underpass.twin.host import ids

KEPT = Service(port=80, build=".", capabilities=("SETUID", "KILL", "CHOWN"))


def test_a_single_id_has_no_use_for_capabilities_over_others() -> None:
    with pytest.raises(UsageError, match="no use for SETUID, CHOWN") as raised:
        ids.check(KEPT, 1000)
    assert raised.value.try_next.startswith("run underpass as root")


@pytest.mark.parametrize(("kept", "uid"), [(KEPT.capabilities, 0), (("KILL",), 1000), ((), 1000)])
def test_anything_else_can_be_tried(kept: tuple[str, ...], uid: int) -> None:
    ids.check(KEPT.model_copy(update={"capabilities": kept}), uid)
