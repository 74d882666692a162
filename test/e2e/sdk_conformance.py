"""Does with OpenAI's Python SDK what sdk-conformance.test.ts asserts, and prints what it found, a line of JSON a check."""

import json
import sys
import warnings

from openai import APIStatusError, OpenAI
from openai.types import Video

warnings.simplefilter("ignore")
given = json.loads(sys.argv[1])
client = OpenAI(api_key=given["key"], base_url=given["base_url"])
PNG = bytes.fromhex(given["png"])
ORDER = {"model": "sora-2", "seconds": "4", "size": "720x1280"}


def say(check, **found):
    print(json.dumps({"check": check, **found}), flush=True)


def shown(video):
    """What the SDK parsed, and which keys of OpenAI's schema it did not find. Raises for a value of another type."""
    Video.model_validate(video.to_dict())
    return {
        "id": video.id,
        "status": video.status,
        "credits": getattr(video, "credits", None),
        "missing": sorted(set(Video.model_fields) - video.model_fields_set),
    }


def refused(check, call):
    try:
        call()
        say(check, error=None)
    except APIStatusError as error:
        say(check, error=type(error).__name__, status=error.status_code, code=error.code, param=error.param)


def other(key):
    return OpenAI(api_key=key, base_url=given["base_url"])


made = client.videos.create_and_poll(prompt="a red fox", poll_interval_ms=100, **ORDER)
say("create_and_poll", **shown(made))
with_file = client.videos.create(prompt="a fox", input_reference=("fox.png", PNG, "image/png"), **ORDER)
say("create with a file", **shown(with_file))
# Its videos.create sends files only; what it takes for the rest is JSON.
by_url = {**ORDER, "prompt": "a fox", "input_reference": {"image_url": given["data_url"]}}
with_url = client.post("/videos", body=by_url, cast_to=Video)
say("create with a data: URL", **shown(with_url))
say("retrieve", **shown(client.videos.retrieve(made.id)))

pages = [video.id for video in client.videos.list(limit=1, order="asc")]
say("list", ids=pages, made=[made.id, with_file.id, with_url.id])
remix = client.videos.remix(made.id, prompt="the same fox at night")
say("remix", **shown(remix), remixed_from=remix.remixed_from_video_id, made=made.id)

for variant in ("video", "thumbnail", "spritesheet"):
    content = client.videos.download_content(made.id, variant=variant)
    say(f"download {variant}", type=content.response.headers["content-type"], bytes=len(content.read()))
part = client.videos.download_content(made.id, extra_headers={"Range": "bytes=4-7"})
say("download a range", status=part.response.status_code, text=part.read().decode())

refused("402", lambda: other(given["poor_key"]).videos.create(prompt="a fox", **ORDER))
refused("401", lambda: other("hf_unknown-to-everybody").videos.retrieve(made.id))
refused("404", lambda: client.videos.retrieve("video_" + "0" * 32))
refused("400", lambda: client.videos.create(prompt="a fox", model="sora-2", seconds="5", size="720x1280"))
endless = client.videos.create(prompt="a fox [[never]]", **ORDER)
refused("409", lambda: client.videos.delete(endless.id))
say("429", **shown(other(given["capped_key"]).videos.create(prompt="a fox", **ORDER)))

deleted = client.videos.delete(made.id)
say("delete", id=deleted.id, made=made.id, deleted=deleted.deleted)
refused("deleted", lambda: client.videos.retrieve(made.id))
