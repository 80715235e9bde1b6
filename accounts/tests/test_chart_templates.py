"""The ready-made charts are complete, consistent, and fit together with the system accounts."""

from pathlib import Path

import pytest

from accounts.chart_templates import (
    SYSTEM_ACCOUNTS,
    TEMPLATE_CODE_MAX,
    TEMPLATE_IDS,
    ChartTemplate,
    ChartTemplateError,
    SystemRole,
    TemplateAccount,
    _read,
    chart_template,
    templates,
)
from accounts.choices import AccountType
from accounts.financial_types import financial_type, is_cash

HEADER = "code,name,type,financial_type,parent,description\n"


@pytest.fixture(params=TEMPLATE_IDS)
def template(request: pytest.FixtureRequest) -> ChartTemplate:
    return chart_template(request.param)


def by_code(template: ChartTemplate) -> dict[int, TemplateAccount]:
    return {account.code: account for account in template.accounts}


def test_the_templates_of_the_contract_exist_with_names_and_descriptions() -> None:
    assert list(templates()) == [
        "tmpl_standard_business",
        "tmpl_saas",
        "tmpl_retail",
        "tmpl_professional_services",
        "tmpl_nonprofit",
    ]
    assert all(found.id == id_ and found.name and found.description for id_, found in templates().items())


def test_the_standard_template_has_the_75_accounts_of_the_reference_page() -> None:
    assert len(chart_template("tmpl_standard_business").accounts) == 75


def test_a_template_is_complete_enough_to_keep_books(template: ChartTemplate) -> None:
    assert 40 <= len(template.accounts) <= 75
    used = {account.financial_type for account in template.accounts}
    assert used >= {"CASH", "ACCOUNTS_RECEIVABLE", "ACCOUNTS_PAYABLE", "CREDIT_CARD", "PAYROLL_EXPENSES"}
    assert {account.type for account in template.accounts} == set(AccountType)


def test_every_file_of_the_directory_is_a_template_on_offer() -> None:
    directory = Path(__file__).parents[1] / "templates_of_accounts"
    assert {path.stem for path in directory.glob("*.csv")} == set(TEMPLATE_IDS)


def test_codes_and_names_are_unique_and_rise_from_top_to_bottom(template: ChartTemplate) -> None:
    codes = [account.code for account in template.accounts]
    assert codes == sorted(set(codes))
    assert len({account.name.casefold() for account in template.accounts}) == len(codes)
    assert all(account.description for account in template.accounts)


def test_children_are_of_their_parents_type_and_stand_in_its_place_of_the_statements(
    template: ChartTemplate,
) -> None:
    accounts = by_code(template)
    for account in template.accounts:
        if account.parent is None:
            continue
        own, above = (
            financial_type(account.financial_type),
            financial_type(accounts[account.parent].financial_type),
        )
        assert own.type is above.type is account.type, account
        assert own.is_current == above.is_current, account
        assert own.income_section == above.income_section, account


def test_the_codes_begin_with_the_digit_of_their_group(template: ChartTemplate) -> None:
    first_digits = {AccountType.ASSET: 1, AccountType.LIABILITY: 2, AccountType.EQUITY: 3}
    for account in template.accounts:
        if account.type in first_digits:
            assert account.code // 1000 == first_digits[account.type], account
        else:
            assert account.code // 1000 >= 4, account


def test_no_account_is_called_a_contra_account_without_being_one(template: ChartTemplate) -> None:
    for account in template.accounts:
        contra = financial_type(account.financial_type).is_contra
        says_so = (
            f"a {'credit' if account.type.normal_side == 'DEBIT' else 'debit'} balance" in account.description
        )
        assert contra == says_so, account


def test_the_numbers_of_the_reference_pages_examples_stay_free(template: ChartTemplate) -> None:
    # Its example makes an account 5020 and renumbers it to 5025: that must work after an import too.
    assert not {5020, 5025} & set(by_code(template))


def test_system_accounts_never_meet_an_account_of_a_template(template: ChartTemplate) -> None:
    assert not {system.code for system in SYSTEM_ACCOUNTS} & set(by_code(template))
    names = {account.name.casefold() for account in template.accounts}
    assert not {system.name.casefold() for system in SYSTEM_ACCOUNTS} & names
    # The purpose stands once in a chart, too: no second place for what is uncategorized.
    used = {account.financial_type for account in template.accounts}
    assert not {system.financial_type for system in SYSTEM_ACCOUNTS} & used


def test_there_is_one_consistent_system_account_for_each_role() -> None:
    assert {system.role for system in SYSTEM_ACCOUNTS} == set(SystemRole)
    assert len({system.code for system in SYSTEM_ACCOUNTS}) == len(SYSTEM_ACCOUNTS)
    for system in SYSTEM_ACCOUNTS:
        assert system.code > TEMPLATE_CODE_MAX
        assert financial_type(system.financial_type).type is system.type
        assert not is_cash(system.financial_type)


def test_an_unknown_template_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="tmpl_nowhere"):
        chart_template("tmpl_nowhere")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "1010,Cash,ASSET,CASH,,x\n1010,Bank,ASSET,CASH,,x\n",
            "line 3: account 1010 'Bank': the code is already taken",
        ),
        ("1010,Cash,ASSET,CASH,,x\n1020,cash,ASSET,CASH,,x\n", "the name is empty or already taken"),
        ("9000,Cash,ASSET,CASH,,x\n", "the code must lie between 1000 and 8999"),
        ("1010,Cash,ASSET,GOLD,,x\n", "there is no financial type 'GOLD'"),
        ("2010,Cash,LIABILITY,CASH,,x\n", "CASH belongs to ASSET, not to LIABILITY"),
        ("1010,Cash,ASSET,CASH,1000,x\n", "the parent 1000 must stand in an earlier line"),
        ("1000,A,ASSET,CASH,,x\n2010,B,LIABILITY,CREDIT_CARD,1000,x\n", "the parent 1000 is of type ASSET"),
        ("1010,Cash,MONEY,CASH,,x\n", "'MONEY' is not a valid AccountType"),
        ("ten,Cash,ASSET,CASH,,x\n", "line 2: invalid literal"),
    ],
)
def test_a_broken_template_is_refused_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "tmpl_broken.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(ChartTemplateError, match=message):
        _read(path)


def test_a_template_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tmpl_broken.csv"
    path.write_text("number,name\n1010,Cash\n")
    with pytest.raises(ChartTemplateError, match="the columns are"):
        _read(path)
