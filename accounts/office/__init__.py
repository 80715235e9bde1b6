"""The pages of the chart of accounts in the back office."""
