"""What a published map says of itself in its corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from folium.template import Template

from registry.render.elements import PackedElement
from registry.render.packing.block import pack
from registry.render.words import LANGUAGES, says, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# As it is printed on a map, so a user may well give it with the number.
_APPROVAL_LABEL = "审图号"


class Imprint(PackedElement):
    """Lines in a corner of a map, on the screen and on paper, in the page's language.

    Parameters
    ----------
    approval : the number under which the authority approved the map, such as ``GS(2024)1234号``
    source : where the data is from
    date : when the map was made
    remarks : further lines, each in Chinese and English
    lang : ``zh`` or ``en``, the opening language
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "registryMap.imprint({{ this.block_id|tojson }}, {{ this._parent.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        *,
        approval: str | None = None,
        source: str | None = None,
        date: str | None = None,
        remarks: Sequence[tuple[str, str]] = (),
        lang: str = "zh",
    ) -> None:
        super().__init__()
        self._name = "Imprint"
        words_of(lang)
        number = approval.removeprefix(_APPROVAL_LABEL).lstrip(":： ") if approval else None
        given = {
            "imprint_approval": {"number": number},
            "imprint_source": {"source": source},
            "imprint_date": {"date": date},
        }

        def lines(language: str) -> list[str]:
            words = words_of(language)
            own = [words[key].format(**values) for key, values in given.items() if all(values.values())]
            return own + [remark[LANGUAGES.index(language)] for remark in remarks]

        self.packed = pack({"lang": lang, "says": says(lines=lines)})
