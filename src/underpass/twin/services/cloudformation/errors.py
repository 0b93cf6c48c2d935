"""What the CloudFormation API refuses, with AWS's error codes."""

from __future__ import annotations


class ApiError(Exception):
    """An action that is refused.

    Parameters
    ----------
    code
        AWS's error code: ``ValidationError``, ``AlreadyExistsException``, ...
    message
        AWS's wording, where it has one.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ApiError:
    """Return the error AWS gives for nearly everything."""
    return ApiError("ValidationError", message)
