"""Whose stacks the twin's CloudFormation has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.responses import CloudFormationResponse

from underpass.twin.api import patch
from underpass.twin.services.cloudformation import patches


def test_a_call_of_another_account_is_refused_by_name() -> None:
    patch.apply(patches)
    call = SimpleNamespace(current_account="222222222222", params={})
    with pytest.raises(CloudFormationError, match="222222222222 calls"):
        CloudFormationResponse.list_stacks(call)
