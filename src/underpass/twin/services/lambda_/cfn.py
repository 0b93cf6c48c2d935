"""Lambda functions, who may invoke them, what they read, and how failed invocations are treated."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import (
    Resource,
    attributes,
    changed,
    names,
    without,
)
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.tagging import Tagging

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same source gives the same archive


class Function(Resource):
    """A Lambda function."""

    type = "AWS::Lambda::Function"
    service = "lambda"
    tagging = Tagging(resource="Resource")
    honoured = names(
        "Architectures Code DeadLetterConfig Description Environment EphemeralStorage FileSystemConfigs "
        "FunctionName Handler ImageConfig KmsKeyArn Layers LoggingConfig MemorySize PackageType "
        "ReservedConcurrentExecutions Role Runtime Tags Timeout TracingConfig VpcConfig"
    )
    inert = names("CodeSigningConfigArn RecursiveLoop RuntimeManagementConfig SnapStart")
    replaces = names("FunctionName PackageType")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the function and wait until it is active."""
        made = self.call(
            "create_function",
            properties,
            FunctionName=properties.get("FunctionName") or logical.generated_name(64),
            Code=_code(properties),
        )
        name = made["FunctionName"]
        physical = Physical(name, attributes(Arn=made["FunctionArn"]))
        with self.undone_on_failure(physical, properties):
            self._reserve(name, {}, properties)
            self._ready(name)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change code, configuration and tags."""
        name = physical.id
        if changed(old, new, "Code Architectures Runtime Handler"):
            architectures = new.get("Architectures")
            code = _code(new)
            self.call("update_function_code", code, FunctionName=name, Architectures=architectures)
            self._ready(name)
        configuration = without(new, "Code Architectures Tags")
        if any(changed(old, new, key) for key in {*old, *configuration}):
            self.call("update_function_configuration", configuration, FunctionName=name)
            self._ready(name)
        self._reserve(name, old, new)
        self.retag(physical.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the function."""
        self.remove("delete_function", FunctionName=physical.id)

    def _reserve(self, name: str, old: Properties, new: Properties) -> None:
        key = "ReservedConcurrentExecutions"
        if changed(old, new, key):
            if key in new:
                self.call("put_function_concurrency", new, FunctionName=name)
            else:
                self.remove("delete_function_concurrency", FunctionName=name)

    def _ready(self, name: str) -> None:
        def usable() -> bool:
            found = self.call("get_function", FunctionName=name)["Configuration"]
            settled = found.get("LastUpdateStatus", "Successful") == "Successful"
            return settled and found.get("State", "Active") in {"Active", "Inactive"}

        self.until(usable, f"Function {name} did not become Active")


class Permission(Resource):
    """A statement of a function's policy: who may invoke it."""

    type = "AWS::Lambda::Permission"
    service = "lambda"
    honoured = names(
        "Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl Principal "
        "PrincipalOrgID SourceAccount SourceArn"
    )
    replaces = honoured

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Add the statement."""
        statement = logical.generated_name(100)
        self.call("add_permission", properties, StatementId=statement)
        return Physical(statement, {"Id": statement})

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Remove the statement."""
        function = properties["FunctionName"]
        self.remove("remove_permission", FunctionName=function, StatementId=physical.id)


class EventInvokeConfig(Resource):
    """How often an asynchronous invocation is tried again, and where failures go."""

    type = "AWS::Lambda::EventInvokeConfig"
    service = "lambda"
    honoured = names(
        "DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier"
    )
    replaces = names("FunctionName Qualifier")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the configuration."""
        self.call("put_function_event_invoke_config", **_unqualified(properties))
        return Physical(logical.generated_name())

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the configuration anew."""
        self.call("put_function_event_invoke_config", **_unqualified(new))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Go back to Lambda's own defaults."""
        named = {key: _unqualified(properties).get(key) for key in ("FunctionName", "Qualifier")}
        self.remove("delete_function_event_invoke_config", **named)


class EventSourceMapping(Resource):
    """A queue whose messages a function is invoked with."""

    type = "AWS::Lambda::EventSourceMapping"
    service = "lambda"
    honoured = names("BatchSize Enabled EventSourceArn FunctionName")
    inert = names("Tags")
    replaces = names("EventSourceArn")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the mapping."""
        made = self.call("create_event_source_mapping", properties)
        return Physical(made["UUID"], {"Id": made["UUID"]})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the function, the batch and whether it is on."""
        wanted = {"BatchSize": 10, "Enabled": True, **without(new, "EventSourceArn")}
        self.call("update_event_source_mapping", wanted, UUID=physical.id)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the mapping; the messages stay."""
        self.remove("delete_event_source_mapping", UUID=physical.id)


def _code(properties: Properties) -> Mapping[str, Any]:
    """Return ``Code`` as Lambda takes it: source written in the template becomes an archive."""
    code = dict(properties["Code"])
    source = code.pop("ZipFile", None)
    if source is not None:
        nodejs = str(properties.get("Runtime", "")).startswith("nodejs")
        code["ZipFile"] = _archive("index.js" if nodejs else "index.py", source)
    code.pop("SourceKMSKeyArn", None)
    return code


def _archive(name: str, source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, LONG_AGO)
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    return packed.getvalue()


def _unqualified(properties: Properties) -> dict[str, Any]:
    return {k: v for k, v in properties.items() if (k, v) != ("Qualifier", "$LATEST")}
