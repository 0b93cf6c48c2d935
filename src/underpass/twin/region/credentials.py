"""The twin's key: made at the first ``up``, kept in the state folder, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path

from underpass.errors import UnderpassError

_FILE = "credentials.json"
_ID_LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Credentials:
    """An access key, as the AWS tools take it; ``repr`` does not tell the secret."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id})"


def ensure(state: Path) -> Credentials:
    """Return the key of a state folder, which is made where there is none."""
    path = state / _FILE
    if not path.exists():
        # Not AWS's AKIA: whoever finds this key in a log shall not take it for one of an account's.
        key_id = "UNDERPASS" + "".join(secrets.choice(_ID_LETTERS) for _ in range(11))
        made = Credentials(key_id, secrets.token_urlsafe(30))
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({name: one for name, one in asdict(made).items() if one}, file)
        draft.replace(path)
    return read(state)


def read(state: Path) -> Credentials:
    """Return the key of a state folder.

    Raises
    ------
    UnderpassError
        When there is none, or none that can be read.
    """
    path = state / _FILE
    try:
        return Credentials(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise UnderpassError(
            "the twin's key cannot be read",
            f"{path}: {getattr(error, 'strerror', None) or 'it is no key of a twin'}",
            f"delete the file if it is there, then `underpass down` and `underpass up` in {state.parent}",
        ) from error
