"""The pages of banks and reconciliation in the back office."""
