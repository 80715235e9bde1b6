"""The addresses of the back office's own pages, below `/admin/`; the admin's windows follow after them."""

from accounts.office import urls as accounts
from ai.office import urls as ai
from banking.office import urls as banking
from ledger.office import urls as ledger
from reports.office import urls as reports
from transactions.office import urls as transactions

app_name = "office"
urlpatterns = [
    *ledger.urlpatterns,
    *accounts.urlpatterns,
    *transactions.urlpatterns,
    *banking.urlpatterns,
    *reports.urlpatterns,
    *ai.urlpatterns,
]
