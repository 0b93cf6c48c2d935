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
egress = "endpoints"   S3Endpoint, <Service>Endpoint, EndpointSecurityGroup
network.vpc_id         none of these, but parameters: VpcId, AppSubnetIds, DataSubnetIds
flow_logs              FlowLog, FlowLogGroup, FlowLogRole
keys, registry         Key, Repository
notifications          Topic, TopicPolicy, EmailSubscription
access logs            AccessLogsBucket, AccessLogsBucketPolicy
database               DatabaseSecret, DatabaseSecretAttachment, DatabaseSubnetGroup,
                       DatabaseSecurityGroup, TaskEgressToDatabase, DatabaseInstance,
                       DatabaseParameters, DatabaseMonitoringRole
its users              DatabaseUser, DatabaseUserFunction, DatabaseUserRole, DatabaseUserLogGroup,
                       DatabaseUserSecret, DatabaseUserSecretAttachment,
                       DatabaseUserSecurityGroup, DatabaseUserEgressToDatabase
files                  FileSystem, MountTarget<n>, AccessPoint, FileSystemSecurityGroup,
                       TaskEgressToFileSystem
assets                 AssetsBucket, AssetsBucketPolicy
=====================  ==========================================================================

Parameters: ``S3PrefixListId`` with ``egress = "endpoints"``, which the pipeline looks up.
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.foundation import (
    buckets,
    database,
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
    if config.network.flow_logs:
        flow_logs.add(template, config, net)
    registry.add(template, key)
    notifications.add(template, config, key)
    buckets.add_access_logs(template)
    if config.database:
        database.add(template, config, config.database, net, key)
    if config.files:
        files.add(template, config, net, key)
    if config.assets:
        buckets.add_assets(template, key)
    return Stack(f"{config.name}-foundation", template.to_dict(), existing.parameters(config))
