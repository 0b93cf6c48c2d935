"""From a configuration to an application that answers its consumers: the whole deployment.

It knows AWS only through boto3, and not whether AWS or the twin answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from underpass import blueprint
from underpass.blueprint import Stack
from underpass.blueprint.protection import PROTECT
from underpass.blueprint.service.program import RELEASE
from underpass.config import Config
from underpass.config.model import Consumer
from underpass.deploy import (
    addons,
    assets,
    consumers,
    database,
    hosts,
    leaving,
    network,
    preflight,
    release,
    secret_versions,
)
from underpass.deploy.addon_stacks import AddonStacks
from underpass.deploy.clock import Clock, poll
from underpass.deploy.preflight import zones
from underpass.deploy.reach import Reach, reached
from underpass.deploy.stacks import changes, changesets, data_loss, protection, templates, two_phase
from underpass.deploy.stacks import stack as existing
from underpass.deploy.stacks.events import StackEvent
from underpass.deploy.stacks.stack import StackFailedError
from underpass.deploy.stacks.templates import Carry
from underpass.deploy.steps import Event, Step, Steps, kept, unwrapped
from underpass.deploy.target import ConsumerNetwork, Target
from underpass.deploy.waiting import Waiting

Outputs = Mapping[str, str]
Looks = Callable[[tuple[StackEvent, ...]], None]


def _nobody(_: tuple[StackEvent, ...]) -> None:
    """Watch nothing."""


@dataclass(frozen=True)
class Result:
    """A finished deployment: how each consumer reaches it, by name, and how long it took."""

    consumers: Mapping[str, Reach]
    seconds: float


def deploy(
    config: Config,
    target: Target,
    emit: Callable[[Event], None],
    *,
    clock: Clock | None = None,
    answer_timeout_s: float = 300.0,
    allowed: Collection[str] = (),
) -> Result:
    """Deploy ``config`` on ``target``, or bring what is deployed there up to date.

    Parameters
    ----------
    emit
        Called with each event, one at a time, from whichever thread it happens in.
    answer_timeout_s
        How long the path may take to answer once everything stands; in AWS the registrar, health
        checks and DNS take minutes.
    allowed
        Logical ids of resources that hold data and may be replaced or removed all the same.

    Raises
    ------
    DataLossError
        When a change would take data away that is not ``allowed``.
    MoveError
        When a change would move the application to another VPC.
    UnderpassError
        When a step fails. What stands stays; the next run goes on from there.
    """
    clock = clock or Clock()
    return _Deployment(config, target, Steps(emit, clock), allowed).run(answer_timeout_s)


class _Deployment:
    """One run. Each method is one step of the story told by ``run``."""

    def __init__(
        self, config: Config, target: Target, steps: Steps, allowed: Collection[str]
    ) -> None:
        self._config = config
        self._allowed = allowed
        self._target = target
        self._steps = steps
        self._clock = steps.clock
        self._zones: Mapping[str, str] = {}  # known after the preflight
        self._carry: Carry = templates.in_request  # until there is the foundation's bucket

    def run(self, answer_timeout_s: float) -> Result:
        began = self._clock.now()
        stacks = self._preflight()
        config = self._config
        count = len(stacks) - len(config.consumers)
        own, joins = stacks[:count], stacks[count:]
        by_part = {one.name.removeprefix(f"{config.name}-"): one for one in own}
        wanted_foundation, wanted_capacity = by_part["foundation"], by_part["capacity"]
        foundation_stack, foundation = self._foundation(wanted_foundation)
        self._carry = templates.by(self._target.client("s3"), foundation["WorkBucketName"])
        of_addons = AddonStacks(config, self._target, self._steps, self._bring)
        own_addons = [one for one in own if addons.label(config, one.name)]
        images, path, (capacity_stack, capacity), networks, added, *_ = self._steps.together(
            partial(self._images, foundation),
            partial(self._path, by_part["path"], foundation),
            partial(self._capacity, wanted_capacity, foundation),
            self._networks,
            partial(of_addons.deploy, own_addons, foundation),
            partial(self._assets, foundation),
            partial(self._database, by_part.get("database"), foundation),
        )
        addon_stacks, added_outputs = added
        known = {**foundation, **path, **capacity, **added_outputs, **images}
        known |= secret_versions.current(self._target.client, config, known)
        waiting = Waiting(
            config,
            self._target,
            self._steps,
            cluster=known["ClusterName"],
            group=known["AlbTargetGroupArn"],
            timeout_s=answer_timeout_s,
        )
        service, *joined = self._steps.together(
            partial(self._released, by_part, known, waiting),
            *(
                kept(partial(self._consumer, stack, consumer, networks[consumer.name], path))
                for stack, consumer in zip(joins, config.consumers, strict=True)
            ),
        )
        # A consumer that cannot join has stopped no release, and is told now.
        deployed = [unwrapped(one) for one in joined]
        self._steps.together(
            waiting.tasks,
            partial(self._watched, by_part, {**known, **service}),
            # What is on its way out, a database perhaps, could not go if it were protected now.
            partial(
                self._protect,
                *([foundation_stack] if foundation_stack is wanted_foundation else []),
                by_part["path"],
            ),
            *leaving.jobs(config, self._target, self._steps),
        )
        self._target.dismiss_consumers(config)
        waiting.answers()
        self._clean_up(
            (foundation_stack, wanted_foundation), (capacity_stack, wanted_capacity), *addon_stacks
        )
        of_addons.drop()
        if foundation_stack is not wanted_foundation:
            self._protect(wanted_foundation)
        self._hosts(wanted_capacity)
        reach = {
            consumer.name: reached(self._target, consumer, outputs)
            for consumer, outputs in zip(config.consumers, deployed, strict=True)
        }
        return Result(reach, self._clock.now() - began)

    def _preflight(self) -> tuple[Stack, ...]:
        """Look for what will not work, and return the stacks of the configuration."""
        with self._steps.step("preflight") as step:
            self._target.preflight(self._config)
            self._config = network.located(self._config, self._target)
            account = self._target.client("sts").get_caller_identity()["Account"]
            step.outcome = f"account {account}, {self._config.region}"
            self._config, notes = network.supplied(self._config, self._target, make=True)
            for note in notes:
                step.tell("warning", note)
            self._zones = zones.application(self._config, self._target)
            for warning in preflight.check(self._config, self._target, self._zones):
                step.tell("warning", warning)
            if not self._config.consumers:
                step.tell(
                    "warning", "there are no [[consumers]]: nobody will reach the application"
                )
            if not self._config.service.tasks.min:
                step.tell("warning", "[service] tasks.min is 0: nothing will answer")
            stacks = blueprint.stacks(self._config)
            cloudformation = self._target.client("cloudformation")
            addons.check(cloudformation, self._config, stacks, self._allowed)
            return stacks

    def _foundation(self, wanted: Stack) -> tuple[Stack, Outputs]:
        """Deploy the foundation, still with what the service may use so far, and return it so."""
        with self._steps.step("foundation") as step:
            cloudformation = self._target.client("cloudformation")
            deployed = existing.deployed(cloudformation, wanted.name, step)
            ids = existing.resources(cloudformation, wanted.name) if deployed else {}
            gone = changes.removed(deployed, wanted.template, ids)  # at the end: known now
            data_loss.check(wanted.name, gone, self._allowed)
            if protection.in_the_way(deployed, self._allowed):
                step.tell(
                    "warning", "the database may go: it is not protected from deletion for now"
                )
                self._bring(
                    replace(wanted, template=deployed, parameters={}), {PROTECT: "false"}, step
                )
            stack = two_phase.while_used(wanted, deployed)
            return stack, self._deploy_foundation(stack, step)

    def _deploy_foundation(self, stack: Stack, step: Step) -> Outputs:
        ec2, region = self._target.client("ec2"), self._config.region
        known = network.parameters(ec2, stack, region, self._zones)
        return self._bring(stack, known, step)

    def _path(self, stack: Stack, foundation: Outputs) -> Outputs:
        with self._steps.step("path") as step:
            return self._bring(stack, _asked(stack, foundation), step)

    def _capacity(self, wanted: Stack, foundation: Outputs) -> tuple[Stack, Outputs]:
        """Deploy the capacity, still with what tasks run on so far, and return it so."""
        with self._steps.step("capacity") as step:
            deployed = existing.deployed(self._target.client("cloudformation"), wanted.name, step)
            stack = two_phase.while_used(wanted, deployed)
            known = _asked(stack, foundation)
            if not hosts.pinned(stack, deployed):
                known |= hosts.newest(self._target.client, stack)
            return stack, self._bring(stack, known, step)

    def _hosts(self, stack: Stack) -> None:
        """Roll the hosts to a newer image, if there is one, once the release is through."""
        newest = hosts.newest(self._target.client, stack)
        there = existing.describe(self._target.client("cloudformation"), stack.name)
        if there and newest.items() <= there.parameters.items():
            return
        with self._steps.step("hosts") as step:
            self._bring(stack, newest, step)

    def _protect(self, *stacks: Stack) -> None:
        """Protect from deletion what has served for the first time."""
        cloudformation = self._target.client("cloudformation")
        there = [existing.describe(cloudformation, stack.name) for stack in stacks]
        bare = [
            stack
            for stack, one in zip(stacks, there, strict=True)
            if one and one.parameters.get(PROTECT) == "false"
        ]
        if not bare:
            return
        with self._steps.step("protection") as step:
            for stack in bare:
                self._bring(stack, {PROTECT: "true"}, step)
            step.outcome = (
                f"of what is in {', '.join(one.name for one in bare)}, now that it serves"
            )

    def _bring(self, stack: Stack, known: Outputs, step: Step, watch: Looks = _nobody) -> Outputs:
        cloudformation, allowed = self._target.client("cloudformation"), self._allowed
        tags = addons.tags(self._config, stack.name)
        return changesets.deploy(
            cloudformation, stack, known, step, watch, tags, allowed=allowed, carry=self._carry
        ).outputs

    def _images(self, foundation: Outputs) -> dict[str, str]:
        """Publish the application's image and its sidecars'; return them by the service's parameters."""
        with self._steps.step("image") as step:
            repository, beside = foundation["RepositoryUri"], self._config.service.sidecars
            step.outcome = image = self._target.publish_image(self._config, repository)
            found = {
                one.image_parameter: self._target.publish_sidecar(self._config, one, repository)
                for one in beside
            }
            if beside:
                step.outcome += f", and of {', '.join(one.name for one in beside)}"
            return {"Image": image, **found}

    def _assets(self, foundation: Outputs) -> None:
        if self._config.assets is None:
            return
        with self._steps.step("assets") as step:
            source = self._config.folder / self._config.assets.source
            synced = assets.sync(self._target.client("s3"), foundation["BucketName"], source)
            step.outcome = str(synced)

    def _database(self, stack: Stack | None, foundation: Outputs) -> None:
        """Have the application's user made, and its data loaded."""
        if stack is None:
            return
        with self._steps.step("database") as step:
            self._bring(stack, _asked(stack, foundation), step)
        self._data(foundation)

    def _data(self, foundation: Outputs) -> None:
        if self._config.database is None or self._config.database.seed is None:
            return
        with self._steps.step("data") as step:
            seeded = self._target.load_seed(
                foundation["DatabaseInstanceId"],
                foundation["DatabaseUserSecretArn"],
                self._config.folder / self._config.database.seed,
            )
            step.outcome = f"{self._config.database.seed} loaded" if seeded.now else "loaded before"
            if seeded.note:
                step.tell("warning", seeded.note)

    def _networks(self) -> dict[str, ConsumerNetwork]:
        """Prepare the consumers' side while the provider's is being made."""
        names = [*self._zones.values()][: self._config.network.zones]
        return {
            consumer.name: self._target.consumer_network(consumer, names)
            for consumer in self._config.consumers
        }

    def _released(self, parts: Mapping[str, Stack], known: Outputs, waiting: Waiting) -> Outputs:
        """Have the release run, where there is one, and only then the service replaced."""
        if stack := parts.get("release"):
            with self._steps.step("release") as step:
                ran = self._bring(stack, _asked(stack, known), step)
                definition = ran[RELEASE]
                release.run(self._target.client, self._config.name, known, definition, step)
            known = {**known, **ran}
        return self._service(parts["service"], known, waiting)

    def _service(self, wanted: Stack, known: Outputs, waiting: Waiting) -> Outputs:
        with self._steps.step("service") as step:

            def watch(_: tuple[StackEvent, ...]) -> None:
                waiting.look(step, "the application does not start")

            try:
                return self._bring(wanted, _asked(wanted, known), step, watch)
            except StackFailedError as error:
                explained = waiting.explained(error, step)
                if explained is error:
                    raise
                raise explained from error

    def _watched(self, parts: Mapping[str, Stack], known: Outputs) -> None:
        """Have passwords rotate, where they do, and all of it watched."""
        if stack := parts.get("rotation"):
            with self._steps.step("rotation") as step:
                known = {**known, **self._bring(stack, _asked(stack, known), step)}
        self._monitoring(parts["monitoring"], known)

    def _monitoring(self, stack: Stack, outputs: Outputs) -> None:
        """Deploy dashboard and alarms for what stands: they know it by the outputs that tell of it."""
        with self._steps.step("monitoring") as step:
            self._bring(stack, _asked(stack, outputs), step)

    def _consumer(
        self, stack: Stack, consumer: Consumer, network: ConsumerNetwork, path: Outputs
    ) -> Outputs:
        with self._steps.step(f"consumer {consumer.name}") as step:
            ec2, service_id = self._target.client("ec2"), path["EndpointServiceId"]
            consumers.check_private_name(ec2, service_id, consumer)
            acceptance = consumers.Acceptance(ec2, service_id)
            outputs = changesets.deploy(
                self._target.client("cloudformation", consumer),
                stack,
                consumers.parameters(network, path["EndpointServiceName"]),
                step,
                acceptance.watch,
                consumers.tags(self._config, consumer.name),
            ).outputs
            poll(
                self._clock,
                lambda: acceptance.finish(outputs["EndpointId"]) or None,
                timeout_s=60,
                what=f"the connection of consumer {consumer.name}",
            )
            return outputs

    def _clean_up(self, *stacks: tuple[Stack, Stack]) -> None:
        """Take out of stacks (as they are, as they are wanted) what only the last service used."""
        left = [(deployed, wanted) for deployed, wanted in stacks if deployed is not wanted]
        if not left:
            return
        with self._steps.step("clean-up") as step:
            cloudformation = self._target.client("cloudformation")
            if users := database.left(cloudformation, self._config):
                existing.delete(cloudformation, users, self._clock)
            for deployed, wanted in left:
                ids = existing.resources(self._target.client("cloudformation"), wanted.name)
                self._bring(wanted, {}, step)
                told = (deployed.template, wanted.template, ids, self._target.snapshots)
                for farewell in two_phase.farewells(*told):
                    step.tell("warning", farewell)


def _asked(stack: Stack, known: Outputs) -> dict[str, str]:
    """Return those of the stack's parameters that are known by their names."""
    return {name: known[name] for name in stack.template.get("Parameters", {}) if name in known}
