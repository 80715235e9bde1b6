"""Words that carry no meaning of their own in a question, and words that must not be mistaken for others."""

from typing import Final


def listed(words: str) -> frozenset[str]:
    """Words of a text, each once."""
    return frozenset(words.split())


# Left over, they say nothing, and nobody need be told of them.
EMPTY: Final = listed("""
    a about again all also am among an and any anything are around as ask at available be because been
    being book booked books business but by call called can card charge charged come company could d did
    do does doing done each either entries entry ever every everything for from gave get give given go
    goes going gone good got had has have having hello help hey hi how however i if in into is it item
    items its just kind know large let like ll look made make many may me mean might mine money more
    most much must my need needs no not now of off ok okay on once one ones only or other our ours out
    over per please quick quickly re really record recorded records regarding result results s say see
    seem set shall she should show since so some something still stuff such sum t tell than thank thanks
    that the their them then there these they thing things this those through till to too total
    transaction transactions txn txns up us use used using very want wanted was we well were what whats
    when where whether which while who whole why will with within without would yes yet you your period
    time times date dates day days month months year years quarter quarters week weeks end start
    beginning during until between last next previous amount amounts dollar dollars usd value values
    figure figures number break breakdown compare compared comparison versus vs against same instead
    entire overall altogether happened happen recently currently current sort sorted order ordered way
    related data info information report overview details detail list far ago behind toward towards
    category categories account accounts supplier suppliers vendor vendors customer customers m ve
    earlier later new big small went worth transfer transfers transferred ride rides type types
    containing contain contains including includes growth grow grew change changes changed down differ
    difference description name named saying mention mentioning mentions labelled titled receipt higher
    lower paid
""")
# Ordinary words of questions that a misspelling of ours could look like.
ORDINARY: Final = listed("""
    after before being check clear close coast coat come could debt does down ever find first five form
    four hand hard here high idea into keep kind last least less line long lost love main make many mean
    meet more move much name near need next nice once open over paid part past pays plan plus rate read
    real rest ring role room said sail same says seem send sent side size some soon stop such sure take
    talk than thank that their them then there these they thing think this time told took true turn
    until upon used very want week well went were what when where which while whom whose wish with word
    work would year your zero weather pizza lunch joke hello world human people animal under three story
    today topic morning evening night market trade trip trips drop pets cats dogs
""")
