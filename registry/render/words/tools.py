"""What the tools of a map say: filter, search, list, measuring, circle, print."""

WORDS: dict[str, tuple[str, str]] = {
    "close": ("关闭", "Close"),
    "tool_language": ("Switch to English", "切换为中文"),
    "tools": ("工具", "Tools"),
}
