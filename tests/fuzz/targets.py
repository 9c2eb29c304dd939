"""Everything that takes foreign input, and its share of every thousand inputs."""

from __future__ import annotations

from tests.fuzz.answers_fuzz import ANSWERS, RETRY_AFTER
from tests.fuzz.campaigns_fuzz import CAMPAIGNS
from tests.fuzz.decisions_fuzz import DECISIONS
from tests.fuzz.fuzzing import Target
from tests.fuzz.journals_fuzz import JOURNALS
from tests.fuzz.manifests_fuzz import MANIFESTS
from tests.fuzz.pictures_fuzz import PICTURES
from tests.fuzz.sheets_fuzz import SHEETS
from tests.fuzz.wire_fuzz import HTTP
from tests.fuzz.words_fuzz import NAMES, ONLY, TEMPLATES

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        CAMPAIGNS, SHEETS, ANSWERS, HTTP, PICTURES, JOURNALS, MANIFESTS, DECISIONS, NAMES, TEMPLATES, ONLY, RETRY_AFTER,
    )
}  # fmt: skip
