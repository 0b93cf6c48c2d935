"""The region put together: the API, the CloudFormation service, the controllers, the port forwards."""

from __future__ import annotations

import importlib
import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from underpass.twin import services
from underpass.twin.api import patch
from underpass.twin.api.door import Door
from underpass.twin.api.gate import Gate
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.linux.within import within
from underpass.twin.region import aws, credentials, direct, records, worker
from underpass.twin.region.accounts import accounts
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.control_socket import ControlSocket
from underpass.twin.region.port_forward import PortForward
from underpass.twin.region.reconcile import RESYNC_S, ChangeFeed, Reconciler
from underpass.twin.region.topics import Topic
from underpass.twin.services.cloudformation import patches as cloudformation
from underpass.twin.services.cloudformation.registry import registry
from underpass.twin.services.ec2.dialler import Dialler
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ec2.wiring import INTERNET_NAME
from underpass.twin.services.ecs import table
from underpass.twin.services.ecs.controller import Services
from underpass.twin.services.ecs.instances import Instances
from underpass.twin.services.ecs.metadata import Metadata
from underpass.twin.services.ecs.platform import Platform
from underpass.twin.services.efs.controller import Files
from underpass.twin.services.elbv2 import target_groups
from underpass.twin.services.elbv2.controller import Balancers
from underpass.twin.services.elbv2.health import HealthTable
from underpass.twin.services.events import Schedules
from underpass.twin.services.events import patches as events
from underpass.twin.services.iam import keys
from underpass.twin.services.iam.authorization import Authorization
from underpass.twin.services.lambda_ import patches as lambda_
from underpass.twin.services.lambda_.event_source_mappings import Queues
from underpass.twin.services.lambda_.interfaces import Interfaces
from underpass.twin.services.lambda_.runner import Functions
from underpass.twin.services.logs.awslogs import Logs
from underpass.twin.services.privatelink.controller import PrivateLink
from underpass.twin.services.rds.controller import Databases
from underpass.twin.services.rds.seed import load_seed
from underpass.twin.services.route53.name_service import NameService
from underpass.twin.services.scheduler import Scheduler
from underpass.twin.services.sqs import patches as sqs

INSIDE = ("127.0.0.1", 4566)  # on the loopback of the region's own, otherwise empty, namespace
# On the internet, where tasks and functions find AWS; also at the far end of every endpoint's link. HTTP on
# the port of HTTPS too: security groups and endpoints admit 443, as they do in AWS.
OUTSIDE = (("0.0.0.0", 80), ("0.0.0.0", 443))  # noqa: S104  the internet namespace's

log = logging.getLogger(__name__)


class Controller(Protocol):
    """What keeps one part of the region as it is wanted."""

    topics: ClassVar[tuple[Topic, ...]]

    def reconcile(self) -> None:
        """Bring what runs closer to what is wanted."""
        ...


class Assembly:
    """Everything that runs in a region, in the order it starts."""

    def __init__(self, state: Path, name: str, stopping: threading.Event) -> None:
        self._stopping = stopping
        region = Region(name, Clients(f"http://{INSIDE[0]}:{INSIDE[1]}", name), ChangeFeed(), state)
        self.region = region
        self.health, self.tasks = HealthTable(), table.Table()
        self.fabric = Fabric(region)
        self.name_service = NameService(region, self.fabric)
        self.balancers = Balancers(region, self.fabric, self.health)
        self.privatelink = PrivateLink(region, self.fabric, self.balancers)
        self.databases = Databases(region, self.fabric)
        self.files = Files(region, self.fabric)
        self.functions = Functions(
            region,
            self.fabric.path(INTERNET_NAME),
            resolv=region.resolv_conf(INTERNET_NAME),
            interfaces=Interfaces(region, self.fabric),
        )
        self.queues = Queues(region)
        self.schedules = Schedules(region)
        self.scheduler = Scheduler(region)
        logs = Logs(lambda: region.clients("logs"))
        platform = Platform(region, self.fabric, self.files, self.tasks, logs, Metadata())
        self.instances = Instances(platform)
        self.services = Services(platform)
        self.forwards = PortForward()
        self._diallers: dict[str, Dialler] = {}
        self._loops: list[Reconciler] = []

    def start(self, *, api: int, faults: bool) -> None:
        """Start everything; returns once the API answers on the inherited socket.

        With ``faults``, workers fail when they are told to.
        """
        _correct_moto()
        records.mark(self.region.name)
        cloudformation.attach(self.region, partial(registry, services=services))
        table.attach(self.tasks)
        target_groups.attach(self.health)
        lambda_.attach(self.functions)
        events.attach(self.schedules.deliver)
        sqs.attach(self.queues.arrived)
        own = credentials.read(self.region.state)
        administrators = (own.access_key_id, aws.ACCESS_KEY, direct.KEY)
        authorization = Authorization(self.region.name, administrators)
        application = Api(self.region.feed, moto_application(), authorization)
        self.region.clients.attach(application)
        self.fabric.start()
        self.name_service.start()
        self.name_service.serve_host(INTERNET_NAME)
        outside = within(
            self.fabric.path(INTERNET_NAME), lambda: [_bound(*address) for address in OUTSIDE]
        )
        Listener(application, _bound(*INSIDE)).start()
        gate = Gate(application, keys.Known(own, aws.INSIDE).issued)
        for bound in outside:
            Listener(gate, bound).start()
        door = Door(application, own, keys.issued)
        Listener(door, socket.socket(fileno=api)).start()
        for part in (self.balancers, self.services, self.schedules, self.scheduler, self.forwards):
            part.start()
        self._loops = [self._keep(controller) for controller in self._controllers()]
        handlers = {
            "accounts": self._accounts,
            "calls": self._calls,
            "forwards": self._forward_ports,
            "nodes": self._nodes,
            "names": self._lookup,
            "place": self._place,
            "seed": self._load_seed,
            "status": self._status,
            "stop": self._stop,
            **({"fault": self._fail} if faults else {}),
        }
        ControlSocket(self.region.state, handlers).start()

    def stop(self) -> None:
        """End what wants to be ended in order; the rest dies with the region."""
        for loop in self._loops:
            loop.stop()
        parts = (
            self.schedules,
            self.scheduler,
            self.queues,
            self.services,
            self.functions,
            self.balancers,
        )
        for part in (*parts, self.databases):
            try:
                part.stop()
            except Exception:
                log.exception("%s did not stop as it should", type(part).__name__)

    def _controllers(self) -> tuple[Controller, ...]:
        return (
            self.fabric,
            self.name_service,
            self.balancers,
            self.privatelink,
            self.databases,
            self.files,
            self.instances,
            self.services,
            self.functions,
            self.queues,
            self.schedules,
            self.scheduler,
        )

    def _keep(self, controller: Controller) -> Reconciler:
        # These trust for ten seconds what they read, whoever wakes them meanwhile.
        trusting = controller in (self.balancers, self.privatelink, self.instances)
        loop = Reconciler(
            type(controller).__name__.lower(),
            controller.reconcile,
            resync_s=15.0 if trusting else RESYNC_S,
        )
        return loop.start(self.region.feed, controller.topics)

    # What the command line asks for

    def _forward_ports(self, request: Mapping[str, Any], fds: Sequence[int]) -> None:
        """Aim the port forwards, open those whose sockets came along, and close those of nobody any more."""
        for gone in self._diallers.keys() - request["aims"].keys():
            del self._diallers[gone]
            self.forwards.close(gone)
        for consumer in request["aims"]:
            self._diallers.setdefault(consumer, Dialler(self.region, self.fabric, consumer))
            self._diallers[consumer].aim(*request["aims"][consumer])
        for consumer, fd in zip(request["opened"], fds, strict=True):
            self.forwards.open(consumer, socket.socket(fileno=fd), self._diallers[consumer].dial)

    def _place(self, request: Mapping[str, Any], _: Sequence[int]) -> list[str]:
        kind, _slash, name = request["place"].partition("/")
        return self.services.enter(name) if kind == "task" else self.fabric.place(request["place"])

    def _nodes(self, request: Mapping[str, Any], _: Sequence[int]) -> dict[str, Any]:
        return self.balancers.command(request)

    def _lookup(self, request: Mapping[str, Any], _: Sequence[int]) -> list[str]:
        return list(self.region.names.lookup(INTERNET_NAME, request["name"]))

    def _load_seed(self, request: Mapping[str, Any], _: Sequence[int]) -> dict[str, Any]:
        instance_id, secret_arn = request["instance_id"], request["secret_arn"]
        loaded = load_seed(self.region, self.fabric, instance_id, secret_arn, Path(request["seed"]))
        return {"now": loaded.now, "note": loaded.note}

    def _status(self, _: Mapping[str, Any], __: Sequence[int]) -> dict[str, Any]:
        failures = [{**asdict(one), "down": one.in_a_row > 0} for one in worker.failures()]
        return {"failures": failures, "records": records.intact(self.region.name)}

    @staticmethod
    def _accounts(_: Mapping[str, Any], __: Sequence[int]) -> Sequence[str]:
        return accounts()

    def _calls(self, _: Mapping[str, Any], __: Sequence[int]) -> list[tuple[str, str, int]]:
        counted = self.region.clients.calls.copy()
        return [(caller, action, count) for (caller, action), count in counted.items()]

    def _fail(self, request: Mapping[str, Any], _: Sequence[int]) -> list[str]:
        """Have the workers of a name fail, and return the names there are."""
        workers = worker.running()
        for one in workers:
            if one.name == request["worker"]:
                one.fail(request["why"])
        return [one.name for one in workers]

    def _stop(self, _: Mapping[str, Any], __: Sequence[int]) -> None:
        self._stopping.set()


def _bound(address: str, port: int) -> socket.socket:
    bound = socket.socket()
    bound.bind((address, port))
    return bound


def _correct_moto() -> None:
    """Change moto as every service's patches say, before its server starts."""
    for name in services.PATCHES:
        importlib.import_module(f"{services.__name__}.{name}")
    patch.apply(services)
