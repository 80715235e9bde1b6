"""Every address of the back office, read from the site's own list, and how its ids are filled."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from banking.models import Reconciliation
from ledger.choices import Role
from ledger.ids import Prefix, decode_id, encode_id
from ledger.models import ApiKey, AuditEvent, Developer, Entity, User
from ledger.office.installation import InstallationPage
from ledger.office.pages import CompanyPage
from ledger.tests.office import OfficeClient
from openledger.tests.valid_requests import Books
from transactions.models import Transaction


@dataclass(frozen=True)
class Route:
    """An address below `/admin/`: its name with the namespace, and the names of its parts."""

    name: str
    parts: frozenset[str]
    # Whether it is a page of one company, for the people in it.
    of_company: bool
    # The model whose window it is of, where it is of one.
    model: type[Model] | None

    @property
    def has_name(self) -> bool:
        """Whether the site knows it by a name; Django has one in each window, and one for all that is not."""
        return not self.name.endswith(NAMELESS)


NAMELESS: Final = "(nameless)"


def all_routes() -> list[Route]:
    """Return the addresses of the back office, by name."""
    below = [
        one
        for one in get_resolver().url_patterns
        if isinstance(one, URLResolver) and str(one.pattern) == "admin/"
    ]
    assert len(below) == 2
    found = {route for resolver in below for route in _routes(resolver, "", frozenset())}
    return sorted(found, key=lambda route: (route.name, sorted(route.parts)))


def _routes(resolver: URLResolver, namespace: str, parts: frozenset[str]) -> Iterator[Route]:
    namespace = f"{resolver.namespace}:" if resolver.namespace else namespace
    for one in resolver.url_patterns:
        inner = parts | frozenset(one.pattern.regex.groupindex)
        if isinstance(one, URLResolver):
            yield from _routes(one, namespace, inner)
        elif isinstance(one, URLPattern):
            window = getattr(one.callback, "model_admin", None)
            model = window.model if window is not None else None
            view = getattr(one.callback, "view_class", None)
            of_company = view is not None and issubclass(view, CompanyPage)
            # Whatever takes a company asks for a membership in it, or is for superusers.
            assert of_company or "company" not in inner or issubclass(view, InstallationPage)  # type: ignore[arg-type]
            name = one.name or (f"{model._meta.label_lower} {NAMELESS}" if model else NAMELESS)
            yield Route(f"{namespace}{name}", inner, of_company, model)


# How the parts of addresses are filled, by the beginning of the page's name and the part's own. Whoever adds
# a page whose ids are none of these adds a line here.
Filler = Callable[[Books], str]
FILLERS: Final[dict[tuple[str, str], Filler]] = {
    ("office:", "company"): lambda books: books.entity_id,
    ("office:person", "person"): lambda books: str(member_of(books).pk),
    ("office:key", "key"): lambda books: books.spare_key.key.public_id,
    ("office:account", "id"): lambda books: books.account("1010"),
    ("office:chart-file", "file_format"): lambda books: "csv",
    ("office:chart-import-result", "id"): lambda books: encode_id(Prefix.IMPORT, books.chart.id),
    ("office:transaction", "id"): lambda books: books.posted,
    ("office:journal-entry", "id"): lambda books: books.journal_entry,
    ("office:reconciliation", "id"): lambda books: books.bank_statement,
    ("office:reconciliation-match", "id"): lambda books: statement_of_savings(books),
    ("office:reconciliation-match", "line"): lambda books: books.offered_line,
    ("office:statement-import", "id"): lambda books: books.statement_import,
    ("office:disconnect", "id"): lambda books: str(books.savings_at_the_bank["id"]),
    ("office:review-one", "id"): lambda books: books.offered_line,
    ("office:transactions-export", "file_format"): lambda books: "csv",
    ("office:transactions-act", "action"): lambda books: "approve",
    ("office:statement-preview", "token"): lambda books: file_sent(books),
    ("admin:", "app_label"): lambda books: "ledger",
    ("admin:", "content_type_id"): lambda books: str(ContentType.objects.get_for_model(Transaction).pk),
    ("admin:view_on_site", "object_id"): lambda books: str(row_of(Transaction, books).pk),
    (f"admin:{NAMELESS}", "url"): lambda books: "no-such-page/",
}


def member_of(books: Books) -> User:
    """Return an owner of the company."""
    owners = User.objects.filter(memberships__entity=books.entity, memberships__role=Role.OWNER)
    return owners.order_by("username")[0]


def statement_of_savings(books: Books) -> str:
    """Return the open reconciliation of the account with the line that waits."""
    savings = decode_id(Prefix.BANK_ACCOUNT, books.savings_at_the_bank["id"], field="id")
    return Reconciliation.objects.get(entity=books.entity, bank_account_id=savings).public_id


def file_sent(books: Books) -> str:
    """Return the token of a statement file that the owner has sent and looks at."""
    answer = OfficeClient(member_of(books)).send(
        "statement-new",
        books.entity,
        {
            "account": books.savings_at_the_bank["id"],
            "file": SimpleUploadedFile("may.csv", b"Date,Description,Amount\n2024-01-23,Yeast,-1.90\n"),
        },
    )
    assert answer.status_code == 302, answer.content
    return str(answer["Location"]).rstrip("/").rpartition("/")[2]


def row_of(model: type[Model], books: Books) -> Model:
    """Return a row of the company, or of those that it belongs to."""
    rows: Any = model._default_manager.all()
    if model is Entity:
        rows = rows.filter(pk=books.entity.pk)
    elif model is Developer:
        rows = rows.filter(pk=books.made.developer.pk)
    elif model is ApiKey:
        rows = rows.filter(developer=books.made.developer)
    elif model is User:
        rows = rows.filter(pk=member_of(books).pk)
    elif model is AuditEvent:
        rows = rows.filter(scope_id=books.entity.id)
    else:
        rows = rows.filter(entity_id=books.entity.id)
    row: Model | None = rows.first()
    assert row is not None, f"make a row of {model.__name__} in Books, so that its window is tested"
    return row


def address(route: Route, books: Books) -> str:
    """Return the address of the page with the company's own ids in it."""
    parts = {part: _filled(route, part, books) for part in route.parts}
    if not route.has_name and route.model is not None:
        return f"/admin/{route.model._meta.label_lower.replace('.', '/')}/{parts['object_id']}/"
    if not route.has_name:
        return f"/admin/{parts['url']}"
    return reverse(route.name, kwargs=parts)


def _filled(route: Route, part: str, books: Books) -> str:
    if part == "object_id" and route.model is not None:
        return str(row_of(route.model, books).pk)
    fitting = [key for key in FILLERS if route.name.startswith(key[0]) and key[1] == part]
    assert fitting, f"say in FILLERS of {__name__} what {part} of {route.name} is"
    return FILLERS[max(fitting, key=lambda key: len(key[0]))](books)


class Page(HTMLParser):
    """What a page offers: where its links and forms by GET lead, and what its forms by POST send, once for
    each of their buttons."""

    def __init__(self, html: str, *, at: str) -> None:
        super().__init__()
        self.at = at
        self.links: set[str] = set()
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self._form: _Form | None = None
        self._select: str | None = None
        self._textarea: str | None = None
        # Elements may belong to a form that they do not stand in.
        self._by_id: dict[str, _Form] = {}
        self._all: list[_Form] = []
        self.feed(html)
        for form in self._all:
            self._sent_by(form)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in at:
            self.links.add(self._absolute(at["href"]))
        elif tag == "form":
            self._form = self._by_id.setdefault(at.get("id", ""), _Form()) if at.get("id") else _Form()
            self._form.method = at.get("method", "get").lower()
            self._form.action = self._absolute(at.get("action", ""))
            self._all.append(self._form)
        form = self._by_id.setdefault(at["form"], _Form()) if "form" in at else self._form
        if form is None:
            return
        name, value = at.get("name", ""), at.get("value", "")
        if tag == "button" or (tag == "input" and at.get("type") == "submit"):
            form.buttons.append((name, value, self._absolute(at["formaction"]) if "formaction" in at else ""))
        elif tag == "input" and name and at.get("type") != "file":
            form.data.setdefault(name, []).append(at.get("value", "on"))
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and value:
            if self._select not in form.data or "selected" in at:
                form.data[self._select] = [value]
        elif tag == "textarea" and name:
            self._textarea = name
            form.data[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None
        elif tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None and self._form is not None:
            self._form.data[self._textarea][0] += data

    def _sent_by(self, form: "_Form") -> None:
        data = {name: values for name, values in form.data.items() if "csrf" not in name}
        for name, value, action in form.buttons or [("", "", "")]:
            sent = data | ({name: [value]} if name else {})
            target = action or form.action
            if form.method == "post":
                self.forms.append((target, sent))
            else:
                self.links.add(f"{target.split('?')[0]}?{urlencode(sent, doseq=True)}")

    def _absolute(self, href: str) -> str:
        if not href or href.startswith("#"):
            return self.at
        if href.startswith("?"):
            return self.at.split("?")[0] + href
        return re.sub(r"#.*", "", href)


@dataclass
class _Form:
    method: str = "get"
    action: str = ""
    data: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
