"""Whether a journal agrees with itself: the tables are what the events add up to, and no row is missing.

SQLite notices a torn page, not a row that someone deleted or a letter that flipped. What decides
about money is recorded twice in the journal, so it can be noticed here, before anything is sent.
Of a journal that agreed with itself up to some event, what came since can be looked at alone.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from hashlib import sha256

from campaign_runner.disk import image_names
from campaign_runner.model import State, variation_key


@dataclass(frozen=True, slots=True)
class Sums:
    """How far a journal agrees with itself: up to event `last`, of which so many are of each kind.

    `kept` counts images that were stored or adopted. By itself, one of which nothing was looked at.
    """

    last: int = 0
    begun: int = 0
    accepted: int = 0
    refused: int = 0
    in_doubt: int = 0
    kept: int = 0


NOTHING = Sums()
_SUMS = """
    SELECT coalesce(max(seq), :last), :begun + count(*) FILTER (WHERE kind = 'submitting'),
        :accepted + count(*) FILTER (WHERE kind = 'accepted'), :refused + count(*) FILTER (WHERE kind = 'refused'),
        :in_doubt + count(*) FILTER (WHERE kind = 'in_doubt'),
        :kept + count(*) FILTER (WHERE kind IN ('stored', 'adopted'))
    FROM events WHERE seq > :last"""
_TOUCHED = {
    "touched_attempts": """SELECT attempt AS id FROM events WHERE seq > :last AND attempt IS NOT NULL
        UNION SELECT detail ->> 'attempt' FROM events WHERE seq > :last AND kind = 'forgotten'""",
    "touched": """SELECT key FROM events WHERE seq > :last AND key IS NOT NULL
        UNION SELECT key FROM variations WHERE attempt IN (SELECT id FROM touched_attempts)""",
}
"""The rows that events after the last one that was looked at speak of."""
_EVERYTHING = {"attempts": "TRUE", "variations": "TRUE", "recipes": "TRUE", "references": "pragma_foreign_key_check"}
_SINCE = {
    "attempts": "a.id IN (SELECT id FROM temp.touched_attempts)",
    "variations": "v.key IN (SELECT key FROM temp.touched)",
    "recipes": """r.digest IN (SELECT recipe FROM variations WHERE key IN (SELECT key FROM temp.touched)
            UNION SELECT recipe FROM attempts WHERE id IN (SELECT id FROM temp.touched_attempts))""",
    "references": """(SELECT 1 FROM variations v LEFT JOIN recipes r ON r.digest = v.recipe
            LEFT JOIN attempts a ON a.id = v.attempt WHERE v.key IN (SELECT key FROM temp.touched)
            AND (r.digest IS NULL OR a.id IS NULL AND v.attempt IS NOT NULL))""",
}
"""Which rows of the tables are looked at; `references` are those that refer to a row that is not there."""
_DECIDED = "SELECT key FROM events WHERE kind IN ('resubmit', 'retry')"
_FORGOTTEN = "SELECT detail ->> 'attempt' FROM events WHERE kind = 'forgotten'"
_DIFFERS = """(v.file IS NOT e.detail ->> 'file' OR v.sha256 IS NOT e.detail ->> 'sha256'
    OR v.bytes IS NOT e.detail ->> 'bytes' OR v.media_type IS NOT e.detail ->> 'media_type')"""
_CONTRADICTIONS = {
    "an event is missing": """
        SELECT 1 WHERE (SELECT count(*) FROM events WHERE seq > :last) !=
            (SELECT coalesce(max(seq), 0) FROM events) - :last""",
    "a request is missing": "SELECT 1 WHERE (SELECT count(*) != max(number) FROM attempts)",
    "an image is missing": """
        SELECT 1 WHERE (SELECT count(*) != max(number) FROM variations)
        UNION ALL SELECT 1 FROM attempts a, json_each(a.seeds) s
        WHERE {attempts} AND NOT EXISTS (SELECT 1 FROM variations v WHERE v.key = variation_key(a.recipe, s.value))""",
    "a recipe or a key is not what it was": """
        SELECT 1 FROM recipes r WHERE {recipes} AND r.digest != sha256(r.text)
        UNION ALL SELECT 1 FROM variations v WHERE {variations} AND v.key != variation_key(v.recipe, v.seed)
        UNION ALL SELECT 1 FROM {references}""",
    "a request is not what was recorded": """
        SELECT 1 FROM events e LEFT JOIN attempts a ON a.id = e.attempt
        WHERE e.seq > :last AND CASE e.kind
            WHEN 'submitting' THEN json(a.seeds) IS NOT e.detail -> 'seeds' OR a.submitted_at IS NOT e.at
                OR a.images IS NOT json_array_length(a.seeds)
            WHEN 'accepted' THEN a.outcome IS NOT 'accepted' OR a.job_id IS NOT e.detail ->> 'job_id'
                OR a.status_url IS NOT e.detail ->> 'status_url' OR a.cancel_url IS NOT e.detail ->> 'cancel_url'
                OR a.answered_at IS NOT e.at
            WHEN 'refused' THEN a.outcome IS NOT 'refused'
            WHEN 'in_doubt' THEN a.outcome IS NULL OR a.outcome = 'open'
        END
        UNION ALL SELECT 1 WHERE :begun != (SELECT count(*) FROM attempts)
            OR :accepted != (SELECT count(*) FROM attempts WHERE outcome = 'accepted')
            OR :accepted != (SELECT count(job_id) FROM attempts)
            OR :refused != (SELECT count(*) FROM attempts WHERE outcome = 'refused')
            OR :in_doubt < (SELECT count(*) FROM attempts WHERE outcome = 'in_doubt')""",
    "an image is not where it was recorded": f"""
        SELECT 1 FROM events e LEFT JOIN variations v ON v.key = e.key
        WHERE e.seq > :last AND e.kind IN ('stored', 'adopted') AND (
            v.state IS NOT '{State.STORED}' OR v.stored_at IS NOT e.at
            OR {_DIFFERS} AND e.key NOT IN (SELECT key FROM events WHERE seq > :last AND kind = 'placed'))
        UNION ALL SELECT 1 FROM (
            SELECT key, max(seq), detail FROM events WHERE seq > :last AND kind = 'placed' GROUP BY key) e
        LEFT JOIN variations v ON v.key = e.key WHERE {_DIFFERS}
        UNION ALL SELECT 1 WHERE :kept != (SELECT count(*) FROM variations WHERE state = '{State.STORED}')""",
    "an image is recorded outside the folders of images": """
        SELECT 1 FROM variations v WHERE {variations} AND v.file IS NOT NULL AND is_elsewhere(v.file)
        UNION ALL SELECT 1 FROM events WHERE seq > :last
            AND kind IN ('stored', 'adopted', 'placed', 'set_aside') AND is_elsewhere(detail ->> 'file')""",
    "the state of an image is not that of its request": f"""
        SELECT 1 FROM variations v LEFT JOIN attempts a ON a.id = v.attempt
        WHERE {{variations}} AND v.source IS NULL AND (v.recipe IS NOT a.recipe OR CASE v.state
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


CHECK = sha256(repr((_CONTRADICTIONS, _EVERYTHING, _SINCE, _TOUCHED, _SUMS)).encode()).hexdigest()
"""The digest of what is looked at: another one, and what was checked once is checked again."""


def first_contradiction(connection: sqlite3.Connection, before: Sums = NOTHING) -> str | None:
    """The first thing in which a journal contradicts itself, None if it does not. Raises what SQLite raises.

    Only what events after those of `before` speak of is looked at; the caller knows that the others were.
    """
    connection.create_function("variation_key", 2, variation_key, deterministic=True)
    connection.create_function("sha256", 1, lambda text: sha256(text.encode()).hexdigest(), deterministic=True)
    connection.create_function("is_elsewhere", 1, image_names.is_outside, deterministic=True)
    try:
        if before != NOTHING:
            _note_touched(connection, before)
        values = asdict(sums(connection, before)) | {"last": before.last}
        for what, query in _CONTRADICTIONS.items():
            looked = query.format_map(_EVERYTHING if before == NOTHING else _SINCE)
            if connection.execute(f"{looked} LIMIT 1", values).fetchone() is not None:
                return what
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_ERROR":
            raise
        return "a row cannot be read"  # no JSON where JSON was written, no text where a text was
    return None


def sums(connection: sqlite3.Connection, before: Sums = NOTHING) -> Sums:
    """What the events add up to, those after `before` added to it."""
    return Sums(*connection.execute(_SUMS, asdict(before)).fetchone())


def _note_touched(connection: sqlite3.Connection, before: Sums) -> None:
    """Tables of this connection alone that name the rows to look at."""
    connection.execute("PRAGMA temp_store = MEMORY")
    for table, query in _TOUCHED.items():
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        connection.execute(f"CREATE TEMP TABLE {table} AS {query}", {"last": before.last})
