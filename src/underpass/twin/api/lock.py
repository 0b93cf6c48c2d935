"""The one lock around moto's records, which are plain dictionaries of this process.

Whoever holds it waits for nothing: what has to wait does so on a condition of this lock, which lets go of it.
"""

from __future__ import annotations

import threading

RECORDS = threading.RLock()
