"""examples/shop, whole: orders under load while the worker empties the queue, the job, the receipts."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.e2e.machine import ROOT, Footprint, Project, client, eventually

ORDERS = 500
KEY = "a key of the test's own"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Any]]:
    before = Footprint.now()
    ignore = shutil.ignore_patterns(".underpass", ".venv", "__pycache__")
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(ROOT / "examples" / "shop", folder, ignore=ignore)
    (folder / ".env").write_text(f"RECEIPT_KEY={KEY}\n")
    project = Project(folder)
    summary = project.up()
    yield project, summary
    project.down()
    assert Footprint.now() == before


def asked(url: str, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_orders_are_all_taken_and_each_is_fulfilled_once(shop: tuple[Project, Any]) -> None:
    project, summary = shop
    url = summary["consumers"]["till"]["url"].rstrip("/")

    def order(number: int) -> Any:
        return asked(f"{url}/orders?item=tea{number}&price=2&currency=GBP", "POST")

    with ThreadPoolExecutor(8) as pool:  # what is lost raises
        taken = list(pool.map(order, range(ORDERS)))
    assert len({one["order"] for one in taken}) == ORDERS
    assert {one["euros"] for one in taken} == {2.34}  # by the sidecar's rates
    eventually(lambda: asked(f"{url}/counts")["fulfilled"] == ORDERS, timeout_s=120)
    assert asked(f"{url}/counts") == {"orders": ORDERS, "fulfilled": ORDERS, "twice": 0}
    assert asked(f"{url}/orders/{taken[0]['order']}")["handled"] == 1

    s3 = client(summary, "s3")
    outputs = client(summary, "cloudformation").describe_stacks(StackName="shop-foundation")
    named = {one["OutputKey"]: one["OutputValue"] for one in outputs["Stacks"][0]["Outputs"]}
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=named["BucketName"], Prefix="receipts/"
    )
    assert sum(len(page["Contents"]) for page in pages) == ORDERS

    ran = project.run("run", "--job", "count")
    assert ran.status == 0, ran.err
    assert f"{ORDERS} orders, {ORDERS} fulfilled" in ran.out


def test_each_part_is_told_by_its_name(shop: tuple[Project, Any]) -> None:
    project, _ = shop
    shown: Any = project.run("status", "--json").json
    assert sorted(task["runs"] for task in shown["tasks"]) == ["fulfil", "shop", "shop"]
    assert [job["name"] for job in shown["jobs"]] == ["count"]
    assert "rates are served" in project.run("logs", "--container", "rates").out
    assert "steps taken" in project.run("logs", "--container", "release").out
    again = project.run("plan", "--json")
    assert {one["action"] for one in again.json["stacks"]} == {"none"}, again.out
