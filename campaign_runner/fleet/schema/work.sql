-- What is to be done: runs that were submitted. The engine's queue says which worker looks next; who works on what is
-- said by the campaign's lease, and whether anything is left to do by these rows alone.

CREATE TABLE IF NOT EXISTS runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign bigint NOT NULL REFERENCES campaigns,
    digest text NOT NULL, -- of the text, the rows and the reference images that were submitted
    terms jsonb NOT NULL, -- as fleet/work/runs.py says; nothing once it has ended
    submitted_at timestamptz NOT NULL,
    times integer NOT NULL DEFAULT 1, -- that it was submitted
    tries integer NOT NULL DEFAULT 0, -- that it was put back to wait
    not_before timestamptz NOT NULL,
    exit integer, -- its exit status; NULL while it is open
    report jsonb NOT NULL DEFAULT '[]' -- sentences for who submitted it
);
CREATE UNIQUE INDEX IF NOT EXISTS runs_open ON runs (campaign) WHERE exit IS NULL;

-- The queue of an account: channels of PostgreSQL have names of 63 letters at most.
CREATE OR REPLACE FUNCTION queue_of(p_account text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left(p_account, 32) $$;

-- A task for a run, unless one waits already. It carries the number of the run, and nothing else.
CREATE OR REPLACE FUNCTION defer_run(p_run bigint, p_account text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM campaign_queue.procrastinate_defer_jobs_v1(ARRAY[ROW(
        queue_of(p_account), 'run', 0, NULL, 'run ' || p_run, jsonb_build_object('run', p_run), NULL
    )::campaign_queue.procrastinate_job_to_defer_v1]);
EXCEPTION WHEN unique_violation THEN
    NULL;
END $$;

-- Who holds a campaign in p_epoch hands it over to the workers: {"run"}, or {"refused"} where it may not. An open run of
-- the same text goes on, by the new terms; that of another text has ended, and says p_replaced.
CREATE OR REPLACE FUNCTION submit(p_campaign bigint, p_epoch bigint, p_digest text, p_terms jsonb, p_replaced text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ours campaigns;
    moment timestamptz;
    why text;
    number bigint;
BEGIN
    PERFORM durably();
    SELECT * INTO STRICT ours FROM campaigns WHERE id = p_campaign;
    moment := tick(ours.account);
    ours := locked(p_campaign);
    why := refusal(ours, p_epoch);
    IF why IS NOT NULL THEN
        RETURN jsonb_build_object('refused', why);
    END IF;
    UPDATE runs SET exit = 11, report = jsonb_build_array(p_replaced), terms = '{}'
    WHERE campaign = p_campaign AND exit IS NULL AND digest <> p_digest;
    UPDATE runs SET terms = p_terms, not_before = moment, times = times + 1, tries = 0 WHERE campaign = p_campaign AND exit IS NULL
    RETURNING id INTO number;
    IF number IS NULL THEN
        INSERT INTO runs (campaign, digest, terms, submitted_at, not_before)
        VALUES (p_campaign, p_digest, p_terms, moment, moment) RETURNING id INTO number;
    END IF;
    UPDATE campaigns SET holder = NULL WHERE id = p_campaign;
    PERFORM defer_run(number, ours.account);
    RETURN jsonb_build_object('run', number);
END $$;

-- The open run of the campaign with a prefix: {"run", "digest", "submitted_at", "holder"}, or NULL. A holder that was
-- not heard of for p_seconds is none.
CREATE OR REPLACE FUNCTION open_run(p_prefix text, p_seconds double precision) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_object('run', r.id, 'digest', r.digest, 'holder', holder_of(c.id, p_seconds),
        'submitted_at', extract(epoch FROM r.submitted_at)::double precision)
    FROM runs r JOIN campaigns c ON c.id = r.campaign WHERE c.prefix = p_prefix AND r.exit IS NULL
$$;

-- How a run stands: {"exit", "report", "holder"}.
CREATE OR REPLACE FUNCTION look_at_run(p_run bigint, p_seconds double precision) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_build_object('exit', exit, 'report', report, 'holder', holder_of(campaign, p_seconds))
    FROM runs WHERE id = p_run
$$;

-- What a worker needs to know of a run that is open: {"campaign", "terms", "times"}, or NULL.
CREATE OR REPLACE FUNCTION work_of(p_run bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('campaign', find_campaign(prefix), 'terms', terms, 'times', times)
    FROM runs JOIN campaigns ON campaigns.id = campaign WHERE runs.id = p_run AND exit IS NULL
$$;

-- Whether what becomes of a run is said by who held its campaign last, in p_epoch. Who never held it (NULL) speaks only
-- where no one who was heard of within p_seconds does.
CREATE OR REPLACE FUNCTION is_last(p_campaign bigint, p_epoch bigint, p_seconds double precision) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN p_epoch IS NULL THEN holder_of(p_campaign, p_seconds) IS NULL ELSE epoch = p_epoch END
    FROM campaigns WHERE id = p_campaign
$$;

-- A run has ended, unless it was submitted again meanwhile, or another one took its campaign over. The answer is whether.
CREATE OR REPLACE FUNCTION end_run(
    p_run bigint, p_times integer, p_epoch bigint, p_seconds double precision, p_exit integer, p_report jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    PERFORM locked(campaign) FROM runs WHERE id = p_run;
    UPDATE runs SET exit = p_exit, report = p_report, terms = '{}'
    WHERE id = p_run AND exit IS NULL AND times = p_times AND is_last(campaign, p_epoch, p_seconds);
    RETURN to_jsonb(FOUND);
END $$;

-- A run is for a worker to go on with: any of them at once, or after p_wait seconds; twice as many each time, up to 16
-- times. Not where another one goes on with it. The answer is whether.
CREATE OR REPLACE FUNCTION put_back(
    p_run bigint, p_times integer, p_epoch bigint, p_seconds double precision, p_wait double precision, p_report jsonb
) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    payer text;
BEGIN
    PERFORM durably();
    PERFORM locked(campaign) FROM runs WHERE id = p_run;
    SELECT account INTO payer FROM runs JOIN campaigns ON campaigns.id = campaign
    WHERE runs.id = p_run AND exit IS NULL AND times = p_times AND is_last(campaign, p_epoch, p_seconds);
    IF payer IS NOT NULL THEN
        UPDATE runs SET not_before = now_of(payer) + make_interval(secs => p_wait * 2 ^ least(tries, 4)),
            tries = CASE WHEN p_wait > 0 THEN tries + 1 ELSE tries END, report = p_report
        WHERE id = p_run;
        IF p_wait <= 0 THEN
            PERFORM defer_run(p_run, payer);
        END IF;
    END IF;
    RETURN to_jsonb(payer IS NOT NULL);
END $$;

-- Defer anew what is open and past its time, and has no holder who was heard of within p_seconds; how many that are.
-- Tasks of workers that were not heard of are closed. One at a time, over all workers.
CREATE OR REPLACE FUNCTION sweep(p_seconds double precision) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    heard CONSTANT timestamptz := now() - make_interval(secs => p_seconds);
    each record;
    number integer := 0;
BEGIN
    PERFORM durably();
    IF NOT pg_try_advisory_xact_lock(hashtextextended('campaign_runner sweep', 0)) THEN
        RETURN to_jsonb(0);
    END IF;
    DELETE FROM campaign_queue.procrastinate_workers WHERE id IN ( -- what another client has locked is for the next time
        SELECT id FROM campaign_queue.procrastinate_workers WHERE last_heartbeat < heard FOR UPDATE SKIP LOCKED
    );
    DELETE FROM campaign_queue.procrastinate_jobs WHERE id IN (
        SELECT id FROM campaign_queue.procrastinate_jobs WHERE status NOT IN ('todo', 'doing')
            OR (status = 'doing' AND worker_id IS NULL) FOR UPDATE SKIP LOCKED -- it has no worker any more
    );
    UPDATE runs SET exit = 5, report = jsonb_build_array('the campaign is elsewhere now: ' || why), terms = '{}'
    FROM campaigns WHERE campaigns.id = campaign AND exit IS NULL AND state = 'moved';
    FOR each IN SELECT runs.id, account FROM runs JOIN campaigns ON campaigns.id = campaign
        WHERE exit IS NULL AND state = 'open' AND not_before <= now_of(account) AND holder_of(campaign, p_seconds) IS NULL
    LOOP
        UPDATE runs SET not_before = now_of(each.account) + make_interval(secs => p_seconds) WHERE id = each.id;
        PERFORM defer_run(each.id, each.account);
        number := number + 1;
    END LOOP;
    RETURN to_jsonb(number);
END $$;
