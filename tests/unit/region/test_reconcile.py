"""The change feed wakes reconcilers; each folds wakes and survives a bad run."""

from __future__ import annotations

import threading

import pytest

from underpass.twin.region.reconcile import ChangeFeed, Reconciler


def test_a_topic_wakes_only_its_subscribers() -> None:
    feed, woken = ChangeFeed(), []
    feed.subscribe(["ec2"], lambda: woken.append("ec2"))
    feed.subscribe(["ecs"], lambda: woken.append("ecs"))
    feed.publish("ec2")
    assert woken == ["ec2"]


def test_wait_returns_as_soon_as_a_publication_makes_the_condition_true() -> None:
    feed, ready = ChangeFeed(), threading.Event()
    asked = threading.Event()

    def condition() -> str | None:
        asked.set()
        return "yes" if ready.is_set() else None

    def publish() -> None:
        asked.wait(5)
        ready.set()
        feed.publish("anything")

    threading.Thread(target=publish).start()
    assert feed.wait(condition, timeout_s=5, what="never", recheck_s=60) == "yes"


def test_wait_gives_up_with_the_callers_words() -> None:
    with pytest.raises(TimeoutError, match="the database"):
        ChangeFeed().wait(lambda: None, timeout_s=0.01, what="the database did not start")


def test_a_loop_runs_again_after_a_failure_and_remembers_it() -> None:
    feed, runs, done = ChangeFeed(), [], threading.Event()

    def reconcile() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("first")
        done.set()

    loop = Reconciler("test", reconcile, retry_s=0.01).start(feed, ["ec2"])
    assert done.wait(5)
    loop.stop()
    assert loop.last_error is None


def test_wakes_during_a_run_become_one_more_run() -> None:
    feed, runs = ChangeFeed(), []
    entered, release, second = threading.Event(), threading.Event(), threading.Event()

    def reconcile() -> None:
        runs.append(1)
        if len(runs) == 1:
            entered.set()
            release.wait(5)
        else:
            second.set()

    loop = Reconciler("test", reconcile, resync_s=60).start(feed, ["ec2"])
    assert entered.wait(5)
    for _ in range(10):
        feed.publish("ec2")
    release.set()
    assert second.wait(5)
    loop.stop()
    assert len(runs) == 2
