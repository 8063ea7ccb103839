"""The manifests: valid by Kubernetes' own schemas, restricted, and naming what there is."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from cli.policies import policy_documents, worker_documents
from processes.working import WORKS
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
NAMED = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
DOCUMENTS = [document for name in NAMED for document in yaml.safe_load_all((FOLDER / name).read_text())]
OWN = [document for document in DOCUMENTS if document["apiVersion"] != "keda.sh/v1alpha1"]


def of(kind: str) -> dict[str, dict]:
    return {each["metadata"]["name"]: each for each in DOCUMENTS if each["kind"] == kind}


def pods() -> dict[str, dict]:
    found = {name: each["spec"]["template"]["spec"] for name, each in of("Deployment").items()}
    jobs = {name: each["spec"]["jobTemplate"]["spec"]["template"]["spec"] for name, each in of("CronJob").items()}
    return found | jobs


@pytest.mark.parametrize("document", OWN, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_every_manifest_is_valid_by_the_schema_of_its_kind_and_has_nothing_that_this_does_not_know(document):
    kubernetes_validate.validate(document, "1.31", strict=True)


def test_every_file_is_named_and_every_kind_of_work_has_its_pods():
    assert set(NAMED) == {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert pods().keys() == WORKS.keys()
    assert all(pod["containers"][0]["args"][0] == name for name, pod in pods().items())


@pytest.mark.parametrize("name", sorted(WORKS))
def test_a_pod_may_do_nothing_that_it_does_not_need(name):
    pod = pods()[name]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["resources"]["limits"] == container["resources"]["requests"]


@pytest.mark.parametrize("name", sorted(WORKS.keys() - {"sweep"}))
def test_a_worker_has_longer_to_stop_than_it_takes_and_the_longest_turn_fits_in(name):
    pod = pods()[name]
    grace_s = float(pod["containers"][0]["args"][-1])
    assert WORKS[name].longest_s <= grace_s + 20
    assert grace_s < pod["terminationGracePeriodSeconds"]


def test_there_is_one_relay_and_one_sweep_at_a_time():
    relay = of("Deployment")["relay"]["spec"]
    assert (relay["replicas"], relay["strategy"]) == (1, {"type": "Recreate"})
    assert of("CronJob")["sweep"]["spec"]["concurrencyPolicy"] == "Forbid"


def test_each_pod_acts_as_a_role_whose_policy_is_here():
    accounts = of("ServiceAccount")
    roles = {each["metadata"]["annotations"]["pod-identity.alibabacloud.com/role-name"] for each in accounts.values()}
    assert roles <= {**policy_documents(), **worker_documents()}.keys()
    assert {pod["serviceAccountName"] for pod in pods().values()} == accounts.keys()


def test_what_scales_is_there_and_is_asked_where_it_answers():
    for name, scaled in of("ScaledObject").items():
        assert scaled["spec"]["scaleTargetRef"]["name"] in of("Deployment")
        [trigger] = scaled["spec"]["triggers"]
        assert trigger["type"] == "metrics-api"
        assert trigger["metadata"]["url"] == f"http://{name}.tripcanvas.svc.cluster.local:8080/queue"
        assert name in of("Service")
        # Both would set the number of pods.
        assert "replicas" not in of("Deployment")[name]["spec"]


def test_the_settings_are_known_and_hold_no_secret():
    names = re.findall(r"^(\w+)=", (FOLDER / "settings.env").read_text(), re.MULTILINE)
    known = set(Settings.defaults()) - {Settings.variable(name) for name in Settings.secrets()}
    assert set(names) <= known | {"TRIPCANVAS_ACCOUNT_ID"}
    assert {"TRIPCANVAS_TRIP_QUEUE", "TRIPCANVAS_RESULT_QUEUE"} <= set(names)


def test_the_image_holds_the_application_alone_and_is_nobody():
    text = (ROOT / "deploy" / "container" / "Containerfile").read_text()
    assert re.findall(r"^COPY .*", text, re.MULTILINE) == ["COPY --chown=0:0 dist/application /app"]
    assert "USER 65532:65532" in text
