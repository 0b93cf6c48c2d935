"""Every configuration's stacks come up on the twin's CloudFormation, with the outputs of those before.

The whole path, with packets, is tried for a few in ``tests/templates/running``.
"""

from __future__ import annotations

import re

import pytest
from tests.functional.cloudformation_types.account import Account, functions_answer, tasks_run
from tests.functional.cloudformation_types.conftest import Bench
from tests.templates.share import share, told
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import Stack, stacks
from underpass.config import Config
from underpass.deploy import addons
from underpass.twin.host import stand_in_policies, stand_ins

LIST = "pl-0123456789abcdef0"  # of WAYS_OUT
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/n:1"


# Half of them; of the pairs, a smaller part is drawn in `tests/templates/drawn/test_pairs.py`.
@pytest.mark.parametrize("name", share([one for one in CURATED if not one.startswith("pairs-")], 2))
def test_stacks_come_up(bench: Bench, name: str) -> None:
    told()
    come_up(bench, name)


def come_up(bench: Bench, name: str) -> None:
    config = stand_ins.ensure(bench.clients, _without_snapshot(CURATED[name]))
    policies = stand_in_policies.ensure(bench.clients, config, make=True)
    service = config.service.model_copy(update={"policies": policies})
    config = config.model_copy(update={"service": service})
    account = Account(bench)
    tasks_run(bench)
    functions_answer(bench)
    network = Network(bench)
    known = {"Image": IMAGE, "InstanceImage": "ami-12345678"}
    known |= {one.image_parameter: IMAGE for one in config.service.sidecars}
    known |= {f"Zone{number}": f"us-east-1{zone}" for number, zone in enumerate("abc", start=1)}
    if config.network.egress == "endpoints":
        known["S3PrefixListId"] = prefix_list(bench, "s3")
        known["DynamodbPrefixListId"] = prefix_list(bench, "dynamodb")
    for stack in stacks(config):
        body = network.named(stack.body())
        outputs = account.create(stack.name, body, **parameters(stack, known, network))
        assert set(outputs) == set(stack.template.get("Outputs", {}))
        assert set(account.resources(stack.name)) == set(stack.template["Resources"])
        known |= {**outputs, **addons.handing(config, stack.name, outputs)}


def _without_snapshot(config: Config) -> Config:
    """Return it with a database of its own: the twin has no snapshots, and refuses them by name."""
    if not config.database or not config.database.snapshot:
        return config
    database = config.database.model_copy(update={"snapshot": None})
    return config.model_copy(update={"database": database})


def prefix_list(bench: Bench, service: str) -> str:
    """Return a service's, as the pipeline looks it up."""
    found = bench.clients("ec2").describe_managed_prefix_lists()["PrefixLists"]
    return next(
        str(one["PrefixListId"])
        for one in found
        if one["PrefixListName"].endswith(f"us-east-1.{service}")
    )


class Network:
    """A VPC that is there already, made when a stack first asks for one: a consumer's, or an existing one."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._vpc = ""
        self._made = 0

    def vpc(self) -> str:
        if not self._vpc:
            self._vpc = self._bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
        return self._vpc

    def named(self, body: str) -> str:
        """Return a template with a list and groups that are there for those the configuration names."""
        for named in sorted(set(re.findall(r"\bsg-[0-9a-f]{17}\b", body))):
            asked = {"GroupDescription": named, "VpcId": self.vpc()}
            body = body.replace(named, self._bench.create("EC2::SecurityGroup", **asked).id)
        return body.replace(LIST, prefix_list(self._bench, "vpc-lattice"))

    def subnets(self, count: int) -> str:
        made = []
        for zone in "abc"[:count]:
            block = f"10.0.{self._made}.0/24"
            self._made += 1
            made.append(
                self._bench.create(
                    "EC2::Subnet",
                    VpcId=self.vpc(),
                    CidrBlock=block,
                    AvailabilityZone=f"us-east-1{zone}",
                ).id
            )
        return ",".join(made)


def parameters(stack: Stack, known: dict[str, str], network: Network) -> dict[str, str]:
    """Return a value for each parameter: of a network that exists, of an earlier stack, or as configured."""
    given = known | dict(stack.parameters)
    found: dict[str, str] = {}
    for name, parameter in stack.template.get("Parameters", {}).items():
        if parameter["Type"] == "AWS::EC2::VPC::Id":
            found[name] = network.vpc()
        elif parameter["Type"] == "List<AWS::EC2::Subnet::Id>":
            count = len(given[name].split(",")) if name in stack.parameters else 2
            found[name] = network.subnets(count)
        elif name in given:
            found[name] = given[name]
        else:
            assert "Default" in parameter, f"nothing gives {stack.name} its {name}"
    return found
