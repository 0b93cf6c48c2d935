"""The settings of the database's engine.

The parameter group is a resource of its own, so that a changed setting changes the group in place and
never the instance. Its family follows the major version; RDS refuses a group of another family.
"""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import Template
from troposphere.rds import DBParameterGroup

from underpass.config.facts.databases import series_of
from underpass.config.model import Database

SLOW_MS = 1000  # a statement that takes longer is logged

# Values as RDS writes them.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html
_POSTGRES: Mapping[str, str] = {
    "rds.force_ssl": "1",
    "log_lock_waits": "1",
    "log_min_duration_statement": str(SLOW_MS),
    # Not "ddl": that writes the password of a CREATE ROLE into the log. pgaudit's ddl leaves roles out,
    # and "all" would log the application's data.
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.Query_Logging.html
    "log_statement": "none",
    "pgaudit.log": "ddl",
    "shared_preload_libraries": "pg_stat_statements,pgaudit",
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


def add(template: Template, database: Database) -> DBParameterGroup:
    """Add the engine's settings: TLS only, and slow statements and changes of structure logged."""
    return template.add_resource(
        DBParameterGroup(
            "DatabaseParameters",
            Description="TLS only; slow statements and changes of structure are logged",
            Family=f"{database.engine}{series_of(database.engine, database.version)}",
            Parameters={**PARAMETERS[database.engine], **database.parameters},
        )
    )
