"""One of each type: made, changed in place, deleted, and deleted once more."""

from __future__ import annotations

from pathlib import Path

from tests.functional.answering import Answering
from tests.functional.cloudformation_types.account import Account, tasks_run
from tests.functional.cloudformation_types.conftest import Bench

from underpass.cloudformation.template import parse
from underpass.twin.api import patch
from underpass.twin.services.cloudformation.resource_type import (
    CUSTOM,
    Physical,
    Properties,
    ResourceType,
)
from underpass.twin.services.lambda_ import patches as lambda_

BODY = Path(__file__).with_name("everything.yaml").read_text(encoding="utf-8")
TYPES = {resource.type for resource in parse(BODY).resources.values()}


def test_the_template_holds_every_type(bench: Bench) -> None:
    assert set(bench.resource_types) == TYPES


def test_every_type_comes_changes_in_place_and_goes(bench: Bench) -> None:
    account = Account(bench)
    tasks_run(bench)
    patch.apply(lambda_)
    lambda_.attach(Answering(bench.clients.endpoint_url))
    account.create("everything", BODY, Word="one", Number="10")
    before = account.resources("everything")
    account.update("everything", BODY, Word="two", Number="11")
    after = account.resources("everything")
    renamed = {name for name in before if before[name] != after[name]}
    assert renamed == {"Scaling"}  # moto names a scaling policy anew each time it is put
    for resource_type in bench.resource_types.values():
        if resource_type.type != CUSTOM:  # what is gone already is its function's affair
            deletes_twice(resource_type)
    account.remove("everything")
    for service, action, key in (
        ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
        ("cloudwatch", "list_dashboards", "DashboardEntries"),
        ("dynamodb", "list_tables", "TableNames"),
        ("ecr", "describe_repositories", "repositories"),
        ("efs", "describe_file_systems", "FileSystems"),
        ("elbv2", "describe_load_balancers", "LoadBalancers"),
        ("elbv2", "describe_target_groups", "TargetGroups"),
        ("events", "list_rules", "Rules"),
        ("iam", "list_instance_profiles", "InstanceProfiles"),
        ("lambda", "list_functions", "Functions"),
        ("logs", "describe_log_groups", "logGroups"),
        ("rds", "describe_db_instances", "DBInstances"),
        ("route53", "list_hosted_zones", "HostedZones"),
        ("s3", "list_buckets", "Buckets"),
        ("scheduler", "list_schedules", "Schedules"),
        ("sns", "list_topics", "Topics"),
        ("ssm", "describe_parameters", "Parameters"),
        ("lambda", "list_event_source_mappings", "EventSourceMappings"),
    ):
        assert getattr(bench.clients(service), action)()[key] == [], key


def deletes_twice(resource_type: ResourceType) -> None:
    """Have every deletion done twice: what is gone already is no error."""
    once = resource_type.delete

    def delete(physical: Physical, properties: Properties) -> None:
        once(physical, properties)
        once(physical, properties)

    vars(resource_type)["delete"] = delete
