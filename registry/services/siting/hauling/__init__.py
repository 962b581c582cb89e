"""Hubs with capacity: which modules where, and how much of what is hauled to which.

``haul_plan`` is the door; a ``haul_problem`` comes in. ``haul_check`` reads it, ``haul_core`` makes it small, ``haul_mixes``
are the modules that one hub can have, ``haul_prices`` and ``haul_bound`` let hubs bid for waste, ``haul_start`` exchanges
hubs, ``haul_programme`` is the programme for HiGHS, and ``haul_search`` puts them together.
"""
