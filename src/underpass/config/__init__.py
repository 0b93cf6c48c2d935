"""``underpass.toml`` to ``Config``."""

from underpass.config.hints import FILE_NAME
from underpass.config.plugins import without_plugins

with without_plugins():
    from underpass.config.loader import advice, load
    from underpass.config.model import Config
    from underpass.config.problems import ConfigError, Problem

__all__ = ["FILE_NAME", "Config", "ConfigError", "Problem", "advice", "load"]
