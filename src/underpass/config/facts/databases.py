"""RDS: the versions of each engine, and the instance classes each version runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from underpass.config.facts.stored import stored

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Engines.html
_WITHOUT_INSIGHTS = frozenset(
    f"db.{family}.{size}" for family in ("t2", "t3", "t4g") for size in ("micro", "small")
)

_SERIES_NUMBERS = {"postgres": 1, "mysql": 2, "mariadb": 2}  # of a version
_MAJORS_AHEAD = 2  # that may come to be before the table is written anew


@dataclass(frozen=True)
class DatabaseClass:
    """An instance class, for one engine.

    Attributes
    ----------
    performance_insights
        Whether Performance Insights (Database Insights) can be turned on.
    """

    name: str
    performance_insights: bool


def engine_versions(engine: str) -> tuple[str, ...]:
    """Return the full versions RDS creates, the oldest first."""
    return tuple(stored("databases")["versions"][engine])


def database_class(engine: str, name: str, version: str = "") -> DatabaseClass | None:
    """Return a class ``engine`` runs on in some region, or None when the table has none: see ``newer_class``.

    Parameters
    ----------
    version
        A version, full or not; without it the class is looked for among those of every version.

    Example
    -------
    >>> database_class("mysql", "db.t4g.micro", "8.4")
    DatabaseClass(name='db.t4g.micro', performance_insights=False)
    """
    if name not in classes(engine, version):
        return None
    return DatabaseClass(name, engine == "postgres" or name not in _WITHOUT_INSIGHTS)


def classes(engine: str, version: str = "") -> frozenset[str]:
    """Return the classes for a version, or for every version of the engine."""
    found = stored("databases")
    series: Mapping[str, int] = found["series"][engine]
    asked = [one for one in series if not version or part_of(version, one) or part_of(one, version)]
    return frozenset(name for one in asked for name in found["classes"][series[one]])


def newer_class(name: str) -> bool:
    """Return whether RDS may have this class though the table does not: its family is not known either."""
    families = {
        known.rsplit(".", 1)[0] for group in stored("databases")["classes"] for known in group
    }
    return name.rsplit(".", 1)[0] not in families


def nearest_class(engine: str, name: str, version: str = "") -> str:
    """Return the class most likely meant; empty if none is near."""
    near = get_close_matches(name, sorted(classes(engine, version)), n=1)
    return near[0] if near else ""


def creates(engine: str, version: str) -> bool:
    """Return whether RDS creates this version; a major one stands for the newest of it."""
    return any(part_of(known, version) for known in engine_versions(engine))


def newer_version(engine: str, version: str) -> bool:
    """Return whether RDS may have this version though the table does not: a little newer than all like it."""
    known = engine_versions(engine)
    series, major = series_of(engine, version), _order(version)[0]
    alike = [one for one in known if part_of(one, series)]
    alike = alike or [one for one in known if _order(one)[0] == major] or [*known]
    newest = max(map(_order, alike))
    return newest < _order(version) and major <= newest[0] + _MAJORS_AHEAD


def withdrawn(engine: str, version: str) -> bool:
    """Return whether RDS had this version and no longer creates it."""
    return any(part_of(known, version) for known in stored("databases")["deprecated"][engine])


def names_series(engine: str, version: str) -> bool:
    """Return whether a version says its series, after which RDS calls families of parameter groups.

    One number does for PostgreSQL (``postgres16``), two are needed for the others (``mysql8.4``).
    """
    return len(version.split(".")) >= _SERIES_NUMBERS[engine]


def newest_series(engine: str, version: str) -> str:
    """Return the newest series that starts like ``version``, or else of all."""
    known = [series_of(engine, one) for one in engine_versions(engine)]
    return [*known, *(one for one in known if part_of(one, version))][-1]


def nearest_version(engine: str, version: str) -> str:
    """Return what to write instead: the newest of the same series, or else the next series there is."""
    known = engine_versions(engine)
    series = series_of(engine, version)
    alike = [one for one in known if part_of(one, series)]
    if alike:
        return alike[-1]
    later = [one for one in known if _order(one) > _order(version)]
    return series_of(engine, (later or [known[-1]])[0])


def part_of(version: str, start: str) -> bool:
    """Return whether ``version`` is ``start`` or one of its minor versions."""
    return version == start or version.startswith(f"{start}.")


def series_of(engine: str, version: str) -> str:
    """Return what RDS calls the major version: ``16`` of PostgreSQL 16.4, ``8.0`` of MySQL 8.0.40."""
    return ".".join(version.split(".")[: _SERIES_NUMBERS[engine]])


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
