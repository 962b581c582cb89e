"""A report on a plan of hubs, for reading and for print: one PDF, or one for every hub.

``content`` says what a report shows, ``writing`` writes it; ``summary`` composes the first pages, ``hub_page`` that of one
hub, ``maps`` and ``charts`` draw, ``page`` is the paper with its headings and tables, ``sayings`` has the sentences. Typeface,
ground and symbols are those of ``registry.render.plates``, and like that package this one is imported only when it is needed.
"""

from registry.render.reports.content import HubFacts, Report
from registry.render.reports.writing import write_hub_pages, write_report

__all__ = ["HubFacts", "Report", "write_hub_pages", "write_report"]
