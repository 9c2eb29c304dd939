-- What people decided and what was delivered: beside the record, since nothing that is bought depends on it.

CREATE TABLE IF NOT EXISTS marks (
    campaign bigint NOT NULL REFERENCES campaigns,
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL, -- the mark's own
    reviewer text NOT NULL, -- the first line of the file that it was in
    line text NOT NULL,
    UNIQUE (campaign, id)
);

CREATE TABLE IF NOT EXISTS deliveries (
    campaign bigint PRIMARY KEY REFERENCES campaigns,
    version bigint NOT NULL,
    content text NOT NULL -- as deliver.json
);

-- Keep marks, [[id, reviewer, line], …], that are not kept yet; the answer is all of the campaign, [[reviewer, line], …].
CREATE OR REPLACE FUNCTION share_marks(p_campaign bigint, p_marks jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    INSERT INTO marks (campaign, id, reviewer, line)
    SELECT p_campaign, each ->> 0, each ->> 1, each ->> 2 FROM jsonb_array_elements(p_marks) AS each
    ON CONFLICT DO NOTHING;
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_array(reviewer, line) ORDER BY number), '[]')
        FROM marks WHERE campaign = p_campaign);
END $$;

-- {"version", "content"} of what was delivered, NULL where nothing was.
CREATE OR REPLACE FUNCTION delivered(p_campaign bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('version', version, 'content', content) FROM deliveries WHERE campaign = p_campaign
$$;

-- Put what was delivered in the place of version p_known (0: of nothing); the new version, or NULL where another was
-- quicker. The same again is done.
CREATE OR REPLACE FUNCTION deliver(p_campaign bigint, p_known bigint, p_content text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    there deliveries;
BEGIN
    PERFORM durably();
    PERFORM locked(p_campaign);
    SELECT * INTO there FROM deliveries WHERE campaign = p_campaign;
    IF there.content = p_content THEN
        RETURN to_jsonb(there.version);
    END IF;
    IF coalesce(there.version, 0) <> p_known THEN
        RETURN NULL;
    END IF;
    INSERT INTO deliveries VALUES (p_campaign, p_known + 1, p_content)
    ON CONFLICT (campaign) DO UPDATE SET version = excluded.version, content = excluded.content;
    RETURN to_jsonb(p_known + 1);
END $$;
