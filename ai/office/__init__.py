"""The review queue in the back office."""
