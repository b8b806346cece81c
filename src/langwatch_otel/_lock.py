"""The lock that naming takes: one for all scopes, because a name travels between them."""

from __future__ import annotations

import threading

from ._fork import free_after_fork

# Naming is rare and short; of spans only a local root that starts with a thread takes it. Re-entrant, as a finaliser
# that the garbage collector runs meanwhile may name too.
lock = free_after_fork(threading.RLock())
