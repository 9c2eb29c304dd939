"""Bugs in what many machines share: the images in a store, a campaign that moves, and who pays."""

from __future__ import annotations

from tests.plants.plant import Plant

_STORE, _PLACE, _TRANSFER = (
    f"tests/fleet/test_{name}.py::test_" for name in ("object_store", "image_place", "transfer")
)

SHARING = (
    Plant(
        "put an image over another one in a bucket",
        "fleet/images/bucket.py",
        'key, content, mode="create", use_multipart=False',
        'key, content, mode="overwrite", use_multipart=False',
        (f"{_STORE}an_image_of_many_megabytes_is_not_replaced_either",),
        is_proof=True,
    ),
    Plant(
        "take whatever has the name in a bucket for the image",
        "fleet/images/object_store.py",
        "return Put.SAME if is_same else Put.DIFFERENT",
        "return Put.SAME",
        (f"{_STORE}an_image_of_many_megabytes_is_not_replaced_either",),
        is_proof=True,
    ),
    Plant(
        "replace a manifest of which another machine has a newer one",
        "fleet/images/bucket.py",
        "key, content, mode=version, use_multipart=False",
        'key, content, mode="overwrite", use_multipart=False',
        (f"{_PLACE}a_manifest_that_was_replaced_meanwhile_is_made_again",),
        is_proof=True,
    ),
    Plant(
        "put images where those of another database are",
        "fleet/images/place.py",
        "        if found != fleet_id.encode():\n",
        "        if not found:\n",
        (f"{_PLACE}a_place_belongs_to_one_database_for_good",),
        is_proof=True,
    ),
    Plant(
        "buy while the image store does not answer",
        "fleet/images/quota_with_store.py",
        'if await self._images.answers() else Wait(_LOOK_EVERY, "store")',
        'if await self._images.answers() or True else Wait(_LOOK_EVERY, "store")',
        (f"{_STORE}nothing_is_sent_while_the_store_does_not_answer_and_again_once_it_does",),
        is_proof=True,
    ),
    Plant(
        "leave a campaign that moves live in its folder",
        "fleet/transfer.py",
        "                await journal.note({MOVED: fleet.name})\n",
        "                pass\n",
        (f"{_TRANSFER}what_comes_back_is_what_went_byte_for_byte",),
        is_proof=True,
    ),
    Plant(
        "open a campaign in the fleet before all of it is there",
        "fleet/transfer.py",
        """\
        copied = await _copied_in(folder, fleet, int(told["campaign"]))
        await fleet.database.call("end_import", told["campaign"], why)
""",
        """\
        await fleet.database.call("end_import", told["campaign"], why)
        copied = await _copied_in(folder, fleet, int(told["campaign"]))
""",
        (f"{_TRANSFER}wherever_it_is_killed_one_place_at_most_is_live_and_the_same_command_goes_on",),
        is_proof=True,
    ),
    Plant(
        "leave behind what was moved aside",
        "fleet/transfer.py",
        '        if name.split("/")[0] in _CARRIED:\n',
        '        if name.split("/")[0] in _CARRIED[:1]:\n',
        (f"{_TRANSFER}what_comes_back_is_what_went_byte_for_byte",),
        is_proof=True,
    ),
    Plant(
        "leave reference images behind",
        "fleet/transfer.py",
        "    await bring_references(folder, fleet.images.store(fleet.prefix))\n",
        "",
        (f"{_TRANSFER}reference_images_come_along_if_they_are_what_they_were_and_go_out_again",),
        is_proof=True,
    ),
    Plant(
        "let the usual account pay for a campaign that names another",
        "cli/run.py",
        "        environment = environment.of_account(_account(choices))\n",
        "        pass\n",
        ("tests/cli/test_accounts.py::test_a_run_pays_with_the_account_of_its_campaign",),
    ),
)
