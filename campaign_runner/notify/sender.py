"""The process that sends one message with Apprise: `python sender.py`, with what to send on its stdin as JSON.

It imports nothing of the package, is given none of its settings, and ends by itself once its time is over. The exit
status is its whole answer: what Apprise logs may hold addresses.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import os
import socket
import sys
import threading
from typing import Any

ARRIVED, NOWHERE, UNSAFE, NO_APPRISE, UNREADABLE = 0, 3, 4, 5, 6
"""Exit statuses: one address at least took it; none did; none may be used; Apprise is missing; no address is one."""


def main() -> int:
    """Send what stdin holds: `addresses`, `title`, `body`, within `seconds`. Without a title, look at the addresses."""
    asked = json.load(sys.stdin)
    timer = threading.Timer(asked["seconds"], os._exit, [NOWHERE])
    timer.daemon = True
    timer.start()
    try:  # an extra, so nothing is known of its types where it is missing
        apprise: Any = importlib.import_module("apprise")
        sessions: Any = importlib.import_module("requests.sessions")
    except ImportError:
        return NO_APPRISE
    sessions.DEFAULT_REDIRECT_LIMIT = 0  # an address is where a message goes, and nowhere else
    socket.getfqdn = _own_name  # how smtplib introduces itself
    asset = apprise.AppriseAsset(async_mode=False, storage_mode=apprise.PersistentStoreMode.MEMORY)
    services = [apprise.Apprise.instantiate(address, asset=asset) for address in asked["addresses"]]
    known = [service for service in services if service is not None]
    safe = [service for service in known if is_safe(service)]
    if not asked["title"]:
        return UNREADABLE if len(known) < len(services) else UNSAFE if len(safe) < len(known) else ARRIVED
    if not safe:
        return UNSAFE if known else UNREADABLE
    arrived = [bool(service.notify(title=asked["title"], body=asked["body"])) for service in safe]
    return ARRIVED if any(arrived) else NOWHERE


def is_safe(service: Any) -> bool:
    """Whether a message reaches an Apprise service encrypted, or does not leave this machine."""
    secure = service.secure_protocol or ()
    is_encrypted = service.schema in ((secure,) if isinstance(secure, str) else secure)
    if is_encrypted and getattr(service, "secure_mode", None) != "insecure":  # mail can be told not to be
        return True
    return _is_here(getattr(service, "smtp_host", None) or service.host)


def _own_name(name: str = "") -> str:
    """What this machine calls itself: no one is asked for it, a resolver in trouble would use up all our time."""
    own = socket.gethostname()
    return own if "." in own else f"{own}.localdomain"


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
