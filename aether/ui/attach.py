"""Files of the message that is being written: chosen, pasted or dropped; shown over the text until it is sent.

The bytes tell what a file is (`attachments.py`). They come over Gradio's own upload, whose
size and number the gate bounds; they leave its folder as soon as they are taken in or refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from aether.attachments import Attachments, Taken, is_cut
from aether.bounds import FILES_PER_MESSAGE, FILES_PER_UPLOAD
from aether.errors import AetherError
from aether.transcript import File, Image
from aether.ui import exporting, panels, render
from aether.ui.conversations import owner_of
from aether.ui.markdown import one_line, text
from aether.ui.plain import MARKUP, QUICK, number_of
from aether.ui.words import say

if TYPE_CHECKING:
    from aether.services import Services
    from aether.ui.layout import Page

Attached = tuple[Image | File, ...]


class Desk:
    """Take files in for the message that is being written."""

    def __init__(self, services: Services) -> None:
        self._attachments = Attachments(services.blobs, services.workers, services.picture_workers, services.threads)
        self._quota, self._threads = services.quota, services.threads

    async def take(self, paths: list[str] | None, attached: Attached, request: gr.Request) -> tuple[Any, ...]:
        """Take uploaded files in: attached, chips, receipt, the button again."""
        refused: list[str] = []
        notes: list[str] = []
        for path in map(Path, filter(exporting.was_handed_in, (paths or ())[:FILES_PER_UPLOAD])):
            try:
                if len(attached) >= FILES_PER_MESSAGE:
                    refused.append(say("attach.most", name=path.name, most=FILES_PER_MESSAGE))
                else:
                    taken_in = await self._read(path, owner_of(request))
                    attached = (*attached, taken_in.part)
                    notes += [say("attach.cut", name=path.name)] if is_cut(taken_in.part) else []
                    notes += [say("attach.frame", name=path.name)] if taken_in.is_first_frame else []
            except (AetherError, OSError) as error:
                unreadable = say("attach.unreadable", name=path.name)
                refused.append(error.sentence if isinstance(error, AetherError) else unreadable)
            finally:
                path.unlink(missing_ok=True)
        said = panels.receipt([*refused, *notes], tone="error" if refused else "ok")
        return attached, chips(attached), said, gr.UploadButton(value=None)

    async def _read(self, path: Path, owner: str) -> Taken:
        data = await self._threads.run(path.read_bytes, owner=owner)
        await self._quota.admit(owner, len(data))
        return await self._attachments.read(path.name, data, owner=owner)


async def drop(number: str | None, attached: Attached) -> tuple[Attached, str]:
    """Take file `number` off the message: attached, chips."""
    place = number_of(number)
    if place is not None:
        attached = tuple(part for n, part in enumerate(attached) if n != place)
    return attached, chips(attached)


def chips(attached: Attached) -> str:
    """Show the files of the message, each with a way to take it off."""
    shown = "".join(
        f'<li class="chip">{render.attachment(part)}<span>{text(part.blob.name or say("attach.file"))}</span>'
        f'<button type="button" class="unattach" data-number="{number}" '
        f'aria-label="{text(say("attach.off", name=part.blob.name or say("attach.file")))}"></button></li>'
        for number, part in enumerate(attached)
    )
    return one_line(f'<ul class="chips">{shown}</ul>') if shown else ""


def build(page: Page, services: Services) -> None:
    """Put the button, the files and their hidden wire into the page."""
    desk = Desk(services)
    with page.place("attachments"):
        shown = gr.Markdown(elem_id="attached", **MARKUP)
    with page.place("composer-start"):
        button = gr.UploadButton(
            "Attach files", elem_id="attach", file_count="multiple", type="filepath", min_width=0, scale=0
        )
    with page.place("wires"):
        number = gr.Textbox(elem_id="unattach-number", label="File", container=False)
        off = gr.Button("Take off", elem_id="unattach")
    button.upload(desk.take, [button, page.attached], [page.attached, shown, page.receipt, button], **QUICK)
    off.click(drop, [number, page.attached], [page.attached, shown], **QUICK)
    page.new.click(_none, None, [page.attached, shown], **QUICK)
    # A message that was sent took its files along; one that was refused has them still.
    for event in page.taking:
        event.then(_again, page.attached, shown, **QUICK)


async def _none() -> tuple[Attached, str]:
    return (), ""


async def _again(attached: Attached) -> str:
    return chips(attached)
