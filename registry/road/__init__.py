"""Distances by road, asked of a routing server: Valhalla or OSRM.

This is no service: it talks to the network and keeps a file. ``address`` takes a URL apart so that no credential is ever
shown, ``server`` exchanges questions and answers over HTTP, ``engines`` speaks the language of each kind of server,
``blocks`` cuts pairs of places into few questions, ``cache`` keeps the answers in a small SQLite file, ``matrix`` puts
these together, and ``nearest`` finds the plants nearest by road.
"""
