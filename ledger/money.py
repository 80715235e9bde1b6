"""Money: exact decimals, the currencies' minor digits, and the door that amounts come in by."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from ledger.exceptions import ValidationError, shown

# ISO 4217 list one, active currencies with minor units (https://www.six-group.com/iso-standards). Metals,
# test and fund codes without minor units are left out. ANG, BGN and HRK were withdrawn lately: older books
# hold them.
_TWO_DIGITS: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD
TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS: Final = "CLF UYW"

MINOR_DIGITS: Final[dict[str, int]] = {
    code: digits
    for digits, codes in ((2, _TWO_DIGITS), (0, _NO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}

MINOR_DIGITS_MAX: Final = 4
AMOUNT_LIMIT: Final = Decimal(10) ** 15  # amounts lie strictly below, on either side of zero

_STEPS: Final = {code: Decimal(1).scaleb(-digits) for code, digits in MINOR_DIGITS.items()}
_SMALLEST_STEP: Final = Decimal(1).scaleb(-MINOR_DIGITS_MAX)
_ZEROS: Final = {code: Decimal(0).scaleb(-digits) for code, digits in MINOR_DIGITS.items()}
# Sums of many amounts have more digits than the 28 of Python's default context.
_EXACT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)
# The JSON grammar of a number, in ASCII digits only; Decimal() itself would take "١٢", "1_000" and " 1 ".
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", re.ASCII)


def parse_currency(value: object, *, field: str) -> str:
    """Return the ISO 4217 code that a caller sent, in capitals; ValidationError for any other value."""
    if isinstance(value, str) and (code := value.upper()) in MINOR_DIGITS:
        return code
    raise ValidationError.of(
        field, f'{shown(value)} is not an ISO 4217 currency code; send one such as "USD".'
    )


def minor_digits(currency: str) -> int:
    """Return how many digits the currency has after the point (USD 2, JPY 0, KWD 3)."""
    return MINOR_DIGITS[currency]


def parse_amount(
    value: object,
    *,
    currency: str | None,
    field: str,
    allow_negative: bool = True,
    allow_zero: bool = False,
) -> Decimal:
    """Return an amount of money that a caller sent, quantized to the currency's minor digits.

    Where the currency isn't known yet (None), four digits pass, the most that any currency has; whoever knows
    it calls `in_minor_digits` with the result.

    `value` is an int, a Decimal, or a string holding a JSON number in ASCII; never a float, which has lost
    digits already. Digits beyond the minor ones are refused unless they are zeros. Negative amounts (refunds,
    with debit and credit swapped) pass unless `allow_negative` is False, zero only if `allow_zero` is True.

    Raises ValidationError, naming field and value, for booleans, NaN, Infinity, zero, too many digits, and
    absolute values of 10^15 and more.
    """
    if isinstance(value, Decimal):
        amount = value
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and _NUMBER.fullmatch(value)
    ):
        amount = Decimal(value)
    else:
        raise ValidationError.of(
            field, f'{shown(value)} is not an amount; send a JSON number or a decimal string such as "12.50".'
        )
    if not amount.is_finite():
        raise ValidationError.of(
            field, f"{shown(value)} is not a finite amount; send a number such as 12.50."
        )
    if not amount and not allow_zero:
        raise ValidationError.of(
            field, f"{shown(value)} is zero; an amount moves something, send one above 0."
        )
    if not -AMOUNT_LIMIT < amount < AMOUNT_LIMIT:
        raise ValidationError.of(field, f"{shown(value)} is too large; send an amount below 10^15.")
    if amount < 0 and not allow_negative:
        raise ValidationError.of(field, f"{shown(value)} is negative; send an amount above 0.")
    return in_minor_digits(amount, currency=currency, field=field)


def in_minor_digits(amount: Decimal, *, currency: str | None, field: str) -> Decimal:
    """Return an amount that `parse_amount` gave without a currency, quantized to this one's minor digits.

    Without a currency, with at most four digits, it stays as it was written. Raises ValidationError where it
    has more digits than that.
    """
    quantized = amount.quantize(_STEPS[currency] if currency else _SMALLEST_STEP, context=_EXACT)
    if quantized != amount:
        digits = MINOR_DIGITS[currency] if currency else MINOR_DIGITS_MAX
        raise ValidationError.of(
            field,
            f"{shown(amount)} has more digits than {currency or 'any currency'} knows; "
            f"send at most {digits} after the point.",
        )
    return quantized if currency else amount


def as_number(amount: Decimal, currency: str) -> Decimal:
    """Return `amount` as it goes out as a JSON number: with the currency's minor digits (500.00).

    Digits beyond the minor ones are kept, never rounded away; minus zero becomes zero.
    """
    if not amount:
        return _ZEROS[currency]
    # By position: naming the argument takes as long as the work. An answer has hundreds of amounts.
    quantized = amount.quantize(_STEPS[currency], None, _EXACT)
    return quantized if quantized == amount else amount.normalize(_EXACT)


def as_text(amount: Decimal, currency: str) -> str:
    """Return `amount` as it goes out as a string: `"10500.00"`. Keeps digits as `as_number` does."""
    return f"{as_number(amount, currency):f}"


def round_to_minor(amount: Decimal, currency: str) -> Decimal:
    """Return `amount` rounded half to even at the currency's minor digits, for averages and rates only."""
    return amount.quantize(_STEPS[currency], context=_EXACT) if amount else _ZEROS[currency]
