"""What a resource type is: to the engine, which makes, changes and removes resources, and as data, in forms.

A form names the actions of the service, and what they take and answer. An action that changes or removes a
resource is written with the parameters that say which one, separated by blanks: the first takes the physical
id (what ``Ref`` answers; ``-`` when none does), each further one the property or attribute of its name, as in
``"delete_metric_filter FilterName LogGroupName"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from underpass.twin.region.context import Region

Properties = Mapping[str, Any]
READY_S = 60.0  # far more than anything but a task or a database takes here
CUSTOM = "AWS::CloudFormation::CustomResource"
_OWN = re.compile(r"Custom::[A-Za-z0-9_@-]+")
_LONGEST_TYPE = 60
NOTHING_SAID: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Physical:
    """A resource that exists: what ``Ref`` answers, and what ``Fn::GetAtt`` answers by name.

    ``hidden`` attributes are masked where properties are shown.
    """

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    hidden: bool = False


@dataclass(frozen=True)
class LogicalResource:
    """Where a resource stands in a stack, for names AWS would generate and for messages."""

    stack_name: str
    stack_id: str
    logical_id: str
    generation: int = (
        0  # how many the stack made of this logical id before: a replacement's name differs
    )

    def tags(self) -> list[dict[str, str]]:
        """Return the tags CloudFormation gives what it makes; data folders are known again by them."""
        named = {
            "stack-name": self.stack_name,
            "stack-id": self.stack_id,
            "logical-id": self.logical_id,
        }
        return [
            {"Key": f"aws:cloudformation:{key}", "Value": value} for key, value in named.items()
        ]

    def generated_name(self, limit: int = 64, *, lower: bool = False) -> str:
        """Return ``stack-logical-suffix`` as CloudFormation names things, the same for one resource."""
        import hashlib

        suffix = hashlib.sha256(
            f"{self.stack_id}/{self.logical_id}/{self.generation}".encode()
        ).hexdigest()[:12]
        name = f"{self.stack_name}-{self.logical_id}"[: limit - 13] + f"-{suffix}"
        return name.lower() if lower else name


class ProvisionError(Exception):
    """A resource could not be created, updated or deleted; the message becomes the stack event's reason."""


class LeftBehindError(ProvisionError):
    """A resource could not be created and yet there may be something: ``physical`` is to be deleted."""

    def __init__(self, message: str, physical: Physical) -> None:
        super().__init__(message)
        self.physical = physical


def known_as(type_: str) -> str:
    """Return the type that carries out ``type_``: a template may give custom resources names of its own."""
    return CUSTOM if _OWN.fullmatch(type_) and len(type_) <= _LONGEST_TYPE else type_


class ResourceType:
    """Creates, updates and deletes one resource type through its service's own API.

    Subclasses set the attributes and implement the three methods. A property in neither ``honoured``
    nor ``inert`` fails the change set by name, so that the twin never quietly runs something else than AWS
    would. ``create`` and ``update`` return only when the resource is usable, as CloudFormation's do; a
    ``create`` that raises leaves nothing behind, for nobody else knows what it had begun, or says what in a
    ``LeftBehindError``.
    """

    type: str
    honoured: frozenset[str] = frozenset()
    """Properties that take effect on the twin."""
    inert: frozenset[str] = frozenset({"Tags"})
    """Properties that change nothing a twin could show."""
    replaces: frozenset[str] = frozenset()
    """Honoured properties whose change makes a new resource (AWS: "Update requires: Replacement")."""

    may_replace: bool = False
    """Whether an update that returns another physical id has made another resource, and the old one stays."""

    def __init__(self, region: Region) -> None:
        self.region = region

    def of(self, logical: LogicalResource, type_: str) -> Self:
        """Return the type as it works for one resource, which the template calls ``type_``."""
        return self

    def tagged(self, properties: Properties, tags: Mapping[str, str]) -> Properties:
        """Return the properties of a resource in a stack of these tags."""
        return properties

    def ignored(self, given: Iterable[str]) -> list[str]:
        """Return those of a resource's properties that the twin would not carry out."""
        return sorted(set(given) - self.honoured - self.inert)

    def problems(self, properties: Properties) -> Iterator[str]:
        """Yield what is wrong with properties, some of which may be unknown yet."""
        yield from ()

    def check_change(self, old: Properties, new: Properties) -> None:
        """Raise ProvisionError for a change the service does not allow."""

    def identifier(self) -> str:
        """Return the property by which a resource that is there can be found; none if it cannot."""
        return ""

    def existing(self, properties: Properties) -> Physical | None:
        """Return the resource of the name that ``properties`` give, whoever made it."""
        return None

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the resource and return it once it is usable."""
        raise NotImplementedError

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the resource in place; only called when no property in ``replaces`` differs."""
        raise ProvisionError(f"{self.type} cannot be updated in place on the twin")

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Remove the resource; one that is already gone is not an error."""
        raise NotImplementedError


# What differs between a resource's properties before and after, and what of them is asked for


def names(text: str) -> frozenset[str]:
    """Return the names in ``text``, which are separated by blanks."""
    return frozenset(text.split())


def changed(old: Properties, new: Properties, properties: str) -> bool:
    """Tell whether any of ``properties`` (separated by blanks) differs."""
    return any(old.get(name) != new.get(name) for name in properties.split())


def differ(old: Properties, new: Properties, name: str) -> tuple[list[Any], list[Any]]:
    """Return what went from the list ``name``, and what came into it."""
    before, after = old.get(name) or [], new.get(name) or []
    return [x for x in before if x not in after], [x for x in after if x not in before]


def added_and_removed(old: Properties, new: Properties, *lists: str) -> dict[str, Any]:
    """Return what changed in ``lists`` as EC2's modify actions take it: ``Add...``, ``Remove...``."""
    changes: dict[str, Any] = {}
    for name in lists:
        gone, come = differ(old, new, name)
        changes |= {f"Add{name}": come or None, f"Remove{name}": gone or None}
    return changes


def without(properties: Properties, left_out: str) -> dict[str, Any]:
    """Return ``properties`` but for those of ``left_out`` (separated by blanks)."""
    return {key: value for key, value in properties.items() if key not in left_out.split()}


def only(properties: Properties, name: str, allowed: str) -> None:
    """Refuse a property with any value the twin cannot give effect to."""
    value = properties.get(name, allowed)
    if value not in (allowed, [allowed]):
        raise ProvisionError(f"{name} {value} is not available on the twin, only {allowed}")


# Forms


@dataclass(frozen=True)
class Tagging:
    """How a service's resources get and lose their tags: two actions and two of their parameters."""

    tag: str = "tag_resource"
    untag: str = "untag_resource"
    resource: str = "ResourceArn"
    keys: str = "TagKeys"
    prefix: str = ""
    """What stands before ``Key`` and ``Value`` in the service's form of a tag."""

    def changes(self, resource: str, old: Any, new: Any) -> list[tuple[str, dict[str, Any]]]:
        """Return the calls, as (action, parameters), that lead from the tags ``old`` to ``new``."""
        before, after = as_map(old), as_map(new)
        calls: list[tuple[str, dict[str, Any]]] = []
        gone = [key for key in before if key not in after]
        if gone:
            keys = [{"Key": key} for key in gone] if self.keys == "Tags" else gone
            calls.append((self.untag, {self.resource: resource, self.keys: keys}))
        put = self.written({k: v for k, v in after.items() if before.get(k) != v})
        if put:
            calls.append((self.tag, {self.resource: resource, "Tags": put}))
        return calls

    def written(self, tags: Any) -> list[dict[str, str]]:
        """Return tags, as templates write them, in the service's form."""
        return [
            {f"{self.prefix}Key": key, f"{self.prefix}Value": value}
            for key, value in as_map(tags).items()
        ]


def as_map(tags: Any) -> dict[str, str]:
    """Return tags, a list of ``Key`` and ``Value`` or already a map, as a map."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags or ()}


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Described:
    """How a resource is found again, and when it is usable.

    ``action`` is written with the parameter that takes the id, ``found`` is the list in its answer. A
    resource with a ``state`` is waited for until that is one of ``good``; ``bad`` ones end the wait.
    """

    action: str
    found: str
    state: str = ""
    good: str = "available"
    bad: str = "failed"
    timeout_s: float = READY_S


@dataclass(frozen=True)
class Setting:
    """How one property is put by an action of its own, and taken back.

    ``clear`` is the action that removes it; where there is none ``default`` is put instead, and with
    neither it stays as it was. Both actions take the resource's id as its delete action does.
    """

    put: str
    parameter: str
    clear: str = ""
    convert: Callable[[Any], Any] = _same
    default: Any = None
    piecewise: bool = False
    """Whether the action takes a list of which only what is new is given."""

    def wanted(self, properties: Properties, name: str) -> Any:
        """Return what the action is given for the property ``name``."""
        value = properties.get(name)
        return self.default if value in NOTHING_SAID else self.convert(value)


@dataclass(frozen=True, kw_only=True)
class Form:
    """One resource type. Names of properties are separated by blanks."""

    type: str
    service: str
    """The service's name in boto3."""
    honoured: str
    """Properties that take effect on the twin."""
    inert: str = ""
    """Properties that change nothing a twin could show."""
    replaces: str = ""
    """Honoured properties whose change makes a new resource."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The actions' names of properties, where they differ by more than case."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """CloudFormation's own defaults, where they are not the service's."""
    name: str = ""
    """The property that names the resource; a name is made up where a template has none."""
    longest: int = 255
    """How long a made-up name may be, in characters."""
    lower: bool = False
    """Whether the name is in lower case."""
    create: str = ""
    made: str = ""
    """Where the create action's answer holds the resource, as in ``Listeners.0``."""
    found: str = ""
    """How a resource is found by its name: the action, the parameter that takes it, and where the answer
    holds the resource, if not in itself. What has none, or another physical id, is not imported."""
    takes_over: bool = False
    """Whether the create action answers for what is there as if it had made it; CloudFormation does not."""
    ref: str = ""
    """The physical id, made of what the resource holds, as in ``{VpcId}``; without it, its name."""
    attributes: str = ""
    """What ``Fn::GetAtt`` answers, as ``Name`` or ``Name=key``; ``Ref`` is the physical id."""
    update: str = ""
    delete: str = ""
    gone: str = ""
    """Error codes of the delete action that mean there is nothing left to delete."""
    described: Described | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    tagging: Tagging = field(default_factory=Tagging)
    tags: str = "Tags"
    """The property that holds the tags."""
    tagged: str = ""
    """The attribute that tags are put on; without it, the physical id."""
    kind: str = ""
    """What EC2 calls the resource in a tag specification."""


def pick(document: Any, path: str) -> Any:
    """Return what ``document`` holds at ``path``, keys and indices joined by dots; None when nothing."""
    for step in path.split(".") if path else ():
        if isinstance(document, list):
            document = document[int(step)] if int(step) < len(document) else None
        else:
            document = (document or {}).get(step)
    return document
