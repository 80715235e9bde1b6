"""The list of transactions, and the views of it that a person keeps."""

from dataclasses import asdict
from typing import Any, Final, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from ledger.api.pagination import cursor_scope, decode_cursor, encode_cursor
from ledger.exceptions import NotFoundError
from ledger.models import Entity, User
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from transactions.browsing import Browsed, Filters, browse
from transactions.listing import Position
from transactions.models import SavedView
from transactions.office.chart_choices import Chart
from transactions.office.filters import FilterForm, Tab, built_in, presets
from transactions.office.lines import Line
from transactions.services.saved_views import NAME_LENGTH_MAX, delete_view, save_view

PAGE_SIZE: Final = 50


class TransactionsPage(CompanyPage):
    """The list, newest first, narrowed as the query says."""

    template_name = "office/transactions.html"
    title = "Transactions"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the page of the list and its filters. Three queries, and at most three more where rows have to
        be looked through."""
        chart = Chart(self.company)
        form = FilterForm(self.request.GET, chart=chart)
        browsed = self._browse(form) if form.is_valid() else Browsed([], None, None)
        query = form.query()
        return super().get_context_data(
            form=form,
            chart=chart,
            lines=[Line(row) for row in browsed.rows],
            next_cursor=self._next_cursor(browsed, form) if form.is_valid() else None,
            looked_through_to=browsed.looked_through_to,
            tabs=self._tabs(query),
            presets=presets(self.company),
            query=query,
            name_length_max=NAME_LENGTH_MAX,
            **kwargs,
        )

    def _browse(self, form: FilterForm) -> Browsed:
        filters = form.filters()
        cursor = self.request.GET.get("cursor", "")
        after = Position(*decode_cursor(scope_of(self.company, filters), cursor)) if cursor else None
        return browse(self.company, filters, limit=PAGE_SIZE, after=after)

    def _next_cursor(self, browsed: Browsed, form: FilterForm) -> str | None:
        if browsed.after is None:
            return None
        return encode_cursor(scope_of(self.company, form.filters()), *browsed.after)

    def _tabs(self, query: str) -> list[Tab]:
        own = SavedView.objects.filter(entity_id=self.company.id, user=cast("User", self.request.user))
        tabs = [Tab(name, its_query, its_query == query) for name, its_query in built_in(self.company)]
        return tabs + [Tab(one.name, one.query, one.query == query, str(one.id)) for one in own]


class SavedViewsPage(CompanyPage):
    """Keeps the present filters under a name, or forgets a view. A person's own, so reading is enough."""

    http_method_names = ["post"]
    duty_to_change = Duty.READ

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Do the one or the other."""
        user = cast("User", request.user)
        if "forget" in request.POST:
            delete_view(entity=self.company, user=user, view_id=_view_id(request.POST["forget"]))
            self.say("The view is gone.")
            return HttpResponseRedirect(self.link("transactions"))
        query = self._query()
        view = save_view(entity=self.company, user=user, name=request.POST.get("name", ""), query=query)
        self.say(f"The view {view.name} is kept.")
        return HttpResponseRedirect(f"{self.link('transactions')}?{query}")

    def after_refusal(self) -> str:
        """Back to the list, as it was."""
        return f"{self.link('transactions')}?{self._query()}"

    def _query(self) -> str:
        """Of what was sent, what the list understands."""
        return FilterForm(QueryDict(self.request.POST.get("query", "")), chart=Chart(self.company)).query()


def scope_of(entity: Entity, filters: Filters) -> str:
    """What a place in the list belongs to."""
    return cursor_scope("office.transactions", entity.id, asdict(filters))


def _view_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundError("There is no such view among yours.") from error
