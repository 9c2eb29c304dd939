"""Every kind of failure, in words: what is played, which tests prove it, or why it cannot be met.

Ids never change; a new kind gets a new one.
"""

from __future__ import annotations

from tests.matrix.registry_answers import ANSWERS
from tests.matrix.registry_machine import CAMPAIGN, MACHINE, NAMES, PROCESS
from tests.matrix.registry_service import DEAD_HOSTS, FETCHING, NETWORK, OTHERWISE, OUTPUTS, POLLS, START, SUBMITS

_LATER = (FETCHING, *NAMES, *OTHERWISE, DEAD_HOSTS, *ANSWERS)
KINDS = (*START, *SUBMITS, *POLLS, *OUTPUTS, *NETWORK, *MACHINE, *PROCESS, *CAMPAIGN, *_LATER)
