"""One writer a desktop format, and what they share: ``gdal`` hands a stream to its drivers.

``geopackage`` (with ``gpkg_schema``), ``vector`` (GeoJSON, FlatGeobuf), ``parquet``, ``shapefile`` (with ``dbase``), ``kmz`` (with
``placemarks``), ``workbook`` and ``delimited`` write one format each; ``encodings`` says what a text may hold, ``spool`` keeps pieces aside.
"""
