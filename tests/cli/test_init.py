"""`init`: seven answers, twelve lines that run, and nothing that was there before is touched."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from campaign_runner.authoring.new import Answers
from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from campaign_runner.schemas import shipped
from tests.cli.typed import Ask, AtATerminal


def test_without_a_terminal_it_takes_the_defaults(ask: Ask, tmp_path: Path) -> None:
    assert ask("init").status == 0
    campaign = load(tmp_path / "campaigns" / "my-campaign.yaml")
    assert len(Plan(campaign)) == 32
    assert campaign.warnings == ()


@pytest.mark.parametrize("custom_model", ["", "Warm Custom Model"])
def test_its_budget_has_room_for_a_retake(custom_model: str, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(Answers(custom_model=custom_model).text(), encoding="utf-8")
    campaign = load(tmp_path / "spring.yaml")
    assert campaign.budget == len(Plan(campaign)) + campaign.family.pack == 36


def test_it_writes_twelve_lines(ask: Ask, tmp_path: Path) -> None:
    ask("init", "spring.yaml")
    lines = (tmp_path / "spring.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12
    assert lines[:2] == ["# yaml-language-server: $schema=campaign.schema.json", "campaign: spring"]


def test_the_schema_lies_beside_the_file(ask: Ask, tmp_path: Path) -> None:
    ask("init", "clients/spring.yaml")
    assert (tmp_path / "clients" / "campaign.schema.json").read_text(encoding="utf-8") == shipped("campaign")


def test_the_last_line_is_the_next_command_and_it_runs(ask: Ask, tmp_path: Path) -> None:
    last = ask("init").out.splitlines()[-1]
    command = shlex.split(last.removeprefix("next: campaign-runner "))
    done = ask(*command, "--only", "product=almond-candle", "--only", "size=square", "--quiet")
    assert done.status == 0, done.err
    assert len(list((tmp_path / "output").rglob("images/*/*.jpg"))) == 8


def test_an_existing_file_stays_as_it_is(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text("mine", encoding="utf-8")
    said = ask("init", "spring.yaml")
    assert (said.status, (tmp_path / "spring.yaml").read_text()) == (2, "mine")
    assert "spring.yaml is there already" in said.err


def test_the_usual_file_stays_as_it_is_the_second_time(ask: Ask, tmp_path: Path) -> None:
    ask("init")
    before = (tmp_path / "campaigns" / "my-campaign.yaml").stat().st_mtime_ns
    assert ask("init").status == 2
    assert (tmp_path / "campaigns" / "my-campaign.yaml").stat().st_mtime_ns == before


def test_an_older_schema_stays_and_is_told(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "campaign.schema.json").write_text("{}", encoding="utf-8")
    said = ask("init", "spring.yaml")
    assert said.status == 0 and f"campaign-runner schema > {tmp_path}/campaign.schema.json" in said.out
    assert (tmp_path / "campaign.schema.json").read_text() == "{}"


def test_a_file_that_no_command_would_take_is_refused(ask: Ask, tmp_path: Path) -> None:
    said = ask("init", "spring")
    assert said.status == 2 and f"campaign-runner init {tmp_path}/spring.yaml" in said.err
    assert list(tmp_path.iterdir()) == []


def test_at_a_terminal_it_asks_seven_questions(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    typed = "Spring Sale\ntea, iced tea\nWarm Custom Model\n{product.name} in a garden\nwatercolor\nportrait\n6\n"
    shown = at_a_terminal("init", typed=typed)
    assert shown.status == 0, shown.out
    assert shown.out.count("]: ") == 7
    campaign = load(tmp_path / "campaigns" / "spring-sale.yaml")
    assert list(campaign.products) == ["tea", "iced-tea"]
    assert (campaign.model, campaign.custom_model) == ("image3_custom", "Warm Custom Model")
    assert [str(size) for size in campaign.sizes] == ["1792x2304"]
    assert (list(campaign.presets), len(campaign.seeds)) == (["watercolor"], 6)
    assert campaign.budget == 2 * 6 + 4
    assert "12 images = 2 products x 1 prompt x 1 preset x 1 size x 6 seeds; budget 16" in shown.out


def test_enter_takes_the_defaults(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    assert at_a_terminal("init", typed="\n" * 7).status == 0
    text = (tmp_path / "campaigns" / "my-campaign.yaml").read_text(encoding="utf-8")
    assert text == Answers().text()


def test_back_returns_to_the_question_before_which_knows_its_answer(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    typed = "back\nspring\ntea\nback\nback\n\ncoffee\n" + "\n" * 4 + "back\nwide\n1\n"
    shown = at_a_terminal("init", typed=typed)
    assert shown.status == 0, shown.out
    assert "1. What is the campaign called? [spring]" in shown.out
    assert "2. Which products? (separate with commas) [tea]" in shown.out
    campaign = load(tmp_path / "campaigns" / "spring.yaml")
    assert (list(campaign.products), [str(size) for size in campaign.sizes]) == (["coffee"], ["2688x1536"])
    assert len(campaign.seeds) == 1


@pytest.fixture
def with_account(account: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands at a terminal are those of somebody with credentials."""
    for name, value in account.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("with_account")
def test_the_models_of_the_account_are_offered(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    shown = at_a_terminal("init", typed="spring\n\nWarm Custom Modle\nWarm Custom Model\n" + "\n" * 4)
    assert shown.status == 0, shown.out
    assert "and 65 more: type a name" in shown.out
    assert "is shared with your account; did you mean 'Warm Custom Model'?" in shown.out
    lines = (tmp_path / "campaigns" / "spring.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[2:4] == ["model: image3_custom", 'custom_model: "Warm Custom Model"']


def test_the_name_of_a_model_is_compared_with_those_that_are_known(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    shown = at_a_terminal("init", typed="spring\n\nimage4_ulta\nimage3_custom\n3\nFirefly Image 3\n" + "\n" * 4)
    assert shown.status == 0, shown.out
    assert "did you mean Adobe's own 'image4_ultra'? To use it all the same, type it again\n" in shown.out
    assert "'image3_custom' is a kind of custom model: type the name of yours. To use it" in shown.out
    assert "'3' is a number, not the name of a model. To use it" in shown.out
    assert "\nmodel: image3\n" in (tmp_path / "campaigns" / "spring.yaml").read_text(encoding="utf-8")


def test_a_name_that_cannot_be_looked_up_is_taken(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    shown = at_a_terminal("init", typed="spring\n\nImage 4 Ulta\nImage 4 Ulta\n" + "\n" * 4)
    assert shown.status == 0, shown.out
    assert "'Image 4 Ulta' cannot be looked up now; a run does that before it buys\n" in shown.out
    assert '\ncustom_model: "Image 4 Ulta"\n' in (tmp_path / "campaigns" / "spring.yaml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("with_account")
def test_a_model_that_the_account_has_not_is_asked_for_again_once(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    shown = at_a_terminal("init", typed="spring\n\nwarm custom\nNobody's\nNobody's\n" + "\n" * 4)
    assert shown.status == 0, shown.out
    assert "no custom model 'warm custom' is shared with your account; did you mean 'Warm Custom Model'?" in shown.out
    assert "no custom model 'Nobody's' is shared with your account. To use it all the same, type it" in shown.out
    assert 'custom_model: "Nobody\'s"' in (tmp_path / "campaigns" / "spring.yaml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("with_account")
def test_a_subject_model_has_its_concept_in_the_prompt(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    shown = at_a_terminal("init", typed="spring\n\nalmond candle\n{product.name}\n" + "\n" * 4)
    assert shown.status == 0, shown.out
    assert "'Almond Candle' is a subject model: write {concept} where its subject goes" in shown.out
    assert "{concept}" in (tmp_path / "campaigns" / "spring.yaml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("with_account")
def test_a_service_that_does_not_answer_is_told_and_keeps_no_one_from_a_campaign(
    at_a_terminal: AtATerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMPAIGN_RUNNER_IMS_URL", "http://127.0.0.1:9")
    shown = at_a_terminal("init", typed="\n" * 7)
    assert shown.status == 0, shown.out
    assert "your custom models cannot be listed now: " in shown.out


def test_an_answer_that_would_not_run_is_asked_for_again(at_a_terminal: AtATerminal) -> None:
    typed = (
        "\n\n\na table\n{product.name} on a {table}\n{product.name}\ngolden hour, waterclor\n-\nbig\nwide\n0\nmany\n2\n"
    )
    shown = at_a_terminal("init", typed=typed)
    assert shown.status == 0, shown.out
    assert "write {product.name} where its name goes" in shown.out
    assert "{table}" in shown.out and "'big' is not a size" in shown.out
    assert "Adobe lists no style 'waterclor'; did you mean 'watercolor'?" in shown.out
    assert shown.out.count("write a whole number from 1 to 100") == 2


def test_leaving_at_a_question_writes_nothing(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    shown = at_a_terminal("init", typed="spring\n\x04")
    assert shown.status == 130 and shown.out.splitlines()[-1] == "cancelled; nothing was written"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        'a "quoted" candle',
        "it's a candle",
        "both ' and \" and \\",
        "a candle: large # not a comment",
        "- candle",
        "no",  # a text, not a refusal
        "007",
        "{{braces}}",
        "*candle & soap!",
        "アーモンド candle 🕯",
        "C:\\candles\\new",
        "%TAG",
    ],
)
def test_every_answer_reads_back_as_it_was_given(text: str, tmp_path: Path) -> None:
    answers = Answers(products=(f"{text} a",), prompt=f"{text} {{product.name}}", custom_model=text)
    assert answers.flaw() is None
    (tmp_path / "spring.yaml").write_text(answers.text(), encoding="utf-8")
    campaign = load(tmp_path / "spring.yaml")
    assert [list(product.name.values()) for product in campaign.products.values()] == [[f"{text} a"]]
    assert campaign.custom_model == text
    assert list(campaign.prompts["hero"].text.values()) == [f"{text} {{product.name}}"]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(prompt="a table"), "every product would get the same picture"),
        (Answers(products=("🕯", "soap")), "a different name"),
        (Answers(products=("tea!", "tea?")), "a different name"),  # one id for two
        (Answers(products=()), "products"),
        (Answers(prompt="{product.name} on a {table}"), "{table}"),
        (Answers(sizes=("huge",)), "'huge' is not a size"),
        (Answers(name="con"), "con"),
        (Answers(prompt="{product.name} " + "x" * 1030), "1,024"),
    ],
)
def test_an_answer_that_would_not_run_is_told(answers: Answers, words: str) -> None:
    assert words in (answers.flaw() or "")


@pytest.mark.parametrize(
    ("headings", "products"),
    [
        ("id,name", "products.csv"),
        ("SKU,Title", "{file: products.csv, id: SKU, name: Title}"),
    ],
)
def test_a_sheet_beside_the_campaigns_is_offered(
    headings: str, products: str, at_a_terminal: AtATerminal, tmp_path: Path
) -> None:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns/products.csv").write_text(
        f"{headings}\nAB-1,candle\nAB-2,soap\nAB-3,tray\n", encoding="utf-8"
    )
    shown = at_a_terminal("init", typed="\n" * 7)
    assert "or name a sheet: products.csv) [products.csv]" in shown.out
    lines = (tmp_path / "campaigns/my-campaign.yaml").read_text(encoding="utf-8").splitlines()
    assert f"products: {products}" in lines
    assert lines[-1] == "budget: 52"  # 3 products x 2 presets x 2 sizes x 4 seeds, and a retake


def test_a_sheet_that_cannot_be_read_is_told_and_asked_for_again(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns/master.xlsx").write_bytes(b"<html><table>")
    shown = at_a_terminal("init", typed="\nmaster.xlsx\n" + "\n" * 6)
    assert "this is a web page that was given the name of a workbook" in shown.out
    assert "products:\n  almond-candle: almond candle" in (tmp_path / "campaigns/my-campaign.yaml").read_text("utf-8")
