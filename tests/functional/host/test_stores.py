"""What the twin has not of ``[database]`` is said before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.config.test_stores import existing

from underpass.config.model import Database
from underpass.errors import UsageError
from underpass.twin.host import stores


@pytest.mark.parametrize(
    ("database", "says"),
    [
        ({"engine": "mysql", "version": "8.4"}, "engine mysql does not run on the twin"),
        (existing() | {"engine": "mysql"}, "engine mysql does not run on the twin"),
        ({"version": "17"}, "Cannot find version 17 for postgres"),
        ({"snapshot": "orders-2026"}, 'snapshot is "orders-2026"'),
        ({"parameters": {"work_mem": "{DBInstanceClassMemory/9}"}}, "a formula of the instance"),
        (
            {"parameters": {"shared_preload_libraries": "pg_stat_statements,pgaudit,pg_cron"}},
            "the twin's PostgreSQL has no pg_cron",
        ),
    ],
)
def test_what_it_has_not_is_refused_by_name(database: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        stores.check(Database.model_validate(database))
    assert says in f"{caught.value.what}: {caught.value.why}"
    assert caught.value.try_next


@pytest.mark.parametrize(
    "database",
    [
        {"version": "18"},
        {"parameters": {"work_mem": "8192"}},
        {"parameters": {"shared_preload_libraries": "pg_stat_statements,pgaudit"}},
        existing(),
    ],
)
def test_the_rest_is_left_to_run(database: dict[str, Any]) -> None:
    stores.check(Database.model_validate(database))


def test_no_database_is_nothing_to_refuse() -> None:
    stores.check(None)
