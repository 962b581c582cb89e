"""A part of the registry goes out to be edited, and what was edited comes back.

``package`` writes a part of a store into a GeoPackage of the same tables, with a ``snapshot`` of its state, the
``attachments`` as files beside it; ``target`` says where it may be written. ``reading`` opens such a
file again, whatever program wrote to it meanwhile: ``columns`` hold its tables against the model, ``values`` its values
against their fields. ``edits`` are its rows against the snapshot, ``listing`` is the table of them that a person reads.
``merging`` takes them back: ``threeway`` holds each edited field against the store, ``checks`` says which values and rows
cannot be taken, ``problems`` are what a person has to settle, ``writing`` stores the rest. ``layout`` says which tables and
fields there are.
"""
