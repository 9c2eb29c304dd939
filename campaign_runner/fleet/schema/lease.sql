-- Who holds a campaign. Taking it raises its epoch: who held it before may send nothing more, and is still believed.

-- The campaign with a prefix, made if need be.
CREATE OR REPLACE FUNCTION campaign(p_account text, p_prefix text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    PERFORM tick(p_account);
    INSERT INTO campaigns (account, prefix) VALUES (p_account, p_prefix) ON CONFLICT DO NOTHING;
    RETURN (SELECT jsonb_build_object('id', id, 'account', account, 'prefix', prefix, 'state', state, 'why', why)
        FROM campaigns WHERE prefix = p_prefix);
END $$;

-- The campaigns of an account that have a record.
CREATE OR REPLACE FUNCTION campaigns_of(p_account text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'account', account, 'prefix', prefix, 'state', state, 'why', why
    ) ORDER BY prefix), '[]') FROM campaigns WHERE account = p_account AND last_seq > 0
$$;

-- The holder of a campaign, if it was heard of within p_seconds: {"host", "since"} or NULL.
CREATE OR REPLACE FUNCTION holder_of(p_campaign bigint, p_seconds double precision) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_object('host', host, 'since', extract(epoch FROM held_since)::double precision)
    FROM campaigns WHERE id = p_campaign AND holder IS NOT NULL
        AND heard_at > now_of(account) - make_interval(secs => p_seconds)
$$;

-- Take a campaign that has no holder, or whose holder was not heard of for p_seconds. What older epochs sent and has
-- no answer is in doubt for p_reason. The answer is {"epoch"}, or {"busy": {"host", "since"}}.
-- With p_is_run a stop that was asked for is over.
CREATE OR REPLACE FUNCTION take(
    p_campaign bigint, p_holder uuid, p_host text, p_worker text, p_seconds double precision, p_is_run boolean,
    p_reason jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    moment timestamptz;
    busy jsonb;
    lost text;
BEGIN
    PERFORM durably();
    SELECT * INTO STRICT ours FROM campaigns WHERE id = p_campaign;
    moment := tick(ours.account);
    ours := locked(p_campaign);
    IF ours.holder = p_holder THEN
        RETURN jsonb_build_object('epoch', ours.epoch); -- the connection broke after the commit
    END IF;
    busy := holder_of(p_campaign, p_seconds);
    IF busy IS NOT NULL THEN
        RETURN jsonb_build_object('busy', busy);
    END IF;
    UPDATE campaigns SET epoch = epoch + 1, holder = p_holder, host = p_host, held_since = moment, heard_at = moment,
        is_stopped = is_stopped AND NOT p_is_run
    WHERE id = p_campaign RETURNING * INTO ours;
    PERFORM append(p_campaign, moment, ours.epoch, p_worker, p_holder, 'opened', '{}');
    FOR lost IN SELECT id FROM attempts WHERE campaign = p_campaign AND outcome = 'open' ORDER BY id LOOP
        PERFORM apply_fact(p_campaign, ours.account, ours.epoch, 'in_doubt', jsonb_build_object('attempt', lost));
        PERFORM append(p_campaign, moment, ours.epoch, p_worker, p_holder, 'in_doubt',
            jsonb_build_object('attempt', lost, 'reason', p_reason, 'answer', ''));
    END LOOP;
    RETURN jsonb_build_object('epoch', ours.epoch);
END $$;

-- The holder is alive. The answer tells whether it is still the holder, who is, and whether a stop was asked for.
CREATE OR REPLACE FUNCTION beat(p_campaign bigint, p_holder uuid, p_epoch bigint) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns := locked(p_campaign);
    is_ours boolean := ours.holder IS NOT DISTINCT FROM p_holder AND ours.epoch = p_epoch;
BEGIN
    PERFORM durably();
    IF is_ours THEN
        UPDATE campaigns SET heard_at = now_of(account) WHERE id = p_campaign;
    END IF;
    RETURN jsonb_build_object('is_ours', is_ours, 'host', ours.host, 'is_stopped', ours.is_stopped,
        'since', extract(epoch FROM ours.held_since)::double precision);
END $$;

-- The holder leaves.
CREATE OR REPLACE FUNCTION leave(p_campaign bigint, p_holder uuid) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE campaigns SET holder = NULL WHERE id = p_campaign AND holder = p_holder;
    RETURN NULL;
END $$;

-- Nothing more is bought until the next run.
CREATE OR REPLACE FUNCTION ask_to_stop(p_campaign bigint) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE campaigns SET is_stopped = true WHERE id = p_campaign;
    RETURN NULL;
END $$;

-- A campaign that was held after a restore may be sent again.
CREATE OR REPLACE FUNCTION release(p_campaign bigint) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE campaigns SET state = 'open', why = '' WHERE id = p_campaign AND state = 'held';
    RETURN NULL;
END $$;
