"""What an exchange that brought no complete answer costs, as the one error that says so. Pure.

The money rule for silence: a submit that may have left is in doubt, whatever else is asked for may be asked again.
"""

from __future__ import annotations

from campaign_runner.errors import TOO_LARGE, AccountRefused, Damaged, HostSilent, InDoubt, ProviderError, Unavailable
from campaign_runner.firefly.connection import Lost


def lost_submit(lost: Lost) -> ProviderError:
    """The money rule for a request without an answer: what may have left may have been charged."""
    if lost.sent:
        return InDoubt(f"the request was sent, but no answer came: {lost}", code="no_answer", answer=_begun(lost))
    return _unreached(lost)


def _begun(lost: Lost) -> str:
    """The beginning of an acceptance that did not come whole."""
    return lost.begun.head() if lost.begun is not None and lost.begun.is_success else ""


def lost_read(lost: Lost) -> ProviderError:
    if lost.sent:
        return Unavailable(f"no answer: {lost}", code="no_answer", reached=lost.answered)
    return _unreached(lost)


def lost_elsewhere(lost: Lost) -> ProviderError:
    """A host that the service named for a job: what is wrong there says nothing of the service, nor of the account."""
    error = lost_read(lost)
    if lost.answered:
        return error
    code = "certificate" if lost.is_certificate else error.code
    return HostSilent(str(error), code=code, sent=error.sent)


def lost_image(lost: Lost) -> ProviderError:
    if lost.is_too_large:
        return Damaged(f"the image arrived incomplete: {lost}", code=TOO_LARGE)
    if lost.answered:
        return Damaged(f"the image arrived incomplete: {lost}", code="cut")
    if lost.is_certificate:  # the storage's, which says nothing about the account; the image stays paid for
        return Unavailable(f"nothing was sent: {lost}", code="certificate")
    return lost_read(lost)


def _unreached(lost: Lost) -> ProviderError:
    """Not one byte left. A certificate that is not valid is never accepted and never tried again."""
    if lost.is_certificate:
        return AccountRefused(f"nothing was sent: {lost}", code="certificate", sent=False)
    if lost.is_too_late:
        return Unavailable(f"nothing was sent: {lost}", code="too_late", sent=False, reached=True)
    hint = "if this network needs a proxy, set CAMPAIGN_RUNNER_PROXY"
    return Unavailable(f"cannot reach {lost}; {hint}", code="not_reached", sent=False)
