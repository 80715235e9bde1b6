-- What must hold of transactions whatever SQL is run. Guards refuse; they never write.
--
-- The insert, update and delete guards of closed periods and accounts look at whole statements, not
-- rows, so that a batch of thousands pays for one look. They read after taking the lock: a volatile
-- function sees what was committed while it waited, the statement that called it does not.

CREATE FUNCTION transactions_insert_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    fault record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(ledger_books_key(e.entity_id))
    FROM (SELECT DISTINCT entity_id FROM fresh) e;

    SELECT f.id, f.date, e.books_closed_through INTO fault
    FROM fresh f JOIN ledger_entity e ON e.id = f.entity_id
    WHERE f.date <= e.books_closed_through LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % is dated % and the books are closed through %',
            fault.id, fault.date, fault.books_closed_through
            USING ERRCODE = 'OL004', DETAIL = fault.books_closed_through;
    END IF;

    SELECT f.id, a.id AS account_id INTO fault
    FROM fresh f
    JOIN accounts_account a
        ON a.entity_id = f.entity_id AND a.id IN (f.debit_account_id, f.credit_account_id)
    WHERE a.closed_at IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % is on the closed account %', fault.id, fault.account_id
            USING ERRCODE = 'OL006', DETAIL = fault.account_id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION transactions_final_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION
        'transaction % is %: its amount, currency, accounts, time and company cannot change', OLD.id, OLD.status
        USING ERRCODE = 'OL002', HINT = 'Reverse it and post a new one.';
END $$;

CREATE FUNCTION transactions_move_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transaction % cannot go from % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'OL003';
END $$;

-- A change that counts in a closed period, on either side of the change. POSTED to REVERSED does not:
-- both count alike, and the reversal itself is dated into an open period.
CREATE FUNCTION transactions_update_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    fault record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(ledger_books_key(e.entity_id))
    FROM (SELECT DISTINCT entity_id FROM after) e;

    SELECT b.id, e.books_closed_through INTO fault
    FROM before b
    JOIN after a ON a.entity_id = b.entity_id AND a.id = b.id
    JOIN ledger_entity e ON e.id = b.entity_id
    WHERE (b.date <= e.books_closed_through OR a.date <= e.books_closed_through)
        AND ((b.status, b.amount, b.debit_account_id, b.credit_account_id, b.date)
            IS DISTINCT FROM (a.status, a.amount, a.debit_account_id, a.credit_account_id, a.date))
        AND NOT (b.status = 'POSTED' AND a.status = 'REVERSED')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % is in a closed period: the books are closed through %',
            fault.id, fault.books_closed_through
            USING ERRCODE = 'OL004', DETAIL = fault.books_closed_through;
    END IF;

    SELECT b.id, c.id AS account_id INTO fault
    FROM before b
    JOIN after a ON a.entity_id = b.entity_id AND a.id = b.id
    JOIN accounts_account c ON c.entity_id = a.entity_id
        AND ((c.id = a.debit_account_id AND a.debit_account_id <> b.debit_account_id)
            OR (c.id = a.credit_account_id AND a.credit_account_id <> b.credit_account_id))
    WHERE c.closed_at IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % is moved to the closed account %', fault.id, fault.account_id
            USING ERRCODE = 'OL006', DETAIL = fault.account_id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION transactions_delete_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF ledger_entity_is_leaving(OLD.entity_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'transaction % is %: it cannot be deleted', OLD.id, OLD.status
        USING ERRCODE = 'OL002', HINT = 'Reverse it.';
END $$;

CREATE FUNCTION transactions_delete_period_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    fault record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(ledger_books_key(e.entity_id))
    FROM (SELECT DISTINCT entity_id FROM before) e;

    SELECT b.id, e.books_closed_through INTO fault
    FROM before b JOIN ledger_entity e ON e.id = b.entity_id
    WHERE b.date <= e.books_closed_through AND e.status <> 'DELETING' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % is in a closed period: the books are closed through %',
            fault.id, fault.books_closed_through
            USING ERRCODE = 'OL004', DETAIL = fault.books_closed_through;
    END IF;
    RETURN NULL;
END $$;

-- Revisions go only with their whole company.
CREATE FUNCTION transactions_revision_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF ledger_entity_is_leaving(OLD.entity_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'revision % cannot be deleted', OLD.id USING ERRCODE = 'OL001';
END $$;

-- The type of an account decides on which side of the books its transactions count.
CREATE FUNCTION transactions_account_type_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(ledger_books_key(NEW.entity_id));
    IF EXISTS (SELECT FROM transactions_transaction
               WHERE entity_id = NEW.entity_id AND debit_account_id = NEW.id)
        OR EXISTS (SELECT FROM transactions_transaction
                   WHERE entity_id = NEW.entity_id AND credit_account_id = NEW.id) THEN
        RAISE EXCEPTION 'account % has transactions: its type cannot change', NEW.id USING ERRCODE = 'OL007';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER transaction_insert AFTER INSERT ON transactions_transaction
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION transactions_insert_guard();

CREATE TRIGGER transaction_final BEFORE UPDATE ON transactions_transaction
    FOR EACH ROW WHEN (
        (OLD.id, OLD.entity_id, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.entity_id, NEW.created_at)
        OR (
            OLD.status IN ('POSTED', 'REVERSED')
            AND (OLD.amount, OLD.currency, OLD.ledger_id, OLD.debit_account_id, OLD.credit_account_id,
                 OLD.timestamp, OLD.date, OLD.posted_at, OLD.reverses_id, OLD.reclassifies_id,
                 OLD.journal_entry_id, OLD.created_by, OLD.source)
                IS DISTINCT FROM
                (NEW.amount, NEW.currency, NEW.ledger_id, NEW.debit_account_id, NEW.credit_account_id,
                 NEW.timestamp, NEW.date, NEW.posted_at, NEW.reverses_id, NEW.reclassifies_id,
                 NEW.journal_entry_id, NEW.created_by, NEW.source)
        )
        OR (OLD.status = 'REVERSED' AND OLD.reversed_by_id IS DISTINCT FROM NEW.reversed_by_id)
    ) EXECUTE FUNCTION transactions_final_guard();

CREATE TRIGGER transaction_move BEFORE UPDATE ON transactions_transaction
    FOR EACH ROW WHEN (
        OLD.status IS DISTINCT FROM NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('PENDING', 'CLEARED'), ('PENDING', 'RECONCILED'), ('PENDING', 'POSTED'), ('PENDING', 'EXPIRED'),
            ('CLEARED', 'RECONCILED'), ('CLEARED', 'POSTED'),
            ('RECONCILED', 'POSTED'),
            ('POSTED', 'REVERSED')
        )
    ) EXECUTE FUNCTION transactions_move_guard();

CREATE TRIGGER transaction_update AFTER UPDATE ON transactions_transaction
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION transactions_update_guard();

CREATE TRIGGER transaction_delete_final BEFORE DELETE ON transactions_transaction
    FOR EACH ROW WHEN (OLD.status IN ('POSTED', 'REVERSED'))
    EXECUTE FUNCTION transactions_delete_guard();

CREATE TRIGGER transaction_delete_period AFTER DELETE ON transactions_transaction
    REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION transactions_delete_period_guard();

CREATE TRIGGER transaction_no_truncate BEFORE TRUNCATE ON transactions_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER revision_no_update BEFORE UPDATE ON transactions_revision
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER revision_no_delete BEFORE DELETE ON transactions_revision
    FOR EACH ROW EXECUTE FUNCTION transactions_revision_guard();
CREATE TRIGGER revision_no_truncate BEFORE TRUNCATE ON transactions_revision
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER account_type BEFORE UPDATE ON accounts_account
    FOR EACH ROW WHEN (OLD.type IS DISTINCT FROM NEW.type)
    EXECUTE FUNCTION transactions_account_type_guard();
