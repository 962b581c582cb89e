"""What is computed from sites, plants and regions: pure functions, frames in, frames out.

``geodesy``
    Coordinates out of a layer, distances, areas and circles on the ellipsoid.
``materials``
    Which plant accepts what a site holds.
``regions``
    The region that every site lies in, and the areas of regions (``region_grid`` is its index).
``concentration``
    How the sites and their tonnes are spread over regions.
``spatial_statistics``
    Whether they lie in clusters: nearest-neighbour index, Moran's I, hot spots (``contiguity``, ``permutation``).
``hexagons``, ``density``
    H3 cells in the place of regions; kernel density on the sphere.
``proximity``
    The nearest plants of every site.
``receptors``
    The nearest river, source area or other feature of every site (``edges``, ``feature_search``).
``neighbours``
    Sites within a distance of each other, and the chains that they form.
``coverage``
    What lies within given distances of the plants.
``capacity``, ``break_even``
    What the plants can really take (``transport``), and how far a haul pays (``hauls``).

Nothing here reads a store, prints or draws. Distances are geodesic metres on the ellipsoid of the layer's
CRS and areas are geodesic; no result depends on a projection.
"""
