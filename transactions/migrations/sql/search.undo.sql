DROP INDEX transaction_by_words;
DROP FUNCTION transactions_search_query(uuid, text);
DROP FUNCTION transactions_search_keys(uuid, text);
DROP FUNCTION transactions_search_pieces(text);
DROP FUNCTION transactions_search_words(text);
