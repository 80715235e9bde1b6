DROP TRIGGER account_tree ON accounts_account;
DROP FUNCTION accounts_account_tree_guard();
