"""What a hostile model, service, file and visitor write, in a real browser (cases 4 and 26 to 29).

One page is shown all of it: in answers, thoughts, names and arguments of calls, their results,
refusals, errors, the name that a service reports, messages, titles, file names. Then everything
is clicked. Nothing may run, nothing may leave, nothing may look like the page's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, Route, expect

from tests.app_process import AppProcess
from tests.e2e.drive import ask, until
from tests.faults import corpus
from tests.faults.sharing import CANARIES, OWN_KEY, TOKEN, Canary, providers, shared
from tests.scripted import ScriptedProvider
from tests.scripted.reply import Call, Reply

pytestmark = pytest.mark.e2e

FOREIGN = (
    "#chat :is(.cell, .prompt) :is(.prose, .said, .reasoning, .tool, .notice, .note, .code, .file, .stamp), "
    "#inspector .code"
)
"""Where the page shows what others wrote."""
ALLOWED = """
    A ABBR ARTICLE B BLOCKQUOTE BR BUTTON CODE DEL DETAILS DIV EM FIGCAPTION FIGURE FOOTER H1 H2 H3 H4 H5 H6 HR I
    MATH MROW MI MO MN MTEXT MSUP MSUB MSUBSUP MFRAC MSTYLE MSPACE
    LI OL P PRE S SMALL SPAN STRONG SUMMARY TABLE TBODY TD TH THEAD TR UL KBD TIME
"""
"""Elements that may stand there."""
FINDINGS = """([places, allowed]) => {
    const found = [];
    for (const node of document.querySelectorAll('*')) {
        for (const { name } of node.attributes) if (name.startsWith('on')) found.push(node.outerHTML.slice(0, 200));
    }
    for (const place of document.querySelectorAll(places)) {
        for (const node of [place, ...place.querySelectorAll('*')]) {
            if (node.matches('.thumb, .answers, input.rename')) continue;
            if (!allowed.includes(node.nodeName.toUpperCase())) found.push(node.outerHTML.slice(0, 200));
            for (const { name, value } of node.attributes) {
                const isOurs = !/^(on.*|src|srcset|action|formaction|ping|download|background)$/.test(name);
                const isStyle = name === 'style' && !/^text-align: ?(left|right|center);?$/.test(value);
                if (!isOurs || isStyle) found.push(`${node.nodeName} ${name}=${value.slice(0, 100)}`);
            }
            if (node.nodeName === 'A' && node.hasAttribute('href')) {
                const isSafe = /^(https?|mailto):/.test(node.getAttribute('href')) && node.target === '_blank'
                    && /noopener/.test(node.rel) && /noreferrer/.test(node.rel);
                if (!isSafe) found.push(node.outerHTML.slice(0, 200));
            }
        }
    }
    return found;
}"""
CLICK_ALL = """([places, listener]) => {
    let clicks = 0, tabs = 0;
    for (const place of document.querySelectorAll(places)) {
        for (const node of [place, ...place.querySelectorAll('*')]) {
            if (node.closest('button:not(.copy), .bar')) continue;  // what the page itself offers
            const where = node.closest('a')?.getAttribute('href') ?? '';
            if (where.startsWith(listener)) continue;  // that is where a link leads which a person follows
            if (/^http/.test(where) && ++tabs > 2) continue;
            for (const kind of ['pointerdown', 'mouseover', 'mouseenter', 'focus', 'click']) {
                node.dispatchEvent(new MouseEvent(kind, { bubbles: true, cancelable: true, view: window }));
            }
            clicks += 1;
        }
    }
    return clicks;
}"""


@dataclass
class Tale:
    """What the browser did while it was shown everything."""

    left: list[str] = field(default_factory=list[str])
    dialogs: list[str] = field(default_factory=list[str])


@pytest.fixture(scope="module")
def app(provider: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    workspace = tmp_path_factory.mktemp("workspace")
    (workspace / "evil.txt").write_text("\n".join(corpus.payloads("http://evil.example")))
    settings = {"AETHER_TOOLS": "read", "AETHER_WORKSPACE": str(workspace), "AETHER_LOG_LEVEL": "INFO"}
    text = providers(provider.url).replace("custom_models = true", "custom_models = true\ndiscover = true")
    with shared(provider, tmp_path_factory.mktemp("app"), providers=text, **settings) as process:
        yield process


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    """A service whose list of models is hostile as well."""
    with ScriptedProvider(models=("echo-small", *corpus.SCRIPTS[4:8])) as server:
        yield server


@pytest.fixture(scope="module")
def listener() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


@pytest.fixture(scope="module")
def context(browser: Browser, app: AppProcess) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    yield made
    made.close()


@pytest.fixture(scope="module")
def tale(context: BrowserContext, app: AppProcess) -> Tale:
    """Hold what would leave, and note it: all but a new tab that a click opens."""
    told = Tale()

    def guard(route: Route, request: Request) -> None:
        if request.url.startswith((app.url, "data:", "blob:")):
            route.continue_()
            return
        if not (request.is_navigation_request() and in_a_new_tab(request, context)):
            told.left.append(request.url)
        route.abort()

    context.route("**/*", guard)
    return told


def in_a_new_tab(request: Request, context: BrowserContext) -> bool:
    try:
        return request.frame.page != context.pages[0]
    except Error:  # the tab is so new that it has no frame yet
        return True


@pytest.fixture(scope="module")
def page(context: BrowserContext, tale: Tale, app: AppProcess) -> Page:
    opened = context.new_page()
    opened.on("dialog", lambda dialog: (tale.dialogs.append(dialog.message), dialog.dismiss()))
    opened.goto(f"{app.url}/?token={TOKEN}")
    expect(opened.locator("#active-model")).to_have_text("chat/echo-small")
    return opened


def harmless(page: Page, tale: Tale, listener: Canary) -> None:
    """See that nothing ran, nothing left, and that what others wrote is text, links and code."""
    assert page.evaluate("() => window.pwned") is None
    assert tale.dialogs == []
    assert tale.left == []
    assert listener.hits == []
    assert page.evaluate(FINDINGS, [FOREIGN, ALLOWED.split()]) == []


def test_cases_26_27_and_28_whatever_is_written_is_shown_and_does_nothing(
    page: Page, tale: Tale, provider: ScriptedProvider, listener: Canary
) -> None:
    every = corpus.payloads(listener.url)
    whole = "\n\n".join(every)
    few = "\n\n".join(every[::7])
    calls = (
        Call(name="read_file", arguments='{"path": "evil.txt"}'),
        Call(name="search_text", arguments=json.dumps({"query": every[60]})),
        Call(name="no_such_tool", arguments=json.dumps({few[:200]: few[:1_500]})),
    )
    provider.script(
        "echo-small",
        [
            Reply(text=whole, model=f'<img src=x onerror="{corpus.RUN}">'),
            Reply(reasoning=few, text="Thought.", calls=calls),
            Reply(text="Used."),
            Reply(refusal=few[:3_000]),
            Reply(status=400, body={"error": {"message": few[:3_000], "type": corpus.SCRIPTS[4], "code": None}}),
        ],
    )
    for message in (every[5], few[:3_000], corpus.SCRIPTS[6]):
        ask(page, message)
    page.locator("#composer textarea").fill(corpus.SPOOFS[0])
    page.locator("#composer textarea").press("Enter")
    expect(page.locator(".notice.error")).to_have_count(1)
    harmless(page, tale, listener)
    expect(page.locator("#chat")).to_contain_text("<form>Your session has ended. Enter your API key")
    assert page.locator("#chat form, #chat input, #chat iframe, #chat img:not(.thumb), #chat svg a").count() == 0
    assert corpus.RUN not in page.title()
    page.locator("#inspect").click()
    expect(page.locator("#inspector .record").first).to_be_visible()
    harmless(page, tale, listener)


def test_case_26_a_hostile_file_name_and_list_of_models(page: Page, tale: Tale, listener: Canary) -> None:
    name = f"<img src=x onerror={corpus.RUN}>.txt"
    chooser = page.locator("#place-composer-start input[type=file]")
    chooser.set_input_files({"name": name, "mimeType": "text/html", "buffer": b"<script>window.pwned=1</script>"})
    expect(page.locator("#attached .chip")).to_have_count(1)
    ask(page, "a file")
    page.locator("#model input").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.locator("[role=option] img, [role=option] svg[onload]").count() == 0
    page.keyboard.press("Escape")
    harmless(page, tale, listener)


def test_cases_26_and_27_a_click_on_everything_runs_nothing(page: Page, tale: Tale, listener: Canary) -> None:
    assert page.evaluate(CLICK_ALL, [FOREIGN, listener.url]) > 500
    harmless(page, tale, listener)
    assert page.url.startswith("http://127.0.0.1")
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")


def test_case_29_a_payload_that_comes_in_pieces(
    page: Page, tale: Tale, provider: ScriptedProvider, listener: Canary
) -> None:
    """Each character comes by itself; a watch in the page looks at every state that is painted."""
    text = "\n\n".join(p.replace("{to}", listener.url) for p in (*corpus.SCRIPTS[::6], *corpus.BEACONS[::7]))
    page.evaluate(
        """allowed => {
            window.strange = [];
            new MutationObserver(changes => {
                for (const change of changes) for (const node of change.addedNodes) {
                    if (node.nodeType !== 1) continue;
                    for (const one of [node, ...node.querySelectorAll('*')]) {
                        const isOdd = one.closest('.prose') && !allowed.includes(one.nodeName.toUpperCase());
                        const handles = [...one.attributes].some(({ name }) => name.startsWith('on'));
                        if (isOdd || handles) window.strange.push(one.outerHTML.slice(0, 200));
                    }
                }
            }).observe(document.querySelector('#live'), { childList: true, subtree: true, attributes: true });
        }""",
        ALLOWED.split(),
    )
    provider.script("echo-small", [Reply(tokens=tuple(text), rate_per_s=500)])
    ask(page, "in pieces")
    assert page.evaluate("() => window.strange") == []
    harmless(page, tale, listener)


def test_case_26_the_policy_holds_by_itself(page: Page, listener: Canary, tale: Tale) -> None:
    """The second wall: were all of it markup, still nothing would run and nothing would reach the listener."""
    page.context.unroute_all()
    policy = page.request.get(page.url).headers["content-security-policy"]
    assert "form-action 'self'" in policy and "base-uri 'self'" in policy and "object-src 'none'" in policy
    page.evaluate(
        """payloads => {
            const box = document.createElement('div');
            document.body.append(box);
            for (const payload of payloads) {
                const one = document.createElement('div');
                one.innerHTML = payload;
                box.append(one);
            }
            for (const node of box.querySelectorAll('*')) {
                if (/^http/.test(node.href?.baseVal ?? node.href ?? '')) continue;
                node.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, view: window }));
            }
        }""",
        corpus.of_markup(listener.url),
    )
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 300)))")
    assert page.evaluate("() => window.pwned") is None
    assert tale.dialogs == []
    assert not any(listener.hits), "somebody was asked"  # a connection on which nothing is said is the browser's own


STORED = """async () => {
    const held = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie];
    for (const { name } of await indexedDB.databases()) {
        const db = await new Promise((done, failed) => {
            const open = indexedDB.open(name);
            open.onsuccess = () => done(open.result);
            open.onerror = () => failed(open.error);
        });
        for (const store of db.objectStoreNames) {
            const all = db.transaction(store).objectStore(store).getAll();
            held.push(JSON.stringify(await new Promise(done => { all.onsuccess = () => done(all.result); })));
        }
    }
    for (const name of await caches.keys()) held.push(name);
    return held;
}"""


def test_case_04_a_browser_keeps_no_key_and_no_history(browser: Browser, app: AppProcess) -> None:
    context: Any = browser.new_context()
    page = context.new_page()
    page.goto(f"{app.url}/?token={TOKEN}")
    expect(page.locator("#active-model")).to_have_text("chat/echo-small")
    assert page.url == f"{app.url}/"
    status = page.evaluate(
        """key => fetch('api/key', { method: 'POST', headers: { 'Content-Type': 'application/json' },
                   body: JSON.stringify({ provider: 'chat', key }) }).then(answer => answer.status)""",
        OWN_KEY,
    )
    assert status == 204
    ask(page, "a pelican that nobody keeps")
    held = page.evaluate(STORED)
    assert not any(canary in text for text in held for canary in CANARIES)
    assert not any("pelican" in text or "run-history" in text for text in held)
    assert not any(canary in page.content() for canary in CANARIES)
    until(lambda: page.evaluate("() => document.readyState") == "complete")
    context.close()
