"""A stream made in a thread of its own while what came before is being written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

T = TypeVar("T")


def relayed(source: Iterator[T]) -> Generator[T]:
    """The items of an iterator, each made while the one before is used; what it raises is raised here.

    Close it (``contextlib.closing``) where it may be left early. The source runs, and is closed, in one and the same thread.
    """
    items = _all_of(source)
    with ThreadPoolExecutor(1, thread_name_prefix="registry stream") as maker:
        ahead = maker.submit(next, items, None)
        try:
            while (item := ahead.result()) is not None:
                ahead = maker.submit(next, items, None)
                yield item
        finally:
            maker.submit(items.close).result()


def _all_of(source: Iterator[T]) -> Generator[T]:
    yield from source
