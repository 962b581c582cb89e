"""Maps on paper, for reports: the national plate, one page a province, and the small pictures of the gallery.

``atlas`` writes a set of plates to a file, ``national`` and ``province`` compose a page; ``sheet`` is the paper and
its millimetres, ``ground`` what lies beneath the sites, ``symbols`` how they look, ``legend``, ``table`` and
``furniture`` what stands around them, ``placement`` where names find room, ``overlays`` results of the services.
``pictures`` draws the small pictures of the gallery, ``projection`` chooses an equal-area projection, ``fonts`` makes the typeface that is embedded, ``output`` writes.
matplotlib and cartopy are imported freely in this package: `registry.render` imports the package itself only when one of
its names is asked for. Neither asks the network for anything.
"""

from registry.render.plates.atlas import write_plates
from registry.render.plates.content import PLATE_OPTIONS, Marginalia
from registry.render.plates.pictures import Pictures

__all__ = ["PLATE_OPTIONS", "Marginalia", "Pictures", "write_plates"]
