"""Where a hub could stand: ``candidates``, what must be kept away from (``exclusions``), and where it would stand best (``weber``)."""
