"""Medians and centres: least way to so many hubs, on average (``median``), by rings (``gradual``), or at most (``centre``).

``median_problem`` checks and sorts what is asked, ``median_search`` finds hubs by interchange, ``median_bound`` prices
demand, ``median_tree`` decides what prices leave open.
"""
