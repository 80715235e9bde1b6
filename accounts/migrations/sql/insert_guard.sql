-- One statement can insert accounts that stand below each other in a circle: all references are whole at
-- its end. Only among the rows of one statement can it happen, for nothing stood below them before.
CREATE FUNCTION accounts_account_insert_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (
        WITH RECURSIVE reached AS (
            SELECT f.entity_id, f.id FROM fresh f
            WHERE NOT EXISTS (SELECT FROM fresh p WHERE p.entity_id = f.entity_id AND p.id = f.parent_id)
            UNION ALL
            SELECT f.entity_id, f.id FROM reached r
            JOIN fresh f ON f.entity_id = r.entity_id AND f.parent_id = r.id
        )
        SELECT count(*) FROM reached
    ) < (SELECT count(*) FROM fresh) THEN
        RAISE EXCEPTION 'accounts would be below themselves' USING ERRCODE = 'OL005';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER account_insert AFTER INSERT ON accounts_account
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_account_insert_guard();
