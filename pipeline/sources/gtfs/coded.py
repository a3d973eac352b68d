"""A table of a GTFS feed as coded columns, read in blocks: each text once, a number for each cell.

What belongs here: bytes of a table made UTF-8, its separator, its rows. Which tables and columns
there are, and what their cells must hold, is `tables`'.

Half of a timetable's text is the same few times, stops and trips again and again; as text of their
own the cells of a table would take fourteen times its bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.sources.encodings import UTF8, decode, encoding_of, is_in

BLOCK_BYTES = 8 << 20
"""A table is read so much at a time; no row is longer."""
SAMPLE_BYTES = 1 << 20
"""Of rows that are not in ASCII so much is looked at to tell their encoding."""
LEAST_ROW_BYTES = 48
"""A row counts as so many bytes at least: memory goes with rows too. Real ones have 35 to 60."""


class Utf16Error(ValueError):
    """A table is in UTF-16, whose bytes are not looked for separators."""


class LongRowError(ValueError):
    """A row is longer than a block, as where a quote is not closed."""


class TooManyRowsError(ValueError):
    """A table has more rows than the memory is for."""


@dataclass
class Heading:
    """How a table is written: its encoding, its separator, its columns' names in small letters."""

    encoding: str
    separator: str
    names: list[str]


@dataclass
class Ragged:
    """Rows of another length than the header: how many, and the first in words."""

    count: int = 0
    first: str = ""

    def skip(self, row: pyarrow.csv.InvalidRow) -> str:
        """Leave a row out, as a reader of CSV asks for it."""
        self.count += 1
        if self.count == 1:
            self.first = f"{row.actual_columns} columns for {row.expected_columns} of the header"
        return "skip"


@dataclass
class CodedTable:
    """Columns by name, as dictionaries, their rows, and those that were left out."""

    columns: dict[str, pa.DictionaryArray]
    rows: int
    ragged: Ragged = field(default_factory=Ragged)

    def codes(self, column: str) -> NDArray[np.int32]:
        """The number of each cell's word, -1 where it is blank or the column is not there."""
        if column not in self.columns:
            return np.full(self.rows, -1, dtype=np.int32)
        codes = self.columns[column].indices.fill_null(-1)
        return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int32)

    def words(self, column: str) -> pd.Series:
        """The texts of a column, each once, in the order in which the rows bring them."""
        if column not in self.columns:
            return pd.Series([], dtype="str")
        return self.columns[column].dictionary.to_pandas().astype("str")

    def text(self, columns: list[str], rows: NDArray[np.bool_] | None = None) -> pd.DataFrame:
        """Columns as text, null where blank; of some rows only where they are given."""
        mask = None if rows is None else pa.array(rows)
        found = {}
        for name in columns:
            if name in self.columns:
                cells = self.columns[name]
                cells = cells if mask is None else cells.filter(mask)
                found[name] = cells.dictionary_decode().to_pandas().astype("str")
        index = pd.RangeIndex(self.rows if rows is None else int(rows.sum()))
        return pd.DataFrame(found, index=index).reindex(columns=columns).astype("str")


def read_heading(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Heading | None:
    """How a table is written, None where it holds nothing.

    Raises
    ------
    Utf16Error
        It is in UTF-16.
    """
    encoding = _encoding_of(archive, info)
    with archive.open(info) as member:
        start = _Clean(member, encoding).read(SAMPLE_BYTES)
    header = start.split(b"\n", 1)[0].rstrip(b"\r")
    if not header.strip():
        return None
    separator = max((b",", b";", b"\t"), key=header.count).decode()
    first = pa.csv.read_csv(
        io.BytesIO(header + b"\n"), parse_options=pa.csv.ParseOptions(delimiter=separator)
    )
    # Names have blanks around them.
    names = [each.strip().strip("\ufeff").lower() for each in first.column_names]
    return Heading(encoding, separator, names)


def _encoding_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """The encoding of a table, told by the first rows that are not in ASCII."""
    odd, size, is_utf8 = [], 0, True
    with archive.open(info) as member:
        for number, lines in enumerate(_whole_lines(member)):
            if number == 0 and lines.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Utf16Error
            if lines.isascii():
                continue
            is_utf8 = is_utf8 and is_in([lines], UTF8)
            for line in lines.split(b"\n"):
                if size < SAMPLE_BYTES and not line.isascii():
                    odd.append(line[:SAMPLE_BYTES])
                    size += len(line)
    return UTF8 if is_utf8 else encoding_of([b"\n".join(odd)])


def _whole_lines(member: IO[bytes]) -> Iterator[bytes]:
    """Blocks that end with a line, where a line ends within a block."""
    rest = b""
    while block := member.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        if end or len(rest) > BLOCK_BYTES:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block
    if rest:
        yield rest


class _Clean(io.RawIOBase):
    """A table's bytes in UTF-8, without the mark of it, zeros, and blank lines at the top."""

    def __init__(self, member: IO[bytes], encoding: str) -> None:
        self._blocks = _whole_lines(member)
        self._encoding = encoding
        self._is_first = True
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = size if size is not None and size >= 0 else 1 << 62
        parts = [self._left]
        have = len(self._left)
        while have < wanted and (block := next(self._blocks, None)) is not None:
            parts.append(self._cleaned(block))
            have += len(parts[-1])
        text = b"".join(parts)
        self._left = text[wanted:]
        return text[:wanted]

    def _cleaned(self, block: bytes) -> bytes:
        if self._is_first:
            block = block.removeprefix(b"\xef\xbb\xbf")
        block = block.replace(b"\x00", b"")
        if self._encoding != UTF8:
            block = decode(block, self._encoding).encode()
        if self._is_first:
            block = block.lstrip(b"\r\n\t ")
            self._is_first = not block
        return block


def read_columns(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    heading: Heading,
    wanted: list[str],
    most_rows: int,
) -> CodedTable:
    """The columns of a table that are wanted and there, without blanks around cells.

    Raises
    ------
    TooManyRowsError
        There are more rows than so many.
    LongRowError
        A row is longer than a block.
    """
    columns = [each for each in wanted if each in heading.names]
    ragged = Ragged()
    chunks: dict[str, list[pa.DictionaryArray]] = {each: [] for each in columns}
    rows = 0
    with archive.open(info) as member:
        # Columns by place: two may bear one name.
        places = [str(heading.names.index(each)) for each in columns]
        for batch in _batches(_Clean(member, heading.encoding), heading, places, ragged):
            rows += batch.num_rows
            if rows + ragged.count > most_rows:
                raise TooManyRowsError(f"more than {most_rows:,} rows")
            for name, cells in zip(columns, batch.columns, strict=True):
                text = pc.utf8_trim_whitespace(cells)
                text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
                chunks[name].append(text.dictionary_encode())
    return CodedTable({each: _joined(chunks[each]) for each in columns}, rows, ragged)


def _batches(
    source: _Clean, heading: Heading, places: list[str], ragged: Ragged
) -> Iterator[pa.RecordBatch]:
    names = [str(place) for place in range(len(heading.names))]
    try:
        yield from pa.csv.open_csv(
            pa.PythonFile(source, mode="r"),
            read_options=pa.csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=BLOCK_BYTES, use_threads=False
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=heading.separator,
                newlines_in_values=True,
                invalid_row_handler=ragged.skip,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={each: pa.string() for each in names},
                include_columns=places,
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "straddl" in str(error):
            raise LongRowError from error
        raise


def _joined(chunks: list[pa.DictionaryArray]) -> pa.DictionaryArray:
    if not chunks:
        return pa.array([], pa.string()).dictionary_encode()
    joined = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
    # Older versions leave one chunk in its list.
    return joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined
