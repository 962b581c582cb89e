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
``cover_classes``, ``cover_search``, ``cover_weights``, ``cover_bound``
    Covering: demand reached alike joined, searches for the most and for the cheapest cover, bounds by prices.
``permutation``, ``transport``
    P-values by drawing; the transport problem.
``median_rows``, ``interchange``, ``median_lagrange``
    Median problems on rows of the nearest candidates: swaps that save, and bounds.
``hub_prices``, ``hub_exchange``
    What hubs could earn at given prices of waste; hubs that come, go, or change their modules.
``compiled``
    Compilation to machine code.

Of the services these know `geodesy` alone.
"""
