"""Statistics: numbers in, frozen results out. No clock, no files, no randomness but through an `rng` argument.

Nothing is imported here on purpose: `interlock.stats.guard` runs inside the serving process and must not pull in scipy.

Evidence that may be looked at after every request (anytime-valid):

- `relative_risk`: does the challenger fail more often than the champion, while traffic is ramped?
- `failure_rate`: bounds on one failure rate.
- `quantile_difference`: bounds on a latency quantile of champion and challenger.
- `paired_loss`: is the challenger's loss on the same rows larger, or no larger than a margin?
- `off_policy`: what another way of assigning versions would have earned.
- `mean_difference`: bounds on the difference of two arms' means, over a ramp.
- `sample_ratio`: do arms have the units that their shares say?
- `guard`: a tripwire on the failure rate, in the standard library only.

One look at one window:

- `two_sample`: do two sets of counts come from the same distribution?
- `psi`: the population stability index.
- `binary_quality`, `multiclass_quality`, `regression_quality`: quality of predictions with known labels.

Choosing:

- `bandit`: from what arms have earned to the shares they get next.

Building blocks:

- `log_histogram`: the one layout of latency counts that everyone shares.
- `losses`: the loss of every single row.
- `asymptotic_sequence`: half-widths of bounds on a mean that hold at all times at once.
- `reward_model`: cross-fitted regressions, for `off_policy`.
- `time_blocks`: which block of time a row lies in, so that rows that share a day are not taken as independent.
- `profile_bins`: the bins of a profile, learnt once from reference data.
- `profile`: mergeable counts and moments of the features of one endpoint, version and hour.
"""
