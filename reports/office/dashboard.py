"""How a company does, and what waits for its accountant."""

from ledger.office.pages import CompanyPage, OfficePage


class CompaniesPage(OfficePage):
    """All companies of the person."""

    title = "Companies"
    template_name = "office/companies.html"


class Dashboard(CompanyPage):
    """One company at a glance."""

    title = "Dashboard"
    template_name = "office/dashboard.html"
