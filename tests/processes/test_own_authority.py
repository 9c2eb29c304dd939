"""A company that signs certificates itself: what the message says to set is what helps."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from pathlib import Path

import pytest

from tests.firefly import raw_server as raw

CERTIFICATE = Path(raw.__file__).with_name("self_signed.pem")
MODELS = raw.answer(200, {"custom_models": [], "total_count": 0})
ASK = [sys.executable, "-m", "campaign_runner", "models", "--json"]


@pytest.mark.parametrize(("has_set", "status"), [(False, 7), (True, 0)])
async def test_a_certificate_of_ones_own_is_accepted_once_its_file_is_named(
    has_set: bool, status: int, tmp_path: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    ours = {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": "canary-secret"}
    ours["CAMPAIGN_RUNNER_STATE_DIR"] = str(tmp_path / "state")
    async with raw.raw_server(MODELS, tls=tls) as server:
        ours |= {"CAMPAIGN_RUNNER_FIREFLY_URL": server.origin, "CAMPAIGN_RUNNER_IMS_URL": server.origin}
        named = {"SSL_CERT_FILE": str(CERTIFICATE)} if has_set else {}
        asked = await asyncio.create_subprocess_exec(
            *ASK,
            env=os.environ | ours | named,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asked.communicate()
    assert asked.returncode == status, said
    assert ("set SSL_CERT_FILE to the file of its authorities" in said.decode()) != has_set
