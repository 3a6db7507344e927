from interlock.exports.gpu_metrics import GpuMetrics, parse

# As `nvidia-smi --format=csv,noheader,nounits` prints it, for two cards of which one tells no power.
SAID = "0, NVIDIA A100-SXM4-40GB, 37, 1024, 40960, 41, 62.50\n1, NVIDIA T4, 0, 0, 15360, 33, [N/A]\n"


def values(said: str) -> dict[str, dict[str, float]]:
    return {gauge.name: {sample.labels["gpu"]: sample.value for sample in gauge.samples} for gauge in parse(said)}


def test_every_card_tells_what_it_can_in_base_units() -> None:
    assert values(SAID) == {
        "interlock_gpu_utilization_ratio": {"0": 0.37, "1": 0.0},
        "interlock_gpu_memory_used_bytes": {"0": 2.0**30, "1": 0.0},
        "interlock_gpu_memory_total_bytes": {"0": 40 * 2.0**30, "1": 15 * 2.0**30},
        "interlock_gpu_temperature_celsius": {"0": 41.0, "1": 33.0},
        "interlock_gpu_power_watts": {"0": 62.5},
    }


def test_what_is_no_card_is_none() -> None:
    assert values("") == values("No devices were found\n") == {}


def test_without_the_program_there_are_no_cards() -> None:
    assert list(GpuMetrics("no-such-program").collect()) == []
