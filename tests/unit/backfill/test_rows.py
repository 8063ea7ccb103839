"""Files of trips, row by row: encodings, broken rows, columns. What is broken is told by its place, the rest goes on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from benchmarks.trips import a_trip
from cli.backfill.columns import COLUMNS, message_of
from cli.backfill.rows import open_table
from cli.backfill.texts import encoding_of
from shared.errors import InvalidInput
from shared.trips import parse_trip

HEADER = (
    "trip_id,started_at,ended_at,start_city,end_city,via_cities,team_name,team_size,consent_process,consent_publish"
)
ROW = "T-{n},2026-05-01T08:00:00+08:00,2026-05-03T18:00:00+08:00,上海市,杭州,湖州市；嘉兴市,欧阳开心的队伍,3,是,true"


def rows_of(tmp_path, content, name="行程.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(open_table(file, name).rows)


def told(rows):
    return [(row.place, str(row.fault or "")) for row in rows]


def test_a_row_of_a_csv_file_is_a_trip_message(tmp_path):
    [row] = rows_of(tmp_path, f"{HEADER}\n{ROW.format(n=1)}\n")
    trip = parse_trip(row.message)
    assert (trip.trip_id, trip.start.city, trip.end.city) == ("T-1", "上海市", "杭州")
    assert trip.via_cities == ("湖州市", "嘉兴市")
    assert trip.team is not None
    assert (trip.team.name, trip.team.size) == ("欧阳开心的队伍", 3)
    assert (trip.consent.process, trip.consent.publish, trip.consent.show_cities) == (True, True, False)


def test_an_empty_cell_is_a_field_that_is_absent(tmp_path):
    [row] = rows_of(tmp_path, f"{HEADER}\nT-1,2026-05-01T08:00:00+08:00,2026-05-03T18:00:00+08:00,,,,,,true,false\n")
    trip = parse_trip(row.message)
    assert (trip.team, trip.via_cities, trip.start.city) == (None, (), "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_in_any_of_these_encodings_reads_the_same(tmp_path, encoding, line_end):
    text = line_end.join([HEADER, *(ROW.format(n=n) for n in range(20)), ""])
    rows = rows_of(tmp_path, text.encode(encoding))
    assert [json.loads(row.message)["start"]["city"] for row in rows] == ["上海市"] * 20


def test_another_encoding_than_utf_8_is_told(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(f"{HEADER}\n{ROW.format(n=1)}\n".encode("gb18030"))
    assert open_table(file, "a.csv").notes == ("a.csv: read as GB18030",)
    file.write_bytes(f"{HEADER}\n{ROW.format(n=1)}\n".encode())
    assert open_table(file, "a.csv").notes == ()


def test_one_line_that_is_no_utf_8_does_not_make_the_file_gb18030(tmp_path):
    lines = [HEADER.encode(), *(ROW.format(n=n).encode() for n in range(5))]
    lines[3] = ROW.format(n=3).encode("gb18030")
    rows = rows_of(tmp_path, b"\n".join(lines))
    assert [row.fault is None for row in rows] == [True, True, False, True, True]
    assert told(rows)[2] == ("行程.csv:4", "line: text in UTF-8, as the rest of the file")


def test_the_encoding_is_decided_by_the_whole_file_not_by_its_beginning(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"text": "plain"}\n' * 100_000 + '{"text": "杭州"}\n'.encode("gb18030"))
    assert encoding_of(file) == "gb18030"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("T-9,2026-05-01", "line: 10 cells, as the first line has; got 2"),
        (ROW.format(n=9) + ",更多", "line: 10 cells, as the first line has; got 11"),
        (ROW.format(n=9).replace(",3,", ",三,"), "team_size: a whole number"),
        (ROW.format(n=9).replace("是", "也许"), "consent_process: true or false"),
        ('T-9,"a"b,c,d,e,f,g,h,i,j', "line: cells as RFC 4180 has them: a quote inside of quotes stands twice"),
        ("T-9,\0" + ",,,,,,,,", None),
    ],
)
def test_a_broken_row_is_told_by_its_line_and_the_others_go_on(tmp_path, line, said):
    rows = rows_of(tmp_path, "\n".join([HEADER, ROW.format(n=1), line, ROW.format(n=2)]))
    ids = [json.loads(row.message)["trip_id"] for row in rows if row.fault is None]
    assert ids[0] == "T-1"
    assert ids[-1] == "T-2"
    if said:
        assert told(rows)[1] == ("行程.csv:3", said)


def test_a_quote_that_is_never_closed_costs_its_line_only(tmp_path):
    broken = ROW.format(n=2).replace("欧阳", '"欧阳')
    rows = rows_of(tmp_path, "\n".join([HEADER, ROW.format(n=1), broken, *(ROW.format(n=n) for n in range(3, 400))]))
    assert told(rows)[1] == ("行程.csv:3", "line: a quote that is closed")
    assert [row.fault is None for row in rows] == [True, False, *[True] * 397]


def test_quotes_that_are_forgotten_in_two_lines_cost_two_lines(tmp_path):
    lines = [ROW.format(n=n) for n in range(30)]
    lines[3] = lines[3].replace("欧阳", '"欧阳')
    lines[20] = lines[20].replace("欧阳", '"欧阳')
    rows = rows_of(tmp_path, "\n".join([HEADER, *lines]))
    assert [row.place for row in rows if row.fault] == ["行程.csv:5", "行程.csv:22"]
    assert len(rows) == 30


def test_a_quote_in_the_middle_of_a_cell_is_a_character(tmp_path):
    line = ROW.format(n=1).replace("欧阳", '19" 欧阳')
    [row] = rows_of(tmp_path, f"{HEADER}\n{line}\n")
    assert json.loads(row.message)["team"]["name"] == '19" 欧阳开心的队伍'


def test_line_breaks_and_commas_inside_of_quotes_belong_to_the_cell(tmp_path):
    row = ROW.format(n=1).replace("欧阳开心的队伍", '"欧阳,\n""开心""\n的队伍"')
    rows = rows_of(tmp_path, "\n".join([HEADER, row, ROW.format(n=2)]))
    assert json.loads(rows[0].message)["team"]["name"] == '欧阳,\n"开心"\n的队伍'
    assert [row.place for row in rows] == ["行程.csv:2", "行程.csv:5"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_spreadsheets_separate_by_semicolons_or_tabs_too(tmp_path, delimiter):
    text = f"{HEADER}\n{ROW.format(n=1)}".replace(",", delimiter)
    [row] = rows_of(tmp_path, text)
    assert json.loads(row.message)["via_cities"] == ["湖州市", "嘉兴市"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("via_cities", "via_citys"), "known columns; for via_citys, is via_cities meant? Rename it, or leave it out"),
        (("trip_id", "TripId"), "known columns; for TripId, is trip_id meant? Rename it, or leave it out"),
        (("consent_publish", "x"), "the columns consent_publish too, which every trip needs"),
        (("end_city", "start_city"), "every column once; there are several of start_city"),
    ],
)
def test_a_header_that_can_not_be_meant_so_stops_everything(tmp_path, change, said):
    with pytest.raises(InvalidInput) as caught:
        rows_of(tmp_path, f"{HEADER.replace(*change)}\n{ROW}\n")
    assert str(caught.value) == f"行程.csv: {said}"


def test_columns_that_mean_nothing_are_told_and_left_out(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(f"{HEADER},plate\n{ROW.format(n=1)},沪A12345\n", "utf-8")
    table = open_table(file, "a.csv")
    assert table.notes == ("a.csv: columns left out: plate",)
    assert "沪A12345".encode() not in next(table.rows).message


@pytest.mark.parametrize("content", [b"", b"\n\n", "上".encode() * 200_000])
def test_a_file_without_a_header_is_refused(tmp_path, content):
    with pytest.raises(InvalidInput, match="行程.csv: "):
        rows_of(tmp_path, content)


def test_lines_of_json_are_messages_as_they_are_and_empty_ones_nothing(tmp_path):
    trip = json.dumps(a_trip(0), ensure_ascii=False)
    rows = rows_of(tmp_path, f"{trip}\n\n  \n{trip}\r\n", "a.jsonl")
    assert [row.place for row in rows] == ["a.jsonl:1", "a.jsonl:4"]
    assert [row.message.decode() for row in rows] == [trip, trip]


def test_a_line_of_megabytes_is_told_and_passed_over(tmp_path):
    rows = rows_of(tmp_path, b'{"a": "' + b"x" * 5_000_000 + b'"}\n{"trip_id": "T-2"}\n', "a.jsonl")
    assert told(rows) == [("a.jsonl:1", "line: a line of at most 131072 characters"), ("a.jsonl:2", "")]


def test_an_ending_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"a.xlsx: a file whose name ends in .csv, .jsonl, .ndjson, .parquet"):
        rows_of(tmp_path, b"", "a.xlsx")


def test_every_column_fills_the_member_it_is_named_for():
    trip = json.loads(message_of((name, _value(kind)) for name, (_, kind) in COLUMNS.items()))
    assert trip["car"] == {"description": "一", "model": "一", "color": "一"}
    assert trip["consent"] == {"process": True, "publish": True, "show_cities": True}
    assert trip["styles"] == ["一", "二"]
    assert (trip["team"]["size"], trip["distance_km"]) == (2, 1.5)


def _value(kind):
    return {"whole": "2", "number": "1.5", "yes_no": "是", "list": "一;二"}.get(kind, "一")


# Parquet.


@pytest.fixture
def parquet():
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    return lambda rows, file: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file, row_group_size=1000)


def test_parquet_holds_messages_as_they_are(parquet, tmp_path):
    trips = [a_trip(n) for n in range(12)]
    parquet(trips, tmp_path / "a.parquet")
    rows = list(open_table(tmp_path / "a.parquet", "a.parquet").rows)
    assert [parse_trip(row.message) for row in rows] == [parse_trip(json.dumps(trip).encode()) for trip in trips]


def test_parquet_holds_flat_columns_with_times_and_lists(parquet, tmp_path):
    at = datetime(2026, 5, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    flat = {
        "trip_id": "T-1", "started_at": at, "ended_at": at + timedelta(hours=3), "start_city": "上海市",
        "via_cities": ["湖州市", "无锡市"], "driving_seconds": 3600, "consent_process": True, "consent_publish": False,
        "plate": "沪A12345",
    }  # fmt: skip
    parquet([flat], tmp_path / "a.parquet")
    table = open_table(tmp_path / "a.parquet", "a.parquet")
    trip = parse_trip(next(table.rows).message)
    assert (trip.started_at, trip.via_cities, trip.consent.publish) == (at, ("湖州市", "无锡市"), False)
    assert table.notes == ("a.parquet: columns left out: plate",)


def test_what_is_no_parquet_is_told(parquet, tmp_path):
    (tmp_path / "a.parquet").write_bytes("不是".encode() * 100)
    with pytest.raises(InvalidInput, match=r"a.parquet: a Parquet file"):
        open_table(tmp_path / "a.parquet", "a.parquet")


def test_parquet_that_breaks_in_the_middle_is_told_with_the_last_good_row(parquet, tmp_path):
    parquet([{**a_trip(n), "text": f"{n} 杭州" * 20} for n in range(3000)], tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\xff" * 2000
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"a.parquet: rows that can be read; after row \d+: "):
        list(open_table(tmp_path / "a.parquet", "a.parquet").rows)
