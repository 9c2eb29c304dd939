"""What an exchange that brought no complete answer costs, as the one error that says so. Pure.

The money rule for silence: a submit that may have left is in doubt, whatever else is asked for may be asked again.
"""

from __future__ import annotations

from campaign_runner.errors import TOO_LARGE, AccountRefused, Damaged, HostSilent, InDoubt, ProviderError, Unavailable
from campaign_runner.firefly.connection import Lost
from campaign_runner.firefly.protocol.hosts import LOOPBACK

_API, _TOKENS = "CAMPAIGN_RUNNER_FIREFLY_URL", "CAMPAIGN_RUNNER_IMS_URL"
_ADOBE = (".adobe.io", ".adobelogin.com")
"""How the hosts end that are asked where neither variable is set."""


def lost_submit(lost: Lost) -> ProviderError:
    """The money rule for a request without an answer: what may have left may have been charged."""
    if lost.sent:
        return InDoubt(f"the request was sent, but no answer came: {lost}", code="no_answer", answer=_begun(lost))
    return _unreached(lost, _API)


def _begun(lost: Lost) -> str:
    """The beginning of an acceptance that did not come whole."""
    return lost.begun.head() if lost.begun is not None and lost.begun.is_success else ""


def lost_read(lost: Lost, set_by: str = _API) -> ProviderError:
    """`set_by` is the variable that may have said where to ask; empty for an address of an answer."""
    if lost.sent:
        return Unavailable(f"no answer: {lost}", code="no_answer", reached=lost.answered)
    return _unreached(lost, set_by)


def lost_token(lost: Lost) -> ProviderError:
    """The same of a request for a token."""
    return lost_read(lost, _TOKENS)


def lost_elsewhere(lost: Lost) -> ProviderError:
    """A host that the service named for a job: what is wrong there says nothing of the service, nor of the account."""
    error = lost_read(lost, "")
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
    return lost_read(lost, "")


def _unreached(lost: Lost, set_by: str) -> ProviderError:
    """Not one byte left. A certificate that is not valid is never accepted and never tried again."""
    if lost.is_certificate:
        return AccountRefused(f"nothing was sent: {lost}", code="certificate", sent=False)
    if lost.is_too_late:
        return Unavailable(f"nothing was sent: {lost}", code="too_late", sent=False, reached=True)
    return Unavailable(_where(lost, set_by), code="not_reached", sent=False)


def _where(lost: Lost, set_by: str) -> str:
    """What could not be reached, who said that it is there, and what to do."""
    if lost.is_proxy:
        return f"cannot reach {lost}; its address is in CAMPAIGN_RUNNER_PROXY"
    set_here = f" (the address in {set_by})" if set_by and not lost.host.endswith(_ADOBE) else ""
    if lost.host == LOOPBACK and lost.is_refused:
        port = lost.origin.rpartition(":")[2]
        start = f": start the sandbox there with `campaign-runner sandbox --port {port}`, or unset {set_by}"
        return f"no program listens at {lost.origin}{set_here}{start if set_here else ''}"
    if lost.host == LOOPBACK:
        return f"cannot reach {lost.origin}{set_here}: {lost.cause}"
    return f"cannot reach {lost.host}{set_here}: {lost.cause}; if this network needs a proxy, set CAMPAIGN_RUNNER_PROXY"
