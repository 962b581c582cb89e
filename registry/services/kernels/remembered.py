"""What was worked out of the last few layers of regions, for the next question about the same ones."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import numpy as np
    from numpy.typing import NDArray

Worked = TypeVar("Worked")

_LAYERS = 4


class Remembered(Generic[Worked]):
    """Results by the geometries that they were worked out of.

    A geometry of shapely never changes, so the same objects have the same result. They are kept with it, so that no other
    object can come to have their identity.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[NDArray[np.object_], Worked]] = OrderedDict()
        self._lock = Lock()

    def of(self, geometries: NDArray[np.object_], make: Callable[[], Worked], *, size: int = 0) -> Worked:
        """Return the result for geometries (n,) and a size, made if it is not there."""
        key = (size, *map(id, geometries))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        result = make()
        with self._lock:
            self._kept[key] = (geometries.copy(), result)
            while len(self._kept) > _LAYERS:
                self._kept.popitem(last=False)
        return result
