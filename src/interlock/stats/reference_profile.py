"""The profile of reference rows, counted so that chance has no say in which bins are compared.

Called once per version, by the registry. A column with many levels has bins for its most frequent ones. Which ones
those are, reference rows decide; counted in the same rows they look more frequent than they are, and levels that no row
of the reference happened to have look like news. Such columns are learnt from one half of the rows and counted in the
other, so that reference and traffic err alike.
"""

from collections.abc import Mapping

from interlock.stats.profile import Profile
from interlock.stats.profile_bins import MOST_CATEGORIES, Column, count_categories, learn

# Share of the rows that have a level of their own: as much of the traffic will have levels that the reference lacks
# (Good & Turing). Below this no check could take it for a drift.
_MOST_ALONE = 0.0003


def profile_reference(columns: Mapping[str, Column], kinds: Mapping[str, str]) -> Profile:
    """Learn bins from reference rows and count the rows in them.

    Args:
        columns: As for `profile_bins.learn`.
        kinds: As for `profile_bins.learn`.

    Returns:
        All rows; of columns whose levels chance has chosen, every other row.

    Raises:
        ValueError: As `profile_bins.learn`.

    Examples:
        >>> names = [f"name {number}" for number in range(500)] + ["usual"] * 500
        >>> profile = profile_reference({"name": names, "plan": ["free", "pro"] * 500}, {
        ...     "name": "categorical", "plan": "categorical"})
        >>> profile.rows, int(profile.counts("plan").sum()), int(profile.counts("name").sum())
        (1000, 1000, 500)

    References:
        Good (1953), The population frequencies of species and the estimation of population parameters,
        doi:10.1093/biomet/40.3-4.237.
    """
    halved = [name for name, kind in kinds.items() if kind == "categorical" and _is_chosen_by_chance(columns[name])]
    taught = {name: columns[name][::2] if name in halved else columns[name] for name in kinds}
    spec = learn(taught, kinds)
    profile = Profile(spec)
    if not halved:
        profile.update(columns)
        return profile
    for start, unobserved in ((0, halved), (1, [])):
        profile.update({name: columns[name][start::2] for name in kinds}, unobserved=unobserved)
    return profile


def _is_chosen_by_chance(column: Column) -> bool:
    counts = count_categories(column)
    counts.pop(None, None)
    alone = sum(count == 1 for count in counts.values())
    return len(counts) > MOST_CATEGORIES or alone > _MOST_ALONE * max(1, len(column))
