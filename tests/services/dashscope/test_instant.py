"""Instant models: nobody waits and nobody is throttled, and yet every order gets a picture of its own."""

from __future__ import annotations

import io

import pytest
import requests
from PIL import Image

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.dashscope.conftest import Client

#: More than the account's burst of 20, which a second or two could not refill.
ORDERS = 40


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    cloud = Cloud.open(tmp_path_factory.mktemp("instant") / "cloud", free_ports=True)
    with (
        Supervisor(cloud, ["dashscope"], {"TRIPCANVAS_LOCAL_INSTANT_MODELS": "1"}),
        requests.Session() as session,
    ):
        session.trust_env = False
        yield Client(cloud, session)


def test_orders_beyond_the_rate_are_taken_and_each_gets_another_picture_of_its_size(client):
    answers = [client.paint("wan2.2-t2i-flash", size="768*960", seed=seed) for seed in range(ORDERS)]
    assert {answer.status_code for answer in answers} == {200}
    finished = [client.finished(answer.json()["output"]["task_id"]) for answer in answers]
    pictures = [client.session.get(output["results"][0]["url"], timeout=30).content for output in finished]
    assert len(set(pictures)) == ORDERS
    with Image.open(io.BytesIO(pictures[-1])) as image:
        assert (image.format, image.size) == ("PNG", (768, 960))
