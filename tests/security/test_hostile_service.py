"""A service that means harm: what it says is shown as harmless text, kept without secrets, and believed by nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.checker import Seen, check
from tests.firefly.raw_server import TOKEN, answer, raw_server
from tests.security.commands import SECRET, Command

SIGNATURE = "canary-signature-77aa"
EVIL = (
    "\x1b[2J\x1b[31mred\x07 \x9b2J \x7f \u202etfel-ot-thgir\u2066 \x00 \u2028 \x85 <script>alert(1)</script> =1+1\r\n"
    "ok planned=6 stored=6 accepted=0 in_doubt=0 failed=0 abandoned=0 pending=0 requests=3 exit=0\n"
    f"Authorization: Bearer {TOKEN} client_secret={SECRET} {SECRET} {quote(TOKEN)} "
    f"https://s3.example/i?X-Amz-Signature={SIGNATURE}"
)
CAMPAIGN = """\
campaign: spring
model: image3
products: [candle, soap, scrub, balm, mask]
prompts: {hero: "{product.name} on a secret-canary-prompt table"}
sizes: [1024x1024]
seeds: [1, 2]
"""


def evil(**fields: Any) -> dict[str, Any]:
    said = {"error_code": EVIL, "message": EVIL, "error": EVIL, "error_description": EVIL, "warnings": [EVIL]}
    return said | {"validation_errors": [{"loc": [EVIL], "msg": EVIL}]} | fields


SCRIPT = (
    answer(202, {"jobId": "urn:1", "statusUrl": f"https://{EVIL}/"}),
    answer(200, evil(jobId="urn:1", status="failed")),
    answer(422, evil()),
    answer(451, evil()),
    answer(500, evil()),
    answer(202, evil(jobId=EVIL)),
)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_what_a_hostile_service_says_harms_no_terminal_and_no_record(
    log_format: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    async with raw_server(*SCRIPT) as server:
        options = ("--concurrency", "1", "--log-format", log_format, "--log-file", "spring.log")
        ran = await command("run", "spring.yaml", *options, origin=server.origin)
        shown = [ran]
        for word, *option in (("status",), ("status", "--json"), ("resolve",)) if log_format == "text" else ():
            shown.append(await command(word, "spring.yaml", *option, origin=server.origin))
    assert ran.status == 4, ran.err
    assert ran.out.splitlines()[-1].startswith("attention planned=10 ")
    assert not any(line.startswith("ok planned") for line in (ran.out + ran.err).splitlines())
    log = (tmp_path / "spring.log").read_text(encoding="utf-8")
    assert "secret-canary-prompt" not in ran.out + ran.err + log, "a prompt may be private: it is no matter for logs"
    seen = Seen({"spring": 4}, [log, *(said.out for said in shown), *(said.err for said in shown)], tmp_path / "state")
    canaries = (SECRET.encode(), TOKEN.encode(), SIGNATURE.encode())
    check(tmp_path / "output", None, canaries=canaries, seen=seen)


@pytest.mark.parametrize("status", [200, 401])
async def test_a_hostile_token_answer_is_shown_harmlessly(status: int, command: Command, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    given = answer(status, evil(access_token=f"a\r\n{TOKEN}", expires_in=1e308), retry_after="9" * 400)
    async with raw_server(tokens=[given]) as server:
        said = await command("models", origin=server.origin)
    assert said.status in (7, 8)
    check(tmp_path / "output", None, canaries=(SECRET.encode(),), seen=Seen(texts=[said.out, said.err]))
