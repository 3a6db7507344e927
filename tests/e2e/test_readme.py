"""The README's blocks are run, so that what a newcomer copies works."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def block(language: str, containing: str) -> str:
    """The code block of a language that holds a text."""
    found = [
        code for code in re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL) if containing in code
    ]
    assert len(found) == 1
    return str(found[0])


def test_python_example_prints_predictions_and_their_version(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(block("python", "interlock.serve"))
    done = run(str(script), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\[\d, \d, \d\] wine:1\n", done.stdout)


def test_commands_named_in_the_readme_exist() -> None:
    commands = [line.split()[1:3] for line in block("sh", "interlock up").splitlines() if line.startswith("interlock ")]
    for command in commands:
        words = [word for word in command if word.isalpha()]
        done = run("-m", "interlock", *words, "--help")
        assert done.returncode == 0, done.stderr
        assert "Example" in done.stdout


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=180
    )
