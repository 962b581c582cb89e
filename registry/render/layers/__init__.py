"""Folium elements of the registry: each can be added to any ``folium.Map``, alone or with the others.

>>> import folium
>>> from registry.render import Legend, SitesLayer
>>> page = folium.Map([35, 105], zoom_start=5)  # doctest: +SKIP
>>> layer = SitesLayer(reg.sites()).add_to(page)  # doctest: +SKIP
>>> Legend([layer]).add_to(page)  # doctest: +SKIP

One module a layer. ``frames`` puts their tables into lon/lat columns, ``outlines`` makes areas small, ``classes`` and
``choropleth`` put areas into classes by a measure.
"""
