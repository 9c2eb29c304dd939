-- The record of a campaign. Permissions (intend, decide, take_back) need the newest epoch; facts are taken from anyone
-- at any time, by the rules of journal/facts.py, since who was believed dead may hold what was paid for.
-- Every function answers with the entries that the caller does not know yet: {"last": …, "entries": [[…], …]}.
-- What each call needs is plpgsql, which plans a statement once a connection; a function in SQL is planned each time.

CREATE OR REPLACE FUNCTION entries_since(p_campaign bigint, p_known bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT jsonb_build_object(
        'last', (SELECT last_seq FROM campaigns WHERE id = p_campaign),
        'entries', coalesce(jsonb_agg(jsonb_build_array(
            seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'), epoch, worker, nonce, kind, body
        ) ORDER BY seq), '[]')
    ) FROM (
        SELECT * FROM entries WHERE campaign = p_campaign AND seq > p_known ORDER BY seq LIMIT 1000
    ) AS page);
END $$;

CREATE OR REPLACE FUNCTION append(
    p_campaign bigint, p_at timestamptz, p_epoch bigint, p_worker text, p_nonce uuid, p_kind text, p_body jsonb
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    number bigint;
BEGIN
    UPDATE campaigns SET last_seq = last_seq + 1 WHERE id = p_campaign RETURNING last_seq INTO STRICT number;
    INSERT INTO entries VALUES (p_campaign, number, p_at, p_epoch, p_worker, p_nonce, p_kind, p_body);
END $$;

CREATE OR REPLACE FUNCTION is_done(p_campaign bigint, p_nonce uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM entries WHERE campaign = p_campaign AND nonce = p_nonce);
END $$;

-- The campaign's row, locked; looks that follow see what those did who had the lock before.
CREATE OR REPLACE FUNCTION locked(p_campaign bigint) RETURNS campaigns LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found campaigns;
BEGIN
    SELECT * INTO STRICT found FROM campaigns WHERE id = p_campaign FOR UPDATE;
    RETURN found;
END $$;

-- A time for what is told of a campaign: never before what its account knows.
CREATE OR REPLACE FUNCTION now_of(p_account text) RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (SELECT greatest(newest, clock()) FROM accounts WHERE digest = p_account);
END $$;

-- The attempt is under way, and with it those of its variations that are due.
CREATE OR REPLACE FUNCTION begin_attempt(p_campaign bigint, p_account text, p_epoch bigint, p_id text, p_job jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO attempts (campaign, id, epoch, images)
    VALUES (p_campaign, p_id, p_epoch, jsonb_array_length(p_job -> 'variations'));
    INSERT INTO sendings (campaign, key, after, attempt)
    SELECT p_campaign, each ->> 'key', coalesce(v.attempt, ''), p_id
    FROM jsonb_array_elements(p_job -> 'variations') AS each
    LEFT JOIN LATERAL (
        SELECT * FROM variations WHERE campaign = p_campaign AND key = each ->> 'key' LIMIT 1 -- so it is looked up by key
    ) AS v ON true
    WHERE coalesce(v.state, 'pending') = 'pending' -- what is not due is not under way by it
    ON CONFLICT DO NOTHING;
    INSERT INTO variations (campaign, key, account, attempt, state)
    SELECT p_campaign, each ->> 'key', p_account, p_id, 'submitting'
    FROM jsonb_array_elements(p_job -> 'variations') AS each
    ON CONFLICT (campaign, key) DO UPDATE SET attempt = excluded.attempt, state = excluded.state
    WHERE variations.state = 'pending';
END $$;

CREATE OR REPLACE FUNCTION answer(p_campaign bigint, p_id text, p_outcome text, p_after text[], p_job_id text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE attempts SET outcome = p_outcome, job_id = coalesce(p_job_id, job_id)
    WHERE campaign = p_campaign AND id = p_id AND outcome = ANY (p_after);
    RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION move(p_campaign bigint, p_attempt text, p_into text, p_after text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE variations SET state = p_into
    WHERE campaign = p_campaign AND attempt = p_attempt AND state = ANY (p_after);
END $$;

-- What one fact does, as in journal/facts.py.
CREATE OR REPLACE FUNCTION apply_fact(p_campaign bigint, p_account text, p_epoch bigint, p_kind text, p_body jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    under_way CONSTANT text[] := ARRAY['submitting', 'accepted', 'in_doubt'];
    tried text := p_body ->> 'attempt';
    owner text;
BEGIN
    IF tried IS NOT NULL AND NOT EXISTS (SELECT FROM attempts WHERE campaign = p_campaign AND id = tried) THEN
        PERFORM begin_attempt(p_campaign, p_account, p_epoch, tried, p_body -> 'job');
    END IF;
    CASE p_kind
    WHEN 'accepted' THEN
        SELECT id INTO owner FROM attempts WHERE campaign = p_campaign AND job_id = p_body -> 'ticket' ->> 'job_id';
        IF owner IS NULL THEN
            IF answer(p_campaign, tried, 'accepted', '{open,in_doubt}', p_body -> 'ticket' ->> 'job_id') THEN
                PERFORM move(p_campaign, tried, 'accepted', '{submitting,in_doubt,pending}');
            END IF;
        ELSIF owner <> tried AND answer(p_campaign, tried, 'in_doubt', '{open}', NULL) THEN
            PERFORM move(p_campaign, tried, 'in_doubt', '{submitting}');
        END IF;
    WHEN 'refused' THEN
        IF answer(p_campaign, tried, 'refused', '{open,in_doubt}', NULL) THEN
            PERFORM move(p_campaign, tried, CASE WHEN (p_body -> 'for_good')::boolean THEN 'failed' ELSE 'pending' END,
                '{submitting,in_doubt}');
        END IF;
    WHEN 'in_doubt' THEN
        IF answer(p_campaign, tried, 'in_doubt', '{open}', NULL) THEN
            PERFORM move(p_campaign, tried, 'in_doubt', '{submitting}');
        END IF;
    WHEN 'stored' THEN
        UPDATE variations SET state = 'stored', attempt = tried
        WHERE campaign = p_campaign AND key = p_body ->> 'key' AND state = ANY (under_way || 'pending'::text);
        PERFORM pictured(p_body ->> 'sha256', (p_body ->> 'looks')::bigint);
    WHEN 'failed' THEN
        UPDATE variations SET state = 'failed'
        WHERE campaign = p_campaign AND key = p_body ->> 'key' AND attempt = tried AND state = ANY (under_way);
    WHEN 'adopted' THEN
        INSERT INTO variations (campaign, key, account, attempt, state)
        VALUES (p_campaign, p_body -> 'variation' ->> 'key', p_account, NULL, 'stored')
        ON CONFLICT (campaign, key) DO UPDATE SET attempt = NULL, state = 'stored'
        WHERE variations.state IN ('pending', 'failed', 'abandoned');
        PERFORM pictured(p_body ->> 'sha256', (p_body ->> 'looks')::bigint);
    WHEN 'placed' THEN
        PERFORM pictured(p_body ->> 'sha256', NULL);
    ELSE -- it moves nothing
    END CASE;
END $$;

-- Facts, [[kind, body], …], from anyone at any time. Told again with a nonce, they change nothing. With
-- ["answered", {"permits", "settings"}] among them, the permits are settled too, and the answer has what is "learnt".
CREATE OR REPLACE FUNCTION tell(
    p_campaign bigint, p_nonce uuid, p_epoch bigint, p_worker text, p_known bigint, p_facts jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    moment timestamptz;
    fact jsonb;
    answer jsonb := (SELECT each -> 1 FROM jsonb_array_elements(p_facts) AS each WHERE each ->> 0 = 'answered');
BEGIN
    PERFORM durably();
    IF answer IS NOT NULL THEN -- first, as `intend` locks: the account, then the campaign
        answer := jsonb_build_object('learnt', answered((SELECT account FROM campaigns WHERE id = p_campaign),
            ARRAY(SELECT jsonb_array_elements_text(answer -> 'permits')::bigint), answer -> 'settings'));
    END IF;
    ours := locked(p_campaign);
    IF NOT is_done(p_campaign, p_nonce) THEN
        moment := now_of(ours.account);
        FOR fact IN SELECT * FROM jsonb_array_elements(p_facts) LOOP
            CONTINUE WHEN fact ->> 0 = 'answered';
            PERFORM apply_fact(p_campaign, ours.account, p_epoch, fact ->> 0, fact -> 1);
            PERFORM append(p_campaign, moment, p_epoch, p_worker, p_nonce, fact ->> 0, fact -> 1);
        END LOOP;
    END IF;
    RETURN entries_since(p_campaign, p_known) || coalesce(answer, '{}');
END $$;

-- Why nothing is permitted; NULL where all is well.
CREATE OR REPLACE FUNCTION refusal(ours campaigns, p_epoch bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN ours.epoch <> p_epoch THEN 'epoch' WHEN ours.state <> 'open' THEN ours.state END
$$;

-- Those of the keys that another campaign of the account has stored, waits for or may have been charged for.
CREATE OR REPLACE FUNCTION held_by_others(p_campaign bigint, p_account text, p_keys text[]) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(DISTINCT key), '{}') FROM variations
        WHERE account = p_account AND key = ANY (p_keys) AND campaign <> p_campaign
            AND state IN ('submitting', 'accepted', 'in_doubt', 'stored'));
END $$;

-- The same, as a run asks before it asks for a permit.
CREATE OR REPLACE FUNCTION held(p_campaign bigint, p_keys jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT to_jsonb(held_by_others(p_campaign, account, ARRAY(SELECT jsonb_array_elements_text(p_keys))))
    FROM campaigns WHERE id = p_campaign
$$;

-- How many images were bought: submitted and not refused.
CREATE OR REPLACE FUNCTION bought(p_campaign bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT images_bought FROM campaigns WHERE id = p_campaign);
END $$;

-- The same of all runs of a command, in requests, too; without those of the campaign p_but.
CREATE OR REPLACE FUNCTION bought_for(p_command uuid, p_but bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('images', coalesce(sum(images), 0), 'requests', count(*))
        FROM attempts WHERE command = p_command AND outcome <> 'refused' AND campaign IS DISTINCT FROM p_but);
END $$;

-- How many images may be bought yet: within the budget of the campaign, and the limits of the command,
-- {"command", "images", "requests"}, both or either of which may be null. NULL where nothing bounds them.
CREATE OR REPLACE FUNCTION room_for(p_campaign bigint, p_budget bigint, p_limits jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    spent CONSTANT jsonb := bought_for((p_limits ->> 'command')::uuid, NULL);
    room CONSTANT bigint := least( -- of what there is
        p_budget - CASE WHEN p_budget IS NOT NULL THEN bought(p_campaign) END,
        (p_limits ->> 'images')::bigint - (spent ->> 'images')::bigint
    );
BEGIN
    RETURN CASE WHEN (spent ->> 'requests')::bigint >= (p_limits ->> 'requests')::bigint THEN 0
        WHEN room < 0 THEN 0 ELSE room END;
END $$;

-- The part of an attempt that may be sent, in its order; NULL where that is nothing.
CREATE OR REPLACE FUNCTION free_part(p_campaign bigint, p_id text, p_job jsonb, p_held text[], p_room bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    part jsonb;
BEGIN
    IF EXISTS (SELECT FROM attempts WHERE campaign = p_campaign AND id = p_id) OR EXISTS (
        SELECT FROM jsonb_array_elements(p_job -> 'variations') AS each CROSS JOIN LATERAL (
            SELECT * FROM variations WHERE campaign = p_campaign AND key = each ->> 'key' LIMIT 1 -- as above
        ) AS v WHERE v.state <> 'pending' AND NOT v.key = ANY (p_held)
    ) THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_agg(each ORDER BY place) INTO part FROM (
        SELECT each, place FROM jsonb_array_elements(p_job -> 'variations') WITH ORDINALITY AS list (each, place)
        WHERE NOT each ->> 'key' = ANY (p_held) ORDER BY place LIMIT p_room
    ) AS free;
    RETURN CASE WHEN part IS NOT NULL THEN jsonb_set(p_job, '{variations}', part) END;
END $$;

-- The run that inserts the rows may send, after the attempts that it believes to be the last. A second inserts nothing:
-- it is told by the rows themselves, so no plan matters that was made while there were few.
CREATE OR REPLACE FUNCTION claim(p_campaign bigint, p_id text, p_job jsonb, p_after jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO sendings (campaign, key, after, attempt)
    SELECT p_campaign, each ->> 'key', coalesce(p_after ->> (each ->> 'key'), ''), p_id
    FROM jsonb_array_elements(p_job -> 'variations') AS each;
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RETURN false;
END $$;

-- Leave to send attempts, [{"id", "job"}, …]: what others have, what is under way and what is beyond the budget is
-- left out, and what is beyond the limits of the command. p_terms: {"after": {key: attempt}, "shares": look at other
-- campaigns, "budget": images or null, "limits": see room_for, or null}. The answer has "refused" where nothing is
-- permitted at all, the keys "held" by others, and what was bought "beside" for the command, by its other campaigns.
CREATE OR REPLACE FUNCTION intend(
    p_campaign bigint, p_nonce uuid, p_epoch bigint, p_worker text, p_known bigint, p_attempts jsonb, p_terms jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    moment timestamptz;
    each jsonb;
    part jsonb;
    held text[] := '{}';
    for_command CONSTANT uuid := p_terms -> 'limits' ->> 'command';
    why text;
BEGIN
    PERFORM durably();
    SELECT * INTO STRICT ours FROM campaigns WHERE id = p_campaign;
    PERFORM pg_advisory_xact_lock(hashtextextended('campaign_runner ' || ours.account, 0));
    moment := tick(ours.account);
    ours := locked(p_campaign);
    why := refusal(ours, p_epoch);
    IF why IS NULL AND ours.is_stopped THEN
        why := 'stopped';
    END IF;
    IF why IS NULL AND NOT is_done(p_campaign, p_nonce) THEN
        IF (p_terms -> 'shares')::boolean THEN
            held := held_by_others(p_campaign, ours.account, ARRAY(
                SELECT v ->> 'key' FROM jsonb_array_elements(p_attempts) a, jsonb_array_elements(a -> 'job' -> 'variations') v
            ));
        END IF;
        FOR each IN SELECT * FROM jsonb_array_elements(p_attempts) LOOP
            part := free_part(p_campaign, each ->> 'id', each -> 'job', held,
                room_for(p_campaign, (p_terms ->> 'budget')::bigint, p_terms -> 'limits'));
            IF part IS NOT NULL AND claim(p_campaign, each ->> 'id', part, p_terms -> 'after') THEN
                PERFORM begin_attempt(p_campaign, ours.account, p_epoch, each ->> 'id', part);
                UPDATE attempts SET command = for_command
                WHERE for_command IS NOT NULL AND campaign = p_campaign AND id = each ->> 'id';
                PERFORM append(p_campaign, moment, p_epoch, p_worker, p_nonce, 'submitting',
                    jsonb_build_object('attempt', each -> 'id', 'job', part));
            END IF;
        END LOOP;
    END IF;
    RETURN entries_since(p_campaign, p_known) || jsonb_build_object('refused', why, 'held', to_jsonb(held), 'beside',
        CASE WHEN for_command IS NOT NULL THEN bought_for(for_command, p_campaign) END);
END $$;

-- What is true of the whole campaign.
CREATE OR REPLACE FUNCTION note(
    p_campaign bigint, p_nonce uuid, p_epoch bigint, p_worker text, p_known bigint, p_facts jsonb
) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT tell(p_campaign, p_nonce, p_epoch, p_worker, p_known,
        jsonb_build_array(jsonb_build_array('note', jsonb_build_object('facts', p_facts))))
$$;

-- A person's decision over keys, {"reason", "keys", "states", "into"}.
CREATE OR REPLACE FUNCTION decide(
    p_campaign bigint, p_nonce uuid, p_epoch bigint, p_worker text, p_known bigint, p_decision jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    why text;
BEGIN
    PERFORM durably();
    ours := locked(p_campaign);
    why := refusal(ours, p_epoch);
    IF why IS NULL AND NOT is_done(p_campaign, p_nonce) THEN
        UPDATE variations SET state = p_decision ->> 'into'
        WHERE campaign = p_campaign AND key IN (SELECT jsonb_array_elements_text(p_decision -> 'keys'))
            AND p_decision -> 'states' ? state;
        PERFORM append(p_campaign, now_of(ours.account), p_epoch, p_worker, p_nonce, 'decide', p_decision);
    END IF;
    RETURN entries_since(p_campaign, p_known) || jsonb_build_object('refused', why);
END $$;

-- What a person gave up is as it was: {"reason", "keys", "states": {key: state}}, by what the caller read at p_known.
CREATE OR REPLACE FUNCTION take_back(
    p_campaign bigint, p_nonce uuid, p_epoch bigint, p_worker text, p_known bigint, p_decision jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    why text;
BEGIN
    PERFORM durably();
    ours := locked(p_campaign);
    why := coalesce(refusal(ours, p_epoch), CASE WHEN ours.last_seq <> p_known THEN 'news' END);
    IF is_done(p_campaign, p_nonce) THEN
        why := NULL;
    ELSIF why IS NULL THEN
        UPDATE variations SET state = each.value
        FROM jsonb_each_text(p_decision -> 'states') AS each
        WHERE campaign = p_campaign AND variations.key = each.key AND state = 'abandoned';
        PERFORM append(p_campaign, now_of(ours.account), p_epoch, p_worker, p_nonce, 'take_back', p_decision - 'states');
    END IF;
    RETURN entries_since(p_campaign, p_known) || jsonb_build_object('refused', why);
END $$;
