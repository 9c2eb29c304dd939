-- How the images of the record look: for people who look for a picture. Nothing that is bought depends on it.

CREATE TABLE IF NOT EXISTS pictures (
    sha256 text PRIMARY KEY,
    looks bigint -- a difference hash, as pictures/likeness.py makes it; NULL where no one has looked yet
);
CREATE INDEX IF NOT EXISTS pictures_unseen ON pictures (sha256) WHERE looks IS NULL;

-- What was recorded before there was this table, and what came with a folder's record.
INSERT INTO pictures (sha256)
SELECT body ->> 'sha256' FROM entries WHERE kind IN ('stored', 'adopted', 'placed') AND body ->> 'sha256' IS NOT NULL
UNION SELECT each ->> 'sha256' FROM entries, jsonb_array_elements(body -> 'rows') AS each
WHERE kind = 'imported' AND body ->> 'table' = 'variations' AND each ->> 'sha256' IS NOT NULL
ON CONFLICT DO NOTHING;

-- An image with this digest is on record; p_looks is NULL where who tells it has not seen it.
CREATE OR REPLACE FUNCTION pictured(p_sha256 text, p_looks bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p_sha256 IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO pictures VALUES (p_sha256, p_looks) ON CONFLICT DO NOTHING;
    IF p_looks IS NOT NULL AND NOT FOUND THEN
        UPDATE pictures SET looks = p_looks WHERE sha256 = p_sha256 AND looks IS NULL;
    END IF;
END $$;

-- The digests of the images that no one has looked at.
CREATE OR REPLACE FUNCTION unseen() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(sha256), '[]') FROM pictures WHERE looks IS NULL);
END $$;

-- How some of them look, {digest: looks}.
CREATE OR REPLACE FUNCTION see(p_looks jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE pictures SET looks = each.value::bigint FROM jsonb_each_text(p_looks) AS each
    WHERE sha256 = each.key AND looks IS NULL;
    RETURN NULL;
END $$;

-- The p_most images that look most like p_looks, [[bits that differ, digest], …], nearest first; none that differs in
-- more than p_near of 64 bits.
CREATE OR REPLACE FUNCTION alike(p_looks bigint, p_near integer, p_most integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_array(distance, sha256) ORDER BY distance, sha256), '[]') FROM (
        SELECT sha256, distance FROM (
            SELECT sha256, bit_count((looks # p_looks)::bit(64)) AS distance FROM pictures WHERE looks IS NOT NULL
        ) AS compared WHERE distance <= p_near ORDER BY distance, sha256 LIMIT p_most
    ) AS nearest);
END $$;
