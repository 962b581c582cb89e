"""The page as a file: whole, alone, and refused in one clear line where it cannot be."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import folium
import pytest
from folium.plugins import MarkerCluster

from registry.errors import (
    BadParameterError,
    CrsError,
    EmptyLayerError,
    OfflineError,
    UnknownColumnError,
    UnreadableFileError,
    UnwritableFileError,
)
from registry.render import RegistryMap, assets, gallery, save, site_map
from registry.render.page import page_html
from registry.render.replacing import replacing

if TYPE_CHECKING:
    from pathlib import Path


class _Loads(HTMLParser):
    """The addresses that a page's elements would load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if tag != "a" and name in {"src", "href"}]


def test_a_saved_map_holds_everything_it_runs(whole_map: Any, tmp_path: Path) -> None:
    text = save(whole_map(), tmp_path / "deep" / "map.html").read_text(encoding="utf-8")
    page = _Loads()
    page.feed(text)
    assert page.addresses == []
    assert "Content-Security-Policy" in text
    assert "unsafe-inline" not in re.findall(r"script-src ([^;]+);", text)[0]
    assert "Redistribution and use in source and binary forms" in text  # Leaflet's licence travels with it


def test_foliums_own_save_writes_a_self_contained_page_too(whole_map: Any, tmp_path: Path) -> None:
    whole_map().save(tmp_path / "folium.html")
    text = (tmp_path / "folium.html").read_text(encoding="utf-8")
    page = _Loads()
    page.feed(text)
    assert page.addresses == []
    assert "Content-Security-Policy" in text


def test_a_map_is_replaced_in_one_step_and_leaves_nothing_else(whole_map: Any, tmp_path: Path) -> None:
    target = tmp_path / "map.html"
    target.write_text("old", encoding="utf-8")
    save(whole_map(), target)
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")


def _offline_map() -> folium.Map:
    return folium.Map([35, 105], tiles=None)


@pytest.mark.parametrize(
    ("element", "named"),
    [
        (lambda: folium.TileLayer("OpenStreetMap"), "folium.TileLayer"),
        (lambda: MarkerCluster([[35, 105]]), "folium.MarkerCluster"),
        (lambda: folium.Marker([35, 105], icon=folium.Icon(color="red")), "folium.Icon"),
        (lambda: folium.raster_layers.WmsTileLayer("https://example.org/wms", "a"), "folium.WmsTileLayer"),
    ],
)
def test_what_only_the_network_could_bring_is_named_and_refused(element: Any, named: str, tmp_path: Path) -> None:
    page = _offline_map()
    element().add_to(page)
    with pytest.raises(OfflineError, match=f"{named} needs .*offline=False"):
        save(page, tmp_path / "map.html")
    assert list(tmp_path.iterdir()) == []
    assert save(page, tmp_path / "map.html", offline=False).stat().st_size > 0


def test_foliums_own_scripts_are_inlined_on_anyones_map(tmp_path: Path) -> None:
    page = _offline_map()
    folium.Marker([35, 105], popup="here").add_to(page)
    text = save(page, tmp_path / "map.html").read_text("utf-8")
    loads = _Loads()
    loads.feed(text)
    assert loads.addresses == []


def test_an_openstreetmap_background_is_for_online_use(sites: Any, tmp_path: Path) -> None:
    page = site_map(sites, basemap="osm")
    with pytest.raises(OfflineError, match=r"folium\.TileLayer"):
        save(page, tmp_path / "map.html")
    page.save(tmp_path / "map.html")  # the map itself knows that it is not an offline one
    assert "tile.openstreetmap.org" in (tmp_path / "map.html").read_text("utf-8")


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    (tmp_path / "folder.html").mkdir()
    for target in (tmp_path / "file" / "map.html", tmp_path / ("x" * 300 + ".html"), "bad\0name.html"):
        with pytest.raises(UnwritableFileError, match="cannot be written"):
            save(RegistryMap(), target)
    with pytest.raises(UnwritableFileError, match="cannot be written"):
        save(RegistryMap(), tmp_path / "folder.html")
    for target in (tmp_path, tmp_path / "registry.gpkg", tmp_path / "map"):
        with pytest.raises(BadParameterError, match=r"ends in \.html"):
            save(RegistryMap(), target)
    with pytest.raises(UnwritableFileError, match="cannot be written"):
        gallery([], tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.html"]


def test_scripts_that_were_not_built_are_named_with_the_way_to_build_them() -> None:
    with pytest.raises(UnreadableFileError, match=r"python hatch_build\.py"):
        assets.asset_text("no-such.js")


def test_parameters_out_of_range_are_refused_in_words(sites: Any, concentration: Any, regions: Any) -> None:
    with pytest.raises(BadParameterError, match="language 'fr'"):
        site_map(sites, lang="fr")
    with pytest.raises(BadParameterError, match="basemap 'google'"):
        site_map(sites, basemap="google")
    with pytest.raises(BadParameterError, match="regions"):
        site_map(sites, concentration=concentration)
    with pytest.raises(UnknownColumnError, match="'height'"):
        site_map(sites, regions=regions, concentration=concentration, measure="height")
    with pytest.raises(EmptyLayerError):
        site_map(sites.iloc[:0])
    with pytest.raises(CrsError):
        site_map(sites.set_crs(None, allow_override=True))
    with pytest.raises(UnknownColumnError, match="kind"):
        site_map(sites.drop(columns="kind"))


def test_a_projected_layer_lands_where_the_geographic_one_does(sites: Any) -> None:
    straight = site_map(sites).get_bounds()
    turned = site_map(sites.to_crs("EPSG:4527")).get_bounds()
    assert [value for corner in turned for value in corner] == pytest.approx(
        [value for corner in straight for value in corner], abs=1e-6
    )


def test_the_page_says_its_language(sites: Any) -> None:
    assert '<html lang="zh-CN">' in page_html(site_map(sites))
    assert '<html lang="en">' in page_html(site_map(sites, lang="en"))


def test_a_failure_while_a_file_is_made_leaves_what_was_there_and_is_not_disguised(tmp_path: Path) -> None:
    target = tmp_path / "map.html"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError), replacing(target) as part:
        part.write_text("half \udc00", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]
