"""vLLM-Omni's video routes with their job store, storage, form and protocol, on an engine that makes the same small file each time.

    python vllm_omni_server.py PORT FOLDER VIDEO.mp4

Theirs: all that handles `/v1/videos`, up to the call that starts the pipeline. Ours: that call, and the shape of HTTP errors, which
comes from vLLM itself (a package of gigabytes) and is written here after it.
"""

import asyncio
import os
import sys
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

port, folder, video = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_bytes()
os.environ["VLLM_OMNI_SERVER_STORAGE__PATH"] = folder

from stubs import stub  # noqa: E402

OPENAI = "vllm_omni.entrypoints.openai."
stub(
    ["aenum", "diffusers", "janus", "soundfile", "torch", "transformers", "vllm", "vllm_omni"],
    [
        *(OPENAI + name for name in ("api_server", "app_state", "errors", "image_api_utils", "protocol", "serving_video")),
        *(OPENAI + name for name in ("stage_params", "storage", "stores", "utils", "video", "video_api_utils")),
        "vllm_omni.config.server_settings",
        "vllm_omni.errors",
    ],
)

# What is asked of modules that are left out: how long an abort may take, and how many frames a file has.
import_module("vllm_omni.entrypoints.async_omni").ABORT_TIMEOUT_S = 2.0
import_module("vllm_omni.diffusion.utils.media_utils").count_mp4_frames = lambda _bytes: 96

import uvicorn  # noqa: E402
from fastapi import FastAPI, HTTPException, Request  # noqa: E402
from fastapi.exceptions import RequestValidationError  # noqa: E402
from fastapi.responses import JSONResponse  # noqa: E402
from vllm_omni.entrypoints.openai import api_server  # noqa: E402
from vllm_omni.entrypoints.openai.serving_video import (  # noqa: E402
    OmniOpenAIServingVideo,
    VideoGenerationArtifacts,
)
from vllm_omni.errors import GuardrailViolationError  # noqa: E402

import cards  # noqa: E402

MODEL = "sora-2"


class Engine:
    stage_configs = ()

    async def abort(self, _request_id, timeout=None):
        pass

    async def check_health(self):
        pass


class Video(OmniOpenAIServingVideo):
    supports_mixed_reference_inputs = False

    def __init__(self):
        self._engine_client = Engine()
        self._model_name = MODEL
        self._stage_configs = []

    async def _run_and_extract(self, request, _reference_id, *, on_started=None, **_references):
        told = cards.read(request.prompt)
        if on_started is not None:
            await on_started()
        await asyncio.sleep(told.seconds)
        if told.moderated:
            raise GuardrailViolationError("Guardrail blocked the prompt: it violates the safety policy.")
        if told.failure is not None:
            raise RuntimeError(told.failure)
        return VideoGenerationArtifacts(
            videos=[video],
            audios=[None],
            actions=[None],
            audio_sample_rate=24000,
            output_fps=24.0,
            stage_durations={},
            peak_memory_mb=1.0,
        )


app = FastAPI()
app.include_router(api_server.router)
app.state.openai_serving_video = Video()
app.state.engine_client = app.state.openai_serving_video._engine_client
app.state.api_server_count = 1
app.state.stage_configs = []
app.state.openai_serving_models = SimpleNamespace(base_model_paths=[SimpleNamespace(name=MODEL)])


def error(status, message):
    body = {"message": message, "type": HTTPStatus(status).phrase, "param": None, "code": status}
    return JSONResponse({"error": body}, status_code=status)


@app.exception_handler(HTTPException)
async def on_http_error(_request: Request, raised: HTTPException):
    return error(raised.status_code, str(raised.detail))


@app.exception_handler(RequestValidationError)
async def on_invalid(_request: Request, raised: RequestValidationError):
    return error(400, str(raised))


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
