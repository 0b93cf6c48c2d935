"""The curated matrix reaches the whole configuration: every key, every value of a choice, every pair."""

from itertools import chain
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from tests.unit.blueprint.configs import AXES, CURATED, EVERYTHING, config, of_row
from tests.unit.blueprint.pairs import all_pairs, pairs

from underpass.config import rules
from underpass.config.model import Config


def test_there_are_enough_and_no_two_are_the_same() -> None:
    assert len(CURATED) >= 40
    assert len({one.model_dump_json() for one in CURATED.values()}) == len(CURATED)


def test_underpass_check_accepts_every_one() -> None:
    refused = {name: rules.check(one) for name, one in CURATED.items()}
    assert {name: faults for name, faults in refused.items() if faults} == {}


def test_every_key_takes_every_value_of_a_choice_and_more_than_one_of_others() -> None:
    lacking = {}
    for key, annotation in settings(Config):
        tried = {repr(value) for one in CURATED.values() for value in values(one, key.split("."))}
        if wanted := choices(annotation) - tried:
            lacking[key] = wanted
        elif len(tried) < 2 and key not in ("assets.source", "folder"):
            lacking[key] = tried
    assert lacking == {}


def test_every_pair_of_settings_meets_unless_it_is_refused() -> None:
    axes = {axis: tuple(found) for axis, found in AXES.items()}
    rows = pairs(axes, lambda row: not rules.check(of_row(row)))
    met = {pair for pair in all_pairs(axes) for row in rows if pair <= row.items()}
    apart = set(all_pairs(axes)) - met
    assert all(rules.check(of_row(dict(pair))) for pair in apart)
    assert len(met) > 900
    assert all(of_row(row) in CURATED.values() for row in rows)


def test_a_row_is_the_sum_of_its_settings() -> None:
    row = {"database": "postgres", "files": "mounted", "egress": "endpoints", "zones": "three"}
    assert of_row(row) == config(
        database={}, files={"mount": "/srv/files"}, network={"egress": "endpoints", "zones": 3}
    )
    assert EVERYTHING["database"]  # what the others start from has every store


def settings(model: Any, above: str = "") -> list[tuple[str, Any]]:
    """Return every key and section below a model, with its annotation."""
    found: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        found.append((f"{above}{name}", field.annotation))
        for inner in models(field.annotation):
            found += settings(inner, f"{above}{name}.")
    return found


def models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return list(chain.from_iterable(models(one) for one in get_args(annotation)))


def choices(annotation: Any) -> set[str]:
    """Return the values a choice allows: of a Literal, of a flag, and of what may be left out."""
    if annotation is bool:
        return {"True", "False"}
    if get_origin(annotation) is Literal:
        return {repr(value) for value in get_args(annotation)}
    inside = set().union(*map(choices, get_args(annotation))) if get_args(annotation) else set()
    return inside | ({"None"} if type(None) in get_args(annotation) else set())


def values(value: Any, path: list[str]) -> list[Any]:
    if isinstance(value, tuple):
        return [found for one in value for found in values(one, path)] if path else [value]
    if not path:
        return [value, *value.values()] if isinstance(value, dict) else [value]
    return values(getattr(value, path[0]), path[1:]) if value is not None else []
