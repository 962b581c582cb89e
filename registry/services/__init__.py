"""What is computed from sites, plants and regions: pure functions, frames in, frames out.

``geodesy``
    Coordinates out of a layer, distances, areas and circles on the ellipsoid.
``materials``
    Which plant accepts what a site holds.
``regions``
    The region that every site lies in, and the areas of regions (``region_grid`` is its index).
``concentration``
    How the sites and their tonnes are spread over regions.
``proximity``
    The nearest plants of every site.
``coverage``
    What lies within given distances of the plants.

Nothing here reads a store, prints or draws. Distances are geodesic metres on the ellipsoid of the layer's
CRS and areas are geodesic; no result depends on a projection.
"""
