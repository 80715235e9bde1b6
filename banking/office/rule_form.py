"""The form of a new rule, over the accounts of one company."""

from typing import Any, Final, cast

from django import forms

from banking.choices import Direction
from banking.models import BankAccount, Rule
from banking.office.accounts import account_options
from banking.rules.keeping import PRIORITY, PRIORITY_MAX, RuleFields
from banking.rules.patterns import REGEX_LENGTH_MAX
from ledger.exceptions import LedgerError
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import Entity

# The services' and the API's names of what the form calls otherwise.
_OF_DETAILS: Final = {
    "amountMin": "amount_least",
    "amountMax": "amount_most",
    "categoryId": "category",
    "bankAccountId": "bank_account",
}


_ROWS: Final = (
    ("name",),
    ("category",),
    ("contains", "counterparty"),
    ("direction", "bank_account"),
    ("amount_least", "amount_most"),
    ("regex", "priority"),
    ("auto_approve",),
)


class RuleForm(forms.Form):
    """What a person says of a rule. Accounts of other companies are no choices."""

    name = forms.CharField(max_length=Rule._meta.get_field("name").max_length)
    category = forms.ChoiceField(label="Account that it puts them in")
    contains = forms.CharField(
        label="Text contains", required=False, max_length=200,
        help_text="In the description or in the counterparty, whatever the case.",
    )  # fmt: skip
    counterparty = forms.CharField(
        label="Counterparty is", required=False, max_length=200, help_text="The whole name."
    )
    direction = forms.ChoiceField(
        label="Money",
        choices=[(Direction.ANY, "in or out"), (Direction.OUT, "out"), (Direction.IN, "in")],
    )
    amount_least = forms.DecimalField(
        label="Amount from", required=False, min_value=0, max_digits=20, decimal_places=4
    )
    amount_most = forms.DecimalField(
        label="Amount to", required=False, min_value=0, max_digits=20, decimal_places=4
    )
    bank_account = forms.ChoiceField(label="Bank account", required=False)
    regex = forms.CharField(
        label="Regular expression", required=False, max_length=REGEX_LENGTH_MAX, help_text="RE2's syntax."
    )
    priority = forms.IntegerField(
        min_value=0, max_value=PRIORITY_MAX, initial=PRIORITY,
        help_text="Of several rules that fit, the one with the lowest is taken.",
    )  # fmt: skip
    auto_approve = forms.BooleanField(label="Post at once, with nobody looking", required=False)

    def __init__(self, entity: Entity, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entity = entity
        category: Any = self.fields["category"]
        category.choices = [("", "Choose"), *((one.id, one.label) for one in account_options(entity))]
        category.widget.attrs["data-picker"] = "Which account?"
        banks = BankAccount.objects.filter(entity_id=entity.id, disconnected_at__isnull=True)
        bank_account: Any = self.fields["bank_account"]
        bank_account.choices = [("", "any"), *((one.public_id, str(one)) for one in banks)]

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The fields as the page sets them, beside each other."""
        return [[self[name] for name in names] for names in _ROWS]

    def fields_for_service(self) -> RuleFields:
        """What was written, in the service's words."""
        said = self.cleaned_data
        values = {name: said[name] for name in said if name not in ("category", "bank_account")}
        values["category_account_id"] = decode_id(Prefix.ACCOUNT, said["category"], field="category")
        bank = said["bank_account"]
        values["bank_account_id"] = (
            decode_id(Prefix.BANK_ACCOUNT, bank, field="bank_account") if bank else None
        )
        values["direction"] = Direction(said["direction"])
        return cast("RuleFields", values)

    def refuse(self, error: LedgerError) -> None:
        """Say at the fields what a service refused."""
        if not error.details:
            self.add_error(None, error.message)
        for field, message in error.details:
            name = _OF_DETAILS.get(field, field)
            self.add_error(name if name in self.fields else None, message)


def initial_of(description: str, counterparty: str, amount: Any, account_id: Any) -> dict[str, Any]:
    """What a rule from one transaction or line begins with: its counterparty where it names one, else the
    words of its text without numbers; the way the money went; the account."""
    text = " ".join(word for word in description.split() if not any(sign.isdigit() for sign in word))
    return {
        "name": (counterparty or text or description)[:100],
        "counterparty": counterparty,
        "contains": "" if counterparty else (text or description)[:200],
        "direction": Direction.OUT if amount > 0 else Direction.IN,
        "category": encode_id(Prefix.ACCOUNT, account_id) if account_id else "",
        "priority": PRIORITY,
    }
