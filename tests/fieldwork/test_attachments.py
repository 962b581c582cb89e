"""Photographs and documents: files beside a package, bytes in the store."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from laptop import PHOTO, edit, edited, insert, state, uid_of

import registry
from registry.errors import UnsettledError, UnwritableFileError
from registry.model.tables import Attachment, table_of
from registry.settings import settings

Merge = Callable[..., Any]


def attach(package: Path, reg: registry.Registry, name: str, **values: Any) -> None:
    fields = {"site_uid": uid_of(reg, "P-2"), "file_name": name, **values}
    with edited(package) as connection:
        marks = ", ".join("?" * len(fields))
        connection.execute(f"INSERT INTO attachment ({', '.join(fields)}) VALUES ({marks})", list(fields.values()))


def refused(reg: registry.Registry, package: Path) -> list[str]:
    before = state(reg)
    with pytest.raises(UnsettledError) as error:
        reg.merge(package)
    assert state(reg) == before
    problems = error.value.problems
    assert set(problems["field"]) == {"file_name"}
    assert set(problems["code"]) == {"P-2"}
    return list(problems["reason"])


def test_a_photograph_comes_with_its_bytes_and_goes_out_again(filled: registry.Registry, package: Path) -> None:
    folder = package.parent / "DCIM"
    folder.mkdir()
    (folder / "坝.jpg").write_bytes(b"new photograph")
    attach(package, filled, "DCIM/坝.jpg", uid="11111111-2222-4333-8444-555555555555", note="主坝")
    report = filled.merge(package)
    assert (report.new, report.attachments) == (1, 1)
    row = state(filled)["attachment", "11111111-2222-4333-8444-555555555555"]
    assert (row["content"], row["file_name"], row["media_type"], row["note"]) == (
        b"new photograph", "坝.jpg", "image/jpeg", "主坝",
    )  # fmt: skip
    assert row["sha256"] == hashlib.sha256(b"new photograph").hexdigest()
    after = state(filled)
    assert filled.merge(package).attachments == 0
    assert state(filled) == after
    filled.check_out(package.parent / "next.gpkg")
    written = package.parent / "next_files/11111111-2222-4333-8444-555555555555/坝.jpg"
    assert written.read_bytes() == b"new photograph"


def test_bytes_in_the_row_are_taken_too(filled: registry.Registry, package: Path) -> None:
    attach(package, filled, "scan.pdf", uid="11111111-2222-4333-8444-555555555555", content=b"%PDF")
    assert filled.merge(package).attachments == 1
    row = state(filled)["attachment", "11111111-2222-4333-8444-555555555555"]
    assert (row["content"], row["media_type"]) == (b"%PDF", "application/pdf")
    after = state(filled)
    filled.merge(package)
    assert state(filled) == after


def test_a_picture_that_was_taken_anew(package: Path, merged_exactly: Merge) -> None:
    (package.parent / "work_files/a-1/dam.jpg").write_bytes(b"taken anew")
    report = merged_exactly(
        {
            ("attachment", "a-1", "content"): b"taken anew",
            ("attachment", "a-1", "sha256"): hashlib.sha256(b"taken anew").hexdigest(),
        }
    )
    assert (report.changed, report.attachments) == (1, 1)
    edit(package, "UPDATE attachment SET content = x'0102' WHERE uid = 'a-1'")
    merged_exactly(
        {
            ("attachment", "a-1", "content"): b"\x01\x02",
            ("attachment", "a-1", "sha256"): hashlib.sha256(b"\x01\x02").hexdigest(),
        }
    )


def test_a_package_that_comes_back_without_its_folder(package: Path, merged_exactly: Merge) -> None:
    shutil.rmtree(package.parent / "work_files")
    edit(package, "UPDATE attachment SET note = '主坝' WHERE uid = 'a-1'")
    merged_exactly({("attachment", "a-1", "note"): "主坝"})


def test_files_that_are_not_beside_the_package_are_refused(filled: registry.Registry, package: Path) -> None:
    outside = package.parent.parent / "secret.txt"
    outside.write_text("secret", encoding="utf-8")
    (package.parent / "link.txt").symlink_to(outside)
    (package.parent / "folder").symlink_to(package.parent.parent)
    (package.parent / "empty.jpg").touch()
    (package.parent / "here").mkdir()
    for name in (
        str(outside), "../secret.txt", "here/../../secret.txt", "link.txt", "folder/secret.txt", "C:\\secret.txt",
        "\\\\server\\secret.txt", "missing.jpg", "empty.jpg", "here", "", "x" * 5000, "a\x00b",
    ):  # fmt: skip
        attach(package, filled, name)
    with pytest.raises(UnsettledError) as error:
        filled.merge(package)
    reasons = error.value.problems["reason"]
    assert len(reasons) == 13
    assert reasons.str.contains("outside the folder").sum() == 2
    assert reasons.str.contains("must lie in the folder").sum() == 5
    assert not (reasons == "").any()


def test_a_file_that_is_too_large_is_refused(
    filled: registry.Registry, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "attachment_mb", 0.001)
    (package.parent / "large.jpg").write_bytes(b"x" * 1001)
    (package.parent / "small.jpg").write_bytes(b"x" * 1000)
    attach(package, filled, "large.jpg")
    attach(package, filled, "row.jpg", content=b"x" * 1001)
    attach(package, filled, "small.jpg")
    reasons = refused(filled, package)
    assert len(reasons) == 2
    assert all("REGISTRY_ATTACHMENT_MB" in reason for reason in reasons)


def test_both_sides_changed_a_picture(filled: registry.Registry, package: Path) -> None:
    (package.parent / "work_files/a-1/dam.jpg").write_bytes(b"field")
    with filled.store.write() as connection:
        digest = hashlib.sha256(b"office").hexdigest()
        connection.execute(table_of(Attachment).update().values(content=b"office", sha256=digest))
    with pytest.raises(UnsettledError) as error:
        filled.merge(package)
    assert list(error.value.problems["field"]) == ["sha256"]
    filled.merge(package, side="theirs")
    assert state(filled)["attachment", "a-1"]["content"] == b"field"


def test_a_new_export_leaves_no_old_file_that_nobody_changed(filled: registry.Registry, package: Path) -> None:
    files = package.parent / "work_files"
    insert(filled, "attachment", uid="a-2", site_uid=uid_of(filled, "P-2"), file_name="../../evil.jpg", content=b"2")
    filled.check_out(package)
    assert (files / "a-2/evil.jpg").read_bytes() == b"2"
    assert sorted(path.name for path in files.iterdir()) == ["a-1", "a-2"]
    filled.check_out(package, kinds=["gangue_heap"])
    assert not list(files.rglob("*.jpg"))
    filled.check_out(package)
    (files / "a-1/dam.jpg").write_bytes(b"changed, not merged")
    filled.check_out(package, kinds=["gangue_heap"], discard_edits=True)
    assert [path.name for path in files.rglob("*.jpg")] == ["dam.jpg"]


def test_nothing_is_written_through_a_link_nor_deleted_elsewhere(filled: registry.Registry, package: Path) -> None:
    files, elsewhere = package.parent / "work_files", package.parent.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(files / "a-1")
    (files / "a-1").symlink_to(elsewhere)
    with pytest.raises(UnwritableFileError, match="link to elsewhere"):
        filled.check_out(package, discard_edits=True)
    assert list(elsewhere.iterdir()) == []
    (elsewhere / "dam.jpg").write_bytes(PHOTO)
    filled.check_out(package, kinds=["gangue_heap"], discard_edits=True)
    assert (elsewhere / "dam.jpg").read_bytes() == PHOTO
