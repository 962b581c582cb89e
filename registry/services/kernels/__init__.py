"""The loops and search structures under the services: arrays in, arrays out.

``bands``, ``nearest_places``, ``reach``
    Points near points: an index of cells, the nearest few, and counting within radii.
``region_grid``, ``region_cells``, ``shore``, ``remembered``
    The region that a point lies in, the nearest one of a point outside all, and what is kept for the next question.
``edges``, ``feature_search``
    The nearest place on lines and outlines.
``circles``, ``circle_union``
    Circles on the ellipsoid as polygons, and their union.
``sums``
    Tonnes added up in whole units, whatever the order.
``permutation``, ``transport``
    P-values by drawing; the transport problem.
``compiled``
    Compilation to machine code.

Of the services these know `geodesy` alone.
"""
