"""Lambda on the twin: a function's own code, run warm in a sandbox, with the rights of an AWS client.

``Functions`` runs what moto's Lambda holds. Any ``python3.x`` runtime runs on the Python underpass itself
runs on, and the function's log says so; other runtimes are refused when the function is made.
"""

from underpass.twin.services.lambda_.model import Function, Outcome, ThrottledError
from underpass.twin.services.lambda_.runner import Functions

__all__ = ["Function", "Functions", "Outcome", "ThrottledError"]
