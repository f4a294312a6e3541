"""Chainlit's streaming example, with a history and a choice of models. Runs in an environment of its own."""

import os

import chainlit as cl
from openai import AsyncOpenAI

client = AsyncOpenAI(base_url=os.environ["BENCH_PROVIDER"] + "/v1", api_key="none")


@cl.on_message
async def answer(message: cl.Message) -> None:
    """Send the whole history, and pass each token on."""
    if message.content.startswith("/model "):
        cl.user_session.set("model", message.content.removeprefix("/model "))
        await cl.Message(f"model: {cl.user_session.get('model')}").send()
        return
    history = cl.user_session.get("history") or []
    history.append({"role": "user", "content": message.content})
    reply = cl.Message("")
    stream = await client.chat.completions.create(
        model=cl.user_session.get("model") or os.environ["BENCH_MODELS"].split(",")[0], messages=history, stream=True
    )
    async for chunk in stream:
        if chunk.choices and (token := chunk.choices[0].delta.content):
            await reply.stream_token(token)
    await reply.update()
    history.append({"role": "assistant", "content": reply.content})
    cl.user_session.set("history", history)
