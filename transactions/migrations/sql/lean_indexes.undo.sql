ALTER INDEX transactions_transaction_tenant_key RESET (fillfactor);
DROP INDEX transaction_by_words;
CREATE INDEX transaction_by_words ON transactions_transaction USING gin (
    transactions_search_keys(
        entity_id,
        transactions_search_pieces(transactions_search_words(
            description || ' ' || counterparty || ' ' || coalesce(external_id, ''))))
) WITH (fastupdate = on, gin_pending_list_limit = 256);
DROP FUNCTION transactions_search_cut(text);
