"""Search by meaning: how well it answers next to word search, and how long that takes in large companies."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from statistics import median
from time import perf_counter
from unittest.mock import patch

from django.db import connection
from django.db.transaction import atomic

from ai.lexicon.reading import lexicon
from ai.search import keeping
from ai.search.embedding import as_text, embed_query
from ai.search.finding import NEAREST, Wanted, find, near_vector
from ai.search.keeping import count_documents, embed_books, put_into_graph
from ai.tests.queries import QUERIES, Kind, together
from ai.tests.search_quality import Companies
from bench import books, databases
from bench.crew import Crew
from bench.measures import Bench, Result, environment
from ledger.actors import SYSTEM
from ledger.models import Entity
from transactions.choices import Status
from transactions.drafts import Draft
from transactions.services import post_batch

DATABASE = "bench_semantic"
OTHER_COMPANIES, OTHER_DOCUMENTS = 300, 300
_ASKED = [asked.query for asked in QUERIES]


@dataclass(frozen=True)
class Quality:
    """The marks of one search."""

    recall: float
    reciprocal_rank: float
    recall_of_names: float
    milliseconds: float


@dataclass(frozen=True)
class Scale:
    """What a company of many documents takes."""

    documents: int
    embedding_seconds: float
    graph_seconds: float
    exact_milliseconds: float
    graph_milliseconds: float
    search_milliseconds: float
    # How many of the nearest documents the graph finds.
    graph_recall: float
    bytes_each: float


def semantic(bench: Bench) -> Iterator[Result]:
    databases.copy("openledger", DATABASE)
    with Crew(1, environment(DATABASE)) as crew:
        crew.call(books.migrate)
        ours, words, vectors = crew.call(quality)
        yield Result(
            "semantic_recall",
            f"semantic search, {len(QUERIES)} questions: recall@10, against word search",
            f"{ours.recall:.3f}",
            f"{words.recall:.3f}",
            ours.recall / words.recall,
            2,
        )
        yield Result(
            "semantic_mrr",
            "semantic search: mean reciprocal rank, against word search",
            f"{ours.reciprocal_rank:.3f}",
            f"{words.reciprocal_rank:.3f}",
            ours.reciprocal_rank / words.reciprocal_rank,
            2,
        )
        yield Result(
            "semantic_names",
            "semantic search for exact names: recall@10, against word search",
            f"{ours.recall_of_names:.3f}",
            f"{words.recall_of_names:.3f}",
            ours.recall_of_names / words.recall_of_names,
            1,
        )
        yield Result(
            "semantic_vectors",
            "vectors alone: recall@10, against with words (for information)",
            f"{vectors.recall:.3f}",
            f"{ours.recall:.3f}",
            vectors.recall / ours.recall,
        )
        yield Result(
            "semantic_latency",
            "a semantic search in a company with a year of transactions, against word search",
            f"{ours.milliseconds:.1f} ms",
            f"{words.milliseconds:.1f} ms",
            ours.milliseconds / words.milliseconds,
        )
        rows = bench.size.small_rows
        scale = crew.call(large_company, rows)
    bench.say(
        f"{scale.documents:,} documents of {rows:,} transactions in {scale.embedding_seconds:.1f} s,"
        f" {scale.bytes_each:.0f} bytes each; nearest {NEAREST} one by one {scale.exact_milliseconds:.1f} ms,"
        f" by the graph {scale.graph_milliseconds:.1f} ms"
    )
    yield Result(
        "semantic_embedding",
        f"time to embed {rows:,} transactions, no two alike",
        f"{scale.embedding_seconds:.0f} s",
        "",
        scale.embedding_seconds,
        rows / 1000,
        at_most=True,
    )
    yield Result(
        "semantic_graph",
        f"time to put {scale.documents:,} documents into the graph, 500 at once (for information)",
        f"{scale.graph_seconds:.0f} s",
        "",
        scale.graph_seconds,
    )
    yield Result(
        "semantic_graph_recall",
        f"documents that the graph finds, of the nearest {NEAREST} of {scale.documents:,}",
        f"{scale.graph_recall:.3f}",
        "",
        scale.graph_recall,
        0.9,
    )
    yield Result(
        "semantic_large",
        f"a semantic search among {scale.documents:,} documents",
        f"{scale.search_milliseconds:.0f} ms",
        "",
        scale.search_milliseconds,
        150,
        at_most=True,
    )


def quality() -> tuple[Quality, Quality, Quality]:
    """Ask the sandbox companies everything: by meaning, by words, and by vectors alone."""
    with atomic():
        companies = Companies.make()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    ours, words, vectors = (_quality(companies, search) for search in ("semantic", "by_words", "by_vectors"))
    return ours, words, vectors


def _quality(companies: Companies, search: str) -> Quality:
    companies.marks(search)  # warms up
    marks = companies.marks(search)
    whole = together(marks.values())
    ask = getattr(companies, search)
    milliseconds = median(_milliseconds(partial(ask, asked)) for asked in QUERIES)
    return Quality(
        whole.recall_at_10, whole.mean_reciprocal_rank, marks[Kind.NAME].recall_at_10, milliseconds
    )


def large_company(rows: int) -> Scale:
    """Embed a company of `rows` transactions that all say something else, beside many small companies."""
    books.open_books()
    entity = Entity.objects.get(legal_name="Ours")
    _fill(books.company("Ours"), entity, rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    # Embedded first and then put into the graph, so that each has a time of its own.
    with patch.object(keeping, "GRAPH_FROM", 2 * rows):
        seconds = _milliseconds(partial(embed_books, entity)) / 1000
    documents = count_documents(entity)
    graph_seconds = _milliseconds(partial(put_into_graph, entity)) / 1000
    _copy_documents(entity)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ai_document, ai_documentsource")
        cursor.execute("SELECT pg_table_size('ai_document') / count(*)::float FROM ai_document")
        bytes_each = cursor.fetchone()[0]
    vectors = [as_text(embed_query(query)) for query in _ASKED]
    recalls = []
    for vector in vectors:
        exact, graph = (
            near_vector(entity, Wanted("x"), vector, by_graph=by_graph) for by_graph in (False, True)
        )
        farthest = exact[-1][4] - 1e-6
        recalls.append(min(1.0, sum(one[4] >= farthest for one in graph) / len(exact)))
    times = {
        by_graph: median(
            _milliseconds(partial(near_vector, entity, Wanted("x"), vector, by_graph=by_graph))
            for vector in vectors
        )
        for by_graph in (False, True)
    }
    search = median(_milliseconds(partial(find, entity, Wanted(query))) for query in _ASKED)
    return Scale(
        documents=documents,
        embedding_seconds=seconds,
        graph_seconds=graph_seconds,
        exact_milliseconds=times[False],
        graph_milliseconds=times[True],
        search_milliseconds=search,
        graph_recall=sum(recalls) / len(recalls),
        bytes_each=bytes_each,
    )


def _milliseconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return (perf_counter() - started) * 1000


def _fill(company: books.Company, entity: Entity, rows: int) -> None:
    """Transactions with sellers of the lexicon and towns that nobody knows, each once."""
    chance = random.Random(rows)
    names = sorted({" ".join(term) for term in lexicon().terms})
    for start in range(0, rows, books.BATCH):
        drafts = []
        for number in range(start, min(start + books.BATCH, rows)):
            town = "".join(chance.choice("bcdfghklmnprstvw") + chance.choice("aeiou") for _ in range(4))
            moment = books.FIRST_DAY + timedelta(minutes=10 * number)
            drafts.append(
                Draft(
                    debit_account_id=company.accounts[chance.randrange(8, 200)],
                    credit_account_id=company.accounts[chance.randrange(8)],
                    amount=Decimal(chance.randrange(1, 1_000_000)).scaleb(-2),
                    currency="USD",
                    timestamp=moment,
                    date=moment.date(),
                    status=Status.POSTED,
                    description=f"{chance.choice(names)} {town}",
                )
            )
        faults = post_batch(entity=entity, drafts=drafts, actor=SYSTEM)
        assert not faults, next(iter(faults.values()))


def _copy_documents(entity: Entity) -> None:
    """Let many companies have some of the documents, too; they need no more than an id for that."""
    for number in range(OTHER_COMPANIES):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ai_document (entity_id, id, account_ids, key, version, in_graph, source_type,"
                " document_type, text, embedding)"
                " SELECT md5(%s)::uuid, gen_random_uuid(), account_ids, gen_random_uuid(), version, true,"
                " source_type, document_type, text, embedding"
                " FROM ai_document WHERE entity_id = %s ORDER BY id OFFSET %s LIMIT %s",
                [str(number), entity.id, number * OTHER_DOCUMENTS, OTHER_DOCUMENTS],
            )
