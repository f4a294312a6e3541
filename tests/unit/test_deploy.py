"""The files of `deploy/`: each is what its own program takes, and names no setting that is not there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests import nginx
from tests.app_process import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(p for p in DEPLOY.rglob("*") if p.is_file())
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "aether.yaml").read_text()))
OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PYTHONUNBUFFERED"}
"""Variables that are not Aether's."""


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.name)
def test_every_setting_that_is_named_is_there(file: Path) -> None:
    known = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    named = set(re.findall(r"\b(?:AETHER|GRADIO|POSTGRES)_[A-Z0-9_]+\b", file.read_text()))
    assert named <= known | OTHERS


def test_compose_is_what_the_specification_takes() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    command = [str(check), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m["kind"])
def test_a_manifest_is_what_kubernetes_takes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_replicas_of_compose_are_those_of_its_nginx() -> None:
    services = compose()["services"]
    servers = re.findall(r"server (\S+):(\d+)", (DEPLOY / "nginx.compose.conf").read_text())
    assert servers == [(name, "7860") for name in services if name.startswith("aether")]
    assert services["aether-1"]["environment"]["AETHER_PUBLIC_URL"].endswith("http://localhost:8080}")


def test_both_configurations_of_nginx_are_one_but_for_the_names() -> None:
    def told(name: str) -> list[str]:
        lines = [line.partition("#")[0].strip() for line in (DEPLOY / name).read_text().splitlines()]
        return [re.sub(r"server \S+:\d+", "server NAME", line) for line in lines if line]

    assert told("nginx.conf") == told("nginx.compose.conf")


@pytest.mark.skipif(nginx.program() is None, reason=nginx.WHY_NOT)
@pytest.mark.parametrize("name", ["nginx.conf", "nginx.compose.conf"])
def test_nginx_takes_its_configuration(name: str, tmp_path: Path) -> None:
    server = re.sub(r"aether-(\d):7860", r"127.0.0.1:786\1", (DEPLOY / name).read_text())
    command = nginx.command(nginx.configured(tmp_path, server), "-t")
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "aether.service").read_text()
    there = unit.replace("/opt/aether/.venv/bin/python", sys.executable).replace("/opt/aether", str(tmp_path))
    (tmp_path / "aether.service").write_text(there)
    command = ["systemd-analyze", "verify", str(tmp_path / "aether.service")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_is_made_of_what_is_there() -> None:
    for source in re.findall(r"^COPY (\S+) ", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        assert list(ROOT.glob(source)), source


def test_a_service_of_systemd_shows_others_nothing() -> None:
    text = (DEPLOY / "aether.service").read_text()
    for line in ("StateDirectoryMode=0700", "UMask=0077", "LimitCORE=0", "NoNewPrivileges=yes", "ProtectSystem=strict"):
        assert f"\n{line}\n" in text
    assert "PrivateTmp=yes" in text


def test_containers_write_to_their_data_and_a_bounded_tmp_alone() -> None:
    for name in ("aether-1", "aether-2"):
        service = compose()["services"][name]
        assert (service["read_only"], service["user"], service["cap_drop"]) == (True, "1000:1000", ["ALL"])
        assert service["tmpfs"] == ["/tmp:size=1g,mode=1777"]
        assert service["ulimits"]["core"] == 0
    pod = MANIFESTS[0]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    inside = container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert (inside["readOnlyRootFilesystem"], inside["allowPrivilegeEscalation"]) == (True, False)
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}
    assert [v["emptyDir"]["sizeLimit"] for v in pod["volumes"] if v["name"] == "tmp"] == ["2Gi"]
