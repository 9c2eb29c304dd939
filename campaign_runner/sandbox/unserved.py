"""What a sandbox says about paths and methods it does not serve: never a bare 404."""

from __future__ import annotations

from aiohttp import web

from campaign_runner.sandbox.refusals import Refusal, api_error

SERVED = "image generation (POST /v3/images/generate-async), its status and cancelling, custom models and uploads"
OPERATIONS = (
    "/v4/images/generate-async",
    "/v3/images/generate-similar-async",
    "/v3/images/expand-async",
    "/v3/images/fill-async",
    "/v3/images/generate-object-composite-async",
    "/v3/images/precise-composite",
    "/v3/images/adaptive-composite",
    "/v3/images/upscale",
    "/v3/videos/generate",
)
"""All others of Adobe's specification, each a POST."""
REMOVED = ("/v3/images/generate", "/v2/images/generate")
"""Of samples that are older than October 2025, when Adobe took the synchronous operations back."""


def refusal_of(request: web.Request, error: web.HTTPException) -> Refusal:
    """404, 405 with Allow, or 501 for what Adobe serves and this does not."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return _not_allowed(", ".join(sorted(error.allowed_methods)))
    if request.path in REMOVED:
        return api_error(404, "not_found", f"Adobe has removed {request.path}; served are {SERVED}.")
    if request.path not in OPERATIONS:
        return api_error(404, "not_found", f"No such path; served are {SERVED}.")
    if request.method != "POST":
        return _not_allowed("POST")
    return api_error(501, "not_implemented", f"This sandbox does not play {request.path}; it serves {SERVED}.")


def _not_allowed(allow: str) -> Refusal:
    return api_error(405, "method_not_allowed", f"Allowed here: {allow}.", headers={"Allow": allow})
