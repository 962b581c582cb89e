"""What the layers and the furniture of a map say."""

WORDS: dict[str, tuple[str, str]] = {
    "base": ("底图", "Base map"),
    "coverage": ("企业服务范围", "Area within reach of a plant"),
    "joined": ("密集处聚合显示", "Join symbols where they crowd"),
    "legend": ("图例与图层", "Legend and layers"),
    "level_none": ("未定级", "No level"),
    "levels": ("尾矿库（按环境监管等级）", "Tailings ponds by supervision level"),
    "lines": ("最近企业连线", "Lines to the nearest plant"),
    "nearest": ("最近的可利用企业", "Nearest plants that can use it"),
    "nearest_lines": ("到最近可利用企业的距离", "Distance to the nearest matching plant"),
    "others": ("其他堆场", "Other sites"),
    "outlines": ("省级行政区", "Provinces"),
    "plants": ("综合利用", "Utilization"),
    "position": ("经度, 纬度", "Longitude, latitude"),
    "region": ("行政区", "Region"),
    "serves": ("{n} 处堆场以本企业为最近的可利用企业", "Nearest matching plant of {n} sites"),
    "sites": ("堆场与企业", "Sites and plants"),
    "symbols": ("符号", "Symbols"),
    "title": ("大宗固体废物堆场分布图", "Sites of bulk solid waste"),
    "unreached": ("未覆盖（半径内无对口企业）", "No matching plant within"),
    "within": ("企业服务范围", "Area within reach of a plant"),
}
