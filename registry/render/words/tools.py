"""What the tools of a map say: filter, search, list, measuring, circle, print."""

WORDS: dict[str, tuple[str, str]] = {}
