"""What an account asks of everything in it, whoever makes it: tags, and its roles' boundary and path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from underpass.blueprint.stack import Stack
from underpass.config import Config

_OF_ROLES = ("AWS::IAM::Role",)
_WITH_PATH = (*_OF_ROLES, "AWS::IAM::InstanceProfile")


def conforming(stack: Stack, config: Config) -> Stack:
    """Return the stack with the tags of ``config``, and its roles with their boundary and path.

    CloudFormation puts a stack's tags on its resources. What it does not reach is tagged where it is made:
    the launch template, and by it the volumes of instances. An Auto Scaling group's instances get the stack's
    tags in any case, and the service hands its own on to its tasks.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html
    """
    resources = {
        name: _conforming(resource, config)
        for name, resource in stack.template["Resources"].items()
    }
    return replace(stack, template={**stack.template, "Resources": resources}, tags=config.tags)


def _conforming(resource: Mapping[str, Any], config: Config) -> Mapping[str, Any]:
    more = {}
    if config.permissions_boundary and resource["Type"] in _OF_ROLES:
        more["PermissionsBoundary"] = config.permissions_boundary
    if config.role_path and resource["Type"] in _WITH_PATH:
        more["Path"] = config.role_path
    # What a template of the user's own says of a role is meant, and stays.
    own = resource.get("Properties") or {}
    return {**resource, "Properties": {**own, **more, **own}} if more else resource
