"""Whether the books are right: the last verification, and starting one."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from ledger.ids import Prefix, encode_id
from ledger.office.access import Duty
from ledger.office.pages import CompanyPage
from transactions.services.verifying import (
    ask_for_verification,
    last_verification,
    verification_under_way,
)
from transactions.verification import checks


class VerificationPage(CompanyPage):
    """What the last verification of the books found. It changes nothing in them: who may read them may start
    one."""

    title = "Verification of the books"
    template_name = "office/verification.html"
    duty_to_change: ClassVar[Duty] = Duty.READ

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the last result, and the verification that is under way."""
        return super().get_context_data(
            **{
                **kwargs,
                "crumbs": [("Closing", self.link("closing"))],
                "result": last_verification(self.company),
                "under_way": verification_under_way(self.company),
                "checks": checks(),
            }
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Verify the books now, or in the background where there is much to read."""
        task = ask_for_verification(entity=self.company, actor=self.actor)
        if task is None:
            result = last_verification(self.company)
            found = result.found if result else 0
            self.say("The books are right." if not found else f"{found:,} differences were found.")
        else:
            self.say(f"The books are being verified ({encode_id(Prefix.TASK, task.id)}).")
        return HttpResponseRedirect(request.path)
