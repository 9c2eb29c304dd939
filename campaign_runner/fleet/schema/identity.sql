-- Which database this is. A restored dump, or a standby that was promoted, is another one: nothing is sent from it.

CREATE OR REPLACE FUNCTION identity() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'server', (SELECT system_identifier::text FROM pg_control_system()),
        'timeline', substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        'tables', (SELECT jsonb_object_agg(relname, oid::bigint) FROM pg_class
            WHERE relnamespace = 'campaign_runner'::regnamespace AND relkind = 'r')
    )
$$;

-- What every new connection asks first.
CREATE OR REPLACE FUNCTION welcome() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'version', (SELECT value FROM meta WHERE name = 'version'),
        'database', (SELECT value FROM meta WHERE name = 'database'),
        'restored', (SELECT value FROM meta WHERE name = 'restored')::integer,
        'is_the_same', (SELECT value::jsonb = identity() FROM meta WHERE name = 'identity')
    )
$$;

-- A person says that this database goes on after it was restored: the holder of each campaign is put out, and nothing
-- is sent of it until a person released it.
CREATE OR REPLACE FUNCTION after_restore() RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM durably();
    UPDATE campaigns SET epoch = epoch + 1, holder = NULL, state = CASE state WHEN 'moved' THEN state ELSE 'held' END,
        why = CASE state WHEN 'moved' THEN why ELSE 'the database was restored' END;
    -- What a machine still has to tell of a campaign that is lost must not be taken for another one's.
    PERFORM setval(pg_get_serial_sequence('campaigns', 'id'), (SELECT coalesce(max(id), 0) + 1000000 FROM campaigns));
    UPDATE meta SET value = (value::integer + 1)::text WHERE name = 'restored';
    UPDATE meta SET value = identity()::text WHERE name = 'identity';
    RETURN NULL;
END $$;
