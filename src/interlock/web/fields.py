"""Fields of a contract in words, for the tables of endpoints and versions."""

from interlock.domain.contract import Field, spell_shape


def kind_of(field: Field) -> str:
    """What callers send, in words."""
    if field.time is not None:
        return "date" if field.time.is_date else "time"
    kind = "image" if field.image is not None else "text" if field.is_text else field.datatype
    return f"{kind} {spell_shape(field.shape)}" if field.shape else kind


def values_of(field: Field) -> str:
    """Which values were learnt or declared, in words."""
    verb = "must be" if field.declared else "seen"
    if field.categories:
        shown = ", ".join(field.categories[:12])
        return f"{verb} {shown}{f' and {len(field.categories) - 12} more' if len(field.categories) > 12 else ''}"
    if field.minimum is not None and field.maximum is not None:
        return f"{verb} {field.minimum:g} to {field.maximum:g}"
    return ""


def hint_of(field: Field) -> str:
    """What to fill in, in a few words: kind, range, whether it may be left empty."""
    kind = "JSON list" if field.shape and field.image is None else kind_of(field)
    if field.time is not None and field.time.zone and not field.time.is_date:
        kind = "time, UTC"
    learnt = "" if field.categories else values_of(field)
    empty = "may be empty" if field.nullable or field.is_parameter else ""
    return ", ".join(part for part in (kind, learnt, empty) if part)
