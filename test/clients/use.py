"""Uses the generated Python client: create, retrieve until completed, content. Prints the number of bytes."""

import os
import time

from openapi_client import ApiClient, Configuration, CreateVideoBody, Video, VideosApi

client = ApiClient(Configuration(host=os.environ["API"], access_token=os.environ["API_KEY"]))
videos = VideosApi(client)

created = videos.create_video(create_video_body=CreateVideoBody(prompt="a red fox", seconds="4")).actual_instance
assert isinstance(created, Video), created
assert created.credits.state == "held" and created.error is None, created

until = time.monotonic() + 30
video = created
while video.status in ("queued", "in_progress"):
    assert time.monotonic() < until, video
    time.sleep(0.2)
    video = videos.retrieve_video(created.id)
assert video.status == "completed" and video.credits.state == "charged", video

print(len(videos.download_video_content(created.id)))
