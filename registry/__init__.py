"""A registry of the places where bulk solid waste lies, and of the plants that can use it.

>>> import registry
>>> with registry.open("sites.gpkg", create=True) as reg:
...     report = reg.import_file("ponds.xlsx", kind="tailings_pond")
...     sites = reg.sites(level=1)
"""

from importlib.metadata import version

from registry.errors import RegistryError
from registry.model.records import ImportReport
from registry.model.vocabulary import Kind
from registry.registry import Registry, open  # noqa: A004  registry.open() is the documented door

__version__ = version("tailings-registry")

__all__ = ["ImportReport", "Kind", "Registry", "RegistryError", "__version__", "open"]
