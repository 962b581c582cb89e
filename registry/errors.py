"""Every error a user can meet, one class each, with the exit code of the command that met it.

A message is one line that says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class RegistryError(Exception):
    """Base of every error that is the user's to mend, not the program's."""

    exit_code = 2


class UnreadableFileError(RegistryError):
    """A file is missing, of an unknown kind, or not what its name says."""


class EmptyTableError(RegistryError):
    """A table or a layer has no rows to work on."""


class UnknownColumnError(RegistryError):
    """A column that is needed was not found, or a mapping names one that is not there."""


class UnknownKindError(RegistryError):
    """A kind of site, a level of region or another name from a closed list is not on the list."""


class UnknownSiteError(RegistryError):
    """The store never had a site or plant of that uid or code."""


class MappingError(RegistryError):
    """A mapping file does not say what a mapping file can say."""


class CrsError(RegistryError):
    """A layer has no coordinate reference system, or one that does not fit."""


class BadParameterError(RegistryError):
    """A number or an option is outside what the computation is defined for."""


class EmptyLayerError(RegistryError):
    """A service was asked to measure against a layer without a single feature."""


class RoadServerError(RegistryError):
    """A road server is not there, refuses, or answers what no road server answers."""


class ClusterError(RegistryError):
    """The workers that should share the work are not there, differ from the client, or were lost."""


class MissingPackageError(RegistryError):
    """Something was asked for that needs a package which is installed only on demand."""


class UnwritableFileError(RegistryError):
    """A file or a folder cannot be written: permissions, a full disk, a bad name."""


class OfflineError(RegistryError):
    """A map holds something that only the network could bring."""


class StoreMissingError(RegistryError):
    """There is no store at the place that was named."""


class StoreError(RegistryError):
    """The store refused: permission, conflict, version, or it is held by someone else."""

    exit_code = 4


class NotARegistryError(StoreError):
    """The file or database is there, but it is not a registry store."""


class StoreVersionError(StoreError):
    """The store was made by a newer version than this one."""


class StoreBusyError(StoreError):
    """Another process is writing to the store and did not finish in time."""


class StoreConflictError(StoreBusyError):
    """Two transactions got in each other's way, and this one gave in; doing it again can work."""


class PackageError(RegistryError):
    """A file is no part of the registry that went out to be edited, or it is not in a state to be taken back."""


class UnmergedEditsError(RegistryError):
    """A package that would be replaced holds edits that were not merged."""


class UnsettledError(StoreError):
    """Edits of a package cannot be stored before somebody settles what stands against them.

    Attributes
    ----------
    problems : one row for each of them, with an empty column ``decision``.
    """

    def __init__(self, message: str, problems: pd.DataFrame) -> None:
        super().__init__(message)
        self.problems = problems


class NoPlanError(RegistryError):
    """No plan meets what is asked: the message says which condition, or which site, stands in its way."""

    exit_code = 5


class TimeUpError(NoPlanError):
    """No plan was found in time, nor is it proven that there is none."""
