"""What the application must know of the place it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Each variable, and the section of underpass.toml that provides it.
_NEEDED = {
    "DATABASE_HOST": "[database]",
    "DATABASE_PORT": "[database]",
    "DATABASE_NAME": "[database]",
    "DATABASE_USERNAME": "[database]",
    "DATABASE_PASSWORD": "[database]",
    "FILES_PATH": "[files]",
    "ASSETS_BUCKET": "[assets]",
    "AWS_REGION": "any section",
}


class SettingsError(Exception):
    """The application cannot start; the message says what is missing."""


@dataclass(frozen=True)
class Settings:
    """Where everything is."""

    database_host: str
    database_port: int
    database_name: str
    database_username: str
    database_password: str = field(repr=False)
    files: Path
    bucket: str
    region: str
    endpoint_url: str
    metadata_url: str
    port: int
    log_level: str


def read(environment: Mapping[str, str]) -> Settings:
    """Return the settings an environment holds.

    Raises
    ------
    SettingsError
        When something is missing or wrong; it names everything at once.
    """
    problems = [
        f"{name} is not set: add {section} to underpass.toml"
        for name, section in _NEEDED.items()
        if not environment.get(name)
    ]
    files = Path(environment.get("FILES_PATH") or ".")
    if not files.is_dir():
        problems.append(f"FILES_PATH is {files}, which is not a folder")
    ports = {"DATABASE_PORT": environment.get("DATABASE_PORT") or "5432"}
    ports["PORT"] = environment.get("PORT") or "8000"
    problems += [
        f"{name} is {text!r}, not a port" for name, text in ports.items() if not text.isdigit()
    ]
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(
        database_host=environment["DATABASE_HOST"],
        database_port=int(ports["DATABASE_PORT"]),
        database_name=environment["DATABASE_NAME"],
        database_username=environment["DATABASE_USERNAME"],
        database_password=environment["DATABASE_PASSWORD"],
        files=files,
        bucket=environment["ASSETS_BUCKET"],
        region=environment["AWS_REGION"],
        endpoint_url=environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL", ""),
        metadata_url=environment.get("ECS_CONTAINER_METADATA_URI_V4", ""),
        port=int(ports["PORT"]),
        log_level=environment.get("LOG_LEVEL") or "info",
    )
