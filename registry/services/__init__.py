"""What is computed from sites, plants and regions: pure functions, frames in, frames out.

``geodesy``
    Coordinates out of a layer, distances and areas on the ellipsoid.
``materials``, ``amounts``
    Which plant accepts what a site holds; amounts out of a column, checked.
``regions``
    The region that every site lies in, and the areas of regions.
``concentration``
    How the sites and their tonnes are spread over regions: the whole (``references`` to compare with), by groups
    (``groupings``), over belts (``belts``), between two dates (``change``).
``spatial_statistics``
    Whether they lie in clusters: nearest-neighbour index, Moran's I, hot spots (``contiguity``); ``clusters`` asks all of
    it of a table.
``hexagons``, ``density``
    H3 cells in the place of regions; kernel density on the sphere.
``proximity``
    The nearest plants of every site.
``receptors``
    The nearest river, source area or other feature of every site.
``neighbours``
    Sites within a distance of each other, and the chains that they form.
``coverage``
    What lies within given distances of the plants (``radii``, ``reach``), in tables (``tallies``), from parts of the
    sites (``coverage_parts``), and the covered area by province (``covered_area``).
``capacity``, ``break_even``
    What the plants can really take, and how far a haul pays (``hauls``).
``siting``
    Where to build recycling hubs, of what capacity, for which waste, and how sure that is.
``kernels``
    The loops and search structures under all of them; ``compile_all`` compiles them.

Nothing here reads a store, prints or draws. Distances are geodesic metres on the ellipsoid of the layer's
CRS and areas are geodesic; no result depends on a projection.
"""
