"""What AWS offers, as data: instance types, database versions and classes, regions.

Offline and read when first asked for. The files are written by ``tools/facts.py`` and are as old as the
packages they come from, so what is not in them may still exist: newer than they are, or wrong. Each
question answers that too (``newer``), and the preflight asks AWS about the rest.
"""

from underpass.config.facts.databases import DatabaseClass, database_class, engine_versions
from underpass.config.facts.instances import InstanceType, instance_type
from underpass.config.facts.stored import endpoint_services, regions
from underpass.config.facts.zones import zone_prefix

__all__ = [
    "DatabaseClass",
    "InstanceType",
    "database_class",
    "endpoint_services",
    "engine_versions",
    "instance_type",
    "regions",
    "zone_prefix",
]
