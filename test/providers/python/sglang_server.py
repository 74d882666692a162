"""SGLang's video routes with their job store and protocol, on a scheduler that makes the same small file each time.

    python sglang_server.py PORT FOLDER VIDEO.mp4 [s3]

Theirs: all that handles `/v1/videos`, the reading of requests, the storing of jobs and outputs. Ours: the scheduler, and the
sampling parameters of a model, reduced to those that these routes read. With `s3` outputs go where an S3 bucket would be: boto3 is
replaced by a copy into a folder that this server serves.
"""

import asyncio
import os
import shutil
import sys
import types
import uuid
from contextlib import nullcontext
from dataclasses import dataclass, fields
from enum import Enum
from importlib import import_module
from typing import ClassVar

port, folder, video = int(sys.argv[1]), sys.argv[2], sys.argv[3]
bucket = os.path.join(folder, "bucket")
os.makedirs(bucket, exist_ok=True)
if "s3" in sys.argv:
    os.environ |= {
        "SGLANG_CLOUD_STORAGE_TYPE": "s3",
        "SGLANG_S3_BUCKET_NAME": "bucket",
        "SGLANG_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "SGLANG_S3_ACCESS_KEY_ID": "id",
        "SGLANG_S3_SECRET_ACCESS_KEY": "secret",
    }

from stubs import stub  # noqa: E402

OPENAI = "sglang.multimodal_gen.runtime.entrypoints.openai."
stub(
    ["imageio", "numpy", "sglang", "torch", "zmq"],
    [OPENAI + name for name in ("prompt_enhancement", "protocol", "storage", "stores", "utils", "video_api", "video_progress")],
)

import cards  # noqa: E402


class S3:
    def upload_file(self, path, _bucket, key, **_options):
        shutil.copy(path, os.path.join(bucket, key))


sys.modules["boto3"] = types.SimpleNamespace(client=lambda *_args, **_options: S3())


@dataclass
class SamplingParams:
    output_path: str
    output_file_name: str
    prompt: str
    num_outputs_per_prompt: int = 1
    num_frames: int = 96
    fps: int = 24
    width: int = 0
    height: int = 0

    prompt_optional: ClassVar = False
    data_type: ClassVar = "video"

    @classmethod
    def from_user_sampling_params_args(cls, model_path, server_args, request_id, **kwargs):
        return cls(**{field.name: kwargs[field.name] for field in fields(cls) if field.name in kwargs})

    @staticmethod
    def video_request_extra_fields():
        return frozenset()

    @staticmethod
    def lower_video_request_kwargs(_request, kwargs):
        return kwargs

    def output_file_path(self, *_output):
        return os.path.join(self.output_path, f"{self.output_file_name}.mp4")

    def prepare_video_request_for_queue(self, _batch):
        pass

    def cleanup_video_request(self, _batch):
        pass

    def expand_video_request_outputs_for_queue(self, batch):
        return [batch] * self.num_outputs_per_prompt

    def project_video_queued_job_fields(self, _batch):
        return {}

    def validate_video_final_outputs(self, _paths, _batch):
        return {}


class Scheduler:
    """Makes one file for each output that was asked for."""

    async def forward(self, batches):
        told = cards.read(batches[0].prompt)
        await asyncio.sleep(told.seconds)
        if told.moderated:
            return result(error="Guardrail: the prompt violates the safety policy.")
        if told.failure is not None:
            return result(error=told.failure)
        first = batches[0].sampling_params.output_file_path()
        paths = [first.replace(".mp4", f"_{index}.mp4") if index else first for index in range(len(batches))]
        for path in paths:
            shutil.copy(video, path)
        return result(output_file_paths=paths)


def result(error=None, output_file_paths=None):
    named = {"error": error, "output_file_paths": output_file_paths, "peak_memory_mb": 1.0}
    absent = ("action_pred", "lidar", "metrics", "output", "raw_frame_batches", "usage")
    return types.SimpleNamespace(**named, **dict.fromkeys(absent))


def prepare_request(server_args, sampling_params, external_trace_header):
    return types.SimpleNamespace(
        sampling_params=sampling_params,
        prompt=sampling_params.prompt,
        num_outputs_per_prompt=sampling_params.num_outputs_per_prompt,
        trace_ctx=None,
        extra={},
    )


def parse_size(size):
    width, _, height = size.partition("x")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else (None, None)


os.makedirs(folder, exist_ok=True)
server_args = types.SimpleNamespace(
    backend=None,
    batching_max_size=1,
    input_save_path=None,
    model_id=None,
    model_path="sora-2",
    output_path=folder,
    pipeline_class_name=None,
    pipeline_config=types.SimpleNamespace(resolve_task_type=lambda task_type, **_of: task_type),
    served_model_name="sora-2",
)
GEN = "sglang.multimodal_gen."
sampling = import_module(GEN + "configs.sample.sampling_params")
sampling.SamplingParams = SamplingParams
sampling.DataType = Enum("DataType", {"ACTION": "action", "IMAGE": "image", "VIDEO": "video"})
sampling.generate_request_id = lambda: str(uuid.uuid4())
import_module(GEN + "runtime.server_args").get_global_server_args = lambda: server_args
import_module(GEN + "runtime.scheduler_client").async_scheduler_client = Scheduler()
import_module(GEN + "runtime.entrypoints.utils").prepare_request = prepare_request
import_module(GEN + "runtime.utils.common").parse_size = parse_size
import_module(GEN + "runtime.utils.trace_wrapper").trace_req = lambda _context: nullcontext()
import_module(GEN + "runtime.utils.logging_utils").log_generation_timer = lambda *_args: nullcontext()
import_module(GEN + "registry").get_model_info = lambda *_args, **_options: None

import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from fastapi.staticfiles import StaticFiles  # noqa: E402

video_api = import_module(OPENAI + "video_api")

app = FastAPI()
app.include_router(video_api.router)
app.mount("/bucket", StaticFiles(directory=bucket))


@app.get("/health")
async def health():
    return {}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
