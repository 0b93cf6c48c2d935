"""When the database may be interrupted, and its passwords changed: what is taken, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.config.test_rules import broken, config, rotation

from underpass.schedule_expressions import Cron, parse


@pytest.mark.parametrize(
    "database",
    [
        rotation("0 3 ? * SUN *"),
        rotation("0 22 ? * SUN *", 2),
        rotation("0 0 1,15 * ? *", 24),
        rotation("0 23 L 1-6 ? *", 1),
        rotation("0 3 ? JAN,JUL 2#2 *"),
        rotation("0 3 ? * SUN#1 *"),
        {"backup_window": "23:45-00:15"},
        {"maintenance_window": "sat:23:30-sun:00:30", "backup_window": "00:30-01:00"},
        {"maintenance_window": "Sun:03:00-Mon:02:59"},
    ],
)
def test_these_are_taken(database: dict[str, Any]) -> None:
    assert broken(database=database) == set()
    if "rotation_window" in database:  # by the twin, too
        assert isinstance(parse(database["rotation_window"]["schedule"]), Cron)


@pytest.mark.parametrize(
    "database",
    [
        *(
            rotation(one)
            for one in (
                *("5 3 ? * SUN *", "0 */4 ? * * *", "0 3 * * * *", "0 24 1 * ? *"),
                *(
                    "0 3 ? * 9XYZ *",
                    "0 3 ? * 8 *",
                    "0 3 32 * ? *",
                    "0 3 ? 13 SUN *",
                    "0 3 ? * SON *",
                ),
            )
        ),
        *(rotation(one) for one in ("0 3 ? * SUN 2027", "0 3 ? * SUN")),
        {"rotation_window": {"schedule": "rate(4 days)"}},
        {"rotation_window": {"hours": 2}},
        {"backup_window": "3:00-4:00"},
        {"backup_window": "24:00-24:30"},
        {"maintenance_window": "03:00-04:00"},
        {"maintenance_window": "Son:03:00-Son:04:00"},
    ],
)
def test_these_are_not(database: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(database=database)
