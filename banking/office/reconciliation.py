"""One bank statement against the books: ticking until nothing differs."""

from typing import Any, Final
from uuid import UUID

from django.db.transaction import atomic
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from banking.office.statement_rows import entry_rows, figures, in_minor, line_rows, parts_for
from banking.reconciliation.matching import accept_suggestions, match_line, tick, unmatch_line, untick
from banking.reconciliation.services import (
    complete_reconciliation,
    delete_reconciliation,
    reopen_reconciliation,
)
from banking.reconciliation.statements import Statement, find_statement, read_candidates
from banking.services.deciding import record_line
from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id
from ledger.models import User
from ledger.money import minor_digits
from ledger.office.pages import CompanyPage
from ledger.times import day_of

REASON_LENGTH_MAX: Final = 500
_SHOWN: Final = ("all", "unticked", "ticked")
_OUTSTANDING_MAX: Final = 200


class Reconciliation(CompanyPage):
    """A statement. While it is open its transactions are ticked; a completed one is a summary to print."""

    title = "Reconciliation"
    template_name = "office/reconciliation.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The figures, the transactions, and of an open statement the bank's lines."""
        statement = find_statement(self.company, self._id)
        show = self.request.GET.get("show", "all" if statement.is_open else "ticked")
        show = show if show in _SHOWN else "all"
        found: dict[str, Any] = {
            **figures(self.company, statement),
            **entry_rows(self.company, statement, show, self.request.GET.get("cursor")),
        }
        if statement.is_open:
            found |= line_rows(self.company, statement)
        else:
            found |= self._completed(statement)
        return super().get_context_data(
            statement=statement,
            currency=statement.currency,
            digits=minor_digits(statement.currency),
            labels=_labels(statement),
            show=show,
            statement_minor=in_minor(statement.statement_balance, statement.currency),
            crumbs=[("Reconciliation", self.link("reconciliations"))],
            title=_title(statement),
            **found,
            **kwargs,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Tick, match, complete, reopen or throw away."""
        action = request.POST.get("action", "")
        act = getattr(self, f"_{action}", None) if action in _ACTIONS else None
        if act is None:
            raise ValidationError.of("action", "is none that this page knows; load the page anew.")
        told = act()
        if self.wants_json():
            return JsonResponse(_figures_json(self.company, find_statement(self.company, self._id)))
        if told:
            self.say(told)
        gone = self.link("reconciliations") if action == "throw" else request.get_full_path()
        return HttpResponseRedirect(gone)

    # --- actions, each through one service ------------------------------------------------------------

    def _set(self) -> str:
        """Tick and untick; a form without the script says what it showed, and what of it is ticked."""
        ticked = self._ids("tick")
        unticked = [one for one in [*self._ids("untick"), *self._ids("shown")] if one not in set(ticked)]
        with atomic():
            for say, ids in ((tick, ticked), (untick, unticked)):
                if ids:
                    say(
                        entity=self.company, reconciliation_id=self._id, transaction_ids=ids, actor=self.actor
                    )
        return "Saved."

    def _match(self) -> str:
        match_line(
            entity=self.company,
            reconciliation_id=self._id,
            line_id=self._line(),
            transaction_ids=self._some("transaction"),
            actor=self.actor,
        )
        return "Matched and ticked."

    def _unmatch(self) -> str:
        unmatch_line(entity=self.company, reconciliation_id=self._id, line_id=self._line(), actor=self.actor)
        return "The match is taken back, and the line stands for nothing."

    def _record(self) -> str:
        record_line(entity=self.company, line_id=self._line(), category_id=None, actor=self.actor)
        return "Recorded as a transaction of its own; it waits for a category in the review queue."

    def _suggested(self) -> str:
        count = accept_suggestions(entity=self.company, reconciliation_id=self._id, actor=self.actor)
        return f"{count} ticked."

    def _complete(self) -> str:
        complete_reconciliation(entity=self.company, reconciliation_id=self._id, actor=self.actor)
        return "Completed: what stands on this statement is locked."

    def _reopen(self) -> str:
        reason = self.request.POST.get("reason", "").strip()
        if not reason or len(reason) > REASON_LENGTH_MAX:
            raise ValidationError.of("reason", f"say why, in 1 to {REASON_LENGTH_MAX} characters.")
        reopen_reconciliation(
            entity=self.company, reconciliation_id=self._id, reason=reason, actor=self.actor
        )
        return "Open again, with everything still ticked."

    def _throw(self) -> str:
        delete_reconciliation(entity=self.company, reconciliation_id=self._id, actor=self.actor)
        return "Thrown away; books and bank lines are as they were."

    # --- what was sent --------------------------------------------------------------------------------

    @property
    def _id(self) -> UUID:
        found: UUID = self.id_of(Prefix.RECONCILIATION, self.kwargs["id"])
        return found

    def _line(self) -> UUID:
        return decode_id(Prefix.BANK_LINE, self.request.POST.get("line", ""), field="line")

    def _ids(self, name: str) -> list[UUID]:
        return [decode_id(Prefix.TRANSACTION, one, field=name) for one in self.request.POST.getlist(name)]

    def _some(self, name: str) -> list[UUID]:
        ids = self._ids(name)
        if not ids:
            raise ValidationError.of(name, "is missing; choose at least one.")
        return ids

    def _completed(self, statement: Statement) -> dict[str, Any]:
        """What a summary adds: who completed it and when, and what was outstanding."""
        outstanding = read_candidates(self.company, statement, limit=_OUTSTANDING_MAX, recent=True)
        by = statement.completed_by
        person = User.objects.filter(id=by).first() if by else None
        return {
            "outstanding": outstanding,
            "completed_by": person.get_username() if person else "a program",
            "completed_on": statement.completed_at and day_of(statement.completed_at, self.company.zone),
        }


_ACTIONS: Final = ("set", "match", "unmatch", "record", "suggested", "complete", "reopen", "throw")


class MatchLine(CompanyPage):
    """Which transactions a bank line is: one, or several that come to its amount."""

    title = "Match a bank line"
    template_name = "office/reconciliation_match.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The line, and what it may be."""
        statement = find_statement(self.company, self.id_of(Prefix.RECONCILIATION, kwargs.pop("id")))
        line_id = self.id_of(Prefix.BANK_LINE, kwargs.pop("line"))
        line, parts = parts_for(self.company, statement, line_id)
        if line is None or not statement.is_open:
            raise Http404("This line stands for a transaction by now.")
        back = self.link("reconciliation", id=self.kwargs["id"])
        return super().get_context_data(
            line=line,
            parts=parts,
            currency=statement.currency,
            digits=minor_digits(statement.currency),
            wanted=abs(line.amount),
            wanted_minor=in_minor(abs(line.amount), statement.currency),
            back=back,
            crumbs=[("Reconciliation", self.link("reconciliations")), (_title(statement), back)],
            **kwargs,
        )


def _title(statement: Statement) -> str:
    name = statement.bank_account_name
    day = statement.statement_date
    return f"{name}, statement of {day.day} {day:%b %Y}"


def _labels(statement: Statement) -> dict[str, str]:
    """What raises and what lowers the balance, in the words of such an account."""
    if statement.sign > 0:
        return {"raises": "Money in", "lowers": "Money out"}
    return {"raises": "Charges", "lowers": "Payments"}


def _figures_json(company: Any, statement: Statement) -> dict[str, Any]:
    """The figures for the page's script, amounts as text of exact minor units."""
    found = figures(company, statement)
    return {
        "difference": str(found["difference_minor"]),
        "cleared": str(found["cleared_minor"]),
        "count": found["cleared_count"],
    }
