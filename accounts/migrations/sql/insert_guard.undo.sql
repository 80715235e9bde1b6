DROP TRIGGER account_insert ON accounts_account;
DROP FUNCTION accounts_account_insert_guard();
