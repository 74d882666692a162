"""The words of a prompt that tell a stubbed engine what to do, as the simulator's test cards do: `[[after:2s]]`, `[[fail:CODE:TEXT]]`,
`[[moderation]]`."""

import re
from dataclasses import dataclass


@dataclass
class Cards:
    seconds: float
    failure: str | None
    moderated: bool


def read(prompt):
    after = re.search(r"\[\[after:([\d.]+)s\]\]", prompt)
    failure = re.search(r"\[\[fail:[^:\]]*:([^\]]*)\]\]", prompt)
    return Cards(
        seconds=float(after.group(1)) if after else 1.0,
        failure=failure.group(1) if failure else None,
        moderated="[[moderation]]" in prompt,
    )
