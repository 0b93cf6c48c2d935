"""Lambda functions, who may invoke them, what they read, and how failed invocations are treated."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    Setting,
    Tagging,
    changed,
    without,
)

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same source gives the same archive
GRANT = "Action FunctionName Principal SourceAccount SourceArn"


PLAIN = (
    Form(  # who may invoke a function
        type="AWS::Lambda::Permission",
        service="lambda",
        honoured=GRANT,
        replaces=GRANT,
        name="StatementId",
        longest=100,
        create="add_permission",
        attributes="Id=Ref",
        delete="remove_permission StatementId FunctionName",
    ),
    Form(  # a queue whose messages a function is invoked with; they stay when it goes
        type="AWS::Lambda::EventSourceMapping",
        service="lambda",
        honoured="BatchSize Enabled EventSourceArn FunctionName",
        inert="Tags",
        replaces="EventSourceArn",
        defaults={"BatchSize": 10, "Enabled": True},
        create="create_event_source_mapping",
        ref="{UUID}",
        attributes="Id=Ref",
        update="update_event_source_mapping UUID",
        delete="delete_event_source_mapping UUID",
    ),
)


_OUTSIDE: dict[str, Any] = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}


class Function(Resource):
    """A Lambda function."""

    form = Form(
        type="AWS::Lambda::Function",
        service="lambda",
        tagging=Tagging(resource="Resource"),
        honoured="Architectures Code Description Environment FunctionName Handler LoggingConfig "
        "MemorySize ReservedConcurrentExecutions Role Runtime Tags Timeout VpcConfig",
        inert="CodeSigningConfigArn RecursiveLoop RuntimeManagementConfig SnapStart",
        replaces="FunctionName",
        name="FunctionName",
        longest=64,
        create="create_function",
        found="get_function FunctionName Configuration",
        attributes="Arn=FunctionArn",
        update="update_function_configuration FunctionName",
        settings={
            "ReservedConcurrentExecutions": Setting(
                "put_function_concurrency",
                "ReservedConcurrentExecutions",
                "delete_function_concurrency",
            )
        },
        tagged="Arn",
        delete="delete_function FunctionName",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return the code."""
        return {"Code": _code(properties)}

    def usable(self, physical: Physical, document: Mapping[str, Any]) -> Physical:
        """Wait until the function is active."""
        self._ready(physical.id)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change code, configuration and tags, and wait until both are in use."""
        name = physical.id
        if changed(old, new, "Code Architectures Runtime Handler"):
            architectures = new.get("Architectures")
            code = _code(new)
            self.call("update_function_code", code, FunctionName=name, Architectures=architectures)
            self._ready(name)
        leaves = "VpcConfig" in old and "VpcConfig" not in new
        super().update(logical, physical, old, {**new, **_OUTSIDE} if leaves else new)
        self._ready(name)
        return physical

    def _ready(self, name: str) -> None:
        def usable() -> bool:
            found = self.call("get_function", FunctionName=name)["Configuration"]
            settled = found.get("LastUpdateStatus", "Successful") == "Successful"
            return settled and found.get("State", "Active") in {"Active", "Inactive"}

        self.until(usable, f"Function {name} did not become Active")


class EventInvokeConfig(Resource):
    """How often an asynchronous invocation is tried again."""

    form = Form(
        type="AWS::Lambda::EventInvokeConfig",
        service="lambda",
        honoured="FunctionName MaximumRetryAttempts Qualifier",
        replaces="FunctionName Qualifier",
        create="put_function_event_invoke_config",
        update="put_function_event_invoke_config - FunctionName Qualifier",
        delete="delete_function_event_invoke_config - FunctionName Qualifier",
    )

    def wanted(self, properties: Properties) -> dict[str, Any]:
        """Return the properties without the qualifier that means the function itself."""
        latest = properties.get("Qualifier") == "$LATEST"
        return super().wanted(without(properties, "Qualifier") if latest else properties)


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
