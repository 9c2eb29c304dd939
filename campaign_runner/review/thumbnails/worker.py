"""A process that makes thumbnails: `python -m campaign_runner.review.thumbnails.worker FOLDER`.

It reads images from stdin, of each a line, `[file, sha256, length]` as JSON, and then its bytes; it answers each with a
line: null, or why it could not be made. It gives way to everyone else, ends when stdin does, however its parent died,
and leaves signals to that.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.thumbnails.thumbnail import flaw

_NICE = 10


def main(folder: Folder) -> None:
    """Make what is asked for until no one asks any more."""
    for line in sys.stdin.buffer:
        file, sha256, length = json.loads(line)
        content = sys.stdin.buffer.read(length)
        sys.stdout.write(json.dumps(flaw(content, folder, file, sha256)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    main(Folder(Path(sys.argv[1])))
