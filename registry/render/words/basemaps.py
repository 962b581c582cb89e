"""What a map says of its base map, of where it is from, and of positions that are blurred."""

WORDS: dict[str, tuple[str, str]] = {
    "imprint": ("图件说明", "About this map"),
    "imprint_approval": ("审图号：{number}", "Map approval number: {number}"),
    "imprint_date": ("制图日期：{date}", "Made on {date}"),
    "imprint_gcj02": (
        "底图采用 GCJ-02 坐标，图上要素已相应偏移套合；坐标数值未偏移",
        "The base map is in GCJ-02: what is drawn on it is shifted to fit, coordinates given in figures are not",
    ),
    "imprint_source": ("资料来源：{source}", "Source: {source}"),
    "imprint_tiles": (
        "底图文件 {name} 已内嵌，含第 {zooms} 级；放大超出后图像仅作拉伸",
        "Base map {name} is inside the page, zooms {zooms}; farther in it is enlarged",
    ),
}
