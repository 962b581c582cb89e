"""Islands that a map of China names."""

# Chinese and English name, longitude and latitude in degrees; the first stand on the main map, the others in the inset.
ISLANDS_EAST = (("钓鱼岛", "Diaoyu Dao", 123.48, 25.75), ("赤尾屿", "Chiwei Yu", 124.56, 25.92))
ISLANDS_SOUTH = (
    ("东沙群岛", "Dongsha Qundao", 116.8, 20.7), ("西沙群岛", "Xisha Qundao", 112.0, 16.6),
    ("中沙群岛", "Zhongsha Qundao", 114.6, 15.6), ("南沙群岛", "Nansha Qundao", 114.2, 9.6),
    ("黄岩岛", "Huangyan Dao", 117.76, 15.15), ("曾母暗沙", "Zengmu Ansha", 112.28, 3.97),
)  # fmt: skip
