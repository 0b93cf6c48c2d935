"""moto without the 1,200 machine images it would make anew, in a tenth of a second, with each reset."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def few_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave the images that moto has in every region, and none of those of one region."""
    from moto.ec2.models import amis

    images = tmp_path_factory.mktemp("moto") / "amis.json"
    images.write_text(json.dumps(amis.AMIS, default=str))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_AMIS_PATH", str(images))
        yield
