"""The steps of ../steps.ts with OpenAI's Python SDK."""

import base64
import os
import warnings

from openai import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    OpenAI,
)
from openai.types import Video

warnings.simplefilter("ignore")


def with_key(name):
    return OpenAI(api_key=os.environ.get(name, name), base_url=os.environ["API_URL"])


client = with_key("API_KEY")
with open(os.environ["PNG_FILE"], "rb") as file:
    PNG = file.read()
ORDER = {"model": "sora-2", "prompt": "a red fox", "seconds": "4", "size": "720x1280"}
made = []


def step(name):
    """Runs the function below it, and says how it ended."""

    def run(function):
        try:
            function()
            print(f"ok {name}", flush=True)
        except Exception as error:
            print(f"not ok {name}: {type(error).__name__} {error}".replace("\n", " "), flush=True)

    return run


def assert_held(video):
    Video.model_validate(video.to_dict())
    missing = set(Video.model_fields) - video.model_fields_set
    assert not missing, missing
    # The provider may have it by the time of the answer.
    assert video.status in ("queued", "in_progress"), video
    assert (video.object, video.credits["state"]) == ("video", "held"), video


def refused(call, kind, status, code=None, param=None):
    try:
        call()
    except APIStatusError as error:
        assert isinstance(error, kind), error
        assert (error.status_code, error.code or "", error.param) == (status, code or error.code, param), error
    else:
        raise AssertionError("it was not refused")


@step("create")
def _():
    video = client.videos.create(**ORDER)
    made.append(video.id)
    assert_held(video)


@step("poll")
def _():
    video = client.videos.create_and_poll(**ORDER, poll_interval_ms=100)
    made.append(video.id)
    assert (video.status, video.progress, video.credits["state"]) == ("completed", 100, "charged"), video


@step("create with a file")
def _():
    video = client.videos.create(**ORDER, input_reference=("fox.png", PNG, "image/png"))
    made.append(video.id)
    assert_held(video)


@step("create with a data URL")
def _():
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    # Its videos.create takes files only.
    as_json = client.post("/videos", body={**ORDER, "input_reference": {"image_url": url}}, cast_to=Video)
    made.append(as_json.id)
    assert_held(as_json)


@step("list")
def _():
    found = [video.id for video in client.videos.list(limit=1, order="asc")]
    assert found == made, found


@step("content")
def _():
    for variant, kind in (("video", "video/mp4"), ("thumbnail", "image/"), ("spritesheet", "image/")):
        content = client.videos.download_content(made[1], variant=variant)
        assert content.response.headers["content-type"].startswith(kind)
        assert len(content.read()) > 100


@step("range")
def _():
    part = client.videos.download_content(made[1], extra_headers={"Range": "bytes=4-7"})
    assert (part.response.status_code, part.read()) == (206, b"ftyp")


@step("remix")
def _():
    remix = client.videos.remix(made[1], prompt="the same fox at night", extra_body={"max_credits": "100"})
    assert_held(remix)
    assert remix.remixed_from_video_id == made[1]


@step("delete")
def _():
    assert client.videos.delete(made[1]).deleted
    refused(lambda: client.videos.retrieve(made[1]), NotFoundError, 404, "not_found")


@step("user and metadata")
def _():
    labels = {"user": "user-1", "metadata": {"order": "42"}}
    video = client.videos.create(**ORDER, extra_body=labels)
    assert {"user": video.user, "metadata": video.metadata} == labels, video
    found = client.videos.list(extra_query=labels).data
    assert [item.id for item in found] == [video.id], found


@step("other routes")
def _():
    script = client.post("/scripts", body={"topic": "a red fox"}, cast_to=object)
    assert script["status"] == "completed", script
    assert client.get("/credits", cast_to=object)["object"] == "credits"


@step("400 names the parameter")
def _():
    refused(lambda: client.videos.create(**{**ORDER, "seconds": "5"}), BadRequestError, 400, param="seconds")


@step("401")
def _():
    refused(lambda: with_key("hf_unknown").videos.retrieve(made[0]), AuthenticationError, 401, "invalid_api_key")


@step("402")
def _():
    refused(lambda: with_key("POOR_KEY").videos.create(**ORDER), APIStatusError, 402, "insufficient_credits")


@step("404")
def _():
    refused(lambda: client.videos.retrieve("video_" + "0" * 32), NotFoundError, 404, "not_found")


@step("409")
def _():
    endless = client.videos.create(**{**ORDER, "prompt": "a fox [[never]]"})
    refused(lambda: client.videos.delete(endless.id), ConflictError, 409, "video_not_terminal")


@step("429")
def _():
    assert_held(with_key("FULL_KEY").videos.create(**ORDER))


@step("max_credits")
def _():
    body = {"max_credits": "0.1"}
    refused(lambda: client.videos.create(**ORDER, extra_body=body), BadRequestError, 400, param="max_credits")


@step("Idempotency-Key")
def _():
    headers = {"Idempotency-Key": "order-1"}
    first = client.videos.create(**ORDER, extra_headers=headers)
    assert client.videos.create(**ORDER, extra_headers=headers).id == first.id


@step("a lost answer")
def _():
    lossy = with_key("LOSSY_KEY")
    lossy.videos.list()
    assert lossy.videos.create(**ORDER).id.startswith("video_")
