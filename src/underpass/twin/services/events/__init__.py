"""EventBridge's part in the twin: rules that reach functions, queues and topics, by schedule or event.

The application's rules run by the real clock. The registrar's runs on the twin's, ``clock.SPEED`` times
faster than AWS's: ``rate(1 minute)`` is every three seconds. It runs once as soon as it is enabled and may
invoke its target, where AWS would let its first period pass, so that nobody waits for the first run.
"""

from underpass.twin.services.events.controller import Schedules

__all__ = ["Schedules"]
