"""Numbers as the sentences of gates and decisions spell them, so that they read alike everywhere."""

from math import inf


def percent(share: float) -> str:
    """Spell a share: two significant figures below 10 %.

    Examples:
        >>> percent(0.0411), percent(0.009), percent(0.25), percent(0.00031), percent(0.0), percent(1.0)
        ('4.1 %', '0.9 %', '25 %', '0.031 %', '0 %', '100 %')
    """
    return f"{share * 100:.2g} %" if abs(share) < 0.1 else f"{share * 100:.0f} %"


def count(number: int) -> str:
    """Spell a count with thousands apart.

    Examples:
        >>> count(2140)
        '2,140'
    """
    return f"{number:,}"


def milliseconds(microseconds: float) -> str:
    """Spell a latency.

    Examples:
        >>> milliseconds(1234.0), milliseconds(45678.0), milliseconds(float("inf"))
        ('1.2 ms', '46 ms', 'no known limit')
    """
    if microseconds == inf:
        return "no known limit"
    return f"{microseconds / 1000:.2g} ms" if microseconds < 99_500 else f"{microseconds / 1000:,.0f} ms"


def finite(value: float) -> float | None:
    """The value, or None where it is not a finite number: what a gate stores and JSON can carry.

    Examples:
        >>> finite(1.5), finite(float("inf")), finite(float("nan"))
        (1.5, None, None)
    """
    return value if -inf < value < inf else None
