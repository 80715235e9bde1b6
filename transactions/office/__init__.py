"""The pages of transactions in the back office."""
