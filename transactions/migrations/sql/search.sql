-- Search by words and word beginnings, with PostgreSQL's own means.
--
-- Every recorded transaction passes through the first three functions, so they are written for speed: what is
-- all ASCII is spared the rules of other scripts, and each of them uses built-in functions alone (the index is
-- kept up with no search path, where functions of our own are not found by name).

-- The words of a text, in lower case, without accents, single blanks between them. What is neither letter nor
-- digit parts words: "INV-1003" is two. Account names and what people search for go through it as well. The
-- collation is named, so that letters are the same ones in every database and after every upgrade.
CREATE FUNCTION transactions_search_words(said text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 300 AS $$
BEGIN
    IF octet_length(said) = length(said) THEN
        RETURN btrim(regexp_replace(lower(said COLLATE pg_c_utf8), '[^a-z0-9]+', ' ', 'g'));
    END IF;
    RETURN btrim(regexp_replace(regexp_replace(
        replace(replace(replace(replace(replace(
            lower(normalize(said, NFKD) COLLATE pg_c_utf8),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'ø', 'o'), 'ł', 'l'),
        '[\u0300-\u036f]+', '', 'g'), '[^[:alnum:]]+', ' ', 'g'));
END $$;

-- The words cut into pieces: between letters and digits, and after every fourth digit of a number. A piece
-- that goes on with a word begins with "~". An index of whole words would hold every invoice number once, at
-- 50 bytes each; there are only 10,000 pieces of four digits, each with a short list. The beginning of a word
-- has the same pieces as the word, but for its last one, which is the beginning of one.
CREATE FUNCTION transactions_search_pieces(words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(words, '([0-9]{4}(?=[0-9])|[0-9](?=[^0-9 ])|[^0-9 ](?=[0-9]))', '\1 ~', 'g');

-- What the index holds of a transaction: the pieces, each behind four digits of the company's id. So a
-- frequent word of all companies is many short lists, and nobody reads through the others' lists. The cost
-- tells the planner not to make the keys of a row anew where it can do without, and RESTRICTED that a search
-- is not worth the start of parallel workers.
CREATE FUNCTION transactions_search_keys(entity uuid, pieces text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL RESTRICTED COST 1000 AS $$
BEGIN
    -- A key has 2,046 bytes at most. Searches use 24 letters of a piece, and compare the rest themselves.
    IF octet_length(pieces) > 2000 THEN
        pieces := regexp_replace(pieces, '([^ ]{25})[^ ]+', '\1', 'g');
    END IF;
    RETURN array_to_tsvector(string_to_array(
        right(entity::text, 4) || replace(pieces, ' ', ' ' || right(entity::text, 4)), ' '));
END $$;

-- The keys that a word beginning has: its pieces, of which the last one, and those that were too long, may go
-- on. `pieces` are letters, digits and "~", so nothing in them means anything to a tsquery.
CREATE FUNCTION transactions_search_query(entity uuid, pieces text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    company text := right(entity::text, 4);
    -- An asterisk marks what may go on.
    marked text := regexp_replace(pieces || '*', '(~?[^ ~*]{24})[^ ~*]+\*?', '\1*', 'g');
BEGIN
    RETURN replace(
        '''' || company || replace(marked, ' ', ''' & ''' || company) || '''', '*''', ''':*')::tsquery;
END $$;

-- New rows wait in a short list of their own, which every search reads too, and go into the index together:
-- a fifth of the write-ahead log and half of the time. At most 256 kB wait, so the row that fills the list up
-- waits some milliseconds, not the tenths of a second of the default of 4 MB.
CREATE INDEX transaction_by_words ON transactions_transaction USING gin (
    transactions_search_keys(
        entity_id,
        transactions_search_pieces(transactions_search_words(
            description || ' ' || counterparty || ' ' || coalesce(external_id, ''))))
) WITH (fastupdate = on, gin_pending_list_limit = 256);
