"""The foundation stack: what outlives a release of the application.

Logical ids (``<n>`` counts zones from 1):

=====================  ==========================================================================
part                   logical ids
=====================  ==========================================================================
network                Vpc, AppSubnet<n>, DataSubnet<n>, AppRouteTable<n>, DataRouteTable and
                       their associations; TaskSecurityGroup
egress = "nat"         InternetGateway, InternetGatewayAttachment, PublicSubnet<n>,
                       PublicRouteTable, PublicDefaultRoute, NatAddress<n>, NatGateway<n>,
                       AppDefaultRoute<n>
egress = "endpoints"   <Service>Endpoint, EndpointSecurityGroup, DynamodbEndpoint
either                 S3Endpoint, TaskEgress<port>To<peer>
network.vpc_id         none of these, but parameters: VpcId, AppSubnetIds, DataSubnetIds
flow_logs              FlowLog, FlowLogGroup, FlowLogRole
keys, registry         Key, KeyAlias, Repository
notifications          Topic, TopicPolicy, EmailSubscription
access logs            AccessLogsBucket, AccessLogsBucketPolicy
deployments' work      WorkBucket, WorkBucketPolicy
database               DatabaseSecret, DatabaseSecretAttachment, DatabaseSubnetGroup,
                       DatabaseSecurityGroup, TaskEgressToDatabase, DatabaseInstance,
                       DatabaseParameters, DatabaseMonitoringRole
its users              DatabaseUserSecret, DatabaseUserSecretAttachment,
                       DatabaseUserSecurityGroup, DatabaseUserEgressToDatabase
database.existing      TaskEgressToDatabase<peer>, DatabaseIngressFromTasks<peer>
files                  FileSystem, MountTarget<n>, AccessPoint, FileSystemSecurityGroup,
                       TaskEgressToFileSystem
assets                 AssetsBucket, AssetsBucketPolicy
=====================  ==========================================================================

Parameters, which the pipeline looks up: ``Zone<n>``, the zones' names, and with ``egress = "endpoints"``
``S3PrefixListId`` and, where it is asked for, ``DynamodbPrefixListId``.
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.foundation import (
    buckets,
    database,
    existing_database,
    files,
    keys,
    notifications,
    registry,
)
from underpass.blueprint.foundation.network import egress, existing, flow_logs, vpc
from underpass.blueprint.stack import Stack
from underpass.config import Config


def foundation_stack(config: Config) -> Stack:
    """Return the foundation: network, key, registry, and the stores the configuration asks for."""
    template = Template(Description=f"{config.name}: network, key, registry and data (underpass)")
    net = vpc.add(template, config)
    egress.add(template, config, net)
    key = keys.add(template, config)
    if config.network.flow_logs != "off":
        flow_logs.add(template, config, net)
    registry.add(template, key)
    notifications.add(template, config, key)
    buckets.add_access_logs(template, config)
    buckets.add_work(template, key)
    if config.instance:
        database.add(template, config, config.instance, net, key)
    elif config.database:
        existing_database.add(template, config, config.database, net)
    if config.files:
        files.add(template, config, net, key)
    if config.assets:
        buckets.add_assets(template, key)
    return Stack(
        f"{config.name}-foundation", template.to_dict(), existing.parameters(config), used=True
    )
