"""Streamlit's chat example, with a choice of models. Runs in an environment of its own."""

import os

import streamlit as st
from openai import OpenAI

client = OpenAI(base_url=os.environ["BENCH_PROVIDER"] + "/v1", api_key="none")
model = st.selectbox("Model", os.environ["BENCH_MODELS"].split(","))
messages = st.session_state.setdefault("messages", [])
for message in messages:
    with st.chat_message(message["role"]):
        st.markdown(message["content"])
if prompt := st.chat_input("Say something"):
    messages.append({"role": "user", "content": prompt})
    with st.chat_message("user"):
        st.markdown(prompt)
    with st.chat_message("assistant"):
        stream = client.chat.completions.create(model=model, messages=list(messages), stream=True)
        said = st.write_stream(stream)
    messages.append({"role": "assistant", "content": said})
