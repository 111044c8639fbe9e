"""What deploy/ ships, held to its own tools: the Dockerfile by hadolint, the unit by systemd-analyze, the image's
configuration by the program."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def run(*command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, **more)


def test_the_dockerfile_has_no_lint():
    lint = run(pathlib.Path(sys.executable).parent / "hadolint", DEPLOY / "Dockerfile")
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_the_image_runs_as_nobody_with_a_health_check_and_no_secret():
    text = (DEPLOY / "Dockerfile").read_text()
    final = text[text.rindex("\nFROM "):]
    assert re.search(r"^USER 65532:65532$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final and "/health/ready" in final
    assert not re.search(r"^(ENV|ARG).*(KEY|TOKEN|SECRET)", text, re.MULTILINE)


def test_the_unit_is_sound_and_confined(tmp_path):
    unit = tmp_path / "slipway.service"
    unit.write_text((DEPLOY / "slipway.service").read_text().replace("/opt/slipway/bin/slipway", "/bin/true"))
    verified = run("systemd-analyze", "verify", unit)
    assert verified.returncode == 0 and not verified.stderr, verified.stderr
    security = run("systemd-analyze", "security", "--offline=true", "--threshold=35", unit)
    assert security.returncode == 0, security.stdout[-300:]


def test_the_image_s_configuration_is_one(tmp_path):
    program = os.environ.get("SLIPWAY_PROGRAM", ROOT / "build" / "slipway")
    checked = run(program, "config", "check", "--config", DEPLOY / "container.yaml", cwd=tmp_path,
                  env={**os.environ, "SLIPWAY_API_KEY": "0123456789abcdef"})
    assert checked.returncode == 0, checked.stderr
