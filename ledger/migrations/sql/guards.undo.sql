DROP TRIGGER auditevent_no_truncate ON ledger_auditevent;
DROP TRIGGER auditevent_no_delete ON ledger_auditevent;
DROP TRIGGER auditevent_no_update ON ledger_auditevent;
DROP TRIGGER entity_leaving ON ledger_entity;
DROP FUNCTION ledger_leaving_guard();
DROP FUNCTION ledger_audit_guard();
DROP FUNCTION ledger_refuse_change();
DROP FUNCTION ledger_books_key(uuid);
DROP FUNCTION ledger_entity_is_leaving(uuid);
