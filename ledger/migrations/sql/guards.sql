-- Guards refuse; they never write. SQLSTATEs of class OL tell them apart (ledger/db.py lists them).

-- Is this company being removed, in this very database transaction? Then its rows may go.
CREATE FUNCTION ledger_entity_is_leaving(entity uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT status = 'DELETING' FROM ledger_entity WHERE id = entity), false)
$$;

-- Postings hold the company's books shared, whatever changes the rules that they are checked against
-- (closing a period or an account) holds them alone. Both let go at the end of the transaction.
CREATE FUNCTION ledger_books_key(entity uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT uuid_hash_extended(entity, 1) $$;

CREATE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are only ever added', TG_TABLE_NAME
        USING ERRCODE = 'OL001', HINT = 'Nothing is to be done: history cannot be changed.';
END $$;

-- A company that is leaving does not come back: the door past the guards lets everything out, or nothing.
CREATE FUNCTION ledger_leaving_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entity % is being deleted and cannot become %', OLD.id, NEW.status USING ERRCODE = 'OL001';
END $$;

CREATE TRIGGER entity_leaving BEFORE UPDATE ON ledger_entity
    FOR EACH ROW WHEN (OLD.status = 'DELETING' AND NEW.status <> 'DELETING')
    EXECUTE FUNCTION ledger_leaving_guard();

CREATE FUNCTION ledger_audit_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF ledger_entity_is_leaving(OLD.scope_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit event % cannot be deleted', OLD.id USING ERRCODE = 'OL001';
END $$;

CREATE TRIGGER auditevent_no_update BEFORE UPDATE ON ledger_auditevent
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER auditevent_no_delete BEFORE DELETE ON ledger_auditevent
    FOR EACH ROW EXECUTE FUNCTION ledger_audit_guard();
CREATE TRIGGER auditevent_no_truncate BEFORE TRUNCATE ON ledger_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
