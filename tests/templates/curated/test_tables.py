"""What is generated says what it is made from, and the change table misses no key."""

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from tools.changes import CHANGES, Change, effects
from tools.tables import FILES

from underpass.config.model import Between, Config, RotationWindow, Scaling
from underpass.config.model.workers import WorkerScaling

pytestmark = pytest.mark.xdist_group("tables")  # one worker, so that each change is looked at once


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_generated_file_is_up_to_date(file: Path) -> None:
    committed = file.read_text(encoding="utf-8")
    assert committed == FILES[file](), "run make tables, and look at what changed"


def test_every_key_has_a_row() -> None:
    rows = {key for change in CHANGES for key in keys_of(change)}
    assert set(keys(Config)) - {"folder", "documents"} <= rows


def test_a_change_of_nothing_is_nothing() -> None:
    assert effects(Change("", "", "", {})) == {}


@pytest.mark.parametrize(
    ("key", "part", "logical_id"),
    [
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
        ("database.name", "foundation", "DatabaseInstance"),
        ("service.cpu", "service", "TaskDefinition"),
        ("privatelink.alb_targets", "path", "NlbTargetGroup"),
    ],
)
def test_what_aws_documents_as_replacement_is_found(key: str, part: str, logical_id: str) -> None:
    (change,) = (change for change in CHANGES if change.key == key)
    assert logical_id in effects(change)[part].replaced


def test_only_these_keys_replace_or_remove_what_holds_data() -> None:
    """A row that joins them has to be refused by check and plan as well."""
    losing = {
        change.key
        for change in CHANGES
        if any(
            set(effect.data) & {*effect.replaced, *effect.removed}
            for effect in effects(change).values()
        )
    }
    refused = {"name", "region", "database", "database.name", "files", "assets"}
    refused |= {"addons", "addons.name"}
    refused |= {"kms_key", "log_bucket"}
    refused |= {"database.snapshot", "database.existing"}
    told = {"network.flow_logs"}  # logs that stay: nothing of the application reads them
    assert losing == refused | told


def keys_of(change: Change) -> list[str]:
    first, *others = change.key.split(", ")
    section = first.rpartition(".")[0]
    return [first, *(f"{section}.{other}" for other in others)]


def keys(model: Any, above: str = "") -> list[str]:
    """Return the path of every key of a model."""
    found = []
    for name, field in model.model_fields.items():
        inner = _model(field.annotation)
        if inner and not issubclass(
            inner, Between | Scaling | WorkerScaling | RotationWindow
        ):  # one key of two
            found += keys(inner, f"{above}{name}.")
        else:
            found.append(f"{above}{name}")
    return found


def _model(annotation: Any) -> Any:
    """Return the model inside an annotation such as ``Section | None`` or ``tuple[Section, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model(one))), None)
