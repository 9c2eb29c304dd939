"""Everything that takes foreign input, and its share of every thousand inputs."""

from __future__ import annotations

from answers_fuzz import ANSWERS, RETRY_AFTER
from campaigns_fuzz import CAMPAIGNS
from fuzzing import Target
from journals_fuzz import JOURNALS
from manifests_fuzz import MANIFESTS
from pictures_fuzz import PICTURES
from wire_fuzz import HTTP
from words_fuzz import NAMES, ONLY, TEMPLATES

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        CAMPAIGNS, ANSWERS, HTTP, PICTURES, JOURNALS, MANIFESTS, NAMES, TEMPLATES, ONLY, RETRY_AFTER,
    )
}  # fmt: skip
