"""What can go wrong on this machine, with its processes and clocks, and with what a campaign left."""

from __future__ import annotations

import errno
from functools import partial

from tests.matrix.kinds import Kind, Play
from tests.matrix.plays import unplugged
from tests.night import Night

HOUR = 3600.0
FILES, JOURNAL, STORE = "disk/test_files.py::", "ports/test_sqlite_journal.py::", "ports/test_folder_store.py::"
RUNNER, STOPPING, DAYS = "run/test_runner.py::", "run/test_stopping.py::", "processes/test_days.py::"
QUOTA, SIGNALS, KILL = "ports/test_quota.py::", "processes/test_signals.py::", "processes/test_kill.py::"


MACHINE = (
    Kind(
        "F71",
        "the disk is full before anything was sent",
        tests=(f"{STORE}test_too_little_room_for_the_images_is_told_before_anything_is_sent",),
        ends="nothing is sent",
        exit="6",
    ),
    Kind(
        "F72",
        "the disk is full, and the journal cannot be written",
        tests=(
            "processes/test_disk.py::test_a_disk_that_fills_up_during_a_run",
            f"{JOURNAL}test_a_full_disk_is_told_and_what_was_there_stays",
            f"{RUNNER}test_a_journal_that_refuses_spends_nothing",
            f"{RUNNER}test_a_journal_that_refuses_one_fact_loses_no_money",
        ),
        ends="nothing more is sent; what was sent and not recorded is in doubt",
        exit="6",
    ),
    Kind(
        "F73",
        "the disk is full, and an image cannot be written",
        tests=(
            "processes/test_disk.py::test_a_disk_that_fills_up_at_many_sizes",
            f"{STORE}test_a_full_disk_leaves_nothing_and_is_told",
            f"{RUNNER}test_a_full_disk_stops_the_run_and_the_next_one_fetches_for_nothing",
            "processes/test_disk.py::test_little_room_on_a_disk_forbids_buying_and_not_fetching",
        ),
        ends="accepted; the next run fetches it; where there is too little room to buy, what is paid for is fetched",
        exit="6",
    ),
    Kind(
        "F74",
        "the disk is full, and the manifest cannot be written",
        tests=("output_folder/test_manifest_writer.py::test_a_full_disk_leaves_the_old_one",),
        ends="the old one stays whole",
        exit="6",
    ),
    Kind(
        "F75",
        "the disk has no room for more files",
        tests=(f"{FILES}test_a_disk_without_room_for_more_files_is_told_from_a_full_one",),
        ends="as a full disk, told apart from it",
        exit="6",
    ),
    Kind(
        "F76",
        "no permission, or a disk that is read-only",
        tests=(
            "processes/test_disk.py::test_a_folder_that_may_not_be_written_stops_a_run_before_anything_is_sent",
            f"{FILES}test_a_missing_permission_is_told",
            f"{STORE}test_a_disk_that_became_read_only_fails_the_probe",
            "output_folder/test_folder.py::test_a_folder_that_cannot_be_made_is_a_matter_of_this_machine",
        ),
        ends="nothing is sent",
        exit="6",
    ),
    Kind(
        "F77",
        "a limit on the size of files",
        tests=(
            "processes/test_disk.py::test_a_file_size_limit_at_many_sizes",
            "processes/test_disk.py::test_a_limit_that_sinks_to_many_sizes",
            f"{FILES}test_a_file_size_limit_is_told_and_leaves_the_old_file",
            f"{STORE}test_a_file_size_limit_leaves_nothing",
        ),
        ends="as a full disk",
        exit="6",
    ),
    Kind(
        "F78",
        "too many open files",
        (unplugged(errno.EMFILE), unplugged(errno.ENFILE)),
        tests=(f"{FILES}test_too_many_open_files_are_told",),
        ends="at a file: accepted",
        exit="6",
    ),
    Kind(
        "F79",
        "the folder for unfinished images lies on another disk",
        tests=(f"{STORE}test_staging_on_another_disk_is_refused", f"{FILES}test_another_disk_is_refused"),
        ends="nothing is sent",
        exit="6",
    ),
    Kind(
        "F80",
        "a folder or a link stands where a file belongs",
        tests=(
            f"{STORE}test_what_stands_in_the_way_is_refused_and_nothing_is_written_through_it",
            f"{FILES}test_a_link_in_the_place_of_a_file_is_refused_and_not_written_through",
        ),
        ends="it is left as it is",
        exit="5",
    ),
    Kind(
        "F81",
        "the disk says that it may not have kept what was written",
        tests=("run/test_stopping.py::test_a_disk_that_cannot_sync_stops_the_run_and_nothing_is_tried_twice",),
        ends="accepted; nothing more is sent",
        exit="6",
    ),
    Kind(
        "F82",
        "no memory is left, or a bug",
        tests=(
            f"{RUNNER}test_a_bug_in_a_part_ends_the_run_in_good_order",
            f"{STOPPING}test_a_bug_in_one_job_leaves_the_others_alone_and_is_raised_at_the_end",
        ),
        ends="the others are finished first",
        exit="1",
    ),
    Kind(
        "F83",
        "nobody reads what is printed any more",
        tests=(
            "processes/test_streams.py::test_a_run_needs_no_streams",
            f"{SIGNALS}test_a_reader_that_leaves_early_does_not_break_a_run",
        ),
        ends="the run goes on",
        exit="its own",
    ),
    Kind(
        "F84",
        "no terminal, no home, an old locale",
        tests=("processes/test_environment.py::test_a_bare_environment_changes_nothing",),
        ends="the run goes on",
        exit="its own",
    ),
)

NAMES = (
    Kind(
        "F110",
        "another program holds a file for a moment",
        tests=(
            "run/test_held_names.py::test_each_change_of_a_name_in_a_run_may_be_refused_once",
            f"{FILES}test_a_file_that_is_held_for_a_moment_wherever_its_name_changes_is_written_all_the_same",
            "disk/test_patience.py::test_what_is_held_for_a_moment_is_done_after_it",
        ),
        ends="stored",
        exit="0",
    ),
    Kind(
        "F111",
        "another program does not let go of a file",
        tests=(
            "run/test_held_names.py::test_a_folder_that_goes_on_refusing_stops_buying_and_the_next_run_fetches",
            f"{STORE}test_a_folder_that_goes_on_refusing_is_waited_for_once_and_not_once_an_image",
        ),
        ends="accepted; nothing more is sent",
        exit="6",
    ),
    Kind(
        "F112",
        "names or paths that are too long for the disk",
        tests=(
            "run/test_long_names.py::test_a_name_that_the_disk_does_not_take_is_told_before_anything_is_bought",
            "run/test_long_names.py::test_ids_that_are_shorter_by_what_the_message_says_will_do",
            "cli/test_long_paths.py::test_a_path_that_is_too_long_is_told_and_a_shorter_one_will_do",
            "disk/test_name_lengths.py::test_a_path_of_every_length_is_taken_up_to_the_longest",
        ),
        ends="nothing is sent",
        exit="6",
    ),
    Kind(
        "F113",
        "the name of an image that is paid for is too long for the disk",
        tests=("run/test_long_names.py::test_an_image_that_is_paid_for_is_stored_under_a_short_name",),
        ends="stored under a short name",
        exit="0",
    ),
)

PROCESS = (
    Kind(
        "F85",
        "a signal while nothing is being sent",
        tests=(
            "processes/test_signal_phases.py::test_each_signal_once_and_twice",
            f"{STOPPING}test_a_signal_drains_within_ten_seconds_and_the_next_run_finishes",
            f"{SIGNALS}test_a_signal_drains_and_the_next_run_finishes",
        ),
        ends="pending, accepted; the next run goes on",
        exit="129, 130, 143",
    ),
    Kind(
        "F86",
        "a signal while a request is under way",
        tests=(
            f"{STOPPING}test_a_signal_drains_within_ten_seconds_and_the_next_run_finishes",
            f"{RUNNER}test_a_signal_while_the_permit_is_granted_sends_nothing_and_gives_it_back",
        ),
        ends="its answer is waited for, 10 s at most; then in doubt",
        exit="129, 130, 143; 4",
    ),
    Kind(
        "F87",
        "a second signal",
        tests=(
            "processes/test_signal_phases.py::test_each_signal_once_and_twice",
            f"{SIGNALS}test_a_second_signal_leaves_at_once",
        ),
        ends="what was under way is in doubt",
        exit="129, 130, 143",
    ),
    Kind(
        "F88",
        "killed at any moment",
        tests=(
            "processes/test_crash_points.py::test_a_run_may_be_killed_at_every_step_that_outlives_it",
            "processes/test_crash_points.py::test_the_run_that_goes_on_may_be_killed_too",
            f"{RUNNER}test_a_crash_after_any_event_never_pays_twice_and_loses_nothing",
            f"{KILL}test_killed_again_and_again_it_still_ends",
        ),
        ends="the next run goes on; what had no answer is in doubt",
        exit="0, 4",
    ),
    Kind(
        "F89",
        "the power fails",
        tests=(
            "processes/test_crash_points.py::test_the_power_may_fail_at_every_step",
            "disk/test_power_cut.py::test_an_image_is_absent_or_complete_and_there_once_it_is_stored",
            f"{FILES}test_the_content_is_synced_before_the_rename_and_the_folder_after_it",
            f"{STORE}test_an_image_is_synced_before_it_has_its_name_and_its_folders_after",
        ),
        ends="as killed",
        exit="0, 4",
    ),
    Kind(
        "F90",
        "a second run on the same folder",
        tests=(
            "processes/test_many.py::test_of_twenty_runs_of_a_folder_one_runs_and_the_others_send_nothing",
            "processes/test_overlap.py::test_a_second_run_in_the_same_folder_leaves_at_once",
        ),
        ends="it sends nothing",
        exit="11",
    ),
    Kind(
        "F91",
        "runs on other folders with the same credentials",
        tests=(
            "processes/test_many.py::test_twenty_runs_with_one_credential_never_exceed_its_allowance",
            "processes/test_overlap.py::test_two_processes_with_the_same_credentials_share_one_allowance",
        ),
        ends="they share one allowance",
        exit="its own",
    ),
    Kind(
        "F92",
        "a child of the run outlives it and holds the lock",
        apart="a run starts no other process, and none would inherit an open file",
    ),
    Kind(
        "F93",
        "a disk that cannot lock",
        tests=("output_folder/test_folder.py::test_a_disk_that_cannot_lock_is_refused",),
        ends="nothing is sent",
        exit="6",
    ),
    Kind(
        "F94",
        "the clock is set",
        tuple(
            Play(name, act=partial(Night.set_clock, seconds=seconds))
            for name, seconds in (
                ("back an hour", -HOUR),
                ("an hour ahead", HOUR),
                ("back a day", -24 * HOUR),
                ("two days ahead", 48 * HOUR),
            )
        ),
        tests=(f"{QUOTA}test_a_clock_set_back_again_and_again_never_lets_too_many_through",),
    ),
    Kind(
        "F95",
        "the machine sleeps",
        (
            Play(
                "for eight hours",
                act=partial(Night.sleep_through, seconds=8 * HOUR),
                switches={"token_seconds": 3 * 3600},
            ),
        ),
    ),
    Kind(
        "F96",
        "run after run, at once",
        tests=(
            "run/test_quota_used.py::test_two_runs_back_to_back_share_one_allowance",
            f"{QUOTA}test_what_another_run_sent_counts",
        ),
        ends="none asks before its time",
        exit="its own",
    ),
)

CAMPAIGN = (
    Kind(
        "F97",
        "the campaign was edited",
        tests=(
            "session/test_edits.py::test_an_edited_prompt_is_told_in_images_and_money",
            f"{DAYS}test_an_edited_prompt_buys_what_changed_and_leaves_what_was_bought",
            "run/test_waiting_jobs.py::test_what_left_the_campaign_is_still_fetched_under_its_old_name",
            "processes/test_broken_files.py::test_what_is_paid_for_is_fetched_though_the_file_cannot_be_loaded",
            "processes/test_broken_files.py::test_one_broken_file_keeps_the_others_from_buying_and_none_from_fetching",
        ),
        ends="what is new is bought, what was bought stays; a file that cannot be loaded buys nothing and fetches",
        exit="its own, 2",
    ),
    Kind(
        "F98",
        "order, names or comments of the campaign were edited",
        tests=(f"{DAYS}test_a_renamed_product_id_buys_nothing",),
        ends="nothing is bought",
        exit="0",
    ),
    Kind(
        "F99",
        "a crash while the journal was written",
        tests=(
            "ports/test_journal.py::test_what_was_granted_survives_without_a_farewell",
            f"{JOURNAL}test_an_empty_file_is_a_journal_never_begun",
        ),
        ends="the run goes on",
        exit="its own",
    ),
    Kind(
        "F100",
        "the journal is damaged",
        tests=(
            "verify/test_verification.py::test_a_damaged_journal_is_named_and_the_images_are_held_against_the_manifest",
            f"{JOURNAL}test_a_flipped_byte_is_refused_or_harmless_and_never_a_crash",
            f"{JOURNAL}test_a_cut_file_is_refused",
        ),
        ends="nothing is sent, the file is left as it is",
        exit="5",
    ),
    Kind(
        "F101",
        "the journal is gone, its images remain",
        tests=(
            f"{DAYS}test_a_lost_journal_is_not_bought_again",
            f"{STOPPING}test_an_image_on_the_disk_that_no_journal_knows_is_never_bought_again",
        ),
        ends="nothing is sent",
        exit="5",
    ),
    Kind(
        "F102",
        "the journal is another program's, or of another version",
        tests=(f"{JOURNAL}test_a_file_of_somebody_else_is_refused_untouched",),
        ends="nothing is sent, the file is left as it is",
        exit="5",
    ),
    Kind(
        "F103",
        "the manifest is gone, edited or torn",
        tests=(
            "verify/test_verification.py::test_a_manifest_that_is_not_what_the_journal_says_is_one_finding",
            "output_folder/test_manifest_writer.py::test_a_manifest_that_was_edited_or_torn_is_written_again",
        ),
        ends="`verify` names it; a run writes it again, from the journal",
        exit="5 of `verify`",
    ),
    Kind(
        "F104",
        "an image that is stored was deleted or edited",
        tests=(
            "verify/test_verification.py::test_an_image_that_differs_is_named_with_how_and_the_command",
            "run/test_stopping.py::test_a_stored_image_that_is_gone_is_not_bought_again",
        ),
        ends="nothing is bought; `verify` names it",
        exit="5 of `verify`",
    ),
    Kind(
        "F105",
        "somebody's file stands under the name of an image",
        tests=(f"{STOPPING}test_a_file_in_the_way_stops_but_the_rest_of_its_job_is_stored",),
        ends="it is left as it is; the image stays accepted",
        exit="5",
    ),
    Kind(
        "F106",
        "a campaign without images, with over a million, or with some twice",
        tests=(
            "campaign_file/test_golden_problems.py::test_the_problems_of_a_file_read_as_its_text_says",
            "campaign_file/schema/test_cells.py::test_more_than_a_million_images_are_refused_by_the_lengths_of_the_lists",
            "output_folder/test_manifest_writer.py::test_equal_cells_are_one_entry_that_lists_the_others",
        ),
        ends="refused; what is the same is bought once",
        exit="2",
    ),
    Kind(
        "F107",
        "the contact sheet cannot be drawn",
        tests=("cli/test_look.py::test_a_damaged_picture_fails_nothing_and_is_told",),
        ends="images and manifest are not touched",
        exit="its own",
    ),
    Kind(
        "F108",
        "some images of a job fail",
        tests=("run/test_outputs.py::test_what_a_job_does_not_deliver_fails_and_what_it_does_is_stored",),
        ends="the others are stored",
        exit="3",
    ),
)
