"""EventBridge Scheduler's part in the twin: schedules that start tasks, call functions and send messages.

Unlike EventBridge's rules they run by the real clock, whatever its zone: a job at five runs at five.
"""

from underpass.twin.services.scheduler.controller import Scheduler

__all__ = ["Scheduler"]
