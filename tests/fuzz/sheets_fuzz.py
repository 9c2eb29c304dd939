"""Sheets of products: workbooks spoiled as a whole, in a part, or with odd cells; CSV files; files of other kinds."""

from __future__ import annotations

import unicodedata
from functools import cache
from io import BytesIO
from itertools import islice
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError
from campaign_runner.plan.plan import Plan
from tests.fuzz.campaigns_fuzz import UNSAFE
from tests.fuzz.fuzzing import Target, spoiled

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET = "xl/worksheets/sheet1.xml"
ROWS = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c>'
    '<c r="D1" t="inlineStr"><is><t>flag</t></is></c></row>'
    '<row r="2" hidden="1"><c r="A2" t="s"><v>3</v></c><c r="B2" t="s"><v>4</v></c><c r="C2"><v>12.5</v></c></row>'
    '<row r="3"><c r="A3" t="inlineStr"><is><t>AB-3</t></is></c><c r="B3" t="inlineStr"><is><t>candle</t></is></c>'
    '<c r="C3" s="1"><v>46266</v></c><c r="D3" t="b"><v>1</v></c></row>'
    '<row r="4"><c r="A4"><v>734</v></c><c r="B4" t="str"><f>A1</f><v>soap</v></c><c r="C4" t="b"><v>1</v></c></row>'
    '<row r="5"><c r="C5" t="b"><v>1</v></c></row>'
)
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELATIONS}"><workbookPr date1904="0"/><sheets>'
    '<sheet name="AW26" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    f'<Relationship Id="r3" Type="{RELATIONS}/styles" Target="styles.xml"/>'
    f'<Relationship Id="r4" Type="{RELATIONS}/externalLink" Target="http://127.0.0.2/x.xlsx" TargetMode="External"/>'
    "</Relationships>",
    "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>id</t></si><si><t>name</t></si><si><t>launch</t></si>"
    "<si><t>AB-1</t></si><si><r><t>al</t></r><r><t>mond</t></r><rPh><t>x</t></rPh></si></sst>",
    "xl/styles.xml": f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/></cellXfs></styleSheet>',
    SHEET: f'<worksheet {MAIN}><sheetData>{ROWS}</sheetData><mergeCells><mergeCell ref="A4:A5"/></mergeCells>'
    "</worksheet>",
}
PIECES = tuple(
    piece.encode()
    for piece in (
        "<", ">", "/>", "&", "&amp;", "&#0;", "&#xD800;", "&a;", "<!DOCTYPE a>", "<!--", "<![CDATA[", "]]>", '"', "\0",
        '<c r="XFD1"><v>1</v></c>', '<c r="AAAA1"><v>1</v></c>', '<row r="1048576">', '<row r="99999999">', "</row>",
        '<c t="e"><v>#N/A</v></c>', '<c t="s"><v>-1</v></c>', '<c t="s"><v>٣</v></c>', '<c s="-1"><v>1e999</v></c>',
        '<c t="d"><v>T</v></c>', "<c><v>nan</v></c>", '<c s="1"><v>-5</v></c>', '<c s="1"><v>1e300</v></c>', "<x:row>",
        "<f>", "<v/>", "<is>", "<t>", '<mergeCell ref="A1:XFD1048576"/>', '<mergeCell ref="ZZZ1:A9"/>', "0" * 40,
        'formatCode="0.0,,%"', 'formatCode="[h]:mm"', "_x0007_", "_xD83D_", "\u200b", "{product.name}", "r:id", "é",
        "PK\x05\x06", "PK\x06\x07" + "\0" * 16 + "PK\x05\x06",
    )
)  # fmt: skip
LINES = tuple(
    (
        before
        + 'model: image4_standard\nprompts: {hero: "{product.name} {product.launch}"}\nsizes: [square]\nseeds: [1]\n'
    )
    for before in (
        "campaign: a\nproducts: FILE\n",
        "campaign: a\nproducts: {file: FILE, id: id, name: name, columns: {launch: launch}}\n",
        "campaign: a\nmarkets: {us: {locale: en-US}, de: {locale: de-DE}}\n"
        "products: {file: FILE, columns: {id: id, name: name, launch: launch, markets: {de: flag}}, "
        "where: {name: [almond, candle, soap, x]}}\n",
        "campaign: a\nproducts: {file: FILE, sheet: AW26, header: 1, columns: {id: id, name: id, launch: name}}\n",
    )
)
TEXT = 'id;name;launch;flag\r\nAB-1;almond, candle;x;1\r\nAB-2;Süße Seife;y;\r\n"AB;3";"a ""b""";y;ja\r\n'
BEGINNINGS = (
    b"<html><table>",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"PK\x03\x04",
    b"PK\x05\x06" + bytes(18),
    b"\0" * 99,
    b"{",
)


def packed(parts: dict[str, bytes], *, compression: int = ZIP_DEFLATED) -> bytes:
    """An archive, the same bytes whenever it is made."""
    content = BytesIO()
    with ZipFile(content, "w", compression) as archive:
        for name, part in parts.items():
            archive.writestr(ZipInfo(name), part, compression)
    return content.getvalue()


@cache
def whole() -> bytes:
    """A good workbook."""
    return packed({name: part.encode() for name, part in PARTS.items()})


def make(chance: Random) -> tuple[str, str, bytes]:
    """A campaign, and the name and the bytes of its sheet."""
    suffix = "xlsx" if chance.random() < 0.8 else "csv"
    match chance.randrange(10):
        case 0 | 1:
            content = spoiled(chance, whole(), PIECES)
        case 2 | 3 | 4 | 5:
            name = chance.choice([SHEET, *PARTS])
            parts = {each: part.encode() for each, part in PARTS.items()}
            parts[name] = spoiled(chance, parts[name], PIECES)
            content = packed(parts, compression=chance.choice((ZIP_DEFLATED, ZIP_STORED)))
        case 6:
            content = packed({each: part.encode() for each, part in PARTS.items()} | {SHEET: _odd_cells(chance)})
        case 7:
            content = chance.choice(BEGINNINGS) + chance.randbytes(chance.choice((0, 40, 5000)))
        case _:
            suffix = "csv"
            encoding = chance.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-16-le"))
            content = spoiled(chance, TEXT.encode(encoding), PIECES)
    return chance.choice(LINES), f"sheet.{suffix}", content


def _odd_cells(chance: Random) -> bytes:
    """A sheet of cells of any kind below good headings."""
    kinds, values = ("n", "s", "str", "b", "e", "d", "x"), ("0", "1", "-1", "2.5", "1e15", "46266.5", "x", "#REF!", "")
    rows = ""
    for number in range(6, chance.randint(7, 15)):
        cells = ""
        for column in "ABCD":
            kind, value = chance.choice(kinds), chance.choice(values)
            cells += f'<c r="{column}{number}" t="{kind}" s="{chance.randrange(5)}"><v>{value}</v></c>'
        rows += f'<row r="{number}">{cells}</row>'
    return PARTS[SHEET].replace("</sheetData>", f"{rows}</sheetData>").encode()


def hold(made: tuple[str, str, bytes], folder: Path) -> str:
    """A campaign that can be planned, or problems that each say in a sentence where it is wrong."""
    text, name, content = made
    (folder / name).write_bytes(content)
    (folder / "a.yaml").write_text(text.replace("FILE", name), encoding="utf-8")
    try:
        campaign = load(folder / "a.yaml")
    except CampaignFileError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message and "\n" not in problem.sentence.partition(": ")[0], problem
            assert not any(unicodedata.category(sign) in UNSAFE for sign in str(problem) if sign != "\n"), str(problem)
        return "refused"
    assert campaign.rows is not None
    assert len(list(islice(Plan(campaign), 20))) > 0
    return "loaded"


SHEETS = Target("sheets", 100, make, hold, frozenset({"loaded", "refused"}))
