-- What a completed bank statement holds fast, whatever SQL is run. Guards refuse; they never write.

-- A transaction on a completed statement keeps what the statement proves: its amount, its day, and the side
-- on which it stands on the bank's own account. What the money was for may still be said anew, as long as it
-- isn't posted.
CREATE FUNCTION banking_reconciled_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    fault record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF ledger_entity_is_leaving(OLD.entity_id) THEN
            RETURN OLD;
        END IF;
    END IF;
    SELECT r.id, r.statement_date INTO fault
    FROM banking_reconciledtransaction i
    JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
    JOIN banking_bankaccount b ON b.entity_id = i.entity_id AND b.id = i.bank_account_id
    WHERE i.entity_id = OLD.entity_id AND i.transaction_id = OLD.id AND r.status = 'completed'
        AND (
            TG_OP = 'DELETE'
            OR (OLD.amount, OLD.currency, OLD.ledger_id, OLD.timestamp, OLD.date,
                OLD.debit_account_id = b.ledger_account_id, OLD.credit_account_id = b.ledger_account_id)
                IS DISTINCT FROM
                (NEW.amount, NEW.currency, NEW.ledger_id, NEW.timestamp, NEW.date,
                NEW.debit_account_id = b.ledger_account_id, NEW.credit_account_id = b.ledger_account_id)
        )
    ORDER BY r.statement_date LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % stands on the completed bank statement of %', OLD.id, fault.statement_date
            USING ERRCODE = 'OL008', DETAIL = concat_ws(' ', OLD.id, fault.id, fault.statement_date),
                HINT = 'Reopen the reconciliation first.';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;

-- Nothing is put on a completed statement. The lock waits for whoever completes it right now.
CREATE FUNCTION banking_reconciled_insert_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    fault record;
BEGIN
    PERFORM FROM banking_reconciliation r
    WHERE (r.entity_id, r.id) IN (SELECT entity_id, reconciliation_id FROM fresh)
    ORDER BY r.id FOR SHARE;

    SELECT r.id, r.statement_date INTO fault
    FROM fresh f JOIN banking_reconciliation r ON r.entity_id = f.entity_id AND r.id = f.reconciliation_id
    WHERE r.status = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the reconciliation of the statement of % is completed: nothing is added to it',
            fault.statement_date
            USING ERRCODE = 'OL008', HINT = 'Reopen the reconciliation first.';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION banking_reconciled_update_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what stands on a bank statement is put there and taken off, never changed'
        USING ERRCODE = 'OL008';
END $$;

-- Nothing is taken off a completed statement. Who completes one holds its items, so this looks after the wait.
CREATE FUNCTION banking_reconciled_delete_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    fault record;
BEGIN
    SELECT r.id, r.statement_date INTO fault
    FROM before b
    JOIN banking_reconciliation r ON r.entity_id = b.entity_id AND r.id = b.reconciliation_id
    WHERE r.status = 'completed' AND NOT ledger_entity_is_leaving(b.entity_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the reconciliation of the statement of % is completed: nothing is taken off it',
            fault.statement_date
            USING ERRCODE = 'OL008', HINT = 'Reopen the reconciliation first.';
    END IF;
    RETURN NULL;
END $$;

-- A statement is completed where opening balance and items come to its balance, to the cent. Completed it
-- doesn't change, but for being reopened, and that only while no later statement of the account rests on it.
CREATE FUNCTION banking_reconciliation_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    account record;
    counted record;
    opening numeric;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF ledger_entity_is_leaving(OLD.entity_id) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the reconciliation of the statement of % is completed and stays', OLD.statement_date
            USING ERRCODE = 'OL008', HINT = 'Reopen the reconciliation first.';
    END IF;
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'a reconciliation begins open' USING ERRCODE = 'OL008';
    END IF;

    SELECT b.ledger_account_id AS id, CASE WHEN a.type IN ('ASSET', 'EXPENSE') THEN 1 ELSE -1 END AS sign
    INTO account
    FROM banking_bankaccount b
    JOIN accounts_account a ON a.entity_id = b.entity_id AND a.id = b.ledger_account_id
    WHERE b.entity_id = OLD.entity_id AND b.id = OLD.bank_account_id;

    IF OLD.status = 'completed' THEN
        IF NEW.status = 'completed'
            OR (OLD.id, OLD.entity_id, OLD.bank_account_id, OLD.statement_date, OLD.statement_balance,
                OLD.opening_balance, OLD.created_at, OLD.created_by)
                IS DISTINCT FROM
                (NEW.id, NEW.entity_id, NEW.bank_account_id, NEW.statement_date, NEW.statement_balance,
                NEW.opening_balance, NEW.created_at, NEW.created_by)
        THEN
            RAISE EXCEPTION 'the reconciliation of the statement of % is completed and stays as it is',
                OLD.statement_date
                USING ERRCODE = 'OL008', HINT = 'Reopen the reconciliation first.';
        END IF;
        IF EXISTS (
            SELECT FROM banking_reconciliation r
            JOIN banking_bankaccount b ON b.entity_id = r.entity_id AND b.id = r.bank_account_id
            WHERE r.entity_id = OLD.entity_id AND b.ledger_account_id = account.id
                AND r.statement_date > OLD.statement_date
        ) THEN
            RAISE EXCEPTION 'a later statement of the account rests on that of %', OLD.statement_date
                USING ERRCODE = 'OL008', HINT = 'Reopen or delete the later one first.';
        END IF;
        RETURN NEW;
    END IF;

    SELECT coalesce(sum(
            CASE WHEN t.debit_account_id = account.id THEN t.amount ELSE -t.amount END * account.sign
        ), 0) AS total,
        count(*) FILTER (
            WHERE t.status = 'EXPIRED' OR t.date > NEW.statement_date
                OR account.id NOT IN (t.debit_account_id, t.credit_account_id)
        ) AS strays
    INTO counted
    FROM banking_reconciledtransaction i
    JOIN transactions_transaction t ON t.entity_id = i.entity_id AND t.id = i.transaction_id
    WHERE i.entity_id = NEW.entity_id AND i.reconciliation_id = NEW.id;

    SELECT r.statement_balance INTO opening
    FROM banking_reconciliation r
    JOIN banking_bankaccount b ON b.entity_id = r.entity_id AND b.id = r.bank_account_id
    WHERE r.entity_id = NEW.entity_id AND b.ledger_account_id = account.id AND r.status = 'completed'
    ORDER BY r.statement_date DESC LIMIT 1;

    IF NEW.opening_balance <> coalesce(opening, 0) THEN
        RAISE EXCEPTION 'the statement of % begins with %, and the one before it ends with %',
            NEW.statement_date, NEW.opening_balance, coalesce(opening, 0) USING ERRCODE = 'OL008';
    END IF;
    IF counted.strays > 0 OR NEW.opening_balance + counted.total <> NEW.statement_balance THEN
        RAISE EXCEPTION 'the statement of % says %, and what is ticked comes to %',
            NEW.statement_date, NEW.statement_balance, NEW.opening_balance + counted.total
            USING ERRCODE = 'OL008';
    END IF;
    RETURN NEW;
END $$;

-- The statements of a bank account are about one account of the books.
CREATE FUNCTION banking_bankaccount_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM banking_reconciliation
        WHERE entity_id = OLD.entity_id AND bank_account_id = OLD.id AND status = 'completed'
    ) THEN
        RAISE EXCEPTION 'bank account % has completed statements and keeps its account in the books', OLD.id
            USING ERRCODE = 'OL008';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER transaction_reconciled_update BEFORE UPDATE ON transactions_transaction
    FOR EACH ROW WHEN (
        (OLD.amount, OLD.currency, OLD.ledger_id, OLD.debit_account_id, OLD.credit_account_id, OLD.timestamp,
         OLD.date)
        IS DISTINCT FROM
        (NEW.amount, NEW.currency, NEW.ledger_id, NEW.debit_account_id, NEW.credit_account_id, NEW.timestamp,
         NEW.date)
    ) EXECUTE FUNCTION banking_reconciled_guard();
CREATE TRIGGER transaction_reconciled_delete BEFORE DELETE ON transactions_transaction
    FOR EACH ROW EXECUTE FUNCTION banking_reconciled_guard();

CREATE TRIGGER reconciledtransaction_insert AFTER INSERT ON banking_reconciledtransaction
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION banking_reconciled_insert_guard();
CREATE TRIGGER reconciledtransaction_no_update BEFORE UPDATE ON banking_reconciledtransaction
    FOR EACH ROW EXECUTE FUNCTION banking_reconciled_update_guard();
CREATE TRIGGER reconciledtransaction_delete AFTER DELETE ON banking_reconciledtransaction
    REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION banking_reconciled_delete_guard();
CREATE TRIGGER reconciledtransaction_no_truncate BEFORE TRUNCATE ON banking_reconciledtransaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER reconciliation_insert BEFORE INSERT ON banking_reconciliation
    FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION banking_reconciliation_guard();
CREATE TRIGGER reconciliation_update BEFORE UPDATE ON banking_reconciliation
    FOR EACH ROW WHEN (OLD.status = 'completed' OR NEW.status = 'completed')
    EXECUTE FUNCTION banking_reconciliation_guard();
CREATE TRIGGER reconciliation_delete BEFORE DELETE ON banking_reconciliation
    FOR EACH ROW WHEN (OLD.status = 'completed') EXECUTE FUNCTION banking_reconciliation_guard();
CREATE TRIGGER reconciliation_no_truncate BEFORE TRUNCATE ON banking_reconciliation
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE TRIGGER bankaccount_ledger_account BEFORE UPDATE ON banking_bankaccount
    FOR EACH ROW WHEN (OLD.ledger_account_id IS DISTINCT FROM NEW.ledger_account_id)
    EXECUTE FUNCTION banking_bankaccount_guard();
