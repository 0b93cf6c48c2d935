"""The change feed wakes reconcilers; each folds wakes and survives a bad run."""

from __future__ import annotations

import threading

import pytest

from underpass.twin.region.reconcile import ChangeFeed, Reconciler
from underpass.twin.region.topics import Topic


def test_a_topic_wakes_only_its_subscribers() -> None:
    feed, woken = ChangeFeed(), []
    feed.subscribe([Topic.EC2], lambda: woken.append("ec2"))
    feed.subscribe([Topic.ECS], lambda: woken.append("ecs"))
    feed.publish(Topic.EC2)
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
        feed.publish(Topic.OTHER)

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

    loop = Reconciler("test", reconcile, retry_s=0.01).start(feed, [Topic.EC2])
    assert done.wait(5)
    loop.stop()
    condition = loop.condition
    assert (condition.error, condition.failures, condition.in_a_row) == ("ValueError: first", 1, 0)


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

    loop = Reconciler("test", reconcile, resync_s=60).start(feed, [Topic.EC2])
    assert entered.wait(5)
    for _ in range(10):
        feed.publish(Topic.EC2)
    release.set()
    assert second.wait(5)
    loop.stop()
    assert len(runs) == 2


def test_who_waits_for_a_topic_is_not_asked_after_another() -> None:
    feed, asked, answer = ChangeFeed(), threading.Semaphore(0), list[str]()

    def condition() -> str | None:
        asked.release()
        return answer[0] if answer else None

    waiting = threading.Thread(
        target=lambda: feed.wait(
            condition, timeout_s=30, what="", topics={Topic.TASKS}, recheck_s=30
        )
    )
    waiting.start()
    assert asked.acquire(timeout=30)  # the first time, before anything was published
    feed.publish(Topic.EC2)
    assert not asked.acquire(timeout=0.2)
    answer.append("running")
    feed.publish(Topic.TASKS)
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_loop_that_was_made_to_fail_runs_again_without_being_woken() -> None:
    feed, first, again = ChangeFeed(), threading.Event(), threading.Event()

    def reconcile() -> None:
        (again if loop.condition.failures else first).set()

    loop = Reconciler("test", reconcile, resync_s=60)
    loop.start(feed, [])
    assert first.wait(5)
    loop._worker.fail("for a test")
    assert again.wait(5)
    loop.stop()
    assert loop.condition.in_a_row == 0
