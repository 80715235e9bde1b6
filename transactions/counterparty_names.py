"""Who stands behind a bank line: a readable name from a description, where no counterparty was given.

Cutting is done only where a pattern is well known (card networks, terminals, store numbers, references,
places): a name that keeps some noise is still found by its owner, one that lost its own words is not. Casing
is changed only where all letters are of one case, as on bank statements.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

NAME_LENGTH_MAX: Final = 200
# More is not looked at; far beyond what a bank prints.
_DESCRIPTION_LENGTH_MAX: Final = 4 * NAME_LENGTH_MAX
# Bank lines repeat, and cleaning one costs more than everything else that is done with a row.
_KEPT_MAX: Final = 10_000

_FLAGS = re.IGNORECASE


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Control and format characters, and lone surrogates, which PostgreSQL refuses.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+"
)
# Two blanks after "SP" are all that some banks leave of "SP *", the mark of a web shop's payments.
_SHOP_MARK = re.compile(r"^SP(?:\s*\*\s*|\s{2,})(?=\S)", _FLAGS)

# Well-known names behind abbreviations. Only what starts the (otherwise cleaned) line counts.
_ALIASES: Final[dict[str, str]] = {
    r"amazon web services|aws(?: emea| inc)?\b": "Amazon Web Services",
    r"(?:amzn?|amazon) ?(?:mkt|marketplace)\w*": "Amazon Marketplace",
    r"amazon prime|amzn? ?prime|prime video": "Amazon Prime",
    r"amzn(?:\.com)?\b|amazon(?:\.com?)?(?:\.\w\w)?\b|amazon svcs|am zon svcs": "Amazon",
    r"uber ?\* ?eats|uber ?eats": "Uber Eats",
    r"uber(?: ?\*| trip|\.com| bv| technologies|$)": "Uber",
    r"lyft\b": "Lyft",
    r"google ?\* ?(?:ads|adws)\w*|google ads": "Google Ads",
    r"google ?\* ?cloud|google cloud": "Google Cloud",
    r"google ?\* ?(?:gsuite|workspace|g suite)\w*|google (?:gsuite|workspace)": "Google Workspace",
    r"facebk|fb ?ads|meta ads|facebook": "Meta Ads",
    r"apple\.com/bill|apple\.com|itunes\.com|apl ?\* ?itunes": "Apple",
    r"msft|microsoft\b": "Microsoft",
    r"(?:dd|doordash) ?\* ?doordash|doordash": "DoorDash",
    r"github\b": "GitHub",
    r"linkedin\b|lnkd\b": "LinkedIn",
    r"adobe\b": "Adobe",
    r"netflix\b": "Netflix",
    r"spotify\b": "Spotify",
    r"dropbox\b": "Dropbox",
    r"starbucks\b": "Starbucks",
    r"mc ?donald'?s?\b": "McDonald's",
    r"wal-?mart|wm supercenter|wmt plus": "Walmart",
    r"wholefds|whole foods": "Whole Foods",
    r"costco\b": "Costco",
    r"(?:the )?home ?depot": "Home Depot",
    r"usps\b": "USPS",
    r"fedex\b": "FedEx",
    r"ups(?: ?\*|$)": "UPS",
    r"vzwrlss|verizon wireless|vzw\b": "Verizon Wireless",
    r"at ?& ?t\b|att ?\*": "AT&T",
    r"tfl travel|tfl\.gov": "Transport for London",
}
# The second one says which alias it is, the first one says at a fraction of the cost that there is none.
_ANY_ALIAS = re.compile("|".join(_ALIASES), _FLAGS)
_ALIAS = re.compile("|".join(f"({pattern})" for pattern in _ALIASES), _FLAGS)
_ALIAS_NAMES: Final = tuple(_ALIASES.values())
_KNOWN_NAMES: Final = frozenset(_ALIAS_NAMES)

# What banks and terminals put before the name.
_PREFIX = re.compile(
    r"^(?:"
    r"(?:pos|visa|debit card|credit card|check ?card|card|recurring|contactless|online|mobile|web)"
    r"(?: (?:pos|debit|credit|card|purchase|payment|pmt|withdrawal|refund|return|sale|recurring|authorized))*"
    r"(?: (?:authorized )?on)?(?: \d\d/\d\d(?:/\d+)?)?(?: #?[x*]*\d{3,})?(?: -)?"
    r"|(?:purchase|payment|withdrawal)(?: authorized)? on(?: \d\d/\d\d(?:/\d+)?)?"
    r"|(?:preauthorized )?(?:ach|electronic|external|direct)"
    r" (?:credit|debit|withdrawal|deposit|payment|pmt|transfer)"
    r"|(?:orig )?co(?:mpany)? name ?:"
    r"|(?:wire|zelle|venmo|sepa|faster|bacs|bank|online|account)"
    r" (?:transfer|payment|payments|pmt|credit|debit)s?(?: (?:out|in))?"
    r"|(?:standing order|direct debit|bill payment|bill pmt|giro)"
    r"|\d{5,}(?= +[^\W\d])"
    r"|(?:sq|sqc|tst|py|pp|iz|cke|eb|sumup|zettle|izettle|stripe|toast|clover|paypal|gpay|apple pay|ic|bt|fs"
    r"|2co) ?[*_]"
    r")[ :,*-]*(?<![^\W_])(?=\w)",
    _FLAGS,
)
# Some banks drop the asterisk: "paypal lambdatek". PayPal itself is meant only where its own words follow.
_BARE_PAYPAL = re.compile(
    r"^paypal (?!(?:inst|transfer|payment|pmt|credit|fee|inc|ltd|europe|\W)\b)(?=\w)", _FLAGS
)

# "Monthly contribution from Ada (Bronze)", "Invoice 12 from Acme", "Payment to Bob for rent".
_SENTENCE = re.compile(
    r"^[^:|]{0,40}?\b(?:contribution|donation|expense|payment|transfer|deposit|refund|reimbursement|invoice|bill|gift"
    r"|grant|fee|fees|salary|wages|purchase|received|paid|loan|order|subscription|rent|bought|sold)\b"
    r"[^:|]{0,40}?\b(?:from|to|by)\s+(?=\w)",
    _FLAGS,
)
_DOCUMENT = re.compile(
    r"^(?:invoice|inv|bill|order|receipt|ref|po|check|cheque|chq)\s*(?:no\.?|number|nr\.?)?\s*[:#.]?\s*"
    r"[a-z]{0,5}-?\d[\w/-]*[\s:,|\u2013\u2014-]*(?=\w)",
    _FLAGS,
)
_PURPOSE = re.compile(r"\s+(?:[|\u2013\u2014]|-+|for)\s+.*$", _FLAGS)
_SEPARATED = re.compile(r"\s+(?:[|\u2013\u2014]|-{1,2})\s.*$|\s*\|.*$")

# "HELP-LINK UK LTD 314373/1": nothing after the legal form belongs to the name.
_AFTER_LEGAL_FORM = re.compile(
    r"([ ,)] ?(?:ltd|limited|plc|llp|llc|inc|corp|gmbh|sarl|bv|pty ltd)\b\.?)[\s,(/-].*$", _FLAGS
)
_LEGAL_FORMS = _words("ltd limited plc llp llc inc corp gmbh sarl bv")
_WORD_END = re.compile(r"[\s,().]+")
# "TRAVIS PERKINS Supplies for the depot": two words in capitals, then text. One of them is longer than any
# initialism that `_cased` makes, so that what it wrote is never cut here.
_NAME_BEFORE_TEXT = re.compile(
    r"^(?=[A-Z&'./() -]*[A-Z]{6})([A-Z][A-Z&'./-]+(?: [A-Z&'./()-]+)* [A-Z][A-Z'./-]{2,})(?: [A-Z]{1,2})*"
    r"(?= [A-Z]?[a-z])"
)

# From a store number on: "STORE #1123", "0412 SAN FRANCISCO CA", "-3480", "(5506)", "US*2K4LD9".
_STORE_NUMBER = re.compile(
    r"[\s,-]+(?:(?:store|shop|branch|unit|terminal|loc|no\.?|nr\.?|card|acct|account|ref|id|conf|auth|trn|trace)"
    r"[\s:#.]*)?(?:\(?#?\s?[x*.]*\d{4,}|#\s?\d+)\S*.*$"
    r"|[\s-]+(?:store|shop|branch|unit|ref|id|card|conf)[\s:#.]+[x*]*\d+\S*.*$"
    r"|\s+(?:des|id|indn|ppd id|ccd id|sec|trn|ref)\s?:.*$"
    r"|\s+\w{2}\*\S*$",
    _FLAGS,
)
_SHORT_STORE_NUMBER = re.compile(r"(?<=\w)([ ]\S+)[\s-]+\d{3}$")
_DATE = re.compile(
    r"\s+(?:\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?"
    r"|\d{1,2} ?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?: ?\d{2,4})?"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,4})$",
    _FLAGS,
)
_HAS_NUMBER = re.compile(r"[\d:]|\w\*")
_PHONE = re.compile(r"\s+\(?\+?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b.*$")
# A reference of letters and digits at the end: "ST-K2J3", "3vqtvv", "gb0000".
# Not "hillcrest324", a word with a number stuck to it.
_REFERENCE = re.compile(
    r"\s+[#*-]?(?![a-z]{4,}\d+$)(?=[a-z-]*\d)(?=[\d-]*[a-z])[a-z\d]+(?:-[a-z\d]+)*$", _FLAGS
)
_REFERENCE_LENGTH_MIN: Final = 5
_TRAILING_NOISE = _words(
    "transfer payment payments pymt pmt pmnt payout payouts autopay e-pay epay billpay ach ppd ccd web"
    " pos debit credit purchase recurring xfer inst visa mastercard contactless bill"
)
_WEB_ADDRESS = re.compile(
    r"\s+(?:https?://\S*|(?:[\w-]+\.)+(?:com|net|org|io|co|us|uk|de|eu|info)(?:/\S*)?)$", _FLAGS
)
_WWW = re.compile(r"^(?:https?://)?www\.([\w-]+)(?:\.\S*)?", _FLAGS)
_PARENTHESIS = re.compile(r"\s*\([^()]*\)?$")

_CITIES = (
    "new york|brooklyn|los angeles|chicago|houston|phoenix|philadelphia|san antonio|san diego|dallas"
    "|san jose|austin|jacksonville|fort worth|columbus|charlotte|san francisco|indianapolis|seattle"
    "|denver|washington|boston|el paso|nashville|detroit|oklahoma city|portland|las vegas|memphis"
    "|louisville|baltimore|milwaukee|albuquerque|tucson|fresno|sacramento|kansas city|mesa|atlanta|omaha"
    "|colorado springs|raleigh|miami|long beach|virginia beach|oakland|minneapolis|tulsa|tampa|arlington"
    "|new orleans|cleveland|honolulu|anaheim|orlando|st\\.? louis|pittsburgh|cincinnati|berkeley"
    "|palo alto|mountain view|cupertino|santa monica|santa clara|redwood city|menlo park|sunnyvale"
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK"
    "|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
_PLACE = re.compile(rf"[\s,]+(?:{_CITIES}),?\s+(?:{_STATES})(?:\s+\d{{5}})?(?:\s+USA?)?$", _FLAGS)
_STATE_LENGTH_MAX: Final = 14  # ", CA 94110 USA"
_ENDS_LIKE_A_STATE = re.compile(r"[\s,][A-Za-z]{2}(?:\s+\d{5})?(?:\s+USA?)?$", re.IGNORECASE)

_EDGES = " \t*#-\u2013\u2014_,;:|/\\.\"'\u201c\u201d\u2018\u2019\u00ab\u00bb"
_OPEN_EDGES = ' *#-\u2013\u2014_,;:|/\\"\u201c\u2018\u00ab([{'

_SMALL_WORDS = _words("a an and at by de del der des di du for in la le of on or the to van von y")
_FIXED_WORDS = {
    word.casefold(): word
    for word in _words(
        "Ltd Mr Mrs Ms Dr St Rd Jr Sr Co Inc LLC PLC LLP LP USA UK USPS IRS ATM IBM KFC BMW NHS EU AA IT TV"
        " BBC HQ CVS GmbH AG BV NV SA PayPal YouTube eBay IKEA ASDA ADP HSBC NASA AMC ESPN AAA ACE AIG HP LG"
        " UPS DHL FedEx QuickBooks WordPress DoorDash LinkedIn GitHub"
    )
}
_VOWELS = frozenset("aeiouyAEIOUY")
_INITIALISM_LENGTH_MAX: Final = 5
_WORD_PART = re.compile(r"(?:^|(?<=[-&/(+@.]))[^\W\d_]")


@lru_cache(maxsize=_KEPT_MAX)
def counterparty_name(description: str) -> str:
    """The counterparty that a bank or invoice description names, cleaned for reading; "" for an empty one.

    At most NAME_LENGTH_MAX characters, printable, without blanks at the ends or double blanks. Cleaning a
    cleaned name changes nothing, and no input raises. Where a cut would leave no letter or digit, it is not
    made.
    """
    if description in _KNOWN_NAMES:
        return description
    text = _readable(description)
    # Each round takes a layer off ("POS DEBIT", then "SQ *", then the store number). It ends, because a round
    # only shortens the text or gives a known name.
    while (cleaned := _clean(text)) != text:
        text = cleaned
    return text if text in _KNOWN_NAMES else _cased(text)


def _readable(description: str) -> str:
    """Printable characters, composed, single blanks, of limited length."""
    description = description.lstrip()[:_DESCRIPTION_LENGTH_MAX]
    if not description.isprintable():
        description = _UNPRINTABLE.sub(" ", description).lstrip()
    if not description.isascii():
        description = unicodedata.normalize("NFKC", description).lstrip()
    description = _SHOP_MARK.sub("", description)
    return " ".join(description.split())[:NAME_LENGTH_MAX].rstrip()


def _clean(text: str) -> str:
    """One round of cleaning; text that has no name left after a cut keeps what was cut."""
    if text in _KNOWN_NAMES:
        return text
    name = _without_introduction(text)
    alias = _ANY_ALIAS.match(name) and _ALIAS.match(name)
    if alias:
        return _ALIAS_NAMES[(alias.lastindex or 1) - 1]
    return _without_trailer(name)


# Imports clean many thousands of lines, so the searches below first ask for a character or word that their
# pattern needs: most of them have nothing to do in most lines.


def _without_introduction(text: str) -> str:
    """Without what stands before the name."""
    lower = text.lower()
    name = text
    if " from " in lower or " to " in lower or " by " in lower:
        sentence = _SENTENCE.match(text)
        if sentence:
            name = _PURPOSE.sub("", text[sentence.end() :])
    name = _PREFIX.sub("", name, count=1)
    name = _DOCUMENT.sub("", name, count=1)
    if "paypal " in lower:
        name = _BARE_PAYPAL.sub("", name, count=1)
    elif "www." in lower:
        name = _WWW.sub(r"\1", name, count=1)
    return name


def _without_trailer(text: str) -> str:
    """Without what stands after the name."""
    name = text
    if "|" in name or " -" in name or " \u2013" in name or " \u2014" in name:
        name = _kept(_SEPARATED.sub("", name), name)
    if _LEGAL_FORMS.intersection(_WORD_END.split(name.lower())):
        name = _AFTER_LEGAL_FORM.sub(r"\1", name)
    if name[:2].isupper() and not name.isupper():
        before_text = _NAME_BEFORE_TEXT.match(name)
        if before_text:
            name = before_text[1]
    if "." in name:
        name = _kept(_WEB_ADDRESS.sub("", name), name)
    if _HAS_NUMBER.search(name):
        name = _without_numbers(name)
    if _ENDS_LIKE_A_STATE.search(name, max(0, len(name) - _STATE_LENGTH_MAX)):
        name = _kept(_PLACE.sub("", name), name)
    before, _, last = name.rpartition(" ")
    if last.lower() in _TRAILING_NOISE:
        name = _kept(before, name)
    if "(" in name:
        name = _kept(_PARENTHESIS.sub("", name), name)
    return _kept(name.rstrip(_EDGES + "([{").lstrip(_OPEN_EDGES), name)


def _without_numbers(text: str) -> str:
    """Without dates, phone and store numbers and references at the end."""
    name = text
    for pattern in (_DATE, _PHONE, _STORE_NUMBER):
        name = _kept(pattern.sub("", name), name)
    name = _SHORT_STORE_NUMBER.sub(r"\1", name)
    reference = _REFERENCE.search(name)
    if reference and len(reference[0].strip()) >= _REFERENCE_LENGTH_MIN:
        name = _kept(name[: reference.start()], name)
    return name


def _kept(shorter: str, text: str) -> str:
    """The shorter text, unless no letter or digit is left in it."""
    return shorter if shorter == text or any(map(str.isalnum, shorter)) else text


def _cased(text: str) -> str:
    """Names in capitals, or without any, in the usual case of names; others as they are."""
    if not (text.isupper() or text.islower()):
        return text
    return " ".join(_cased_word(word, first=index == 0) for index, word in enumerate(text.split(" ")))


@lru_cache(maxsize=4096)
def _cased_word(word: str, *, first: bool) -> str:
    lower = word.lower()
    if len(lower) != len(word) or len(lower.upper()) != len(lower):
        # Letters whose other case is longer ("ß", "İ"): changing it back and forth would not end.
        return word
    core = lower.strip("()")
    if core in _FIXED_WORDS:
        return lower.replace(core, _FIXED_WORDS[core])
    if lower in _SMALL_WORDS and not first:
        return lower
    if (
        len(word) <= _INITIALISM_LENGTH_MAX
        and lower.isascii()
        and lower.isalpha()
        and not _VOWELS.intersection(word)
    ):
        return word.upper()
    if lower.startswith("o'") and len(lower) > 3:
        return "O'" + lower[2:].capitalize()
    if lower.count(".") and not lower.replace(".", "").isdigit() and max(map(len, lower.split("."))) > 1:
        return lower[:1].upper() + lower[1:]
    return _WORD_PART.sub(lambda match: match[0].upper(), lower)
