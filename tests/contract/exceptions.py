"""Where client and sandbox deviate from Adobe's specification, by name, and why.

An exception is a set of sentences of `Specification.deviations`. `tests/README.md` shows this table.
"""

from __future__ import annotations

from dataclasses import dataclass

OPERATIONS = ("generate", "status", "cancel", "models", "upload")


@dataclass(frozen=True, slots=True)
class Named:
    """A deviation that is meant. `ours` are sentences about what the client asks, `answers` about the sandbox."""

    name: str
    why: str
    ours: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()


def each(sentence: str, *operations: str) -> frozenset[str]:
    """The same sentence about several operations."""
    return frozenset(f"{operation} {sentence}" for operation in operations or OPERATIONS)


ELSEWHERE = frozenset({"token is not described", "image is not described"})

EXCEPTIONS = (
    Named(
        "token and images",
        "tokens come from Adobe's identity service, images from a cloud store; other pages of Adobe describe them",
        ours=ELSEWHERE,
        answers=ELSEWHERE,
    ),
    Named(
        "x-request-id",
        "described for the custom models list alone; sent everywhere, since Adobe Support finds a request by it",
        ours=each("asks with header x-request-id", "generate", "status", "cancel", "upload"),
        answers=each("answers with header x-request-id"),
    ),
    Named(
        "x-accept-mimetype",
        "Adobe's tutorial sends it, the specification does not know it; sent only where a campaign says `format`",
        ours=each("asks with header x-accept-mimetype", "generate"),
    ),
    Named(
        "dates of custom models",
        "numbers (milliseconds) in Adobe's sample answer, strings in the specification; the sandbox has a switch",
        answers=frozenset(
            f"models answers 200: custom_models.[].{name} type" for name in ("createdDate", "modifiedDate")
        ),
    ),
    Named(
        "repo:assetId",
        "the id of a custom model by the name that the tutorial's Python and JavaScript read, beside `assetId`",
        answers=frozenset({"models answers 200: custom_models.[] has repo:assetId"}),
    ),
    Named(
        "body of a cancellation",
        "the description of 2026-03 has JSON at the 200 of a cancel, that of 2026-05 nothing; an empty object is sent",
        answers=frozenset({"cancel answers 200 with a body"}),
    ),
    Named(
        "401 and 403 at generation",
        "no 401 is described there though it asks for a token; a wrong key is the gateway's 403003",
        answers=frozenset({"generate answers 401", "generate answers 403: error_code enum"}),
    ),
    Named(
        "unknown x-model-version",
        "404 was seen by a third party; the specification says nothing",
        answers=each("answers 404", "generate"),
    ),
    Named(
        "content refusals",
        "451 is described for Image 5 and uploads alone; how Image 3 and 4 refuse a prompt is left open",
        answers=frozenset(
            {
                "generate answers 451",
                "generate answers 422: error_code enum",
                "status answers 451",
                "status answers 200: result.outputs minItems",
            }
        ),
    ),
    Named(
        "words of a job",
        "`canceled` beside `cancelled`, and words nobody has described",
        answers=each("answers 200: status enum", "status"),
    ),
    Named(
        "seeds of images",
        "as text, or left out: a client that paid for the image should not stumble over how it is named",
        answers=frozenset(
            {"status answers 200: result.outputs.[].seed type", "status answers 200: result.outputs.[] lacks seed"}
        ),
    ),
    Named(
        "no credits",
        "a 402 is not described; it is what a client has to stop at",
        answers=each("answers 402", "generate"),
    ),
    Named(
        "outages",
        "503 and 429 are described for some calls only; they can come from all",
        answers=each("answers 503", "generate", "upload") | each("answers 429", "models"),
    ),
    Named(
        "headers of refusals",
        "described for generation alone",
        answers=each("answers with header x-access-rate-limit-level", "status", "cancel", "upload")
        | each("answers with header x-access-error", "status"),
    ),
    Named(
        "gateways",
        "HTML pages, redirects and sizes refused come from what stands before the service",
        answers=each("answers 502")
        | each("answers 307")
        | each("answers 413", "upload")
        | each("answers 405", "generate")
        | each("answers 410", "generate"),
    ),
    Named(
        "broken answers",
        "faults: cut connections, halves of JSON, an acceptance that lacks something",
        answers=each("is not answered")
        | {"generate answers 202: not JSON", "status answers 200: not JSON", "status answers 200: lacks result"}
        | {f"generate answers 202: lacks {name}" for name in ("jobId", "statusUrl")},
    ),
    Named(
        "answers of another make",
        "a fault: packed though identity was asked for, or in another encoding, as gateways do it",
        answers=each("answers 200: not JSON", "models", "upload"),
    ),
)

OURS = frozenset().union(*(exception.ours for exception in EXCEPTIONS))
ANSWERS = frozenset().union(*(exception.answers for exception in EXCEPTIONS))


def unexpected(deviations: set[str]) -> set[str]:
    """The deviations that no exception names."""
    return deviations - OURS - ANSWERS
