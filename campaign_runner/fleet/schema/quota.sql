-- The allowance of an account, over all machines.

-- How many requests may be answered yet: after a minute, who asked is gone, or as good as.
CREATE OR REPLACE FUNCTION under_way(p_account text, p_moment timestamptz) RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*)::integer FROM permits
        WHERE account = p_account AND NOT is_answered AND counts_at > p_moment - interval '60 s');
END $$;

-- Seconds until fewer than p_most of the account's requests are in a window of p_window seconds.
CREATE OR REPLACE FUNCTION until_fewer(
    p_account text, p_moment timestamptz, p_most integer, p_window double precision, p_answered_only boolean
) RETURNS double precision LANGUAGE plpgsql STABLE AS $$
DECLARE
    latest timestamptz;
BEGIN
    SELECT counts_at INTO latest FROM permits
    WHERE account = p_account AND (is_answered OR counts_at <= p_moment - interval '60 s' OR NOT p_answered_only)
    ORDER BY counts_at DESC OFFSET p_most - 1 LIMIT 1;
    IF latest IS NULL THEN
        RETURN 0;
    END IF;
    RETURN greatest(0, extract(epoch FROM latest - p_moment)::double precision + p_window);
END $$;

-- The same, to be waited for: an unanswered request may be given back at any moment, so never longer than 10 s for it.
CREATE OR REPLACE FUNCTION window_wait(
    p_account text, p_moment timestamptz, p_most integer, p_window double precision
) RETURNS double precision LANGUAGE plpgsql STABLE AS $$
DECLARE
    at_best double precision := until_fewer(p_account, p_moment, p_most, p_window, true);
BEGIN
    IF under_way(p_account, p_moment) = 0 THEN
        RETURN at_best;
    END IF;
    RETURN greatest(at_best, least(until_fewer(p_account, p_moment, p_most, p_window, false), 10));
END $$;

CREATE OR REPLACE FUNCTION used(p_account text, p_moment timestamptz, p_window double precision) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*)::integer FROM permits
        WHERE account = p_account AND counts_at > p_moment - make_interval(secs => p_window));
END $$;

-- How many requests were answered within a minute.
CREATE OR REPLACE FUNCTION taken(p_account text, p_moment timestamptz) RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*)::integer FROM permits
        WHERE account = p_account AND is_answered AND counts_at > p_moment - interval '60 s');
END $$;

-- Seconds until one more request may leave by what refusals taught: quota/request_log.py, wait_as_believed.
CREATE OR REPLACE FUNCTION believed_wait(p_account text, p_moment timestamptz) RETURNS double precision
LANGUAGE plpgsql STABLE AS $$
DECLARE
    seconds double precision := extract(epoch FROM p_moment);
    is_any_open boolean := under_way(p_account, p_moment) > 0;
    belief jsonb;
    last double precision;
BEGIN
    SELECT accounts.belief INTO belief FROM accounts WHERE digest = p_account;
    IF belief IS NULL OR seconds >= (belief ->> 'at')::double precision + 86400 THEN
        RETURN 0;
    END IF;
    IF (belief ->> 'pause')::double precision > 0 THEN
        SELECT extract(epoch FROM max(counts_at)) INTO last FROM permits WHERE account = p_account AND is_answered;
        last := CASE WHEN is_any_open THEN seconds ELSE coalesce(last, seconds - 60) END;
        RETURN least(greatest(0, last + (belief ->> 'pause')::double precision - seconds), 10);
    END IF;
    IF used(p_account, p_moment, 60) < (belief ->> 'per_minute')::integer THEN
        RETURN 0;
    END IF;
    IF seconds >= (belief ->> 'try_after')::double precision THEN
        RETURN CASE WHEN is_any_open THEN 1 ELSE 0 END; -- one at a time
    END IF;
    RETURN least(
        window_wait(p_account, p_moment, (belief ->> 'per_minute')::integer, 60),
        (belief ->> 'try_after')::double precision - seconds
    );
END $$;

-- The numbers of an account, lowered by the settings of who asks.
CREATE OR REPLACE FUNCTION limits_of(p_account text, p_settings jsonb, OUT per_minute integer, OUT per_day integer)
LANGUAGE sql STABLE AS $$
    SELECT least(a.per_minute, (p_settings ->> 'per_minute')::integer),
        least(a.per_day, (p_settings ->> 'per_day')::integer)
    FROM accounts a WHERE digest = p_account
$$;

-- Leave to send one request, {"permit": id}, or {"seconds": …, "why": …}. Asking again with a nonce gets the same permit.
-- p_settings: per_minute, per_day (null: the account's), minute, day, arrives (seconds until it has arrived or never will).
CREATE OR REPLACE FUNCTION acquire(p_account text, p_nonce uuid, p_settings jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment timestamptz;
    permit bigint;
    wait record;
    most record;
BEGIN
    PERFORM durably();
    moment := tick(p_account);
    SELECT id INTO permit FROM permits WHERE nonce = p_nonce;
    IF permit IS NOT NULL THEN
        RETURN jsonb_build_object('permit', permit);
    END IF;
    most := limits_of(p_account, p_settings);
    DELETE FROM permits -- a second more than rounding can cost
    WHERE account = p_account AND counts_at < moment - make_interval(secs => (p_settings ->> 'day')::double precision + 1);
    SELECT * INTO wait FROM (VALUES
        (1, 'minute', window_wait(p_account, moment, most.per_minute, (p_settings ->> 'minute')::double precision)),
        (2, 'day', window_wait(p_account, moment, most.per_day, (p_settings ->> 'day')::double precision)),
        (3, 'retry-after', (SELECT CASE WHEN blocked_until > moment
            THEN extract(epoch FROM blocked_until - moment)::double precision ELSE 0 END
            FROM accounts WHERE digest = p_account)),
        (4, 'minute', believed_wait(p_account, moment))
    ) AS waits (place, why, seconds) ORDER BY seconds DESC, place LIMIT 1;
    IF wait.seconds > 0 THEN
        RETURN jsonb_build_object('seconds', wait.seconds, 'why', wait.why);
    END IF;
    INSERT INTO permits (account, nonce, counts_at)
    VALUES (p_account, p_nonce, moment + make_interval(secs => (p_settings ->> 'arrives')::double precision))
    RETURNING id INTO permit;
    RETURN jsonb_build_object('permit', permit);
END $$;

-- What is known for quota/beliefs.py, which says what to believe next.
CREATE OR REPLACE FUNCTION learnt(p_account text, p_moment timestamptz, p_settings jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'now', extract(epoch FROM p_moment)::double precision, 'belief', belief, 'version', belief_version,
        'taken', taken(p_account, p_moment), 'per_minute', (limits_of(p_account, p_settings)).per_minute,
        'is_blocked', blocked_until > p_moment,
        'unanswered', under_way(p_account, p_moment),
        'last', (SELECT extract(epoch FROM max(counts_at))::double precision FROM permits
            WHERE account = p_account AND is_answered)
    ) FROM accounts WHERE digest = p_account
$$;

-- Answers arrived: their requests count as sent now. Telling it again only makes it later.
CREATE OR REPLACE FUNCTION answered(p_account text, p_permits bigint[], p_settings jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment timestamptz := tick(p_account);
BEGIN
    UPDATE permits SET counts_at = moment, is_answered = true
    WHERE id = ANY (p_permits) AND account = p_account;
    RETURN learnt(p_account, moment, p_settings);
END $$;

-- An answer arrived that is not told together with a fact.
CREATE OR REPLACE FUNCTION settle(p_account text, p_permit bigint, p_settings jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    RETURN answered(p_account, ARRAY[p_permit], p_settings);
END $$;

-- The request never left, or does not count.
CREATE OR REPLACE FUNCTION give_back(p_account text, p_permit bigint) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    PERFORM tick(p_account);
    DELETE FROM permits WHERE id = p_permit AND account = p_account AND NOT is_answered;
    RETURN NULL;
END $$;

-- No one gets leave before p_seconds are over. The answer is what was known before.
CREATE OR REPLACE FUNCTION block(p_account text, p_seconds double precision, p_settings jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment timestamptz;
    before jsonb;
BEGIN
    PERFORM durably();
    moment := tick(p_account);
    before := learnt(p_account, moment, p_settings);
    UPDATE accounts SET blocked_until = greatest(blocked_until, moment + make_interval(secs => p_seconds))
    WHERE digest = p_account;
    RETURN before;
END $$;

-- What is believed from now on, unless another machine changed that since p_version.
CREATE OR REPLACE FUNCTION believe(p_account text, p_version bigint, p_belief jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE accounts SET belief = p_belief, belief_version = belief_version + 1
    WHERE digest = p_account AND belief_version = p_version;
    RETURN NULL;
END $$;

-- The allowance and what of it is used.
CREATE OR REPLACE FUNCTION allowance(p_account text, p_settings jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment timestamptz := tick(p_account);
    most record := limits_of(p_account, p_settings);
BEGIN
    PERFORM durably();
    RETURN jsonb_build_object(
        'per_minute', most.per_minute, 'per_day', most.per_day,
        'used_minute', used(p_account, moment, (p_settings ->> 'minute')::double precision),
        'used_day', used(p_account, moment, (p_settings ->> 'day')::double precision)
    );
END $$;

-- The allowance's numbers, as the owner of the account says.
CREATE OR REPLACE FUNCTION set_allowance(p_account text, p_per_minute integer, p_per_day integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    PERFORM tick(p_account);
    UPDATE accounts SET per_minute = coalesce(p_per_minute, per_minute), per_day = coalesce(p_per_day, per_day)
    WHERE digest = p_account;
    RETURN NULL;
END $$;
