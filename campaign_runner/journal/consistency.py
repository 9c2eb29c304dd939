"""Whether a journal agrees with itself: the tables are what the events add up to, and no row is missing.

SQLite notices a torn page, not a row that someone deleted or a letter that flipped. What decides
about money is recorded twice in the journal, so it can be noticed here, before anything is sent.
"""

from __future__ import annotations

import sqlite3
from hashlib import sha256

from campaign_runner.disk import image_names
from campaign_runner.model import State, variation_key

_DECIDED = "SELECT key FROM events WHERE kind IN ('resubmit', 'retry')"
_FORGOTTEN = "SELECT detail ->> 'attempt' FROM events WHERE kind = 'forgotten'"
_DIFFERS = """(v.file IS NOT e.detail ->> 'file' OR v.sha256 IS NOT e.detail ->> 'sha256'
    OR v.bytes IS NOT e.detail ->> 'bytes' OR v.media_type IS NOT e.detail ->> 'media_type')"""
_CONTRADICTIONS = {
    "an event is missing": "SELECT 1 WHERE (SELECT count(*) != max(seq) FROM events)",
    "a request is missing": "SELECT 1 WHERE (SELECT count(*) != max(number) FROM attempts)",
    "an image is missing": """
        SELECT 1 WHERE (SELECT count(*) != max(number) FROM variations)
        UNION ALL SELECT 1 FROM attempts a, json_each(a.seeds) s
        WHERE NOT EXISTS (SELECT 1 FROM variations v WHERE v.key = variation_key(a.recipe, s.value))""",
    "a recipe or a key is not what it was": """
        SELECT 1 FROM recipes WHERE digest != sha256(text)
        UNION ALL SELECT 1 FROM variations WHERE key != variation_key(recipe, seed)
        UNION ALL SELECT 1 FROM pragma_foreign_key_check""",
    "a request is not what was recorded": """
        SELECT 1 FROM events e LEFT JOIN attempts a ON a.id = e.attempt
        WHERE CASE e.kind
            WHEN 'submitting' THEN json(a.seeds) IS NOT e.detail -> 'seeds' OR a.submitted_at IS NOT e.at
                OR a.images IS NOT json_array_length(a.seeds)
            WHEN 'accepted' THEN a.outcome IS NOT 'accepted' OR a.job_id IS NOT e.detail ->> 'job_id'
                OR a.status_url IS NOT e.detail ->> 'status_url' OR a.cancel_url IS NOT e.detail ->> 'cancel_url'
                OR a.answered_at IS NOT e.at
            WHEN 'refused' THEN a.outcome IS NOT 'refused'
            WHEN 'in_doubt' THEN a.outcome IS NULL OR a.outcome = 'open'
        END
        UNION ALL SELECT 1 FROM (
            SELECT sum(kind = 'submitting') AS begun, sum(kind = 'accepted') AS accepted,
                sum(kind = 'refused') AS refused, sum(kind = 'in_doubt') AS in_doubt FROM events
        ) WHERE begun != (SELECT count(*) FROM attempts)
            OR accepted != (SELECT count(*) FROM attempts WHERE outcome = 'accepted')
            OR accepted != (SELECT count(job_id) FROM attempts)
            OR refused != (SELECT count(*) FROM attempts WHERE outcome = 'refused')
            OR in_doubt < (SELECT count(*) FROM attempts WHERE outcome = 'in_doubt')""",
    "an image is not where it was recorded": f"""
        SELECT 1 FROM events e LEFT JOIN variations v ON v.key = e.key
        WHERE e.kind IN ('stored', 'adopted') AND (v.state IS NOT '{State.STORED}' OR v.stored_at IS NOT e.at
            OR {_DIFFERS} AND e.key NOT IN (SELECT key FROM events WHERE kind = 'placed'))
        UNION ALL SELECT 1 FROM (SELECT key, max(seq), detail FROM events WHERE kind = 'placed' GROUP BY key) e
        LEFT JOIN variations v ON v.key = e.key WHERE {_DIFFERS}
        UNION ALL SELECT 1 WHERE (SELECT count(*) FROM variations WHERE state = '{State.STORED}') !=
            (SELECT count(*) FROM events WHERE kind IN ('stored', 'adopted'))""",
    "an image is recorded outside the folders of images": """
        SELECT 1 FROM variations WHERE file IS NOT NULL AND is_elsewhere(file)
        UNION ALL SELECT 1 FROM events
        WHERE kind IN ('stored', 'adopted', 'placed', 'set_aside') AND is_elsewhere(detail ->> 'file')""",
    "the state of an image is not that of its request": f"""
        SELECT 1 FROM variations v LEFT JOIN attempts a ON a.id = v.attempt
        WHERE v.source IS NULL AND (v.recipe IS NOT a.recipe OR CASE v.state
            WHEN 'submitting' THEN a.outcome != 'open'
            WHEN '{State.ACCEPTED}' THEN a.outcome != 'accepted'
            WHEN '{State.IN_DOUBT}' THEN a.outcome != 'in_doubt'
            WHEN '{State.FAILED}' THEN
                a.outcome != 'refused' AND v.key NOT IN (SELECT key FROM events WHERE kind = 'failed')
            WHEN '{State.ABANDONED}' THEN v.key NOT IN (SELECT key FROM events WHERE kind = 'abandon')
            WHEN '{State.PENDING}' THEN
                a.outcome != 'refused' AND v.key NOT IN ({_DECIDED}) AND v.attempt NOT IN ({_FORGOTTEN})
        END)""",
    "the custom model or an upload is not what was recorded": """
        SELECT 1 WHERE (SELECT value FROM meta WHERE name = 'model') IS NOT
            (SELECT detail FROM events WHERE kind = 'model_resolved' ORDER BY seq DESC LIMIT 1)
        UNION ALL SELECT 1 FROM uploads u WHERE u.upload_id IS NOT (
            SELECT detail ->> 'upload_id' FROM events
            WHERE kind = 'uploaded' AND detail ->> 'sha256' = u.sha256 ORDER BY seq DESC LIMIT 1)""",
}


def first_contradiction(connection: sqlite3.Connection) -> str | None:
    """The first thing in which a journal contradicts itself, None if it does not. Raises what SQLite raises."""
    connection.create_function("variation_key", 2, variation_key, deterministic=True)
    connection.create_function("sha256", 1, lambda text: sha256(text.encode()).hexdigest(), deterministic=True)
    connection.create_function("is_elsewhere", 1, image_names.is_outside, deterministic=True)
    for what, query in _CONTRADICTIONS.items():
        try:
            if connection.execute(f"{query} LIMIT 1").fetchone() is not None:
                return what
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_ERROR":
                raise
            return "a row cannot be read"  # no JSON where JSON was written, no text where a text was
    return None
