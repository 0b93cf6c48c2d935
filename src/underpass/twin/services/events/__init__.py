"""EventBridge's part in the twin: rules that reach functions, queues and topics, by schedule or event.

Schedules run on the twin's clock, ``clock.SPEED`` times faster than AWS's: ``rate(1 minute)`` is every three
seconds, and a ``cron`` day passes in 72 minutes. A rule runs once as soon as it is enabled and may invoke its
targets, where AWS would let its first period pass, so that nobody waits for the first run.
"""

from underpass.twin.services.events.controller import Schedules

__all__ = ["Schedules"]
