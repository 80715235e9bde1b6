"""A company's rules: which of them a bank line belongs to, keeping them, and applying them on demand."""

from banking.rules.applications import Applied, record_applications
from banking.rules.choosing import choose
from banking.rules.conditions import Candidate

__all__ = ["Applied", "Candidate", "choose", "record_applications"]
