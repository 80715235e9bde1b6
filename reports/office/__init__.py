"""The pages of statements, closing and the dashboard in the back office."""
