-- A campaign on its way into the fleet, or out of it. Until it has arrived it is 'moved': nothing is sent of it.

-- Begin an import, or go on with it. {"campaign": …}, or {"refused": why} where the fleet has a record of that name.
-- With p_imports a folder is told that the campaign has left for the fleet already: {"elsewhere": why} where it is moved,
-- and not by an import, whose whys all begin so. What such a folder has is older than what left the fleet.
CREATE OR REPLACE FUNCTION begin_import(p_account text, p_prefix text, p_why text, p_imports text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
BEGIN
    PERFORM durably();
    PERFORM tick(p_account);
    INSERT INTO campaigns (account, prefix, state, why) VALUES (p_account, p_prefix, 'moved', p_why)
    ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT ours FROM campaigns WHERE prefix = p_prefix FOR UPDATE;
    IF ours.state <> 'moved' AND ours.last_seq > 0 THEN
        RETURN jsonb_build_object('refused', ours.state);
    END IF;
    IF ours.state = 'moved' AND NOT starts_with(ours.why, coalesce(p_imports, '')) THEN
        RETURN jsonb_build_object('elsewhere', ours.why);
    END IF;
    UPDATE campaigns SET account = p_account, state = 'moved', why = p_why WHERE id = ours.id;
    RETURN jsonb_build_object('campaign', ours.id);
END $$;

-- Some rows of the journal that is imported, {"table", "rows": [{column: value}, …]}; first of all {"table": ""}, after
-- which nothing is left of what was there.
CREATE OR REPLACE FUNCTION import_rows(p_campaign bigint, p_nonce uuid, p_worker text, p_body jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
BEGIN
    PERFORM durably();
    ours := locked(p_campaign);
    IF ours.state <> 'moved' THEN
        RETURN jsonb_build_object('refused', ours.state);
    END IF;
    IF is_done(p_campaign, p_nonce) THEN
        RETURN '{}';
    END IF;
    CASE p_body ->> 'table'
    WHEN '' THEN
        DELETE FROM sendings WHERE campaign = p_campaign;
        DELETE FROM variations WHERE campaign = p_campaign;
        DELETE FROM attempts WHERE campaign = p_campaign;
    WHEN 'attempts' THEN
        INSERT INTO attempts (campaign, id, epoch, images, outcome, job_id)
        SELECT p_campaign, each ->> 'id', (each ->> 'epoch')::bigint, (each ->> 'images')::integer, each ->> 'outcome',
            each ->> 'job_id'
        FROM jsonb_array_elements(p_body -> 'rows') AS each;
        UPDATE campaigns SET epoch = greatest(epoch, (SELECT max(epoch) FROM attempts WHERE campaign = p_campaign))
        WHERE id = p_campaign;
    WHEN 'variations' THEN
        INSERT INTO variations (campaign, key, account, attempt, state)
        SELECT p_campaign, each ->> 'key', ours.account, each ->> 'attempt', each ->> 'state'
        FROM jsonb_array_elements(p_body -> 'rows') AS each;
        INSERT INTO pictures (sha256)
        SELECT DISTINCT each ->> 'sha256' FROM jsonb_array_elements(p_body -> 'rows') AS each
        WHERE each ->> 'sha256' IS NOT NULL
        ON CONFLICT DO NOTHING;
    ELSE -- nothing is permitted by it
    END CASE;
    PERFORM append(p_campaign, now_of(ours.account), ours.epoch, p_worker, p_nonce, 'imported', p_body);
    RETURN '{}';
END $$;

-- What was imported is complete and was compared: it may be run.
CREATE OR REPLACE FUNCTION end_import(p_campaign bigint, p_why text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE campaigns SET state = 'open', why = '' WHERE id = p_campaign AND state = 'moved' AND why = p_why;
    RETURN NULL;
END $$;

-- Begin an export, or go on with it: from now on nothing is sent of the campaign here. {}, {"busy": {"host", "since"}}
-- while a holder was heard of within p_seconds, or {"refused": why} where it is held or went elsewhere.
CREATE OR REPLACE FUNCTION begin_export(p_campaign bigint, p_why text, p_seconds double precision) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    busy jsonb;
BEGIN
    PERFORM durably();
    ours := locked(p_campaign);
    IF ours.state <> 'open' AND ours.why <> p_why THEN
        RETURN jsonb_build_object('refused', ours.why);
    END IF;
    busy := holder_of(p_campaign, p_seconds);
    IF busy IS NOT NULL THEN
        RETURN jsonb_build_object('busy', busy);
    END IF;
    UPDATE campaigns SET state = 'moved', why = p_why, epoch = epoch + 1, holder = NULL WHERE id = p_campaign;
    RETURN '{}';
END $$;
