"""A resource type that is carried out as its form says; a subclass adds what data cannot say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.services.cloudformation import service_calls
from underpass.twin.services.cloudformation.resource_type import (
    NOTHING_SAID,
    READY_S,
    Form,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    ResourceType,
    names,
    pick,
    without,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
IN_USE_S = 30.0
ALREADY = 'Resource handler returned message: "{}" (HandlerErrorCode: AlreadyExists)'


# What is published when something the twin runs comes to be, or not: a state is asked for anew after these.
OBSERVED = frozenset(
    {
        *(Topic.AUTOSCALING, Topic.DATABASES, Topic.ECS, Topic.ELB, Topic.HEALTH),
        *(Topic.INSTANCES, Topic.INTERFACES, Topic.RDS, Topic.STATES, Topic.TASKS),
    }
)


class Resource(ResourceType):
    """A resource type of one service, made, changed and removed as its ``form`` says.

    What the form cannot say, a subclass adds: ``arguments`` to the create action, what else to ``settle``
    once the resource is usable and at every change, and ``attributes`` that are computed.
    """

    form: Form

    def __init__(self, region: Region, form: Form | None = None) -> None:
        super().__init__(region)
        self.form = form = form or self.form
        self.type = form.type
        self.honoured, self.inert = names(form.honoured), names(form.inert)
        self.replaces = names(form.replaces)

    def tagged(self, properties: Properties, tags: Mapping[str, str]) -> Properties:
        """Return the properties with the stack's tags besides the resource's own, which win.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html
        """
        name = self.form.tags
        own = properties.get(name) or []
        if not tags or name not in self.honoured | self.inert or not isinstance(own, list):
            return properties
        theirs = {tag.get("Key") for tag in own if isinstance(tag, Mapping)}
        more = [self.stack_tag(key, tags[key]) for key in tags if key not in theirs]
        return {**properties, name: [*own, *more]}

    def stack_tag(self, key: str, value: str) -> dict[str, Any]:
        """Return a tag of the stack's as the resource's property has it."""
        return {"Key": key, "Value": value}

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the resource, wait until it is usable, and settle what its create action does not take."""
        form = self.form
        if form.takes_over and (there := self.existing(properties)):
            raise ProvisionError(self.taken_words(there.id))
        wanted = self.wanted(properties)
        if form.name:
            name = str(wanted.get(form.name) or self.made_up_name(logical, properties))
            wanted[form.name] = name.lower() if form.lower else name
        tags = properties.get(form.tags)
        if tags and form.kind:
            wanted["TagSpecifications"] = [{"ResourceType": form.kind, "Tags": tags}]
        elif tags:
            wanted["Tags"] = form.tagging.written(tags)
        named = self.arguments(logical, properties)
        made = pick(self.call(form.create, wanted, **named) if form.create else {}, form.made)
        document = {**wanted, **made}
        ref = self.ref(document)
        physical = self.physical(ref or logical.generated_name(128), document)
        with self.undone_on_failure(physical, properties):
            usable = self.usable(physical, document)
            self.settle(usable, self.taken(form.create, properties), properties)
        return usable

    def identifier(self) -> str:
        """Return the property that holds the name, where a resource is found by that and it is its id."""
        name = self.form.name if self.form.found and not self.form.ref else ""
        return next((key for key, action in self.form.renamed.items() if action == name), name)

    def existing(self, properties: Properties) -> Physical | None:
        """Return the resource of this name as its service has it."""
        wanted = self.wanted(properties)
        name = wanted.get(self.form.name)
        if not self.form.found or not isinstance(name, str):
            return None
        operation, key, *path = self.form.found.split()
        try:
            found = pick(self.call(operation, **{key: self.sought(name)}), *path or ("",))
        except service_calls.RefusedError as refused:
            if refused.gone:
                return None
            raise
        if found is None:
            return None
        document = {**wanted, **found}
        return self.physical(self.ref(document), document)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change what the update action takes, settle the rest, and lead the tags to what they shall be."""
        form = self.form
        if form.update:
            before, after = (
                without(self.taken(form.update.split()[0], of), f"{form.tags} Tags")
                for of in (old, new)
            )
            if before != after:
                self.act(form.update, physical, self.wanted(after))
        self.settle(physical, old, new)
        if form.tags in self.honoured and form.tags not in form.settings:
            self.retag(physical, old.get(form.tags), new.get(form.tags))
        return self.usable(physical, self.wanted(new)) if form.described else physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Remove the resource, and wait until it is gone where that takes its time."""
        operation, named = self.action(self.form.delete, physical, self.wanted(properties))
        self.remove(operation, **named)
        if self.form.described and self.form.described.state:
            self.until_gone(lambda: self.describe(physical.id))

    def made_up_name(self, logical: LogicalResource, properties: Properties) -> str:
        """Return the name of a resource whose template gives none."""
        return logical.generated_name(self.form.longest)

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return what the create action is given beside the properties."""
        return {}

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Lead the resource from ``old`` to ``new`` in what has actions of its own.

        At creation ``old`` is what the create action took.
        """
        for name, setting in self.form.settings.items():
            before, after = setting.wanted(old, name), setting.wanted(new, name)
            if before == after:
                continue
            key = self.form.delete.split()[1]
            if setting.clear and new.get(name) in NOTHING_SAID:
                self.remove(setting.clear, **{key: physical.id})
            elif after is not None:
                if setting.piecewise:
                    after = [one for one in after if one not in (before or ())]
                self.call(setting.put, **{key: physical.id, setting.parameter: after})

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ``Fn::GetAtt`` answers for a resource that ``document`` describes."""
        pairs = (pair.partition("=") for pair in self.form.attributes.split())
        return {name: pick(document, path or name) for name, _, path in pairs}

    def sought(self, name: str) -> str:
        """Return what the action that finds a resource is given for its name."""
        return name

    def taken_words(self, name: str) -> str:
        """Return what CloudFormation says of a resource that is there already."""
        said = f"Resource of type '{self.type}' with identifier '{name}' already exists."
        return ALREADY.format(said)

    def ref(self, document: Mapping[str, Any]) -> str:
        """Return the physical id of what ``document`` describes; empty where nothing gives it."""
        form = self.form
        return (
            (form.ref or f"{{{form.name}}}").format_map(document) if form.ref or form.name else ""
        )

    def physical(self, ref: str, document: Mapping[str, Any]) -> Physical:
        """Return the resource ``document`` describes, as other resources refer to it."""
        known = self.attributes({**document, "Ref": ref})
        return Physical(ref, {key: value for key, value in known.items() if value is not None})

    def wanted(self, properties: Properties) -> dict[str, Any]:
        """Return the properties under the names the actions have, CloudFormation's defaults among them."""
        named = {self.form.renamed.get(key, key): value for key, value in properties.items()}
        return {**self.form.defaults, **named}

    def taken(self, operation: str, properties: Properties) -> dict[str, Any]:
        """Return those of ``properties`` that ``operation`` takes."""
        members = self.takes(operation) if operation else {}
        return {
            k: v for k, v in properties.items() if self.form.renamed.get(k, k).lower() in members
        }

    def takes(self, operation: str) -> Mapping[str, str]:
        """Return the parameters of an action of the resource's own service."""
        return service_calls.taken_by(self.region.clients(self.form.service), operation)

    def describe(self, ref: str) -> Mapping[str, Any] | None:
        """Return what the service says of the resource; None when it is gone."""
        described = self.form.described
        if described is None:
            raise TypeError(f"the form of {self.type} does not say how it is described")
        operation, key = described.action.split()
        return self.one(operation, described.found, **{key: ref})

    def usable(self, physical: Physical, document: Mapping[str, Any]) -> Physical:
        """Wait until the resource is in a good state, and return it as it is then."""
        described = self.form.described
        if described is None:
            return physical
        if described.state:
            found = self.in_state(
                lambda: self.describe(physical.id),
                described.state,
                *described.good.split(),
                bad=described.bad,
                timeout_s=described.timeout_s,
            )
        else:
            found = self.describe(physical.id) or {}
        return self.physical(physical.id, {**document, **found})

    def act(self, action: str, physical: Physical, properties: Properties) -> Any:
        """Call an action written with its parameters, and with those of ``properties`` it takes."""
        operation, named = self.action(action, physical, properties)
        return self.call(operation, properties, **named)

    def action(
        self, action: str, physical: Physical, properties: Properties
    ) -> tuple[str, dict[str, Any]]:
        """Return an action's name, and its parameters as far as they tell which resource is meant."""
        operation, key, *further = action.split()
        known = {**properties, **physical.attributes, key: physical.id}
        return operation, {name: known.get(name) for name in (key, *further) if name != "-"}

    def call(
        self, operation: str, properties: Properties = service_calls.NOTHING, /, **named: Any
    ) -> Any:
        """Call an action of the resource's own service. What is inert stays out."""
        heeded = {key: value for key, value in properties.items() if key not in self.inert}
        client = self.region.clients(self.form.service)
        return service_calls.call(client, operation, heeded, **named)

    def one(self, operation: str, key: str, **named: Any) -> Mapping[str, Any] | None:
        """Return the first of what a describe action lists under ``key``; None when there is none."""
        try:
            found = self.call(operation, **named)[key]
        except service_calls.RefusedError as refused:
            if refused.gone:
                return None
            raise
        return found[0] if found else None

    def until(self, probe: Callable[[], T | None], what: str, *, timeout_s: float = READY_S) -> T:
        """Return the first truthy answer of ``probe``; ``what`` is the reason when none comes in time."""
        try:
            model = self.region.clients(self.form.service).meta.service_model
            topics = OBSERVED | {Topic(model.signing_name)}
            return self.region.feed.wait(probe, timeout_s=timeout_s, what=what, topics=topics)
        except TimeoutError as late:
            raise ProvisionError(f"{what} (after {timeout_s:g} s)") from late

    def in_state(
        self,
        describe: Callable[[], Mapping[str, Any] | None],
        key: str,
        *good: str,
        bad: str = "failed",
        timeout_s: float = READY_S,
    ) -> Mapping[str, Any]:
        """Return what ``describe`` says once its ``key`` is one of ``good`` (case aside).

        Raises
        ------
        ProvisionError
            When it becomes one of ``bad`` (separated by blanks), or nothing good in time.
        """
        wanted, lost = {state.lower() for state in good}, set(bad.lower().split())

        def settled() -> Mapping[str, Any] | None:
            found = describe()
            state = str(pick(found, key)).lower() if found else "deleted"
            if state in lost:
                told = [info.get("Message", "") for info in (found or {}).get("StatusInfos") or ()]
                reason = ": ".join(
                    [f"{self.type} became {state} instead of {' or '.join(good)}", *told]
                )
                raise ProvisionError(reason)
            return found if state in wanted else None

        return self.until(
            settled, f"{self.type} did not become {' or '.join(good)}", timeout_s=timeout_s
        )

    def remove(self, operation: str, /, **named: Any) -> None:
        """Call a delete action: what is gone already is fine, what is in use is tried again."""
        refusals: list[service_calls.RefusedError] = []

        def removed() -> bool:
            try:
                self.call(operation, **named)
            except service_calls.RefusedError as refused:
                gone = refused.gone or refused.code in self.form.gone.split()
                if not (gone or refused.in_use):
                    raise
                refusals.append(refused)
                return gone
            return True

        try:
            self.region.feed.wait(removed, timeout_s=IN_USE_S, what=operation)
        except TimeoutError:
            raise refusals[-1] from None

    def until_gone(
        self, describe: Callable[[], Mapping[str, Any] | None], *, timeout_s: float = READY_S
    ) -> None:
        """Wait until ``describe`` finds nothing, or something whose state is deleted."""

        def gone() -> bool:
            found = describe()
            return found is None or str(found.get("State", "")).lower() == "deleted"

        self.until(gone, f"{self.type} was not deleted", timeout_s=timeout_s)

    @contextmanager
    def undone_on_failure(self, physical: Physical, properties: Properties) -> Iterator[None]:
        """Delete ``physical`` again if the block fails: a failed ``create`` leaves nothing behind."""
        try:
            yield
        except BaseException:
            try:
                self.delete(physical, properties)
            except ProvisionError:
                log.exception("%s %s failed and is left behind", self.type, physical.id)
            raise

    def retag(self, physical: Physical, old: Any, new: Any) -> None:
        """Lead the tags of a resource from ``old`` to ``new``; both as templates write them."""
        form = self.form
        target = physical.attributes[form.tagged] if form.tagged else physical.id
        for operation, parameters in form.tagging.changes(target, old, new):
            self.call(operation, **parameters)
