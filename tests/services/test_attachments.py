"""Which files are accepted, and that they are stored whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from groups.errors import AttachmentRefused, AttachmentTooLarge
from groups.models import Attachment, Group, Run
from groups.models.runs import attachment_path
from groups.services import attachments

MEGABYTE = 1024 * 1024


def upload(name: str, content: bytes = b"a,b\n1,2\n") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


@pytest.fixture
def store_dir(tmp_path: Path, settings: Any) -> Path:
    """An empty data directory; at most 1 MB per file."""
    settings.MEDIA_ROOT = tmp_path
    settings.STARS_ATTACHMENT_MAX_MB = 1
    return tmp_path


@pytest.fixture
def run(db: None, store_dir: Path) -> Run:
    """A run to give files to."""
    group = Group.objects.create(id="team", name="Team")
    return Run.objects.create(group=group, task="t", created_at=timezone.now())


def store(run: Run, *uploads: File[Any]) -> list[Attachment]:
    """As `services.runs.start` does it."""
    with attachments.copied(run=run, uploads=uploads) as rows, transaction.atomic():
        attachments.add(rows)
    return rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sales.csv", b"a,b\n1,2\n"),
        ("SALES.CSV", b"a"),
        ("销售 2024.tsv", "日期\t额\n".encode()),
        ("data.json", b"{broken"),
        ("data.ndjson", b"{}\n"),
        ("data.jsonl", b"{}\n"),
        ("notes.txt", "caf\u00e9".encode("latin-1")),
        ("notes.md", b"\xef\xbb\xbf# Title"),
        ("wide.txt", "with a mark".encode("utf-16")),
        ("run.log", b"\x1b[31mred\x1b[0m\n"),
        ("t.parquet", b"PAR1 and more"),
    ],
)
def test_accepts_what_agents_can_read(name: str, content: bytes) -> None:
    attachments.check([upload(name, content)])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("program.exe", b"MZ", "only these types"),
        ("no_extension", b"a", "only these types"),
        ("zip.csv", b"PK\x03\x04rest", "not text"),
        ("pdf.txt", b"%PDF-1.7", "not text"),
        ("nul.csv", b"a,b\n1,\x002\n", "not text"),
        ("nul_late.csv", b"a" * 65_000 + b"\x00", "not text"),
        ("bytes.txt", bytes(range(1, 32)) * 10, "not text"),
        ("parquet.csv", b"PAR1", "not text"),
        ("csv.parquet", b"a,b\n", "not a Parquet"),
        ("a\x00b.csv", b"a", "characters"),
        ("line\nbreak.csv", b"a", "characters"),
        ("harmless\u202evsc.txt", b"a", "characters"),
        ("half\ud800.csv", b"a", "characters"),
        ("x" * 300 + ".csv", b"a", "1 to 255"),
    ],
)
def test_refuses_what_agents_cannot_read(name: str, content: bytes, said: str) -> None:
    # A facade or command gives plain files, whose names Django has not cleaned.
    with pytest.raises(AttachmentRefused, match="cannot be used") as refusal:
        attachments.check([ContentFile(content, name=name)])
    (sentence,) = refusal.value.fields["attachments"]
    assert said in sentence
    sentence.encode()


def test_every_fault_is_told_at_once() -> None:
    given = [upload("empty.csv", b""), upload("ok.csv"), upload("ok.csv"), upload("x.exe", b"x")]
    with pytest.raises(AttachmentRefused) as refusal:
        attachments.check(given)
    assert len(refusal.value.fields["attachments"]) == 3


def test_at_most_twenty_files() -> None:
    attachments.check([upload(f"{n}.csv") for n in range(20)])
    with pytest.raises(AttachmentRefused):
        attachments.check([upload(f"{n}.csv") for n in range(21)])


def test_a_file_over_the_limit_is_too_large(store_dir: Path) -> None:
    attachments.check([upload("a.txt", b"x" * MEGABYTE)])
    with pytest.raises(AttachmentTooLarge) as refusal:
        attachments.check([upload("a.txt", b"x" * (MEGABYTE + 1))])
    assert refusal.value.status == 413
    assert refusal.value.fields.keys() == {"attachments"}


def test_checking_leaves_the_file_at_its_beginning() -> None:
    given = upload("a.csv")
    attachments.check([given])
    assert given.read() == b"a,b\n1,2\n"


def test_stores_content_size_and_digest(run: Run, store_dir: Path) -> None:
    content = b"line\n" * 200_000
    rows = store(run, upload("a.log", content), upload("b.csv"))
    assert [(row.name, row.media_type) for row in rows] == [
        ("a.log", "text/plain"),
        ("b.csv", "text/csv"),
    ]
    row = Attachment.objects.get(name="a.log")
    assert row.size == len(content)
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert row.file.name == attachment_path(row, "a.log")
    assert (store_dir / row.file.name).read_bytes() == content


def test_a_name_is_kept_and_never_a_path(run: Run, store_dir: Path, tmp_path: Path) -> None:
    for name in ("/etc/passwd.txt", "..\\..\\x.txt", "../../y.txt"):
        store(run, ContentFile(b"text", name=name))
    assert set(Attachment.objects.values_list("name", flat=True)) == {
        "passwd.txt",
        "x.txt",
        "y.txt",
    }
    (folder,) = {path.parent for path in files(store_dir) if path.is_file()}
    assert folder.name == str(run.id)


class Endless(File):  # type: ignore[type-arg]  # not generic at run time
    """A file that lies about its size; counts what was read of it."""

    def __init__(self) -> None:
        super().__init__(None, "a.txt")
        self.given = 0

    @property
    def size(self) -> int:
        return 10

    def chunks(self, chunk_size: int | None = None) -> Any:
        while True:
            self.given += 64 * 1024
            yield b"x" * 64 * 1024


def test_copying_stops_at_the_limit_and_leaves_nothing(run: Run, store_dir: Path) -> None:
    endless = Endless()
    with pytest.raises(AttachmentTooLarge):
        store(run, upload("first.csv"), endless)
    assert endless.given <= MEGABYTE + 64 * 1024
    assert [path for path in files(store_dir) if path.is_file()] == []
    assert not Attachment.objects.exists()


def test_a_file_that_proves_empty_leaves_nothing(run: Run, store_dir: Path) -> None:
    with pytest.raises(AttachmentRefused):
        store(run, upload("first.csv"), ContentFile(b"", name="e.csv"))
    assert [path for path in files(store_dir) if path.is_file()] == []


def test_what_goes_wrong_after_the_copying_leaves_no_file(run: Run, store_dir: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        attachments.copied(run=run, uploads=[upload("a.csv")]) as rows,
    ):
        assert Path(rows[0].file.path).exists()
        raise ZeroDivisionError
    assert [path for path in files(store_dir) if path.is_file()] == []


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_no_file_and_a_commit_keeps_it(run: Run, store_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        store(run, upload("a.csv"))
        assert [path for path in files(store_dir) if path.is_file()]
        raise ZeroDivisionError
    assert not [path for path in files(store_dir) if path.name != "attachments"]
    with transaction.atomic():
        store(run, upload("a.csv"))
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            store(run, upload("b.csv"))
            raise ZeroDivisionError
    row = Attachment.objects.get()
    assert [path for path in files(store_dir) if path.is_file()] == [Path(row.file.path)]


def received(field: str, content: bytes) -> UploadedFile[Any]:
    """The file as a view gets it, sent as a form that also holds a task."""
    form = {field: SimpleUploadedFile("big.csv", content), "task": "after the file"}
    request: HttpRequest = RequestFactory().post("/", form)
    assert request.POST["task"] == "after the file"
    found = request.FILES[field]
    assert isinstance(found, UploadedFile)
    return found


def test_receiving_drops_what_exceeds_the_limit(store_dir: Path, settings: Any) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = store_dir
    small = received("attachments", b"x" * MEGABYTE)
    assert small.read() == b"x" * MEGABYTE
    big = received("attachments", b"x" * (5 * MEGABYTE))
    assert (big.name, big.size, big.read()) == ("big.csv", 5 * MEGABYTE, b"")
    assert files(store_dir) == []
    with pytest.raises(AttachmentTooLarge):
        attachments.check([big])
