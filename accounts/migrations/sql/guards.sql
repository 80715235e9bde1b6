-- An account is never below itself. Two moves at once could each look right and close a circle
-- together, so moves in one company go one after the other.
CREATE FUNCTION accounts_account_tree_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(uuid_hash_extended(NEW.entity_id, 2));
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT id, parent_id FROM accounts_account
            WHERE entity_id = NEW.entity_id AND id = NEW.parent_id
            UNION
            SELECT a.id, a.parent_id FROM accounts_account a
            JOIN above ON a.entity_id = NEW.entity_id AND a.id = above.parent_id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'account % would be below itself', NEW.id USING ERRCODE = 'OL005';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER account_tree BEFORE UPDATE ON accounts_account
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL AND OLD.parent_id IS DISTINCT FROM NEW.parent_id)
    EXECUTE FUNCTION accounts_account_tree_guard();
