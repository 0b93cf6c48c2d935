"""What an engine is told and asked for: its parameter group, its logs, what watches it.

The parameter group is a resource of its own, so that a changed setting changes the group in place and
never the instance. Its family follows the major version; RDS refuses a group of another family.
"""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import Template
from troposphere.rds import DBParameterGroup

from underpass.config.facts import database_class
from underpass.config.model import Database

SLOW_MS = 1000  # a statement that takes longer is logged

# Values as RDS writes them.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html
_POSTGRES: Mapping[str, str] = {
    "rds.force_ssl": "1",
    "log_lock_waits": "1",
    "log_min_duration_statement": str(SLOW_MS),
    "log_statement": "ddl",  # "all" would log the application's data
}
_MYSQL: Mapping[str, str] = {
    "require_secure_transport": "1",
    "slow_query_log": "1",
    "long_query_time": str(SLOW_MS // 1000),
    "log_output": "FILE",  # to a file, or nothing could be exported to CloudWatch Logs
}
PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
EXPORTED_LOGS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgresql", "upgrade"),
    "mysql": ("error", "slowquery"),
    "mariadb": ("error", "slowquery"),
}


def parameter_group(template: Template, database: Database) -> DBParameterGroup:
    """Add the engine's settings: TLS only, and slow statements and changes of structure logged."""
    return template.add_resource(
        DBParameterGroup(
            "DatabaseParameters",
            Description="TLS only; slow statements and changes of structure are logged",
            Family=family(database),
            Parameters=dict(PARAMETERS[database.engine]),
        )
    )


def family(database: Database) -> str:
    """Return the parameter group family: "postgres16", "mysql8.4", "mariadb11.4"."""
    return database.engine + ".".join(database.version.split(".")[: major_parts(database)])


def major_parts(database: Database) -> int:
    """Return how many parts of a version make the major one: PostgreSQL's is one number."""
    return 1 if database.engine == "postgres" else 2


def has_insights(database: Database) -> bool:
    """Tell whether Performance Insights can watch the instance class; a newer class than is known can."""
    known = database_class(database.engine, database.instance_class)
    return known is None or known.performance_insights
