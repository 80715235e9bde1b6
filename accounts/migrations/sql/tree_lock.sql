-- The audit chain of a company is locked by the key that hashes with 2. Moves held that one too: whoever
-- renamed an account (its row, then the chain) and whoever moved it (the tree, then its row) could wait for
-- each other in a circle. The tree has a key of its own now.
CREATE OR REPLACE FUNCTION accounts_account_tree_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(uuid_hash_extended(NEW.entity_id, 3));
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
