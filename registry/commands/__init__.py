"""The command line: every command parses, calls the library, and prints.

`options` are those that commands share, `console` prints. A module a subject; `registry.cli` puts them together.
"""
