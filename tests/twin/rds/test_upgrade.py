"""A DB instance goes to a later major version, in place and with its data, by PostgreSQL's own pg_upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside


def upgraded(state: str) -> dict[str, Any]:
    """Upgrade an instance that has data, and tell what was seen on the way."""
    from tests.twin.rds.small_region import SmallRegion

    small = SmallRegion(Path(state))
    rds = small.region.clients("rds")
    for major, value in ((16, "5120"), (18, "6144")):
        named = {"DBParameterGroupName": f"own{major}"}
        rds.create_db_parameter_group(
            **named, DBParameterGroupFamily=f"postgres{major}", Description="own"
        )
        parameter = {"ParameterName": "work_mem", "ParameterValue": value}
        rds.modify_db_parameter_group(
            **named, Parameters=[{**parameter, "ApplyMethod": "pending-reboot"}]
        )

    def modify(**how: Any) -> str:
        try:
            rds.modify_db_instance(DBInstanceIdentifier="notes", ApplyImmediately=True, **how)
        except rds.exceptions.ClientError as error:
            return str(error.response["Error"]["Message"])
        small.await_status("available")
        return ""

    small.create(DBParameterGroupName="own16")
    small.await_status("available")
    small.query("create table kept (word text)")
    small.query("insert into kept values ('before')")
    small.query("comment on database notes is 'a mark'")
    later = {"EngineVersion": "18"}
    allowed = {**later, "AllowMajorVersionUpgrade": True}
    refused = [modify(**later), modify(**allowed), modify(**{**allowed, "EngineVersion": "17"})]
    seen: dict[str, Any] = {"refused": refused}
    seen["targets"] = [
        target["EngineVersion"].split(".")[0]
        for one in rds.describe_db_engine_versions(Engine="postgres", EngineVersion="16")[
            "DBEngineVersions"
        ]
        for target in one["ValidUpgradeTarget"]
    ]
    seen["said"] = modify(**allowed, DBParameterGroupName="own18")
    mark = "select shobj_description(oid, 'pg_database') from pg_database where datname = 'notes'"
    seen["after"] = [
        small.describe()["EngineVersion"].split(".")[0],
        small.query("show server_version_num")[0][0][:2],
        small.query("select word from kept")[0][0],
        small.query(mark)[0][0],
        small.query("show work_mem")[0][0],
    ]
    small.query("insert into kept values ('after')")
    seen["back"] = modify(EngineVersion="16", AllowMajorVersionUpgrade=True)
    seen["folders"] = sorted(one.name for one in Path(state, "databases", "notes").iterdir())
    seen["told"] = [
        one["Message"]
        for one in rds.describe_events(SourceIdentifier="notes", SourceType="db-instance")["Events"]
        if "maintenance" in one["EventCategories"]
    ]
    small.stop()
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    state = tmp_path_factory.mktemp("a state")  # a space is in its name
    found: dict[str, Any] = run_inside(upgraded, str(state))
    return found


def test_it_is_refused_without_the_flag_the_family_and_the_version(seen: dict[str, Any]) -> None:
    flag, family, version = seen["refused"]
    assert "AllowMajorVersionUpgrade flag must be present" in flag
    assert "DBParameterGroupFamily postgres18" in family
    assert "Cannot find version 17 for postgres" in version


def test_data_marks_and_logins_come_along_and_the_new_groups_parameters_hold(
    seen: dict[str, Any],
) -> None:
    assert seen["said"] == ""
    assert seen["after"] == ["18", "18", "before", "a mark", "6MB"]
    assert seen["targets"] == ["18"]
    assert len(seen["told"]) == 2


def test_there_is_no_way_back_and_the_data_of_before_are_kept(seen: dict[str, Any]) -> None:
    assert "Cannot upgrade postgres from 18." in seen["back"]
    assert any(name.startswith("data.16-") for name in seen["folders"])
    assert "upgrade" not in seen["folders"]
