"""The API as tasks, functions and the internet reach it: who signs, signs with a key that was issued."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from underpass.twin.api.body import drain
from underpass.twin.api.refusal import Environ, Refusal, StartResponse
from underpass.twin.api.signature import Key, KeyOf, carry, signed, verify

Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_ROLE = "SDKs sign by themselves, with the session of the task's or the function's role"
_SAID = {
    "unsigned": f"The request has no signature, which the twin asks for also where AWS takes it: {_ROLE}",
    "unknown": f"The access key is none of this region's: {_ROLE}",
    "token": f"The session token does not belong to the access key: {_ROLE}",
    "mismatch": f"The signature does not match the request and the access key's secret: {_ROLE}",
}


class Gate:
    """The WSGI application in front of the API, out on the internet.

    Parameters
    ----------
    application
        What answers whoever is let in.
    issued
        Finds the keys.
    """

    def __init__(self, application: Application, issued: KeyOf) -> None:
        self._application = application
        self._issued = issued

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            one = signed(environ)
            verify(one, environ, self._key(one.access_key_id))
        except Refusal as refusal:
            drain(environ)
            told = Refusal(refusal.kind, _SAID.get(refusal.kind, str(refusal)))
            return told.answer(environ, start_response)
        carry(one, environ)
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)  # the key says whose account it is
        return self._application(environ, start_response)

    def _key(self, access_key_id: str) -> Key:
        key = self._issued(access_key_id)
        if key is None:
            raise Refusal("unknown")
        return key
