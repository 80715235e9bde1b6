"""The forms of the chart of accounts. They ask for the right shape; what may be is the services' to say."""

import re
from typing import Any

from django import forms

from accounts.chart import TYPE_NAMES, ChartAccount
from accounts.chart_templates import templates
from accounts.choices import AccountType
from accounts.constants import ACCOUNT_NAME_LENGTH_MAX, CODE_MAX, CODE_MIN, SUB_TYPE_LENGTH_MAX
from accounts.financial_types import FINANCIAL_TYPES
from accounts.imports.rows import DESCRIPTION_LENGTH_MAX
from ledger.exceptions import LedgerError

_PUBLIC_ID = re.compile(r" \([a-z]+_[0-9a-z]{26}\)")
# What a service calls a field, and what the form does.
_FIELDS = {"parent_account_id": "parent", "sub_type_code": "code"}


class AccountForm(forms.Form):
    """Everything that a person says of an account."""

    type = forms.ChoiceField(choices=[(type_.value, TYPE_NAMES[type_]) for type_ in AccountType])
    name = forms.CharField(max_length=ACCOUNT_NAME_LENGTH_MAX)
    code = forms.IntegerField(min_value=CODE_MIN, max_value=CODE_MAX, required=False)
    financial_type = forms.ChoiceField(required=False)
    parent = forms.ChoiceField(required=False)
    sub_type = forms.CharField(max_length=SUB_TYPE_LENGTH_MAX, required=False)
    description = forms.CharField(max_length=DESCRIPTION_LENGTH_MAX, required=False)

    def __init__(self, *args: Any, parents: list[ChartAccount], type_is_fixed: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.parents = parents
        self.type_is_fixed = type_is_fixed
        _choices(self, "financial_type", ["", *FINANCIAL_TYPES])
        _choices(self, "parent", ["", *(account.public_id for account in parents)])
        if type_is_fixed:
            self.fields["type"].required = False

    def refuse(self, error: LedgerError) -> None:
        """Show what a service refused at the field that it names, else above the form."""
        for detail in error.details:
            name = _FIELDS.get(detail.field, detail.field)
            self.add_error(name if name in self.fields else None, _in_words(detail.message))
        if not error.details:
            self.add_error(None, _in_words(error.message))

    def financial_types(self) -> list[dict[str, Any]]:
        """The financial types as a template lists them, by type."""
        chosen = self["financial_type"].value() or ""
        return [
            {
                "name": TYPE_NAMES[type_],
                "type": type_.value,
                "options": [
                    {
                        "code": one.code,
                        "label": one.label,
                        "chosen": one.code == chosen,
                    }
                    for one in FINANCIAL_TYPES.values()
                    if one.type is type_
                ],
            }
            for type_ in AccountType
        ]

    def parent_options(self) -> list[dict[str, Any]]:
        """The accounts that this one may stand below, as a template lists them, indented."""
        chosen = self["parent"].value() or ""
        return [
            {
                "id": account.public_id,
                "label": "\N{NO-BREAK SPACE}" * 3 * (account.depth - 1) + account.label,
                "type": account.type.value,
                "chosen": account.public_id == chosen,
            }
            for account in self.parents
        ]


class ImportForm(forms.Form):
    """Where a chart comes from: a ready-made one, or a file."""

    source = forms.ChoiceField(choices=[("template", "A ready-made chart"), ("file", "A file")])
    template = forms.ChoiceField(required=False)
    file = forms.FileField(required=False, allow_empty_file=True)
    ledger = forms.CharField(required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        _choices(self, "template", ["", *(one.id for one in templates().values())])

    def clean(self) -> dict[str, Any]:
        """Ask for what the source needs."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        needed = cleaned.get("source")
        if needed in ("template", "file") and not cleaned.get(needed) and needed not in self.errors:
            self.add_error(
                needed, "Choose a chart." if needed == "template" else "Choose a CSV or XLSX file."
            )
        return cleaned


def _in_words(message: str) -> str:
    """What a service says, for a person at a form: without ids, and without how a program would mend it."""
    said = _PUBLIC_ID.sub("", message.partition("; send")[0])
    said = said.replace("sub_type_code", "Code").replace("parent_account_id: ", "")
    return said if said.endswith(".") else f"{said}."


def _choices(form: forms.Form, name: str, values: list[str]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(value, value) for value in values]
