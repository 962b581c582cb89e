"""What a form of QGIS asks and shows: aliases, lists to choose from, limits, defaults, what may be edited, map tips.

Widgets are chosen so that saving a form changes nothing that a person did not touch. QGIS's tick box turns an unknown
truth value into "no", and its spin box rounds a number to the decimals it shows: truth values are therefore lists with an
empty entry, and numbers with decimals are texts whose range is a constraint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree.ElementTree import Element, SubElement

from registry.export.styling import drawing as d
from registry.export.styling.qml_options import option
from registry.model.fields import DERIVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.export.styling.drawing import Columns
    from registry.model.fields import Field
    from registry.model.vocabulary import Kind

# QGIS's own mark for NULL among the values of a list.
_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
# Keys that the formats and stores give rows; the program fills them in.
_KEYS = ("id", "fid", "ogc_fid")
# What the registry fills in; of a photograph it takes the bytes and their checksum when the file comes back.
_READ_ONLY = DERIVED | {"uid", "sha256", "content"}
# What a row is called where it has no name: in the list of what belongs to a site.
_TITLES = ("name", "file_name", "waste_code", "inspected_on", "decided_on")
_LONG_TEXTS = frozenset({"warnings", "extra", "note", "finding"})
_NOT_NULL, _UNIQUE, _EXPRESSION = 1, 2, 4
_HARD = "1"

_EMPTY = {"zh": "（空）", "en": "(empty)"}
_YES, _NO = {"zh": "是", "en": "Yes"}, {"zh": "否", "en": "No"}
_BETWEEN = {"zh": "{label}：{low} 至 {high}", "en": "{label}: {low} to {high}"}
_AT_LEAST = {"zh": "{label}：不小于 {low}", "en": "{label}: at least {low}"}
_AT_MOST = {"zh": "{label}：不大于 {high}", "en": "{label}: at most {high}"}


class Truth(NamedTuple):
    """How a format's columns say yes and no, as QGIS spells the value."""

    yes: str = "true"
    no: str = "false"


class Widget(NamedTuple):
    """A widget of QGIS's forms and its settings."""

    type: str
    config: dict[str, Any]


PLAIN_TRUTH = Truth()


def photo_widget() -> Widget:
    """A picture kept as a file: chosen by a button, shown in the form, its path relative to the project."""
    config = {
        "DocumentViewer": 1,  # an image
        "DocumentViewerHeight": 0,
        "DocumentViewerWidth": 0,
        "FileWidget": True,
        "FileWidgetButton": True,
        "FileWidgetFilter": "",
        "RelativeStorage": 1,  # relative to the project
        "StorageMode": 0,  # a file
        "StorageType": "",
        "FullUrl": False,
        "UseLink": False,
    }
    return Widget("ExternalResource", config)


def name_expression(lang: str, columns: Columns) -> str:
    """What a feature is called: its name, or the English one where the language asks for it and it is given."""
    name = columns.quoted("name")
    return f"coalesce({columns.quoted('name_en')}, {name})" if lang == "en" and "name_en" in columns else name


def add(
    root: Element, fields: Sequence[Field], lang: str, columns: Columns, *, truth: Truth = PLAIN_TRUTH,
    kind: Kind | None = None, widgets: Mapping[str, Widget] | None = None,
) -> None:  # fmt: skip
    """Add the description of a layer's fields to its style.

    Parameters
    ----------
    root : the style.
    fields : the described fields; those that the layer does not have are passed over.
    lang : language of aliases, lists and messages.
    columns : what the columns are called.
    truth : how the format says yes and no.
    kind : of all features, where it is one; the column ``kind`` is then filled in by itself.
    widgets : for fields that ask for one of their own, by name.
    """
    shown = [field for field in fields if field.type != "geometry" and field.name in columns]
    own = widgets or {}
    configuration = SubElement(root, "fieldConfiguration")
    for key in _KEYS:
        if key in columns:
            _configure(configuration, columns[key], Widget("Hidden", {}))
    for field in shown:
        chosen = own.get(field.name) or _widget(field, lang, truth, asked=_asked(field))
        _configure(configuration, columns[field.name], chosen)
    aliases = SubElement(root, "aliases")
    for at, field in enumerate(shown):
        # A column that bears its own label needs an alias only for the unit.
        label = field.label(lang)
        if label != columns[field.name]:
            SubElement(aliases, "alias", index=str(at), field=columns[field.name], name=label)
    _defaults(root, shown, columns, kind)
    _constraints(root, shown, lang, columns)
    editable = SubElement(root, "editable")
    fixed = _READ_ONLY if kind is None else _READ_ONLY | {"kind"}
    for field in shown:
        SubElement(editable, "field", name=columns[field.name], editable=str(int(field.name not in fixed)))
    title = next((name for name in _TITLES if any(field.name == name for field in shown)), None)
    if title is not None:
        preview = name_expression(lang, columns) if title == "name" else columns.quoted(title)
        SubElement(root, "previewExpression").text = preview


def add_tip(
    root: Element, fields: Sequence[Field], lang: str, columns: Columns, *, title: str = "", title_expression: str = ""
) -> None:
    """Add what is shown where the pointer rests: the name, what it is, and the first facts. No text is run as HTML."""
    if "name" not in columns:
        return
    described = {field.name: field for field in fields}
    head = f"<b>[% {_escaped(name_expression(lang, columns))} %]</b>"
    what = f"[% {_escaped(title_expression)} %]" if title_expression else _html(title)
    lines = [head, what]
    for name in ("supervision_level", "status", "operator", "level", "code"):
        if name in described and name in columns:
            value = f"represent_value({columns.quoted(name)}, {d.literal(columns[name])})"
            given = f"{columns.quoted(name)} IS NOT NULL"
            text = d.literal(_html(f"{described[name].label(lang)}: "))
            lines.append(f"[% if({given}, {text} || {_escaped(value)}, '') %]")
    SubElement(root, "mapTip").text = "<br>".join(lines)


def _escaped(expression: str) -> str:
    safe = f"replace(replace(to_string({expression}), '&', '&amp;'), '<', '&lt;')"
    return f"coalesce({safe}, '')"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _configure(configuration: Element, column: str, widget: Widget) -> None:
    box = SubElement(configuration, "field", name=column, configurationFlags="None")
    option(SubElement(SubElement(box, "editWidget", type=widget.type), "config"), widget.config)


def _asked(field: Field) -> bool:
    """True where a person must fill a field in: it may not be empty, and the registry does not fill it in."""
    return field.required and field.name not in _READ_ONLY


def _widget(field: Field, lang: str, truth: Truth, *, asked: bool) -> Widget:
    choices = _choices(field, lang, truth)
    if choices:
        empty = [] if asked else [{_EMPTY[lang]: _NULL}]
        return Widget("ValueMap", {"map": [*empty, *({label: value} for label, value in choices)]})
    if field.type == "binary":
        return Widget("Hidden", {})
    if field.type == "integer" and field.minimum is not None and field.maximum is not None:
        limits = {"Min": int(field.minimum), "Max": int(field.maximum)}
        return Widget("Range", {**limits, "Step": 1, "Precision": 0, "Style": "SpinBox", "AllowNull": not asked})
    if field.type in {"date", "datetime"}:
        shape = "yyyy-MM-dd" if field.type == "date" else "yyyy-MM-dd HH:mm:ss"
        formats = {"display_format": shape, "field_format": shape, "field_format_overwrite": False}
        return Widget(
            "DateTime", {**formats, "field_iso_format": False, "calendar_popup": True, "allow_null": not asked}
        )
    return Widget("TextEdit", {"IsMultiline": field.name in _LONG_TEXTS, "UseHtml": False})


def _choices(field: Field, lang: str, truth: Truth) -> list[tuple[str, str]]:
    """The labels and values that a field has a closed list of."""
    if field.type == "boolean":
        return [(_YES[lang], truth.yes), (_NO[lang], truth.no)]
    return [(getattr(term, lang), code) for code, term in (field.codes or {}).items()]


def _defaults(root: Element, shown: Sequence[Field], columns: Columns, kind: Kind | None) -> None:
    """What a new feature gets; nothing of an old one is changed."""
    given = {"uid": "uuid('WithoutBraces')"}
    if kind is not None:
        given["kind"] = d.literal(kind)
    defaults = SubElement(root, "defaults")
    for field in shown:
        if field.name in given:
            SubElement(defaults, "default", field=columns[field.name], expression=given[field.name], applyOnUpdate="0")


def _constraints(root: Element, shown: Sequence[Field], lang: str, columns: Columns) -> None:
    constraints, expressions = SubElement(root, "constraints"), SubElement(root, "constraintExpressions")
    for field in shown:
        column = columns[field.name]
        inside, message = _range(field, lang, columns.quoted(field.name))
        flags = _NOT_NULL * field.required + _UNIQUE * field.unique + _EXPRESSION * bool(inside)
        if not flags:
            continue
        strengths = {
            "notnull_strength": _HARD if field.required else "0",
            "unique_strength": _HARD if field.unique else "0",
            "exp_strength": _HARD if inside else "0",
        }
        SubElement(constraints, "constraint", {"field": column, "constraints": str(flags), **strengths})
        if inside:
            SubElement(expressions, "constraint", field=column, exp=inside, desc=message)


def _range(field: Field, lang: str, column: str) -> tuple[str, str]:
    """The expression that holds a number in its range, and what a person is told; both empty for a free field."""
    if field.codes or (field.minimum is None and field.maximum is None):
        return "", ""
    low, high = field.minimum, field.maximum
    parts = [f"{column} >= {low:.15g}"] if low is not None else []
    parts += [f"{column} <= {high:.15g}"] if high is not None else []
    words = _BETWEEN if low is not None and high is not None else _AT_LEAST if low is not None else _AT_MOST
    low_text, high_text = ("" if bound is None else f"{bound:,.15g}" for bound in (low, high))
    message = words[lang].format(label=field.label(lang), low=low_text, high=high_text)
    return f"{column} IS NULL OR ({' AND '.join(parts)})", message
