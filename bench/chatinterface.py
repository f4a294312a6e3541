"""The thirty lines that a user would write: `gr.ChatInterface` with a model dropdown. The baseline of the table."""

import os
from collections.abc import Iterator
from typing import Any

import gradio as gr
from openai import OpenAI

MODELS = os.environ["BENCH_MODELS"].split(",")
client = OpenAI(base_url=os.environ["BENCH_PROVIDER"] + "/v1", api_key="none")


def answer(message: str, history: list[dict[str, Any]], model: str) -> Iterator[str]:
    """Send the whole history, and yield the text so far for each token."""
    messages = [{"role": m["role"], "content": m["content"][0]["text"]} for m in history]
    messages.append({"role": "user", "content": message})
    text = ""
    for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):  # type: ignore
        text += chunk.choices[0].delta.content or ""
        yield text


def seeded() -> list[dict[str, str]]:
    """Return a history of BENCH_TURNS turns, for the growth curves."""
    words = " ".join(f"w{i}" for i in range(200))
    pair = [{"role": "user", "content": "an earlier question"}, {"role": "assistant", "content": words}]
    return pair * int(os.environ.get("BENCH_TURNS", "0"))


gr.ChatInterface(
    answer, chatbot=gr.Chatbot(value=seeded()), additional_inputs=[gr.Dropdown(MODELS, label="Model")]
).launch(server_port=int(os.environ["BENCH_PORT"]))
