"""The line of every key, and files that are no TOML at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim.files.toml.source import LIST, NUMBER, REQUIRED_TEXT, TEXT, TomlSource, check_fields
from immunesim.runtime.errors import InputError

TEXT_FILE = '''\
# a comment
title = "one"  # 2
[time]         # 3
end = "10 d"
"every" = "1 h"  # 5
[parameters]
a.b.c = 1        # 7
"quoted key" = 2 # 8
'single' = 3     # 9
text = """
[not.a.header]
nor = "a key"
"""
after_text = 4   # 14
list = [
  "x = 3",
  [1, 2],
]
after_list = 5   # 19
inline = { x = 1, y = { z = 2 } }  # 20
raw = \'\'\'
q = 1
\'\'\'
one_line = """x = 1"""  # 24
after_raw = 6    # 25
[[dose]]         # 26
name = "a"
[[dose]]         # 28
name = "b"       # 29
[dose.inner]     # 30
deep = 1         # 31
[arms.half]      # 32
dose.push.amount = "1 pmol"
[[arms.half.change]]  # 34
at = "3 d"       # 35
[[arms.half.change]]
at = "4 d"       # 37
[ spaced . out ] # 38
"a.b" = 1        # 39
brackets = "]]]" # 40
hash = "# [" # ] # 41
last = 1         # 42
'''

LINES = {
    ("title",): 2,
    ("time",): 3,
    ("time", "end"): 4,
    ("time", "every"): 5,
    ("parameters", "a"): 7,
    ("parameters", "a", "b", "c"): 7,
    ("parameters", "quoted key"): 8,
    ("parameters", "single"): 9,
    ("parameters", "text"): 10,
    ("parameters", "after_text"): 14,
    ("parameters", "list"): 15,
    ("parameters", "list", 1, 0): 15,
    ("parameters", "after_list"): 19,
    ("parameters", "inline", "y", "z"): 20,
    ("parameters", "raw"): 21,
    ("parameters", "one_line"): 24,
    ("parameters", "after_raw"): 25,
    ("dose", 0): 26,
    ("dose", 0, "name"): 27,
    ("dose", 1): 28,
    ("dose", 1, "name"): 29,
    ("dose", 1, "inner"): 30,
    ("dose", 1, "inner", "deep"): 31,
    ("dose", 1, "no such key"): 28,
    ("arms", "half"): 32,
    ("arms", "half", "dose", "push", "amount"): 33,
    ("arms", "half", "change", 0): 34,
    ("arms", "half", "change", 0, "at"): 35,
    ("arms", "half", "change", 1, "at"): 37,
    ("spaced", "out"): 38,
    ("spaced", "out", "a.b"): 39,
    ("spaced", "out", "brackets"): 40,
    ("spaced", "out", "hash"): 41,
    ("spaced", "out", "last"): 42,
    ("nothing",): 0,
    (): 0,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> TomlSource:
    path = tmp_path_factory.mktemp("toml") / "lines.toml"
    path.write_text(TEXT_FILE, encoding="utf-8")
    return TomlSource(path)


@pytest.mark.parametrize("key", LINES, ids=lambda key: ".".join(map(str, key)) or "nothing")
def test_every_key_has_its_line(source: TomlSource, key: tuple[str | int, ...]) -> None:
    assert source.line(key) == LINES[key]


def test_an_array_of_tables_stands_where_it_begins(source: TomlSource) -> None:
    assert source.line(("dose",)) == 26
    assert source.line(("arms", "half", "change")) == 34


def test_a_table_that_only_its_parts_name_stands_where_the_first_of_them_does(source: TomlSource) -> None:
    assert source.line(("arms",)) == 32
    assert source.line(("spaced",)) == 38


def test_a_fault_shows_its_line(source: TomlSource) -> None:
    fault = source.fault(("dose", 1, "name"), "no such dose")
    assert (fault.line, fault.message, fault.text) == (29, "no such dose", 'name = "b"       # 29')
    assert str(fault).endswith('lines.toml:29: no such dose\n    name = "b"       # 29')
    assert str(source.fault((), "in general")).endswith("lines.toml: in general")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = "x\\"]["\nb = 1', 2),
        ("a = [ # [ a comment\n 1,\n]\nb = 1", 4),
        ('a = ["""\n]\n""", 3]\nb = 1', 4),
        ("a = [\n'''\n]\n''',\n]\nb = 1", 6),
        ('a = """\nx = """\nb = 1', 3),
        ('a = """x"""\nb = 1', 2),
        ('a = """\n\\"""\nb = 0\n"""\nb = 1', 5),
        ('a = { c = """\nb = 0\n""" }\nb = 1', 4),
        ("a = [ [1,\n2],\n[3]]\nb = 1", 4),
        ("\r\na = 1\r\nb = 1\r\n", 3),
        ("a = 1\n\n\n\n   b   =   1", 5),
        ("a = ''\nb = 1", 2),
        ('a = "#"\nb = 1 # b = 2', 2),
        ("a = '\u2028'\nb = 1", 2),
        ('a = "\x85 \x0c"\nb = 1'.replace("\x0c", ""), 2),
    ],
)  # fmt: skip
def test_the_line_after_an_awkward_value(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "awkward.toml"
    path.write_bytes(text.encode("utf-8"))
    found = TomlSource(path)
    assert found.data["b"] == 1
    assert found.line(("b",)) == line


def refused(path: Path) -> tuple[int, str]:
    with pytest.raises(InputError) as caught:
        TomlSource(path)
    (fault,) = caught.value.faults
    return fault.line, fault.message


BROKEN = {  # content, line (None: any), message
    "no_value": (b"title = 1\na = \n", 2, "not TOML: "),
    "a_key_twice": (b"a = 1\n[time]\nb = 1\nb = 2\n", 4, "not TOML: Cannot overwrite a value"),
    "an_open_string": (b'title = 1\nb = "x', 2, "not TOML: "),
    "an_open_list": (b"title = 1\na = [1,\n2\n", 3, "not TOML: "),
    "a_key_of_many_parts": (b"a" + b".a" * 60_000 + b" = 1", 1, "nested deeper than 100"),
    "a_key_of_many_spaced_parts": (b"[a" + b" . 'a'" * 60_000 + b"]", 1, "nested deeper than 100"),
    "SBML": (
        b'<?xml version="1.0"?>\n<sbml level="3" version="1"/>',
        1,
        "XML, and no scenario or model; SBML is written",
    ),
    "two_tables": (b'title = "a"\n[dose]\n[dose]\n', 3, "not TOML: [dose] stands twice; several are written [[dose]]"),
    "two_times": (b'title = "a"\n[time]\n[time]\n', 3, "not TOML: [time] stands twice"),
    "two_names_of_others": (b"[secret]\n[secret]\n", 2, "no scenario or model: Cannot declare ... twice (at line 2"),
    "two_names_of_others_in_a_line": (b"a = {secret=1, secret=2}\n", 1, "Duplicate inline table key ... (at line 1"),
    "one_line_with_an_open_string": (b'title = "abc\n', 1, "(at line 1, column 13); perhaps a quote is not closed"),
    "passwords": (b"root:$6$secret:19000::::::\n", 1, "not TOML, and no scenario or model"),
    "utf_16": (b"\xff\xfe\x00", 0, "text in UTF-16; save it as UTF-8"),
    "latin_1": (b"# a\na = '\xe9'", 2, "not UTF-8 text (byte 9); save it as UTF-8"),
    "a_picture": (b"\x89PNG\r\n\x1a\n\x00\x00", 0, "expected text in UTF-8, found another kind of file (byte 0)"),
    "a_zero_byte": (b"\x00", 1, "not TOML, and no"),
    "a_zip_file": (b"PK\x03\x04", 1, "not TOML, and no"),
    "nested_lists": (b"a = " + b"[" * 5000 + b"]" * 5000, 1, "nested deeper than 100"),
    "nested_tables": (b"a = " + b"{b=" * 5000 + b"1" + b"}" * 5000, 1, "nested deeper than 100"),
    "nested_lists_on_many_lines": (b"a = " + b"[\n" * 5000 + b"]\n" * 5000, None, "nested"),
    "a_number_of_ten_thousand_digits": (b"a = " + b"9" * 10000, None, ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, name: str) -> None:
    content, line, message = BROKEN[name]
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    found = refused(path)
    assert message in found[1]
    assert line in (None, found[0])


def test_a_file_of_ten_megabytes_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text("# " + "x" * 10_000_000)
    assert refused(path) == (0, "10,000,002 bytes; a TOML file may have at most 1,000,000")


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.toml") == (0, "no such file")
    assert refused(tmp_path) == (0, "expected a TOML file, found a directory")


@pytest.mark.parametrize(
    ("table", "faults"),
    [
        ({"name": "x"}, []),
        ({"name": "x", "size": 3, "more": [1]}, []),
        ({"name": "x", "size": 3.5}, []),
        ({}, [((), "[t] has no name")]),
        ({"name": ""}, [(("name",), "name is empty")]),
        ({"name": "x", "size": "3"}, [(("size",), "size must be a number, found '3'")]),
        ({"name": "x", "size": True}, [(("size",), "size must be a number, found True")]),
        ({"name": "x", "size": float("inf")}, [(("size",), "size must be a finite number, found inf")]),
        ({"name": 3}, [(("name",), "name must be text, found 3")]),
        ({"name": "x", "more": "y"}, [(("more",), "more must be a list, found 'y'")]),
        ({"name": "x", "note": ""}, []),
        ({"name": "x", "siez": 1}, [(("siez",), "[t] has no key 'siez'; did you mean 'size'?")]),
        ({"name": "x", "qqq": 1}, [(("qqq",), "[t] has no key 'qqq'; keys are name, size, more, note")]),
        ([1], [((), "[t] must be a table, found [1]")]),
    ],
)
def test_the_keys_of_a_table_are_checked(table: object, faults: list[tuple[tuple[str, ...], str]]) -> None:
    fields = {"name": REQUIRED_TEXT, "size": NUMBER, "more": LIST, "note": TEXT}
    assert list(check_fields(table, fields, "[t]")) == faults


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text(" \n", encoding="utf-8")
    with pytest.raises(InputError, match="the file is empty"):
        TomlSource(tmp_path / "empty.toml")
