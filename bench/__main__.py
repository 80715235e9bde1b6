"""`python -m bench`: measure, print the table, keep it, and check the books afterwards."""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENLEDGER_VAR", os.path.join("var", "bench"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def main() -> int:
    import django

    from openledger import embedded

    os.environ.pop("DATABASE_URL", None)  # everything is measured on one server, the embedded one
    embedded.start()
    django.setup()
    if sys.argv[1:2] == ["categories"]:
        from bench import categories

        return categories.main(sys.argv[2:])
    from bench import measures, office, report, reports, semantic, statements

    measures.MEASURES["reports"] = reports.reports
    measures.MEASURES["office"] = office.office
    measures.MEASURES["semantic"] = semantic.semantic
    measures.MEASURES["statements"] = statements.statements

    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"what to measure: {', '.join(measures.MEASURES)} (all)")
    parser.add_argument("--quick", action="store_true", help="small books and short rounds: 2 to 3 minutes")
    parser.add_argument(
        "--write",
        action="store_true",
        help="put the tables that were measured in full into docs/performance.md",
    )
    parser.add_argument("--seconds", type=float, help="how long each side of a round is measured")
    options = parser.parse_args()
    unknown = set(options.names) - measures.MEASURES.keys()
    if unknown:
        parser.error(
            f"{', '.join(sorted(unknown))}: nothing of that name; there are {', '.join(measures.MEASURES)}"
        )

    started = time.monotonic()
    var = embedded.var_directory()
    size = measures.QUICK if options.quick else measures.Size()
    if options.seconds:
        size = dataclasses.replace(size, seconds=options.seconds)
    found: dict[str, list[measures.Result]] = {}
    with measures.Bench(size, var, report.say) as bench:
        for name in options.names or measures.MEASURES:
            for result in measures.MEASURES[name](bench):
                report.say(report.line(result))
                found.setdefault(name, []).append(result)
        used = list(bench.used)
    results = [result for some in found.values() for result in some]
    books_are_right = all(report.verify(database) for database in used)
    seconds = time.monotonic() - started
    report.say("\n" + report.table(results))
    report.keep(var / "results.json", results, size, seconds)
    if options.write:
        command = " ".join(["python -m bench", *sys.argv[1:]])
        for table, names in report.TABLES.items():
            if found.keys() >= set(names):
                rows = [result for name in names for result in found[name]]
                report.write(PAGE, table, rows, report.circumstances(command, size, seconds))
    report.say(f"\n{seconds / 60:.1f} minutes; the books are {'right' if books_are_right else 'WRONG'}.")
    return 0 if books_are_right and all(result.is_ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
