"""What can go wrong at the service and on the way to it."""

from __future__ import annotations

import errno

from campaign_runner.sandbox.faults import Fault
from campaign_runner.sandbox.noise import ENDLESS, GARBLED, NOISE
from tests.matrix.kinds import BEGINNING, LATER, Kind, Play
from tests.matrix.plays import (
    ACCEPTED,
    DOUBT,
    FAILED,
    ONE_FAILED,
    ONE_LEFT,
    PENDING,
    STORED,
    beginning,
    doubt,
    lost,
    overcome,
    refused,
    stopped,
    unfetched,
    unplugged,
)

CAUSES, CLIENT = "firefly/test_causes.py::", "firefly/test_client.py::"
OUTPUTS_OF_A_RUN = "run/test_outputs.py::"

START = (
    Kind(
        "F01",
        "credentials are missing or empty",
        tests=("processes/test_days.py::test_missing_and_wrong_credentials_are_told_apart",),
        ends="nothing is sent",
        exit="7",
    ),
    Kind(
        "F02",
        "the token service refuses the credentials",
        (Play("wrong secret", (), PENDING, 7, stops=True, cells=BEGINNING, secret="wrong"),),
    ),
    Kind(
        "F03",
        "the token service is busy, fails or is silent",
        (
            *(
                beginning(f"{kind} without end", Fault(kind, "token"), 8)
                for kind in ("429", "500", "503", "html", "reset")
            ),
            beginning("noise without end", Fault("noise", "token"), 8),
            beginning("slow without end", Fault("slow", "token", seconds=100), 8),
            beginning("redirect", Fault("redirect", "token"), 7),
            Play("503 twice", (Fault("503", "token", first=2),), cells=BEGINNING),
        ),
    ),
    Kind(
        "F04",
        "an answer with a token that is no token",
        tuple(
            beginning(word or "half", Fault("garbled", "token", word=word), 7)
            for word in ("", "deep", "nan", "twice", "surrogate", "list", "empty")
        ),
    ),
    Kind(
        "F05",
        "the token ends in the middle of a run",
        (Play("a token of a minute", switches={"token_seconds": 60, "job_seconds": 100.0}),),
    ),
    Kind(
        "F06",
        "the token is refused in the middle of a run",
        (
            overcome("once", Fault("401", nth=1)),
            stopped("the new one too", Fault("401", first=2), 7),
            overcome("once, at a poll", Fault("401", "poll", nth=1)),
            Play("the new one too, at a poll", (Fault("401", "poll", first=2),), STORED, 7, stops=True),
        ),
    ),
    Kind("F07", "the account may not do this", (stopped("403", Fault("403", word="user_non_entitled"), 7),)),
    Kind(
        "F08",
        "the custom model is not there, or on a later page",
        tests=(
            "session/test_session.py::test_a_custom_model_that_nobody_shared_is_said_and_nothing_is_sent",
            f"{CLIENT}test_models_are_listed_over_all_pages_and_each_once",
            f"{CLIENT}test_a_list_of_models_without_end_is_an_error_after_fifty_pages",
        ),
        ends="nothing is sent",
        exit="7",
    ),
    Kind(
        "F09",
        "the custom model was trained again since the first run",
        tests=("session/test_session.py::test_a_custom_model_trained_again_sends_nothing_until_that_is_accepted",),
        ends="nothing is sent until --accept drift",
        exit="5",
    ),
)

SUBMITS = (
    Kind(
        "F10",
        "the service cannot be reached",
        (unplugged(errno.ECONNREFUSED), unplugged(errno.ENETUNREACH), unplugged(errno.EHOSTUNREACH)),
    ),
    Kind(
        "F11",
        "the service's certificate is not valid",
        tests=(
            f"{CLIENT}test_a_certificate_nobody_vouches_for_is_never_accepted",
            f"{CLIENT}test_a_handshake_that_fails_sent_nothing",
        ),
        ends="nothing is sent",
        exit="7",
    ),
    Kind(
        "F12",
        "the connection is reset once the request left",
        (doubt("reset", Fault("reset", nth=1), "no_answer", charged=0),),
    ),
    Kind(
        "F13",
        "no answer in time",
        (
            doubt("70 s", Fault("slow_after", nth=1, seconds=70), "no_answer"),
            overcome("30 s", Fault("slow", nth=1, seconds=30)),
        ),
    ),
    Kind("F14", "accepted, and the answer is lost", (doubt("reset", Fault("reset_after", nth=1), "no_answer"),)),
    Kind(
        "F15",
        "an acceptance that cannot be read",
        (
            *(
                doubt(
                    word or "half",
                    Fault("garbled", nth=1, word=word),
                    "no_answer" if word == "huge" else "unreadable_answer",
                )
                for word in ("", *GARBLED)
            ),
            doubt("a page", Fault("html", nth=1, word="200"), "unreadable_answer", charged=0),
        ),
    ),
    Kind("F16", "an acceptance without a job id", (doubt("none", Fault("no_job_id", nth=1), "no_job_id"),)),
    Kind(
        "F17",
        "an acceptance without a usable status URL",
        (overcome("none", Fault("no_status_url", nth=1)), overcome("another host", Fault("other_status_host", nth=1))),
    ),
    Kind(
        "F18",
        "an acceptance with the job id of another request",
        (Play("the first job's", (Fault("repeated_job_id", nth=1),), DOUBT, 4, "duplicate_job", cells=LATER),),
    ),
    Kind(
        "F19",
        "the request is refused as wrong",
        (
            refused("400", Fault("400", nth=1), "bad_request"),
            refused("413", Fault("413", nth=1), "http_413"),
            refused("415", Fault("415", nth=1), "invalid_content_type"),
            refused("422", Fault("422", nth=1), "validation_error"),
        ),
    ),
    Kind(
        "F20",
        "nobody generates at this address",
        tuple(stopped(kind, Fault(kind, nth=1), 7) for kind in ("404", "405", "410")),
    ),
    Kind(
        "F21",
        "408, of the service or of a proxy",
        (
            overcome("in JSON", Fault("408", nth=1)),
            doubt("a page", Fault("html", nth=1, word="408"), "http_408", charged=0),
        ),
    ),
    Kind(
        "F22",
        "429 with seconds",
        (
            overcome("30 s", Fault("429", nth=1, seconds=30)),
            overcome("30 s, nine times", Fault("429", first=9, seconds=30)),
        ),
    ),
    Kind(
        "F23",
        "429 with a date",
        (
            overcome("past", Fault("429", nth=1, word="Tue, 01 Sep 2026 00:00:00 GMT")),
            stopped("next year", Fault("429", nth=1, word="Wed, 01 Sep 2027 00:00:00 GMT"), 8),
        ),
    ),
    Kind(
        "F24",
        "429 with a wait that is none",
        tuple(overcome(word, Fault("429", nth=1, word=word)) for word in ("-5", "NaN", "1e9", "9999999999", "soon")),
    ),
    Kind(
        "F25",
        "429 with a wait that is too long for this run",
        (stopped("an hour", Fault("429", nth=1, seconds=3600), 8),),
        tests=("run/test_quota_used.py::test_the_quota_of_the_day_drains_the_run_and_the_next_day_goes_on",),
    ),
    Kind(
        "F26",
        "the content policy refuses",
        (
            refused("when asked", Fault("451", nth=1), "prompt_unsafe"),
            Play("when polled", (Fault("451", "job", nth=1),), FAILED, 3, "prompt_unsafe"),
            overcome("words of the prompt alone", Fault("denied_words", nth=1)),
        ),
    ),
    Kind(
        "F27",
        "the service fails in the middle of a request",
        (
            doubt("500", Fault("500", nth=1), "runtime_error", charged=0),
            doubt("accepted, then 500", Fault("500_after", nth=1), "runtime_error"),
            doubt("a page, 502", Fault("html", nth=1), "http_502", charged=0),
            doubt("a page, 504", Fault("html", nth=1, word="504"), "http_504", charged=0),
        ),
    ),
    Kind(
        "F28",
        "the service is busy",
        (overcome("503 three times", Fault("503", first=3)), stopped("503 without end", Fault("503"), 8)),
    ),
    Kind("F29", "a redirect", (stopped("307", Fault("redirect", nth=1), 7),)),
    Kind(
        "F30",
        "no credits are left",
        (stopped("402", Fault("402", nth=1), 7), stopped("403", Fault("403", nth=1, word="quota_exhausted"), 7)),
    ),
    Kind(
        "F31",
        "a limit of the caller is reached",
        tests=(
            "run/test_account.py::test_a_run_stops_where_it_was_asked_to",
            "session/test_session.py::test_a_plan_above_what_is_left_of_the_budget_is_refused_before_anything_is_sent",
            "session/test_session.py::test_above_the_budget_what_is_paid_for_is_still_fetched",
        ),
        ends="pending; a plan above the budget buys nothing",
        exit="9, 2",
    ),
)

POLLS = (
    Kind(
        "F32",
        "a poll fails",
        (
            *(overcome(kind, Fault(kind, "poll", nth=1)) for kind in ("500", "503", "html", "reset", "redirect")),
            overcome("503 twelve times", Fault("503", "poll", first=12)),
            overcome("slow", Fault("slow", "poll", nth=1, seconds=50)),
            overcome("slow to answer", Fault("slow_after", "poll", nth=1, seconds=50)),
        ),
    ),
    Kind(
        "F33",
        "the service does not know the job",
        (overcome("for a while", Fault("404", "poll", first=3)), lost("any more", Fault("forgotten", nth=1))),
    ),
    Kind(
        "F34",
        "the job fails",
        (
            Play("failed", (Fault("failed", nth=1),), FAILED, 3, "runtime_error"),
            Play("its prompt is refused", (Fault("failed", nth=1, word="prompt_unsafe"),), FAILED, 3, "prompt_unsafe"),
            Play("timeout", (Fault("timeout", nth=1),), FAILED, 3, "job_timeout"),
        ),
    ),
    Kind(
        "F35",
        "somebody else cancels the job",
        tuple(
            Play(word, (Fault("cancelled", nth=1),), FAILED, 3, f"job_{word}", switches={"cancelled_word": word})
            for word in ("cancelled", "canceled")
        ),
    ),
    Kind("F36", "the job never ends", (lost("stuck", Fault("stuck", nth=1)),)),
    Kind("F37", "a status that nobody has described", (overcome("warming_up", Fault("unknown_word", nth=1)),)),
    Kind(
        "F38",
        "a finished job is said to run again",
        (
            overcome("when nobody asks", Fault("backwards", nth=1)),
            Play(
                "when a fresh link is asked for",
                (Fault("backwards", nth=1), Fault("expired", nth=1)),
                {"stored": 1, "accepted": 1},
                8,
            ),
        ),
    ),
    Kind(
        "F39",
        "an answer about another job",
        (
            overcome("once", Fault("other_job_id", nth=1)),
            overcome("the same, by the last part of its id", Fault("bare_job_id", "poll")),
        ),
    ),
    Kind(
        "F40",
        "the account is refused at polls alone",
        (
            Play("403 without end", (Fault("403", "poll"),), ACCEPTED, 7, stops=True),
            Play("403 once", (Fault("403", "poll", nth=1),), STORED, 7, stops=True),
        ),
    ),
    Kind(
        "F41",
        "429 at a poll",
        (
            overcome("20 s, three times", Fault("429", "poll", first=3, seconds=20)),
            overcome("an hour", Fault("429", "poll", nth=1, seconds=3600)),
        ),
    ),
    Kind(
        "F42",
        "a status URL on a host that is not trusted",
        (overcome("127.0.0.2", Fault("other_status_host", nth=1)),),
        tests=(f"{CLIENT}test_a_status_url_on_a_strangers_host_is_not_contacted",),
    ),
    Kind(
        "F43",
        "JSON that cannot be read, at a poll",
        tuple(overcome(word or "half", Fault("garbled", "poll", nth=1, word=word)) for word in ("", *GARBLED)),
    ),
)


OUTPUTS = (
    Kind(
        "F44",
        "fewer images than asked for",
        (
            Play("one less", (Fault("fewer_outputs", nth=1),), ONE_FAILED, 3, "missing"),
            Play("none", (Fault("no_outputs", nth=1),), FAILED, 3, "missing"),
        ),
    ),
    Kind(
        "F45",
        "more images than asked for",
        (overcome("one", Fault("extra_output", nth=1)), overcome("2,000, and first", Fault("flood", nth=1))),
    ),
    Kind("F46", "images in another order", (overcome("reversed", Fault("shuffled", nth=1)),)),
    Kind(
        "F47",
        "an image of a wrong seed",
        tuple(
            Play(kind, (Fault(kind, nth=1),), ONE_FAILED, 3, "missing") for kind in ("unknown_seed", "duplicate_seed")
        ),
    ),
    Kind("F48", "two images are the same to the byte", (overcome("of one job", Fault("same_picture", first=2)),)),
    Kind(
        "F49",
        "succeeded, and no link to an image",
        (lost("no result", Fault("no_result", nth=1)), lost("no link", Fault("no_link", first=2))),
    ),
    Kind("F50", "a link has expired", (overcome("the first", Fault("expired", first=2)),)),
    Kind("F51", "no link that works can be had", (lost("expired", Fault("dead_link", first=2)),)),
    Kind(
        "F52",
        "a link to a host that is not trusted",
        (
            lost("both", Fault("other_image_host", first=2)),
            Play("one of two", (Fault("other_image_host", nth=1),), ONE_LEFT, 8, stays=True),
        ),
        tests=(
            f"{CLIENT}test_an_image_on_a_strangers_host_is_not_contacted",
            f"{OUTPUTS_OF_A_RUN}test_an_image_on_a_host_not_trusted_waits_and_the_others_are_kept",
        ),
    ),
    Kind("F53", "an image is cut off", unfetched("cut")),
    Kind("F54", "an image is cut off, and its length was never said", unfetched("unfinished")),
    Kind("F55", "an image comes compressed, and cut", unfetched("compressed")),
    Kind("F56", "a page comes instead of an image", unfetched("not_an_image")),
    Kind(
        "F57",
        "half an image whose length agrees, or a damaged one",
        unfetched("truncated"),
        tests=(
            "pictures/test_whole_pictures.py::test_every_cut_is_noticed",
            "ports/test_folder_store.py::test_a_broken_picture_is_examined_or_damaged_and_nothing_else",
        ),
    ),
    Kind(
        "F58",
        "an image of another size",
        (
            Play("both", (Fault("wrong_size", first=2),), FAILED, 3, "wrong_size"),
            Play("one of two", (Fault("wrong_size", nth=1),), ONE_FAILED, 3, "wrong_size"),
            Play("one of two, once", (Fault("wrong_size", "download", nth=1),), ONE_FAILED, 3, "wrong_size"),
        ),
    ),
    Kind("F59", "a small file of far too many pixels", unfetched("bomb")),
    Kind(
        "F60",
        "an image without end",
        (overcome("once", Fault("huge", "download", nth=1)),),
        tests=(f"{CLIENT}test_an_image_that_does_not_come_whole_may_be_fetched_again",),
    ),
    Kind(
        "F61",
        "the rest of an image is of another one",
        apart="images are small: one is always fetched whole, and parts are never asked for",
    ),
    Kind("F62", "an image comes byte by byte", unfetched("trickle")),
    Kind(
        "F63",
        "another image than the one that stands under the name already",
        tests=(
            "run/test_stopping.py::test_a_file_in_the_way_stops_but_the_rest_of_its_job_is_stored",
            "ports/test_store.py::test_other_bytes_never_replace_what_stands",
        ),
        ends="both are kept: the file as it is, the image at the service",
        exit="5",
    ),
)

FETCHING = Kind(
    "F109",
    "an image cannot be fetched now",
    (
        *(overcome(kind, Fault(kind, "download", nth=1)) for kind in ("500", "503", "reset", "redirect")),
        overcome("slow", Fault("slow", "download", nth=1, seconds=400)),
        overcome("slow to answer", Fault("slow_after", "download", nth=1, seconds=400)),
    ),
)

DEAD_HOSTS = Kind(
    "F118",
    "a status URL on a host that is dead",
    (
        overcome("it refuses", Fault("dead_status_host", nth=1)),
        overcome("it is silent", Fault("dead_status_host", nth=1, word="silent")),
    ),
    tests=(
        "run/test_dead_hosts.py::test_what_the_api_origin_never_knew_is_not_lost_by_its_word",
        "run/test_dead_hosts.py::test_half_of_the_jobs_on_a_dead_host_keep_nothing_from_the_others",
    ),
)

NETWORK = (
    Kind(
        "F64",
        "the network is gone in both directions",
        tests=("run/test_account.py::test_a_minute_of_silence_ends_the_run_and_the_next_one_goes_on",),
        ends="pending, accepted; the next run goes on",
        exit="8",
    ),
    Kind(
        "F65",
        "requests arrive, answers do not",
        tests=("run/test_doubt.py::test_three_doubts_in_a_row_stop_submitting",),
        ends="in doubt; after three in a row nothing more is sent",
        exit="4",
    ),
    Kind(
        "F66",
        "what comes back is no HTTP",
        (
            *(
                doubt(f"{word}, when asked", Fault("noise", nth=1, word=word), "no_answer")
                for word in sorted(NOISE)
                if word != "status_999"
            ),
            *(overcome(f"{word}, at a poll", Fault("noise", "poll", nth=1, word=word)) for word in sorted(NOISE)),
            *(
                overcome(f"{word}, instead of an image", Fault("noise", "download", nth=1, word=word))
                for word in ("ssh", "two_lengths", "nul")
            ),
        ),
    ),
    Kind(
        "F67",
        "an answer that begins and never ends",
        (
            *(doubt(f"{word}, when asked", Fault("noise", nth=1, word=word), "no_answer") for word in ENDLESS),
            *(overcome(f"{word}, at a poll", Fault("noise", "poll", nth=1, word=word)) for word in ENDLESS),
            overcome("endless_body, instead of an image", Fault("noise", "download", nth=1, word="endless_body")),
        ),
    ),
    Kind(
        "F68",
        "a status that does not exist, and control characters in headers",
        (doubt("999", Fault("noise", nth=1, word="status_999"), "http_999"),),
    ),
    Kind(
        "F69",
        "an error without a word",
        tests=(
            f"{CAUSES}test_a_cause_is_told_in_our_own_words",
            f"{CAUSES}test_an_answer_that_takes_too_long_is_told_with_its_limit",
        ),
        ends="told in words",
        exit="as what it is",
    ),
    Kind(
        "F70",
        "somebody else's page, with status 200",
        (
            doubt("when asked", Fault("html", nth=1, word="200"), "unreadable_answer", charged=0),
            overcome("at a poll", Fault("html", "poll", nth=1, word="200")),
            overcome("instead of an image", Fault("html", "download", nth=1, word="200")),
            beginning("instead of a token", Fault("html", "token", word="200"), 7),
        ),
    ),
)

OTHERWISE = (
    Kind(
        "F114",
        "seeds that are written otherwise",
        (overcome("as text", Fault("seed_as_text", nth=1)), overcome("as 11.0", Fault("seed_as_float", nth=1))),
        tests=("firefly/protocol/test_answers.py::test_a_seed_is_an_integer_however_it_is_written_and_nothing_else",),
    ),
    Kind(
        "F115",
        "images without a seed",
        (Play("two", (Fault("without_seed", nth=1),), FAILED, 3, "missing"),),
        tests=(
            f"{OUTPUTS_OF_A_RUN}test_one_image_that_comes_back_alone_without_a_seed_is_that_image",
            f"{OUTPUTS_OF_A_RUN}test_of_several_images_without_seeds_none_is_guessed_and_all_are_kept",
        ),
    ),
    Kind(
        "F116",
        "much beside the pixels of an image",
        (overcome("both", Fault("metadata", first=2)),),
        tests=("pictures/test_inspection.py::test_what_stands_beside_the_pixels_does_not_count",),
    ),
    Kind(
        "F117",
        "job after job without an image that can be used",
        tests=(
            f"{OUTPUTS_OF_A_RUN}test_three_jobs_in_a_row_without_an_image_that_can_be_used_stop_submitting",
            f"{OUTPUTS_OF_A_RUN}test_a_job_that_delivers_begins_the_count_anew",
        ),
        ends="after three in a row nothing more is sent",
        exit="8",
    ),
)
