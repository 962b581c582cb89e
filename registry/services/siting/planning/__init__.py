"""From the registry's sites to a plan of hubs: ``plan.choose_hubs``.

``question`` settles what is asked, ``terms`` and ``conditions`` are what a planner may change, ``network`` and
``standing`` turn sites, candidates and plants into arrays, ``money``, ``modules`` and ``markets`` say what a haul and a
hub are worth. ``choice`` asks the models on arrays, ``allocation`` the haul plan; ``siting_plan``, ``telling`` and
``reasons`` are the answer.
"""
