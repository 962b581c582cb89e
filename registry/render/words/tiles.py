"""What a map of tiles says: its filter, and why it cannot be shown."""

WORDS: dict[str, tuple[str, str]] = {
    "tool_tiles": ("筛选", "Filter"),
    "tiles_all": ("全部清除", "Clear all"),
    "tiles_kind": ("类型", "Kind"),
    "tiles_supervision_level": ("环境监管等级", "Supervision level"),
    "tiles_status": ("运行状态", "Status"),
    "tiles_mineral": ("矿种", "Mineral"),
    "tiles_province_code": ("省份", "Province"),
    "tiles_none": ("未填", "Not given"),
    "tiles_sites": ("处", "sites"),
    "tiles_annual_t": ("年产生量", "Added a year"),
    "tiles_stock_t": ("堆存量", "Stock"),
    "tiles_near": ("放大后可用", "When zoomed in"),
    "tiles_operator": ("运营单位包含", "Operator contains"),
    "tiles_annual_from": ("年产生量不少于（吨）", "Added a year, at least (t)"),
    "tiles_near_note": (
        "以下两项仅作用于放大后逐一显示的场地；缩小时的圆环和图例中的数量不受影响。",
        "These two apply only where single sites are drawn; rings of a wider view and the counts do not follow them.",
    ),
    "tiles_zoom_in": ("点击放大", "click to zoom in"),
    "tiles_file": (
        "本地图数据量大，场地数据存放在网页旁的文件中，双击打开网页时浏览器不允许读取。请在网页所在文件夹中运行下面的命令，再在浏览器中打开所示地址。",
        (
            "This map is large: its sites are in a file beside the page, which a browser may not read when the page was opened "
            "by a double click. Run this command in the page's folder, then open the address below it."
        ),
    ),
    "tiles_missing": (
        "找不到本地图的数据文件。它应与网页放在同一文件夹中：",
        "The file with this map's sites cannot be found. It belongs in the same folder as the page:",
    ),
    "tiles_ranges": (
        "网页服务器不支持分段读取（HTTP Range），而数据文件过大，无法整体读取。请换用支持分段读取的服务器（如 nginx、Apache、Caddy）。",
        (
            "The web server cannot send parts of a file (HTTP range requests), and this one is too large to be read whole. "
            "Use a server that can, such as nginx, Apache or Caddy."
        ),
    ),
    "tiles_broken": (
        "数据文件已损坏或传输不完整，请重新复制：",
        "The file with this map's sites is damaged or incomplete; copy it again:",
    ),
}
