"""The back office's plumbing: who may see which company, and what all of its pages have in common."""
