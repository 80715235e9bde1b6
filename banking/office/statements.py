"""Statement files: sent, looked at, and then read in; and what became of earlier ones."""

import secrets
import zlib
from typing import Any, Final, cast

from django import forms
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.models import Account
from banking.models import BankAccount
from banking.querysets import find_bank_account
from banking.statements.accounts import bank_account_of
from banking.statements.csv_mapping import AmountSign, CsvMapping
from banking.statements.days import DayOrder
from banking.statements.faults import StatementFileError
from banking.statements.importing import import_statement
from banking.statements.limits import FILE_BYTES_MAX
from banking.statements.previewing import Preview, preview_statement
from banking.statements.reads import find_import, line_counts
from ledger.exceptions import LedgerError, NotFoundError, ValidationError
from ledger.ids import Prefix, decode_id
from ledger.models import Entity
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage

# A file waits so long for the person to look at it; longer, and it is sent once more.
KEPT_SECONDS: Final = 1800
FAULTS_SHOWN: Final = 50
_FEDS: Final = ("CASH", "SAVINGS", "CREDIT_CARD", "MONEY_MARKET", "LINE_OF_CREDIT")
_SINGLE: Final = ("date", "amount", "debit", "credit", "direction", "counterparty", "reference", "balance")


class FileForm(forms.Form):
    """A statement file and the account that it is of."""

    account = forms.ChoiceField(label="Bank account")
    file = forms.FileField(label="Statement file")

    def __init__(self, entity: Entity, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fed = list(BankAccount.objects.filter(entity_id=entity.id, disconnected_at__isnull=True))
        others = (
            Account.objects.for_entity(entity)
            .open()
            .filter(financial_type__in=_FEDS)
            .exclude(id__in=[one.ledger_account_id for one in fed])
            .order_by("sub_type_code", "name")
        )
        choice: Any = self.fields["account"]
        choice.choices = [
            ("", "Choose"),
            *_group("Fed already", [(one.public_id, str(one)) for one in fed]),
            *_group("Of the chart, not fed yet", [(one.public_id, one.name) for one in others]),
        ]

    def clean_file(self) -> UploadedFile:
        """Refuse what is larger than any statement."""
        sent: UploadedFile = self.cleaned_data["file"]
        if (sent.size or 0) > FILE_BYTES_MAX:
            raise forms.ValidationError(f"It has more than {FILE_BYTES_MAX >> 20} MB; split it by months.")
        return sent


class MappingForm(forms.Form):
    """Which column of a CSV file is what; what is left open is read off the file."""

    description = forms.MultipleChoiceField(required=False, label="Description (one or several)")
    date_order = forms.ChoiceField(
        required=False,
        label="Order of dates",
        choices=[("", "as the file has it"), *((str(one), str(one)) for one in DayOrder)],
    )
    decimal_mark = forms.ChoiceField(
        required=False,
        label="Decimal mark",
        choices=[("", "as the file has it"), (".", "point"), (",", "comma")],
    )
    amount_sign = forms.ChoiceField(
        required=False,
        label="A positive amount is money",
        choices=[("", "as is usual"), *((str(one), str(one)) for one in AmountSign)],
    )

    def __init__(self, columns: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one, one) for one in columns if one]
        description: Any = self.fields["description"]
        description.choices = named
        for name in _SINGLE:
            self.fields[name] = forms.ChoiceField(
                required=False, label=name.capitalize(), choices=[("", "not there"), *named]
            )
        self.order_fields([*_SINGLE, "description", "date_order", "decimal_mark", "amount_sign"])

    @property
    def mapping(self) -> CsvMapping:
        """What was chosen. Raises StatementFileError where it is no mapping."""
        return CsvMapping.parse({name: value for name, value in self.cleaned_data.items() if value})


class StatementNew(CompanyPage):
    """Sending a file; the next page shows what is in it."""

    title = "Read in a statement file"
    template_name = "office/statement_new.html"
    duty = Duty.KEEP

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form."""
        kwargs.setdefault(
            "form", FileForm(self.company, initial={"account": self.request.GET.get("account")})
        )
        return super().get_context_data(crumbs=[("Banks", self.link("feeds"))], **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Keep the file for half an hour, and go on to look at it."""
        form = FileForm(self.company, request.POST, request.FILES)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        sent = form.cleaned_data["file"]
        token = secrets.token_urlsafe(16)
        kept = {
            "account": form.cleaned_data["account"],
            "name": str(sent.name)[:255],
            "data": zlib.compress(sent.read()),
        }
        cache.set(_key(self, token), kept, KEPT_SECONDS)
        return HttpResponseRedirect(self.link("statement-preview", token=token))


class StatementPreview(CompanyPage):
    """What a file would be read as; a CSV file's columns may be told otherwise. Then it is read in."""

    title = "Look at the statement file"
    template_name = "office/statement_preview.html"
    duty = Duty.KEEP

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what is in the file."""
        kept = self._kept()
        return self._shown(kept, self._preview(kept, None), None)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show it with other columns, or read it in."""
        kept = self._kept()
        preview = self._preview(kept, None)
        form = MappingForm(preview.table.columns, request.POST) if preview.table else None
        mapping = None
        try:
            if form is not None and form.is_valid():
                mapping = form.mapping
            if request.POST.get("action") == "import":
                return self._imported(kept, mapping)
        except StatementFileError as error:
            preview.problems, preview.problem_count = list(error.faults), error.count
            return self._shown(kept, preview, form)
        return self._shown(kept, self._preview(kept, mapping), form)

    def after_refusal(self) -> str:
        """Send the file once more."""
        return self.link("statement-new")

    def _imported(self, kept: dict[str, Any], mapping: CsvMapping | None) -> HttpResponse:
        done = import_statement(
            entity=self.company,
            bank_account=_opened(self, kept["account"]),
            data=zlib.decompress(kept["data"]),
            file_name=kept["name"],
            mapping=mapping,
            partial="partial" in self.request.POST,
            actor=self.actor,
        )
        cache.delete(_key(self, self.kwargs["token"]))
        self.say(f"{done.created_count} lines read in, {done.skipped_count} that were there already skipped.")
        return HttpResponseRedirect(self.link("statement-import", id=done.public_id))

    def _kept(self) -> dict[str, Any]:
        kept = cast("dict[str, Any] | None", cache.get(_key(self, self.kwargs["token"])))
        if kept is None:
            raise ValidationError("The file is not kept any more; send it once more.")
        return kept

    def _preview(self, kept: dict[str, Any], mapping: CsvMapping | None) -> Preview:
        return preview_statement(
            data=zlib.decompress(kept["data"]),
            bank_account=_fed(self.company, kept["account"]),
            mapping=mapping,
        )

    def _shown(self, kept: dict[str, Any], preview: Preview, form: MappingForm | None) -> HttpResponse:
        account = _fed(self.company, kept["account"])
        if form is None and preview.table is not None:
            known = preview.mapping.as_json() if preview.mapping else {}
            form = MappingForm(
                preview.table.columns,
                initial={
                    **known,
                    "date_order": known.get("dateOrder"),
                    "decimal_mark": known.get("decimalMark"),
                    "amount_sign": known.get("amountSign"),
                },
            )
        return self.render_to_response(
            self.get_context_data(
                preview=preview,
                form=form,
                problems=preview.problems[:FAULTS_SHOWN],
                # With what went out and what came in.
                lines=[
                    (one, one.amount, None) if one.amount > 0 else (one, None, -one.amount)
                    for one in preview.first_lines
                ],
                file_name=kept["name"],
                account=account,
                currency=account.currency if account else self.company.default_currency,
                crumbs=[("Banks", self.link("feeds")), ("Read in a file", self.link("statement-new"))],
            )
        )


class StatementImportPage(CompanyPage):
    """What became of a statement file."""

    title = "Statement file"
    template_name = "office/statement_import.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The import, and its faulty rows."""
        done = find_import(self.company, self.id_of(Prefix.IMPORT, kwargs.pop("id")))
        return super().get_context_data(
            done=done,
            counts=line_counts(self.company, [done])[done.id],
            currency=done.bank_account.currency,
            title=done.file_name or "Statement file",
            crumbs=[("Banks", self.link("feeds"))] if self.may(Duty.OPERATE) else [],
            **kwargs,
        )


def _group(name: str, options: list[tuple[str, str]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """A group of choices, where it has any."""
    return [(name, options)] if options else []


def _key(page: CompanyPage, token: str) -> str:
    """Of the person and the company: nobody else's token leads to the file."""
    return f"statement:{page.company.id}:{page.actor.id}:{token}"


def _fed(entity: Entity, public_id: str) -> BankAccount | None:
    """The chosen bank account; None for an account of the chart that is not fed yet."""
    if public_id.startswith(f"{Prefix.BANK_ACCOUNT}_"):
        return find_bank_account(entity, decode_id(Prefix.BANK_ACCOUNT, public_id, field="account"))
    return None


def _opened(page: CompanyPage, public_id: str) -> BankAccount:
    account = _fed(page.company, public_id)
    if account is not None:
        return account
    try:
        wanted = decode_id(Prefix.ACCOUNT, public_id, field="account")
    except LedgerError as error:
        raise NotFoundError("There is no such account in this company.") from error
    return bank_account_of(entity=page.company, ledger_account_id=wanted, actor=page.actor)
