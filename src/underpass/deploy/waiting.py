"""Waiting for an application to come up: for its tasks, and for an answer, with an eye on tasks that fail."""

from __future__ import annotations

from functools import partial

from underpass.config import Config
from underpass.config.model import Consumer, Worker
from underpass.deploy.clock import poll
from underpass.deploy.observe import targets
from underpass.deploy.observe.diagnose import diagnose
from underpass.deploy.observe.failures import Watch
from underpass.deploy.stacks.stack import StackFailedError
from underpass.deploy.steps import Step, Steps
from underpass.deploy.target import Target
from underpass.errors import UnderpassError

_FAILS = 3  # tasks, after which a worker is told not to stay up


class Waiting:
    """What one deployment waits for, from before its service is changed.

    Parameters
    ----------
    cluster, group
        Where the tasks run, and the ARN of the ALB's target group.
    timeout_s
        How long each wait may take.
    """

    def __init__(
        self,
        config: Config,
        target: Target,
        steps: Steps,
        *,
        cluster: str,
        group: str,
        timeout_s: float,
    ) -> None:
        self._config = config
        self._target = target
        self._steps = steps
        self._clock = steps.clock
        self._group = group
        self._timeout_s = timeout_s
        self._watch = Watch(target, config, steps.clock, cluster, group)

    def look(self, step: Step, what: str) -> None:
        """Look for tasks that fail, and give up when there is no hope."""
        if hopeless := self._watch.look(partial(step.tell, "warning")):
            raise self._diagnosis(what, hopeless)

    def explained(self, error: StackFailedError, step: Step) -> UnderpassError:
        """Return why a service's stack failed: by its tasks, if they did, else by what it says itself."""
        self._watch.look(partial(step.tell, "warning"), at_once=True)
        return self._diagnosis(error.what, error.why) if self._watch.failures else error

    def tasks(self) -> None:
        """Wait for the least number of tasks: the stack waits for the first, the scaler adds the others."""
        wanted = self._config.service.tasks.min
        workers = [one for one in self._config.workers if one.tasks.min]
        if not wanted and not workers:
            return
        with self._steps.step("tasks") as step:
            deadline = self._clock.now() + self._timeout_s

            def enough() -> int | None:
                found = targets.describe(self._target.client("elbv2"), self._group)
                healthy = sum(one.state == "healthy" for one in found)
                if healthy >= wanted:
                    return healthy
                what = f"{healthy} of {wanted} tasks are healthy"
                self.look(step, what)
                if self._clock.now() >= deadline:
                    raise self._diagnosis(what, "")
                return None

            count = poll(self._clock, enough, timeout_s=2 * self._timeout_s, what="the tasks")
            step.outcome = ", ".join(
                [f"{count} healthy", *(self._stays(worker, step) for worker in workers)]
            )

    def _stays(self, worker: Worker, step: Step) -> str:
        """Wait until a worker's tasks have stayed: nobody asks them whether they are well."""
        deadline = self._clock.now() + self._timeout_s

        def enough() -> int | None:
            self._watch.look(partial(step.tell, "warning"))
            steady = self._watch.steady(worker.name)
            if steady >= worker.tasks.min:
                return steady
            if self._watch.gone(worker.name) >= _FAILS or self._clock.now() >= deadline:
                what = f"{steady} of {worker.tasks.min} tasks of worker {worker.name} stay up"
                raise self._diagnosis(what, "")
            return None

        what = f"worker {worker.name}"
        count = poll(self._clock, enough, timeout_s=2 * self._timeout_s, what=what)
        return f"{count} of {worker.name}"

    def answers(self) -> None:
        """Wait until each consumer gets an answer from the application."""
        if not self._config.consumers or not self._config.service.tasks.min:
            return
        with self._steps.step("answer") as step:
            deadline = self._clock.now() + self._timeout_s
            for consumer in self._config.consumers:
                poll(
                    self._clock,
                    partial(self._answered, consumer, deadline, step),
                    timeout_s=2 * self._timeout_s,
                    what=f"the path from {consumer.name}",
                )
            step.outcome = f"{self._config.service.health_path} answers every consumer"

    def _answered(self, consumer: Consumer, deadline: float, step: Step) -> bool | None:
        path = self._config.service.health_path
        works, seen = self._target.answers(consumer, path)
        if works:
            return True
        what = f"{path} does not answer consumer {consumer.name}"
        self.look(step, what)
        if self._clock.now() >= deadline:
            raise self._diagnosis(what, seen)
        if seen != step.outcome:  # not the same again and again
            step.tell("progress", f"{consumer.name}: {seen}")
            step.outcome = seen
        return None

    def _diagnosis(self, what: str, why: str) -> UnderpassError:
        return diagnose(self._config, self._target, what, why, self._watch.failures)
