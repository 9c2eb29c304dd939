-- Campaigns by the name of their place, for commands that only read, and need no credentials for it.

CREATE OR REPLACE FUNCTION find_campaign(p_prefix text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', id, 'account', account, 'prefix', prefix, 'state', state, 'why', why)
    FROM campaigns WHERE prefix = p_prefix
$$;

-- All whose prefix begins so, and that have a record: each with the number of its last entry.
CREATE OR REPLACE FUNCTION find_campaigns(p_beginning text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(find_campaign(prefix), last_seq) ORDER BY prefix), '[]')
    FROM campaigns WHERE starts_with(prefix, p_beginning) AND last_seq > 0
$$;
