"""QGIS projects, written without QGIS: layers in groups, styles, related tables, a page ready to print."""
