"""The program that sets one document: reads an order as JSON from standard input, writes the document out.

Run as a process of its own by `reports.files.typesetting`, with nothing of the project imported: a long
document needs ten times the memory of a web worker, and takes it along when it ends.
"""

import json
import sys

import typst


def main() -> None:
    """Set the document that the first line orders from the data in the second one."""
    order = json.loads(sys.stdin.buffer.readline())
    made = typst.compile(
        order["template"],
        root=order["root"],
        format=order["format"],
        ppi=order["ppi"],
        ignore_system_fonts=order["embedded_fonts_only"],
        # As a JSON input, never as markup: whatever a name says, it is text.
        sys_inputs={"data": sys.stdin.read()},
    )
    if not isinstance(made, bytes):
        raise TypeError(f"the document has {len(made)} pages, and a picture has one")
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
