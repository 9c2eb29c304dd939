-- The record of a fleet. Workers read these tables and write them through the functions beside this file alone.
-- Times are the database's. Later versions keep what is here: a fact must find its function for good. Each part is run
-- again at every upgrade, in which functions are replaced and tables stay; what changes a table is a statement of its own.

CREATE TABLE IF NOT EXISTS meta (
    name text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE IF NOT EXISTS accounts (
    digest text PRIMARY KEY,
    per_minute integer NOT NULL DEFAULT 4 CHECK (per_minute > 0),
    per_day integer NOT NULL DEFAULT 9000 CHECK (per_day > 0),
    newest timestamptz NOT NULL DEFAULT '-infinity', -- no time that is given out is before it
    blocked_until timestamptz NOT NULL DEFAULT '-infinity',
    belief jsonb, -- what refusals taught, as quota/beliefs.py says
    belief_version bigint NOT NULL DEFAULT 0
);

-- One row a request. It counts at `counts_at`: the last moment at which it can arrive, until an answer says more.
CREATE TABLE IF NOT EXISTS permits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL REFERENCES accounts,
    nonce uuid NOT NULL UNIQUE,
    counts_at timestamptz NOT NULL,
    is_answered boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS permits_by_time ON permits (account, counts_at);
CREATE INDEX IF NOT EXISTS permits_unanswered ON permits (account) WHERE NOT is_answered;

-- Tests turn the clock by replacing this function.
CREATE OR REPLACE FUNCTION clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';

-- A commit that this transaction makes is on the disk when it returns. (A function's own SET would end with the
-- function, before the commit.)
CREATE OR REPLACE FUNCTION durably() RETURNS void LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN PERFORM set_config('synchronous_commit', 'on', true); END $$;

-- The account's time, under the lock of its row: looks that follow are statements of their own, and see what those
-- did who had the lock before.
CREATE OR REPLACE FUNCTION tick(p_account text) RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    moment timestamptz;
BEGIN
    INSERT INTO accounts (digest) VALUES (p_account) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM accounts WHERE digest = p_account FOR UPDATE;
    UPDATE accounts SET newest = greatest(newest, clock()) WHERE digest = p_account RETURNING newest INTO moment;
    RETURN moment;
END $$;

-- A campaign, and who holds it: one run at a time, whose epoch is the newest.
CREATE TABLE IF NOT EXISTS campaigns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL REFERENCES accounts,
    prefix text NOT NULL UNIQUE, -- of its files in the store: account name/campaign name
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'held', 'moved')),
    why text NOT NULL DEFAULT '', -- a sentence, where it is not open
    is_stopped boolean NOT NULL DEFAULT false, -- buys nothing until the next run
    epoch bigint NOT NULL DEFAULT 0,
    holder uuid,
    host text,
    held_since timestamptz,
    heard_at timestamptz,
    last_seq bigint NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS campaigns_by_account ON campaigns (account);

-- The record: what was told, in order, never changed. All tables below are what it adds up to.
CREATE TABLE IF NOT EXISTS entries (
    campaign bigint NOT NULL REFERENCES campaigns,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    epoch bigint NOT NULL,
    worker text NOT NULL,
    nonce uuid NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (campaign, seq)
);
CREATE INDEX IF NOT EXISTS entries_by_nonce ON entries (campaign, nonce);

CREATE TABLE IF NOT EXISTS attempts (
    campaign bigint NOT NULL REFERENCES campaigns,
    id text NOT NULL,
    epoch bigint NOT NULL,
    images integer NOT NULL,
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'accepted', 'refused', 'in_doubt')),
    job_id text,
    PRIMARY KEY (campaign, id),
    UNIQUE (campaign, job_id)
);
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (campaign) WHERE outcome = 'open';
ALTER TABLE attempts ADD COLUMN IF NOT EXISTS command uuid; -- of a run with limits: what it shares them with
CREATE INDEX IF NOT EXISTS attempts_by_command ON attempts (command) WHERE command IS NOT NULL;

-- How many images of a campaign were submitted and not refused. Its attempts count themselves, whatever changes them,
-- in the transaction that does: nothing can be bought and not be counted.
ALTER TABLE campaigns ADD COLUMN IF NOT EXISTS images_bought bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION count_bought() RETURNS trigger LANGUAGE plpgsql VOLATILE SET search_path = campaign_runner, pg_temp AS $$
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        UPDATE campaigns SET images_bought = images_bought + more.images FROM (
            SELECT campaign, sum(images) AS images FROM added WHERE outcome <> 'refused' GROUP BY campaign
        ) AS more WHERE id = more.campaign;
    WHEN 'DELETE' THEN
        UPDATE campaigns SET images_bought = images_bought - less.images FROM (
            SELECT campaign, sum(images) AS images FROM gone WHERE outcome <> 'refused' GROUP BY campaign
        ) AS less WHERE id = less.campaign;
    ELSE -- most updates change nothing here
        UPDATE campaigns SET images_bought = images_bought + more.images FROM (
            SELECT campaign, sum(images) AS images FROM (
                SELECT campaign, images FROM added WHERE outcome <> 'refused'
                UNION ALL SELECT campaign, -images FROM gone WHERE outcome <> 'refused'
            ) AS each GROUP BY campaign HAVING sum(images) <> 0
        ) AS more WHERE id = more.campaign;
    END CASE;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER bought_by_insert AFTER INSERT ON attempts REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION count_bought();
CREATE OR REPLACE TRIGGER bought_by_update AFTER UPDATE ON attempts REFERENCING NEW TABLE AS added OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION count_bought();
CREATE OR REPLACE TRIGGER bought_by_delete AFTER DELETE ON attempts REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION count_bought();
-- From here on no attempt changes before this is committed, so all that came before are counted.
UPDATE campaigns SET images_bought = counted.images FROM (
    SELECT id, coalesce(sum(images) FILTER (WHERE outcome <> 'refused'), 0) AS images
    FROM campaigns AS each LEFT JOIN (SELECT campaign, images, outcome FROM attempts) AS a ON a.campaign = each.id GROUP BY id
) AS counted WHERE counted.id = campaigns.id AND images_bought <> counted.images;

CREATE TABLE IF NOT EXISTS variations (
    campaign bigint NOT NULL REFERENCES campaigns,
    key text NOT NULL,
    account text NOT NULL,
    attempt text,
    state text NOT NULL CHECK (state IN
        ('pending', 'submitting', 'accepted', 'in_doubt', 'stored', 'failed', 'abandoned')),
    PRIMARY KEY (campaign, key)
);
CREATE INDEX IF NOT EXISTS variations_by_key ON variations (account, key);
CREATE INDEX IF NOT EXISTS variations_by_attempt ON variations (campaign, attempt);

-- Who may send an image after which attempt ('' is none): only the run that inserts the row, even if all else fails.
CREATE TABLE IF NOT EXISTS sendings (
    campaign bigint NOT NULL REFERENCES campaigns,
    key text NOT NULL,
    after text NOT NULL,
    attempt text NOT NULL,
    PRIMARY KEY (campaign, key, after)
);
