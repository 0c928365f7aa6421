"""Lists that come through a pipe, or from S3: read as they come."""

import gzip
import os
import signal
import threading
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.url_lists import PACKED, told

from fetcher.lists.reader_process import ReaderProcess
from fetcher.lists.url_list import UrlList, UrlListError

ROWS = [f"http://h/{n}/{os.urandom(200).hex()}" for n in range(9_000)]  # 4 MB


@pytest.fixture
def piped():
    """Return a list that is written, in pieces of some bytes, into a pipe."""
    opened = []

    def piped(data, size=2**16):
        reads, writes = os.pipe()
        opened.append(reads)

        def write():
            with os.fdopen(writes, "wb", 0) as file:
                for at in range(0, len(data), size):
                    file.write(data[at : at + size])

        threading.Thread(target=write).start()
        return UrlList(f"/dev/fd/{reads}")

    yield piped
    for one in opened:
        os.close(one)


def test_a_list_in_s3_is_read_while_it_comes(bucket, s3, endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.endpoint_url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    data = {"urls.txt": "\n".join(ROWS).encode(), "empty": b"", "one": b"http://h/1"}
    data["urls.txt.gz"] = gzip.compress(data["urls.txt"], 1)
    for key, content in data.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)

    for key in ("urls.txt", "urls.txt.gz"):
        urls = UrlList(f"s3://{bucket}/{key}")
        assert urls.known_count is None
        assert urls.estimated_count == pytest.approx(len(ROWS), rel=0.3)
        assert [item.url for item in urls] == ROWS
    assert len(UrlList(f"s3://{bucket}/one")) == 1
    with pytest.raises(UrlListError, match="holds no URL"):
        UrlList(f"s3://{bucket}/empty")
    with pytest.raises(OSError, match="none"):
        UrlList(f"s3://{bucket}/none")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_is_the_same_however_its_bytes_come(piped, encoding):
    text = '# mine\r\n\r\nurl,caption\r\nhttp://h/1,"a\r\nb"\r\nhttp://h/2,é\r\n'

    for size in (1, 5, 1_000):
        assert told(piped(text.encode(encoding), size)) == [
            (1, "http://h/1", "ok", {"caption": "a\r\nb"}),
            (2, "http://h/2", "ok", {"caption": "é"}),
        ]


@pytest.mark.parametrize("packed", PACKED)
def test_what_is_packed_comes_through_a_pipe_too(piped, packed):
    data = PACKED[packed]("\n".join(ROWS).encode())

    assert [item.url for item in piped(data)] == ROWS


def test_parquet_comes_through_a_pipe_too(piped):
    file = pa.BufferOutputStream()
    pq.write_table(pa.table({"url": ROWS}), file)

    assert [item.url for item in piped(file.getvalue().to_pybytes())] == ROWS


def test_an_odd_row_of_a_program_does_not_wait_for_many_more():
    reads, writes = os.pipe()
    os.write(writes, b'url,caption\nhttp://h/1,"a\nb"\n')
    late = threading.Timer(30, os.write, [writes, b"http://h/2,c\n"])
    late.start()
    with closing(UrlList(f"/dev/fd/{reads}", is_hasty=True)) as urls:
        late.cancel()

        assert urls.count == 1
    os.close(writes)
    os.close(reads)


def test_nothing_that_expects_an_error_keeps_a_list_from_being_broken_off():
    """
    The signal may come amid code that takes a `ValueError` for a bad row.
    """
    reads, writes = os.pipe()

    def read_on():
        try:
            signal.raise_signal(signal.SIGUSR1)
        except Exception:  # noqa: BLE001 - whatever a reader expects
            os.write(writes, b"swallowed")
        return False

    def fail(why):
        os.write(writes, why.encode())

    reader = ReaderProcess(read_on, fail, lambda: "broken off")
    assert os.read(reads, 100) == b"broken off"
    reader.end()
    os.close(reads)
    os.close(writes)
