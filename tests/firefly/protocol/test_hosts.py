"""Which host may be told what: a few plain ones, and nothing that only looks like them."""

from __future__ import annotations

import itertools

import pytest

from campaign_runner.errors import UsageError
from campaign_runner.firefly.protocol.hosts import (
    checked_image_host,
    checked_origin,
    checked_proxy,
    host_of,
    may_fetch_image,
    may_receive_token,
    recorded_origin,
)

API = "https://firefly-api.adobe.io"
SANDBOX = "http://127.0.0.1:8080"
SHARD = "firefly-epo854211.adobe.io"


@pytest.mark.parametrize(
    "url",
    [
        f"{API}/v3/status/urn:ff:jobs:1",
        f"https://{SHARD}/v3/status/urn:ff:jobs:epo:1",  # a production shard
        f"https://{SHARD}:443/v3/status/1",  # the default port, spelled out
        f"HTTPS://{SHARD.upper()}/v3/status/1",
        f"https://{SHARD}/a@b?c=d@e",  # userinfo stands before the path only
        "https://adobe.io/",
        "https://adobe.io",
    ],
)
def test_the_token_may_go_to_the_api_and_to_adobes_shards(url: str) -> None:
    assert may_receive_token(url, (API,))


def test_the_token_may_go_to_a_configured_origin_on_its_own_port_only() -> None:
    gateway = "https://gateway.example:8443"
    assert may_receive_token(f"{gateway}/v3/status/1", (gateway,))
    assert not may_receive_token("https://gateway.example/v3/status/1", (gateway,))


@pytest.mark.parametrize(
    ("url", "is_trusted"),
    [
        ("http://127.0.0.1:8080/v3/status/1", True),
        ("http://127.0.0.1:9999/v3/status/1", True),  # any port of it
        ("http://127.0.0.1/v3/status/1", True),
        ("https://127.0.0.1:8080/", False),  # another scheme
        ("http://localhost:8080/", False),  # another name, whatever it resolves to
        ("http://127.0.0.2:8080/", False),
        ("http://127.1:8080/", False),
        ("http://2130706433:8080/", False),
        ("http://0x7f000001:8080/", False),
        ("http://0177.0.0.1:8080/", False),
        ("http://[::1]:8080/", False),
        ("http://[::ffff:127.0.0.1]:8080/", False),
        ("http://127.0.0.1.:8080/", False),
        ("http://127.0.0.1:99999/", False),
        ("http://127.0.0.1.evil.example:8080/", False),
        (f"https://{SHARD}/v3/status/1", False),  # a sandbox's token is no business of Adobe's
    ],
)
def test_from_a_sandbox_the_token_goes_to_that_literal_host_and_no_other(url: str, is_trusted: bool) -> None:
    assert may_receive_token(url, (SANDBOX,)) is is_trusted


EVIL_HOSTS = [
    "evil.example",
    "adobe.io.evil.example",
    "evil-adobe.io",  # no label boundary
    "xadobe.io",
    "adobe.io.",  # a trailing dot is another name to some
    ".adobe.io",
    "a..adobe.io",
    "-a.adobe.io",
    "a-.adobe.io",
    "a_b.adobe.io",
    "adobe.iо",  # a Cyrillic o
    "ⓐdobe.io",  # folds to a under IDNA
    "adobe。io",  # an ideographic full stop
    "adobe.io\u200b",
    "adobe%2eio",
    "adobe.io%00.evil.example",
    "adobe.io%2f.evil.example",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:169.254.169.254]",
    "[fe80::1%25eth0]",
    "localhost",
    "",
    "*.adobe.io",
    "a" * 64 + ".adobe.io",
]
EVIL_AUTHORITIES = [
    "user@{}",
    "user:pass@{}",
    "firefly-api.adobe.io@{}",  # what stands before the @ is no host
    "firefly-api.adobe.io\\@{}",
    "firefly-api.adobe.io\\.{}",
    "firefly-api.adobe.io#@{}",
    "firefly-api.adobe.io?@{}",  # trusted host, but a query where some see a host
    "{}\t",
    "{}\n",
    " {}",
]
EVIL_WRAPPINGS = ["https://{}/v3/status/1", "https:{}/", "https:/{}/", "https:///{}/", "https:\\\\{}/", "//{}/", "{}"]
GOOD = "firefly-api.adobe.io"


def hostile_urls() -> list[str]:
    spelled = [wrapping.format(host) for wrapping, host in itertools.product(EVIL_WRAPPINGS, EVIL_HOSTS)]
    ports = [f"https://{host}:{port}/" for host in (*EVIL_HOSTS, GOOD) for port in (80, 8443, 0, 65979, "443x", "4 43")]
    schemes = [f"{scheme}://{GOOD}/" for scheme in ("http", "ftp", "file", "javascript", "ws", "wss", "httpss", "")]
    inside = [text.format(host) for text, host in itertools.product(EVIL_AUTHORITIES, EVIL_HOSTS)]
    controls = [f"https://{GOOD[:at]}{chr(code)}{GOOD[at:]}/" for at in (0, 7, len(GOOD)) for code in range(33)]
    broken = [f"https://{GOOD}{tail}" for tail in ("/ x", "/\x7f", "/\\", "/ü", "\\x", "/#x", "@x/", "/" + "x" * 9000)]
    return [*spelled, *ports, *schemes, *(f"https://{text}/" for text in inside if "?" not in text), *controls, *broken]


def test_five_hundred_hostile_urls_get_nothing() -> None:
    urls = hostile_urls()
    assert len(urls) >= 500
    assert [url for url in urls if may_receive_token(url, (API,))] == []
    assert [url for url in urls if may_fetch_image(url, API)] == []


def test_what_follows_a_question_mark_is_a_query_of_the_host_before_it() -> None:
    url = "https://firefly-api.adobe.io?@evil.example/"
    assert may_receive_token(url, (API,))
    assert host_of(url) == GOOD


BUCKET = "pre-signed-firefly-prod.s3-accelerate.amazonaws.com"


@pytest.mark.parametrize(
    ("url", "origin", "is_trusted"),
    [
        (f"https://{BUCKET}/images/1?X-Amz-Signature=a%2Fb", API, True),
        ("https://pre-signed-firefly-prod.s3.amazonaws.com/1", API, True),
        ("https://account.blob.core.windows.net/1?sig=a", API, True),
        ("https://cdn.adobe.io/1", API, True),
        ("https://photos.adobe.com/1", API, True),
        (f"http://{BUCKET}/1", API, False),  # readable on the way
        (f"https://{BUCKET}:8443/1", API, False),
        ("https://evilamazonaws.com/1", API, False),
        ("https://amazonaws.com.evil.example/1", API, False),
        ("https://169.254.169.254/latest/meta-data", API, False),
        ("http://127.0.0.1:8080/1", API, False),  # from Adobe nothing leads to this machine
        ("http://127.0.0.1:9999/1", SANDBOX, True),
        ("http://127.0.0.2:8080/1", SANDBOX, False),
        ("http://localhost:8080/1", SANDBOX, False),
        (f"https://{BUCKET}/1", SANDBOX, True),
    ],
)
def test_images_come_from_documented_storage_and_a_sandboxs_own_host(url: str, origin: str, is_trusted: bool) -> None:
    assert may_fetch_image(url, origin) is is_trusted


@pytest.mark.parametrize(
    "url", [f"https://{BUCKET}/images/1?X-Amz-Signature=hush", "https://user:hush@x/", "hush", "https://x/\nhush"]
)
def test_a_host_in_a_message_is_a_host_and_nothing_more(url: str) -> None:
    assert "hush" not in host_of(url)


@pytest.mark.parametrize("text", [API, f"{API}/", SANDBOX, f"{SANDBOX}/", "https://gateway.example:8443"])
def test_an_origin_is_https_or_this_machine(text: str) -> None:
    assert checked_origin(text) == text.removesuffix("/")


@pytest.mark.parametrize(
    ("spelling", "origin"),
    [
        (f"{API}:443", API),
        (f"{API}:443/", API),
        ("HTTPS://Firefly-API.adobe.IO/", API),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("HTTP://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://Gateway.example:80", "https://gateway.example:80"),
    ],
)
def test_a_service_has_one_spelling(spelling: str, origin: str) -> None:
    assert checked_origin(spelling) == recorded_origin(spelling) == origin


def test_what_is_recorded_and_no_origin_stays_as_it_is() -> None:
    assert recorded_origin("sandbox") == "sandbox"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "firefly-api.adobe.io",
        "http://firefly-api.adobe.io",
        "http://localhost:1",
        f"{API}/v3",
        f"{API}?a",
        f"{API}//",
    ],
)
def test_anything_else_is_no_origin_and_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="a service address must be") as caught:
        checked_origin(text)
    assert text == "" or text not in str(caught.value)


@pytest.mark.parametrize("text", ["http://proxy:3128", "http://proxy.example:3128/", "http://me:hush@proxy:3128"])
def test_a_proxy_is_an_http_url_that_may_hold_a_password(text: str) -> None:
    assert checked_proxy(text) == text


@pytest.mark.parametrize("text", ["proxy:3128", "socks5://hush:1", "http://", "http://a b", "http://p/hush"])
def test_a_bad_proxy_is_named_by_its_setting_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="CAMPAIGN_RUNNER_PROXY") as caught:
        checked_proxy(text)
    assert "hush" not in str(caught.value)


FURTHER = ("images.example.test", "cdn.example.test")


@pytest.mark.parametrize(
    ("url", "is_trusted"),
    [
        ("https://images.example.test/1.png?X-Amz-Signature=x", True),
        ("https://eu.images.example.test/1.png", True),  # below it
        ("https://a.b.cdn.example.test:443/1", True),
        ("HTTPS://IMAGES.EXAMPLE.TEST/1", True),
        ("https://example.test/1", False),  # above it
        ("https://other.example.test/1", False),
        ("https://evil-images.example.test/1", False),  # no label boundary
        ("https://images.example.test.evil.test/1", False),
        ("https://images.example.test./1", False),
        ("http://images.example.test/1", False),
        ("https://images.example.test:8443/1", False),
        ("https://a@images.example.test/1", False),
        ("https://bucket.s3.amazonaws.com/1", True),  # what is trusted without the setting stays so
        ("https://127.0.0.2/1", False),
    ],
)
@pytest.mark.parametrize("origin", [API, SANDBOX])
def test_a_further_host_and_all_below_it_may_serve_images_and_hear_no_token(
    url: str, is_trusted: bool, origin: str
) -> None:
    assert may_fetch_image(url, origin, FURTHER) is is_trusted
    assert not may_receive_token(url, (origin,))


def test_further_hosts_open_the_door_to_no_hostile_url() -> None:
    assert [url for url in hostile_urls() if may_fetch_image(url, API, FURTHER)] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("images.example.com", "images.example.com"),
        (" Images.Example.COM ", "images.example.com"),
        ("example.com", "example.com"),
        ("a-1.b2.xn--p1ai", "a-1.b2.xn--p1ai"),
        ("1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa"),
    ],
)
def test_a_further_host_is_a_name_of_two_labels_at_least(text: str, name: str) -> None:
    assert checked_image_host(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "com", "localhost", "*", "*.example.com", "example.*", ".example.com", "example.com.", "a..b.com"),
        *("127.0.0.1", "127.0.0.2", "10.1", "0x7f.0x1", "1.0x7f", "2130706433", "[::1]", "::1", "fe80::1"),
        *("https://images.example.com", "images.example.com/", "images.example.com:443", "user@images.example.com"),
        *("images example.com", "a.example.com;b.example.com", "a_b.example.com", "-a.example.com", "a-.example.com"),
        *(
            "ex\xe4mple.com",
            "example\u3002com",
            "example.com\n",
            "example.com\0",
            "a" * 64 + ".com",
            "a." * 130 + "com",
        ),
    ],
)
def test_anything_else_is_no_further_host(text: str) -> None:
    with pytest.raises(UsageError, match="CAMPAIGN_RUNNER_IMAGE_HOSTS takes host names such as images") as refused:
        checked_image_host(text)
    assert len(str(refused.value)) < 500 and str(refused.value).isprintable()
