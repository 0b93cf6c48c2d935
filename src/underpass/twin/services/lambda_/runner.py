"""Runs functions: keeps their environments warm, so many at a time, and retries what is asynchronous."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from underpass.twin.region.aws_hosts import ENDPOINT_URL, endpoint_variables
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.context import Region
from underpass.twin.region.timers import later
from underpass.twin.region.topics import Topic
from underpass.twin.services.lambda_ import report
from underpass.twin.services.lambda_.execution_environment import Environment, Host
from underpass.twin.services.lambda_.interfaces import Interfaces, keys
from underpass.twin.services.lambda_.model import (
    Function,
    InvocationError,
    Outcome,
    PendingError,
    ThrottledError,
    VpcConfig,
)

log = logging.getLogger(__name__)

ACCOUNT_CONCURRENCY = (
    10  # what a new AWS account has, for all functions without a reservation together
)
_WARM = 1  # environments kept for a function that is not being invoked
_RETRY_AFTER_S = (60.0, 120.0)  # AWS's waits before the retries of an asynchronous invocation
_THROTTLED_AGAIN_S = 20.0
_MOST_WAITING = 1000


class Functions:
    """The runner of all functions, and the controller that ends what belongs to none.

    Parameters
    ----------
    region
        The region.
    network
        The path of the network namespace of functions outside every VPC: the ``internet`` place's.
    endpoint_url
        The AWS APIs as seen from there.
    resolv
        The resolv.conf for that place.
    interfaces
        Those of functions in VPCs; where there are none, no function can be in one.
    """

    topics: ClassVar[tuple[Topic, ...]] = (Topic.LAMBDA,)

    def __init__(
        self,
        region: Region,
        network: str,
        endpoint_url: str = ENDPOINT_URL,
        resolv: Path | None = None,
        interfaces: Interfaces | None = None,
    ) -> None:
        self._region = region
        self._host = Host(
            run=region.run / "functions",
            region=region.name,
            network=network,
            endpoints={"AWS_ENDPOINT_URL": endpoint_url},
            hidden=(region.state,),
            resolv=resolv,
        )
        self._interfaces = interfaces
        self._current: dict[str, Function] = {}
        self._lock = threading.Lock()
        self._working: set[Environment] = set()
        self._idle: dict[str, list[Environment]] = defaultdict(list)
        self._busy: dict[str, int] = defaultdict(int)  # by whose limit it is: see ``_pool``
        self._waiting = 0
        self._stopped = False
        self._async = ThreadPoolExecutor(ACCOUNT_CONCURRENCY, thread_name_prefix="invoke")

    def reconcile(self) -> None:
        """End the idle environments of functions that changed or are gone; make and delete interfaces."""
        from underpass.twin.services.lambda_ import patches as lambda_

        current = {function.name: function for function in lambda_.functions(self._region.name)}
        with self._lock:
            outdated = [
                one
                for idle in self._idle.values()
                for one in idle
                if one.function != current.get(one.function.name) or not one.fresh
            ]
            for one in outdated:
                self._idle[one.function.name].remove(one)
            self._current = current
        for one in outdated:
            one.close()
        if self._interfaces:
            vpcs = [(one.name, one.vpc) for one in current.values() if one.vpc]
            wanted = {key: name for name, vpc in vpcs for key in keys(vpc)}
            with self._lock:
                busy = {one.interface_id for one in self._working}
            self._interfaces.keep(wanted, busy)

    def ready(self, vpc: VpcConfig) -> bool:
        """Tell whether a function in a VPC has all its interfaces."""
        return self._interfaces is not None and self._interfaces.ready(vpc)

    def forbidden(self, role_arn: str, vpc: VpcConfig) -> str | None:
        """Return why a function with this role cannot be in a VPC; None when it can."""
        from underpass.twin.services.iam.judgment import role_may
        from underpass.twin.services.lambda_ import vpc_config

        region = self._region.name
        return vpc_config.forbidden(region, vpc, lambda one: role_may(role_arn, one, region))

    def stop(self) -> None:
        """End every environment; invocations under way fail."""
        with self._lock:
            self._stopped = True
            environments = [one for idle in self._idle.values() for one in idle]
            self._idle.clear()
        self._async.shutdown(wait=False, cancel_futures=True)
        for one in environments:
            one.close()

    def invoke(self, function: Function, event: bytes) -> Outcome:
        """Invoke a function and return its answer; its log and metrics are written before.

        Raises
        ------
        ThrottledError
            When it is at its limit of concurrent invocations.
        PendingError
            When it is in a VPC and none of its interfaces is up.
        """
        try:
            environment = self._acquire(function)
        except ThrottledError:
            metric = report.own_metric(function, "Throttles", 1.0)
            self._region.clients("cloudwatch").put_metric_data(
                Namespace="AWS/Lambda", MetricData=[metric]
            )
            raise
        usable = False
        try:
            outcome, usable = self._run(environment, event)
            return outcome
        finally:
            self._release(environment, _pool(function), usable=usable)

    def submit(self, function: Function, event: bytes) -> None:
        """Invoke a function asynchronously: a failure is retried, at the twin's pace.

        Raises
        ------
        ThrottledError
            When too many invocations are waiting.
        """
        with self._lock:
            if self._waiting >= _MOST_WAITING:
                raise ThrottledError
            self._waiting += 1
        self._start(function, event, 0)

    def _start(self, function: Function, event: bytes, attempt: int) -> None:
        try:
            self._async.submit(self._attempt, function, event, attempt)
        except RuntimeError:  # stopped
            self._settled()

    def _attempt(self, function: Function, event: bytes, attempt: int) -> None:
        try:
            failed = self.invoke(function, event).failed
            wait_s, following = _RETRY_AFTER_S[min(attempt, 1)], attempt + 1
        except ThrottledError:
            failed, wait_s, following = True, _THROTTLED_AGAIN_S, attempt
        except PendingError:
            log.warning("function %s waits for an interface in its VPC", function.name)
            failed, wait_s, following = True, _THROTTLED_AGAIN_S, attempt
        except Exception:
            log.exception("function %s could not be run", function.name)
            failed, wait_s, following = True, _RETRY_AFTER_S[min(attempt, 1)], attempt + 1
        if failed and following <= function.retries and not self._stopped:
            pause_s = scaled_s(Wait.ASYNCHRONOUS, wait_s)
            later(pause_s, partial(self._start, function, event, following))
            return
        if failed:
            waits = b'"ResponseURL"' in event
            log.warning(
                "function %s: an event was dropped after %d attempts%s",
                function.name,
                following,
                "; CloudFormation waits for its answer all the same" if waits else "",
            )
        self._settled()

    def _settled(self) -> None:
        with self._lock:
            self._waiting -= 1

    def _acquire(self, function: Function) -> Environment:
        limit = ACCOUNT_CONCURRENCY if function.concurrency is None else function.concurrency
        with self._lock:
            if self._stopped or self._busy[_pool(function)] >= limit:
                raise ThrottledError
            self._busy[_pool(function)] += 1
            idle = self._idle[function.name]
            fitting = [one for one in idle if one.function == function and one.fresh]
            if fitting:
                idle.remove(fitting[-1])
                self._working.add(fitting[-1])
                return fitting[-1]
        try:
            environment = Environment(function, self._place(function))
        except BaseException:
            with self._lock:
                self._busy[_pool(function)] -= 1
            raise
        with self._lock:
            self._working.add(environment)
        return environment

    def _place(self, function: Function) -> Host:
        """Return where an environment of a function runs; in a VPC that may be known only after a moment."""
        if not function.vpc:
            return self._host
        if not self._interfaces:
            raise PendingError
        interface = self._interfaces.place(function.vpc)
        resolv = self._region.resolv_conf(interface.vpc_id)
        return replace(
            self._host,
            network=self._interfaces.path(interface),
            endpoints=endpoint_variables(self._region.name),
            resolv=resolv if resolv.exists() else None,
            interface_id=interface.id,
        )

    def _release(self, environment: Environment, pool: str, *, usable: bool) -> None:
        name = environment.function.name
        with self._lock:
            self._busy[pool] -= 1
            gone = environment.interface_id and self._current.get(name) != environment.function
            self._working.discard(environment)
            if usable and not gone and not self._stopped and len(self._idle[name]) < _WARM:
                self._idle[name].append(environment)
                return
        environment.close()
        if gone:  # its interface may go as well
            self._region.feed.publish(Topic.LAMBDA)

    def _run(self, environment: Environment, event: bytes) -> tuple[Outcome, bool]:
        """Invoke in an environment; return the answer, and whether the environment can be used again."""
        function, request_id = environment.function, str(uuid.uuid4())
        cold = not environment.init_ms
        status, failure = "success", None
        began = time.monotonic()
        try:
            if cold:
                environment.start()
                began = time.monotonic()
            payload = environment.invoke(request_id, event)
        except InvocationError as error:
            failure, status, payload = error, error.status, error.payload
        run = report.Run(
            request_id=request_id,
            duration_ms=(time.monotonic() - began) * 1000,
            init_ms=environment.init_ms if cold else 0.0,
            memory_mib=environment.memory_mib,
            status=status,
        )
        usable = failure is None or not failure.fatal
        if not usable:
            environment.close()  # first, so that its log is complete
        lines = report.framed(function, run, environment.take_log(request_id))
        report.publish(self._region.clients, function, environment.log_stream, run, lines)
        return Outcome(payload, failure is not None, report.tail(lines)), usable


def _pool(function: Function) -> str:
    """Return whose concurrency an invocation takes: the function's own reservation, or the account's ("")."""
    return "" if function.concurrency is None else function.name
