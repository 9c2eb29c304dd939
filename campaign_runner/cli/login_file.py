"""The credentials that `login` keeps: one file in the user's configuration folder that only its owner can read."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import all_of, open_regular
from campaign_runner.errors import AccountRefused
from campaign_runner.firefly.credentials import Secret

_ONLY_MINE = 0o600
_LARGEST = 1 << 16
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep(path: Path, client_id: str, secret: Secret) -> None:
    """Write them in the place of what was kept before; no one else can read them at any moment.

    Raises StoreError, IntegrityError.
    """
    files.make_folder(path.parent, mode=0o700)
    text = json.dumps({"client_id": client_id, "client_secret": secret.reveal()})
    files.write_durably(path, f"{text}\n".encode(), mode=_ONLY_MINE)


def kept(path: Path) -> tuple[str, Secret] | None:
    """The client id and the secret; None where nothing was kept.

    Raises AccountRefused for a file that others can read, or that is not as `keep` writes it.
    """
    try:
        with open_regular(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            found = json.loads(all_of(file, path, _LARGEST))
        client_id, secret = found["client_id"], found["client_secret"]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError):
        raise _unusable(path, "was changed") from None
    if mode & _FOR_OTHERS and sys.platform != "win32":  # Windows keeps the folders of users from others by itself
        raise AccountRefused(f"{path} can be read by others; nothing was sent. Type: chmod 600 {path}", code="exposed")
    if not (isinstance(client_id, str) and isinstance(secret, str)):
        raise _unusable(path, "was changed")
    return client_id, Secret(secret)


def _unusable(path: Path, how: str) -> AccountRefused:
    return AccountRefused(f"{path} {how}; nothing was sent. Log in again: campaign-runner login", code="no_credentials")
