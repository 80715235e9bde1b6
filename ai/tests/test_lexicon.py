"""The lexicon: what its files must be, and how words and names are found in a text."""

import tomllib
from pathlib import Path

import pytest

from ai.lexicon import reading
from ai.lexicon.reading import lexicon
from ai.lexicon.words import is_near, slips, stem, words_of
from ai.search.embedding import GROUP_DIMENSIONS

TABLES = tomllib.loads((Path(reading.__file__).parent / "groups.toml").read_text())


def groups_of(text: str) -> set[str]:
    """The groups that a text names."""
    known = lexicon()
    stems = [stem(word) for word in words_of(text)]
    return {known.groups[group] for match in known.matches(stems) for group, _ in match.term.groups}


def test_every_group_is_a_part_of_groups_that_there_are() -> None:
    broader = {name for table in TABLES.values() for name in table.get("in", [])}

    assert broader <= TABLES.keys()
    assert all(table.keys() <= {"in", "words", "names"} for table in TABLES.values())
    # Each has a dimension of its own.
    assert 100 < len(TABLES) <= GROUP_DIMENSIONS


def test_no_group_stands_above_itself() -> None:
    known = lexicon()

    assert [known.groups[group] for group, above in known.broader.items() if group in above] == []


def test_a_part_of_a_part_belongs_to_the_whole_a_little_less() -> None:
    known = lexicon()
    parking = known.broader[known.groups.index("plumbing")]

    shares = {known.groups[group]: share for group, share in parking.items()}

    assert shares["repairs"] > shares["premises"] > 0.5


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("AMAZON WEB SERVICES AWS.AMAZON.CO WA", {"cloud"}),
        ("DELTA AIR 0062341 ATLANTA GA", {"flights"}),
        # The longest name counts, and the shorter one within it does not.
        ("ACH DEBIT UNITED HEALTHCARE 1234", {"health-insurance"}),
        ("UNITED 0161234 HOUSTON TX", {"flights"}),
        ("GOOGLE *ADS1234 CC GOOGLE.COM CA", {"advertising"}),
        ("GOOGLE *GSUITE_ACME CC@GOOGLE.COM CA", {"software"}),
        ("AT&T BILL PAYMENT", {"telecom"}),
        ("Salaries", {"payroll"}),
        ("7-Eleven 1042", {"fuel"}),
    ],
)
def test_names_and_words_are_found_in_a_text(text: str, groups: set[str]) -> None:
    assert groups_of(text) == groups


@pytest.mark.parametrize(
    ("one", "other"),
    [("taxes", "tax"), ("salaries", "salary"), ("expenses", "expense"), ("boxes", "box"), ("fees", "fee")],
)
def test_singular_and_plural_are_one_word(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_words_are_read_without_case_accents_and_marks() -> None:
    assert words_of("Café AT&T — Joe\u2019s INV-1003!") == ["cafe", "att", "joes", "inv", "1003"]
    assert words_of("ADS5491 B12 6SEMKA1 401k") == ["ads", "5491", "b12", "6semka1", "401k"]


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("rent", "rent", 0), ("rent", "rant", 1), ("hotel", "hotle", 1), ("payrol", "payroll", 1)],
)
def test_slips_are_wrong_missing_and_swapped_letters(one: str, other: str, count: int) -> None:
    assert slips(one, other) == slips(other, one) == count


def test_short_words_and_other_first_letters_are_no_slips() -> None:
    assert not is_near("cat", "car")
    assert not is_near("rent", "cent")
    assert not is_near("rent", "meant")
    assert is_near("insurence", "insurance")


@pytest.mark.parametrize(
    ("misspelled", "meant"),
    [("insurence", "insurance"), ("advertizing", "advertising"), ("payrol", "payroll"), ("hotell", "hotel")],
)
def test_a_misspelled_word_leads_to_the_one_that_was_meant(misspelled: str, meant: str) -> None:
    assert lexicon().nearest(stem(misspelled)) == stem(meant)


def test_a_word_unlike_any_other_leads_nowhere() -> None:
    assert lexicon().nearest("zxqvj") is None
    assert lexicon().nearest("1003") is None
    assert lexicon().nearest("") is None
