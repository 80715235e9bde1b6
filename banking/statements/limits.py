"""How much of a statement file is taken. Beyond, it is refused, with what would be right."""

from typing import Final

# Of a file; a year of a busy account has one or two megabytes.
FILE_BYTES_MAX: Final = 10_000_000
LINES_MAX: Final = 100_000
# Of one line of text; what banks write has some hundred characters.
LINE_CHARACTERS_MAX: Final = 50_000
COLUMNS_MAX: Final = 200
# Elements of one entry of an XML file, and how deep they may stand in each other.
ENTRY_ELEMENTS_MAX: Final = 200_000
DEPTH_MAX: Final = 60
# Faults that are listed; all are counted.
FAULTS_LISTED_MAX: Final = 100
# After so many the file is not read further: it is something else than we take it for.
FAULTS_MAX: Final = 5_000

DESCRIPTION_LENGTH_MAX: Final = 1_000
COUNTERPARTY_LENGTH_MAX: Final = 200
CATEGORY_LENGTH_MAX: Final = 100
# Of one value of what is kept of a line as it came.
RAW_VALUE_LENGTH_MAX: Final = 1_000
