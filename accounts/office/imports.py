"""Importing a chart of accounts: choose, look at what it would do, do it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.chart_templates import templates
from accounts.imports.files import check_size, guess_format, read_rows
from accounts.imports.plan import plan_accounts
from accounts.imports.rows import COLUMNS, Row
from accounts.models import AccountImport
from accounts.office.forms import ImportForm
from accounts.office.ledgers import chosen_ledger
from accounts.querysets import ledgers_of
from accounts.services import import_accounts, rows_of_template
from ledger.exceptions import LedgerError, NotFoundError, ValidationError
from ledger.ids import Prefix
from ledger.models import Ledger
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage

# How long a file waits for its preview to be confirmed.
_KEPT_SECONDS: Final = 3600
# What is refused is shown first, so nothing that needs a person is behind this.
SHOWN_ROWS_MAX: Final = 500
_PAST_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Source:
    """What was chosen: a ready-made chart, or a file that waits in the cache."""

    ledger: Ledger
    template_id: str | None = None
    token: str | None = None
    file_name: str = ""
    data: bytes = b""

    @property
    def label(self) -> str:
        return templates()[self.template_id].name if self.template_id else self.file_name

    @property
    def file_format(self) -> str | None:
        return None if self.template_id else guess_format(self.data)

    def rows(self) -> list[Row]:
        """Read it. Raises ValidationError for a file that cannot be read at all."""
        if self.template_id:
            return rows_of_template(self.template_id)
        return read_rows(self.data, guess_format(self.data))


@dataclass(frozen=True, slots=True)
class Fate:
    """What would become of a row."""

    row: Row
    fate: str  # "made", "skipped" or "refused"
    type: str
    financial_type: str | None

    @property
    def faults(self) -> list[str]:
        return [f"{error.field}: {error.message}" for error in self.row.errors]


class ImportPage(CompanyPage):
    """Choose a ready-made chart or a file, and see what was imported before."""

    title = "Import accounts"
    template_name = "office/chart_import.html"
    duty = Duty.KEEP

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep what was chosen, and show its preview."""
        form = ImportForm(request.POST, request.FILES)
        if form.is_valid():
            chosen = form.cleaned_data
            ledger = chosen_ledger(ledgers_of(self.company), self.company, chosen["ledger"])
            try:
                if chosen["source"] == "template":
                    query = f"template={chosen['template']}"
                else:
                    check_size(chosen["file"].size)
                    data = chosen["file"].read()
                    read_rows(data, guess_format(data))  # what cannot be read at all is said here
                    query = f"file={self._keep(chosen['file'].name, data)}"
            except LedgerError as error:
                form.add_error("file", error.message)
            else:
                return HttpResponseRedirect(
                    f"{self.link('chart-import-preview')}?ledger={ledger.public_id}&{query}"
                )
        return self.render_to_response(self.get_context_data(form=form, **kwargs))

    def _keep(self, name: str, data: bytes) -> str:
        token = uuid4().hex
        cache.set(_key(self.company.id, self.actor.id, token), (name, data), _KEPT_SECONDS)
        return token

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The ready-made charts, the columns of a file, and past imports: two queries."""
        past = AccountImport.objects.filter(entity_id=self.company.id).defer("errors")
        return super().get_context_data(
            **{"form": ImportForm(), **kwargs},
            templates=list(templates().values()),
            columns=COLUMNS,
            ledgers=ledgers_of(self.company),
            past=list(past[:_PAST_MAX]),
            crumbs=[("Chart of accounts", self.link("chart"))],
        )


class ImportPreviewPage(CompanyPage):
    """What an import would do, row by row; a POST does it."""

    title = "Import accounts: preview"
    template_name = "office/chart_import_preview.html"
    duty = Duty.KEEP

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The preview, or the choice again where what was chosen is gone."""
        try:
            return super().get(request, *args, **kwargs)
        except LedgerError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self.link("chart-import"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Import, and show what became of it."""
        source = self._source(request.POST)
        done = import_accounts(
            entity=self.company,
            ledger=source.ledger,
            rows=source.rows(),
            source="template" if source.template_id else "file",
            template_id=source.template_id,
            file_format=source.file_format,
            actor=self.actor,
        )
        if source.token:
            cache.delete(_key(self.company.id, self.actor.id, source.token))
        self.say(f"{done.accounts_created} accounts made, {done.accounts_skipped} were there already.")
        if done.errors:
            return HttpResponseRedirect(self.link("chart-import-result", id=done.public_id))
        return HttpResponseRedirect(f"{self.link('chart')}?ledger={source.ledger.public_id}")

    def after_refusal(self) -> str:
        """To the choice: what was chosen is gone."""
        return self.link("chart-import")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The plan of the import, with what is refused first; nothing is written."""
        source = self._source(self.request.GET)
        fates = _fates(source)
        counts = Counter(fate.fate for fate in fates)
        fates.sort(key=lambda fate: (fate.fate != "refused", fate.row.number))
        return super().get_context_data(
            source=source,
            fates=fates[:SHOWN_ROWS_MAX],
            left=max(0, len(fates) - SHOWN_ROWS_MAX),
            made=counts["made"],
            skipped=counts["skipped"],
            refused=counts["refused"],
            crumbs=[
                ("Chart of accounts", self.link("chart")),
                ("Import accounts", self.link("chart-import")),
            ],
            **kwargs,
        )

    def _source(self, asked: Any) -> Source:
        ledger = chosen_ledger(ledgers_of(self.company), self.company, asked.get("ledger"))
        template_id, token = asked.get("template"), asked.get("file")
        if template_id:
            if template_id not in templates():
                raise NotFoundError("There is no such ready-made chart.")
            return Source(ledger, template_id=template_id)
        kept = cache.get(_key(self.company.id, self.actor.id, str(token)))
        if kept is None:
            raise ValidationError("The file is not kept any more. Choose it again.")
        name, data = kept
        return Source(ledger, token=token, file_name=name, data=data)


class ImportResultPage(CompanyPage):
    """What became of an import, with the rows that were refused."""

    title = "Import of accounts"
    template_name = "office/chart_import_result.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """One query."""
        import_id = self.id_of(Prefix.IMPORT, kwargs["id"])
        done = AccountImport.objects.filter(entity_id=self.company.id, id=import_id).first()
        if done is None:
            raise NotFoundError("There is no such import.")
        crumbs = [("Chart of accounts", self.link("chart"))]
        if self.may(Duty.KEEP):
            crumbs.append(("Import accounts", self.link("chart-import")))
        return super().get_context_data(done=done, crumbs=crumbs, **kwargs)


def _fates(source: Source) -> list[Fate]:
    rows = source.rows()
    plan = plan_accounts(source.ledger, rows)
    fresh = {account.id for account in plan.fresh}
    fates = []
    for row, account in zip(rows, plan.outcomes, strict=True):
        if account is None:
            fates.append(Fate(row, "refused", row.type or "", row.financial_type))
        else:
            is_made = account.id in fresh
            # Of an account that is there already, its financial type is not looked up for this.
            use = account.financial_type if is_made else row.financial_type
            fates.append(Fate(row, "made" if is_made else "skipped", account.type, use))
    return fates


def _key(company_id: UUID, user_id: UUID | None, token: str) -> str:
    """Where a file waits: of this company and this person alone."""
    return f"chart-import:{company_id}:{user_id}:{token}"
