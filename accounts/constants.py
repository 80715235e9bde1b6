"""Named limits of the chart of accounts."""

from typing import Final

ACCOUNT_NAME_LENGTH_MAX: Final = 200
SUB_TYPE_LENGTH_MAX: Final = 50
# Nobody reads a deeper chart, and every report walks it.
ACCOUNT_DEPTH_MAX: Final = 32
CODE_MIN: Final = 1
CODE_MAX: Final = 2_147_483_647  # PostgreSQL's integer

IMPORT_FILE_BYTES_MAX: Final = 10_000_000
IMPORT_ROWS_MAX: Final = 20_000
