"""``underpass.toml`` to ``Config``."""

from underpass.config.loader import FILE_NAME, load
from underpass.config.model import Config
from underpass.config.problems import ConfigError, Problem

__all__ = ["FILE_NAME", "Config", "ConfigError", "Problem", "load"]
