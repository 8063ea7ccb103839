"""Record what ComfyUI's own editor exports: pairs of an editor graph and the API graph that the same page made of it.

``python -m tests.unit.graphs.record_editor --url http://127.0.0.1:8188`` needs a running ComfyUI (any), and Chromium.
Each case below builds a graph in the page, saves and reloads it, and asks the page for "Export (API)". The pairs go to
``editor_pairs/<front end version>/<case>.json``, next to the node types they use. Run it again for a new front end;
`test_editor.py` then holds the converter against it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

from shared.graphs.snapshot import snapshot

FOLDER = Path(__file__).parent / "editor_pairs"

#: What every case can use: N makes a node and sets its widgets, C connects an output to a named input.
PRELUDE = """
const add = n => { (app.canvas.graph ?? app.graph).add(n); return n }
const N = (type, title, values = {}) => {
  const n = add(LiteGraph.createNode(type))
  if (title) n.title = title
  for (const [name, value] of Object.entries(values)) n.widgets.find(w => w.name === name).value = value
  return n
}
const C = (from, slot, to, name) => from.connect(slot, to, to.inputs.findIndex(i => i.name === name))
const sampler = (parts = {}) => {
  const model = parts.model ?? N('CheckpointLoaderSimple', null, {ckpt_name: 'sd_xl_base_1.0.safetensors'})
  const positive = N('CLIPTextEncode', '提示词', {text: '杭州西湖的清晨，薄雾'})
  const negative = N('CLIPTextEncode', '负面提示词', {text: 'text, watermark'})
  const latent = N('EmptyLatentImage', null, {width: 768, height: 960})
  const k = N('KSampler', null, {seed: 618106889, steps: 25, cfg: 6.5, sampler_name: 'dpmpp_2m', scheduler: 'karras'})
  const decode = N('VAEDecode'), save = N('SaveImage', '保存图片', {filename_prefix: 'tripcanvas/picture'})
  C(model, 1, positive, 'clip'); C(model, 1, negative, 'clip'); C(model, 2, decode, 'vae')
  C(model, 0, k, 'model'); C(positive, 0, k, 'positive'); C(negative, 0, k, 'negative'); C(latent, 0, k, 'latent_image')
  C(k, 0, decode, 'samples'); C(decode, 0, save, 'images')
  return {model, positive, negative, latent, k, decode, save}
}
const picture = name => N('LoadImage', null, {image: name})
const saved = (from, slot = 0) => { const s = N('SaveImage'); C(from, slot, s, 'images'); return s }
"""

CASES: dict[str, str] = {
    "text_to_image": "sampler()",
    "image_upload": """
        const a = picture('风景.png'), b = picture('car.png')
        const m = N('LoadImageMask', null, {image: 'car.png', channel: 'alpha'})
        const c = N('ImageCompositeMasked', '合成', {x: 10, y: 20, resize_source: true})
        C(a, 0, c, 'destination'); C(b, 0, c, 'source'); C(m, 0, c, 'mask'); saved(c)""",
    "primitive_to_two_nodes": """
        const p = N('PrimitiveNode', '宽'), a = N('EmptyLatentImage'), b = N('EmptyImage', null, {color: 255})
        C(p, 0, a, 'width'); C(p, 0, b, 'width'); p.widgets[0].value = 640
        const v = N('CheckpointLoaderSimple', null, {ckpt_name: 'a.safetensors'}), d = N('VAEDecode')
        C(a, 0, d, 'samples'); C(v, 2, d, 'vae'); saved(d); saved(b)""",
    "primitive_off_the_step": """
        const p = N('PrimitiveNode'), i = N('ImageScaleBy', null, {upscale_method: 'area'}), q = N('PrimitiveNode')
        C(p, 0, i, 'scale_by'); p.widgets[0].value = 1.23456
        const l = N('EmptyLatentImage'); C(q, 0, l, 'height'); q.widgets[0].value = 517
        const v = N('CheckpointLoaderSimple', null, {ckpt_name: 'a.safetensors'}), d = N('VAEDecode')
        C(l, 0, d, 'samples'); C(v, 2, d, 'vae'); C(d, 0, i, 'image'); saved(i)""",
    "primitive_of_a_choice": """
        const s = sampler(), p = N('PrimitiveNode'), t = N('PrimitiveNode')
        C(p, 0, s.k, 'sampler_name'); p.widgets[0].value = 'uni_pc'
        C(t, 0, s.positive, 'text'); t.widgets[0].value = '长城'""",
    "reroutes": """
        const a = picture('a.png'), r = N('Reroute'), q = N('Reroute')
        a.connect(0, r, 0); r.connect(0, q, 0)
        const s = N('ImageScaleBy', null, {upscale_method: 'area', scale_by: 0.5})
        q.connect(0, s, 0); saved(s); r.connect(0, N('PreviewImage'), 0)""",
    "notes_and_groups": """
        const s = saved(picture('a.png')); s.title = '输出'
        N('Note', null, {text: '给设计师'}); N('MarkdownNote', null, {text: '# 说明'})
        const g = new LiteGraph.LGraphGroup('风景'); app.graph.add(g)""",
    "muted": """
        const s = sampler(), scale = N('ImageScaleBy'); C(s.decode, 0, scale, 'image'); const kept = saved(scale)
        scale.mode = 2
        const text = N('PrimitiveString', null, {value: '夜'}); C(text, 0, s.positive, 'text'); text.mode = 2""",
    "bypassed": """
        const lora = N('LoraLoader', '画风', {lora_name: '旅行画风.safetensors', strength_model: 0.8})
        const s = sampler(); C(s.model, 0, lora, 'model'); C(s.model, 1, lora, 'clip')
        C(lora, 0, s.k, 'model'); C(lora, 1, s.positive, 'clip'); lora.mode = 4
        const scale = N('ImageScaleBy'); C(s.decode, 0, scale, 'image'); C(scale, 0, s.save, 'images'); scale.mode = 4""",
    "bypassed_without_match": """
        const m = N('SolidMask', '遮罩', {width: 64, height: 64}), i = N('MaskToImage'); C(m, 0, i, 'mask'); i.mode = 4
        const c = N('ImageCompositeMasked', '合成'), a = picture('a.png'); C(a, 0, c, 'destination'); C(i, 0, c, 'source')
        saved(c)""",
    "bypassed_text_node": """
        const a = N('PrimitiveString', null, {value: '晨'}), b = N('PrimitiveString', null, {value: '雾'})
        const j = N('StringConcatenate', null, {delimiter: '，', string_a: '一', string_b: '二'})
        C(a, 0, j, 'string_b'); j.mode = 4; C(b, 0, j, 'delimiter')
        const s = sampler(); C(j, 0, s.positive, 'text')""",
    "linked_widgets": """
        const s = sampler(), w = N('PrimitiveInt', '宽', {value: 832}), t = N('PrimitiveStringMultiline')
        t.widgets[0].value = '第一行\\n第二行'; C(w, 0, s.latent, 'width'); C(t, 0, s.positive, 'text')
        const f = N('PrimitiveFloat', null, {value: 0.35}); C(f, 0, s.k, 'denoise')""",
    "control_widgets": """
        const s = sampler(), a = N('KSamplerAdvanced', null, {noise_seed: 42, add_noise: 'disable', end_at_step: 12})
        C(s.model, 0, a, 'model'); C(s.positive, 0, a, 'positive'); C(s.negative, 0, a, 'negative')
        C(s.k, 0, a, 'latent_image'); C(a, 0, s.decode, 'samples')
        a.widgets.find(w => w.name === 'control_after_generate').value = 'increment'""",
    "comments_in_a_prompt": """
        const s = sampler()
        s.positive.widgets[0].value = '湖 // 一条注释\\n山 /* 另\\n一条 */ 与 \\\\{云\\\\} {只有一个}'""",
    "names_in_a_prefix": """
        const s = sampler(); s.latent.title = '画布'
        s.save.widgets[0].value = '%KSampler.seed%/%画布.width%x%画布.height%_%CheckpointLoaderSimple.ckpt_name%_%year%_%无.x%'""",
    "preview_any": """
        const a = N('PrimitiveString', null, {value: '一'}), p = N('PreviewAny', '图片地址'); a.connect(0, p, 0)""",
    "subgraph": """
        const s = sampler(); app.graph.convertToSubgraph(new Set([s.k, s.decode]))""",
    "subgraph_twice_with_own_values": """
        const a = picture('a.png'), x = N('ImageScaleBy', null, {upscale_method: 'area', scale_by: 0.5})
        C(a, 0, x, 'image'); const out = saved(x)
        const r = app.graph.convertToSubgraph(new Set([x])), sub = r.subgraph, node = r.node
        const slot = sub.addInput('倍数', 'FLOAT'), inner = sub.nodes[0]
        slot.connect(inner.inputs.find(i => i.name === 'scale_by'), inner)
        const second = LiteGraph.createNode(sub.id); app.graph.add(second)
        a.connect(0, second, 0); second.connect(0, N('PreviewImage'), 0)
        node.widgets[0].value = 0.75; second.widgets[0].value = 2""",
    "subgraph_in_a_subgraph": """
        const s = sampler(), lora = N('LoraLoaderModelOnly', '画风', {lora_name: '旅行画风.safetensors', strength_model: 0.6})
        C(s.model, 0, lora, 'model'); C(lora, 0, s.k, 'model')
        const r = app.graph.convertToSubgraph(new Set([s.k, lora]))
        app.graph.convertToSubgraph(new Set([r.node, s.decode]))""",
    "subgraph_bypassed": """
        const a = picture('a.png'), x = N('ImageScaleBy'), y = N('ImageInvert')
        C(a, 0, x, 'image'); x.connect(0, y, 0); saved(y)
        const r = app.graph.convertToSubgraph(new Set([x, y])); r.node.mode = 4
        for (const n of r.subgraph.nodes) n.mode = 4""",
    "subgraph_muted": """
        const a = picture('a.png'), x = N('ImageScaleBy'), y = N('ImageInvert')
        C(a, 0, x, 'image'); x.connect(0, y, 0); saved(y); saved(a)
        const r = app.graph.convertToSubgraph(new Set([x, y])); r.node.mode = 2
        for (const n of r.subgraph.nodes) n.mode = 2""",
    "subgraph_instance_only_muted": """
        const a = picture('a.png'), x = N('ImageScaleBy'), y = N('ImageInvert')
        C(a, 0, x, 'image'); x.connect(0, y, 0); saved(y)
        const r = app.graph.convertToSubgraph(new Set([x, y])); r.node.mode = 2""",
    "subgraph_fed_by_a_primitive": """
        const a = picture('a.png'), x = N('ImageScaleBy', null, {upscale_method: 'area', scale_by: 0.5})
        C(a, 0, x, 'image'); saved(x)
        const r = app.graph.convertToSubgraph(new Set([x])), inner = r.subgraph.nodes[0]
        r.subgraph.addInput('倍数', 'FLOAT').connect(inner.inputs.find(i => i.name === 'scale_by'), inner)
        const p = N('PrimitiveNode'); C(p, 0, r.node, '倍数'); if (p.widgets?.length) p.widgets[0].value = 1.5""",
    "subgraph_fed_by_a_node": """
        const a = picture('a.png'), x = N('ImageScaleBy', null, {upscale_method: 'area', scale_by: 0.5})
        C(a, 0, x, 'image'); saved(x)
        const r = app.graph.convertToSubgraph(new Set([x])), inner = r.subgraph.nodes[0]
        r.subgraph.addInput('倍数', 'FLOAT').connect(inner.inputs.find(i => i.name === 'scale_by'), inner)
        C(N('PrimitiveFloat', null, {value: 3}), 0, r.node, '倍数')""",
    "primitive_in_a_subgraph": """
        const a = picture('a.png'), x = N('ImageScaleBy', null, {upscale_method: 'area'}), p = N('PrimitiveNode')
        C(a, 0, x, 'image'); C(p, 0, x, 'scale_by'); p.widgets[0].value = 0.25; const r = N('Reroute')
        x.connect(0, r, 0); saved(r); app.graph.convertToSubgraph(new Set([x, p, r]))""",
    "choices_with_inputs": """
        const a = picture('a.png'), b = picture('b.png'), r = N('ResizeImageMaskNode'), g = N('BatchImagesNode')
        r.widgets[0].value = 'scale by multiplier'
        r.widgets.find(w => w.name.endsWith('multiplier')).value = 2.5
        r.widgets.find(w => w.name === 'scale_method').value = 'lanczos'
        a.connect(0, r, 0); r.connect(0, g, 0); b.connect(0, g, 1); saved(g)""",
}

#: Cases that are kept in another form than "Export": as the editor saves, or in the schema with named link fields.
FORMS = {"linked_widgets": "saved", "subgraph": "saved", "bypassed": "schema_1", "subgraph_in_a_subgraph": "schema_1"}


def _text_to_image(widgets: list[list[Any]]) -> dict[str, Any]:
    """A graph as editors before subgraphs wrote it: few fields, converted widgets as inputs at the end."""
    types = ["CheckpointLoaderSimple", "CLIPTextEncode", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode"]
    links = [
        [1, 1, 0, 5, 0, "MODEL"],
        [2, 1, 1, 2, 0, "CLIP"],
        [3, 1, 1, 3, 0, "CLIP"],
        [4, 2, 0, 5, 1, "CONDITIONING"],
    ]
    links += [[5, 3, 0, 5, 2, "CONDITIONING"], [6, 4, 0, 5, 3, "LATENT"], [7, 5, 0, 6, 0, "LATENT"]]
    links += [[8, 1, 2, 6, 1, "VAE"], [9, 6, 0, 7, 0, "IMAGE"], [10, 8, 0, 5, 4, "INT"]]
    names = {5: ["model", "positive", "negative", "latent_image", "seed"], 6: ["samples", "vae"], 7: ["images"]}
    nodes: list[dict[str, Any]] = []
    for number, (kind, values) in enumerate(zip([*types, "SaveImage", "PrimitiveNode"], widgets, strict=True), 1):
        inputs = [
            {"name": names.get(number, ["clip"])[link[4]], "type": link[5], "link": link[0]}
            for link in links
            if link[3] == number
        ]
        inputs.sort(key=lambda slot, number=number: names.get(number, ["clip"]).index(slot["name"]))
        if number == 5:
            inputs[4]["widget"] = {"name": "seed", "config": ["INT", {"default": 0, "min": 0}]}
        outputs: dict[int, dict[str, Any]] = {}
        for link in links:
            if link[1] == number:
                outputs.setdefault(link[2], {"name": link[5], "type": link[5], "links": []})["links"].append(link[0])
        node = {
            "id": number,
            "type": kind,
            "pos": {"0": 100 * number, "1": 100},
            "size": [200, 100],
            "flags": {},
            "mode": 0,
        }
        node |= {"order": number, "inputs": inputs, "outputs": [outputs[slot] for slot in sorted(outputs)]}
        nodes.append(node | {"properties": {}, "widgets_values": values})
    return {
        "last_node_id": 8,
        "last_link_id": 10,
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


_PROMPTS: list[list[Any]] = [["a.safetensors"], ["长城"], ["text"], [512, 512, 1]]

#: Files of old editors: loaded as they are, so that the pair's editor side is what an old editor had written.
OLD: dict[str, dict[str, Any]] = {
    "old_converted_seed": _text_to_image(
        [*_PROMPTS, [5, "randomize", 20, 8, "euler", "normal", 1], [], ["ComfyUI"], [77, "fixed"]]
    ),
    "old_boolean_control": _text_to_image(
        [*_PROMPTS, [5, True, 20, 8, "euler", "normal", 1], [], ["ComfyUI"], [78, False]]
    ),
    "old_values_missing": _text_to_image([*_PROMPTS[:3], [640], [5, "fixed", 12], [], [], [79, "fixed"]]),
}


def record(page: Page, script: str, form: str) -> tuple[Any, Any]:
    """Build a graph in the page; its editor form, and what the page exports for the API once it is loaded again."""
    made = page.evaluate(
        "async () => {" + PRELUDE + "await app.loadGraphData({nodes: [], links: [], version: 0.4});"
        "{" + script + "}"
        "const forms = {exported: async () => (await app.graphToPrompt()).workflow,"
        " saved: async () => app.graph.serialize(), schema_1: async () => app.graph.asSerialisable()};"
        "const plain = JSON.stringify(await forms['" + form + "']());"
        "await app.loadGraphData(JSON.parse(plain));"
        "await new Promise(done => setTimeout(done, 100));"
        "return [plain, JSON.stringify((await app.graphToPrompt()).output)] }"
    )
    return json.loads(made[0]), json.loads(made[1])


def record_old(page: Page, editor: dict[str, Any]) -> Any:
    """What the page exports for the API after it has loaded an old file."""
    text = page.evaluate(
        "async text => { await app.loadGraphData(JSON.parse(text));"
        "await new Promise(done => setTimeout(done, 100));"
        "return JSON.stringify((await app.graphToPrompt()).output) }",
        json.dumps(editor),
    )
    return json.loads(text)


def main() -> None:
    """Record every case whose nodes the server has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    url = parser.parse_args().url.rstrip("/")
    with urllib.request.urlopen(f"{url}/object_info") as answer:
        known = json.loads(answer.read())
    used: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(locale="en-US")
        page.goto(url)
        page.wait_for_function("window.app && window.app.graph && window.app.vueAppReady", timeout=120_000)
        version = page.evaluate("async () => (await app.graphToPrompt()).workflow.extra.frontendVersion")
        place = FOLDER / version
        place.mkdir(parents=True, exist_ok=True)
        for name, script in CASES.items():
            if name == "choices_with_inputs" and "BatchImagesNode" not in known:
                continue
            form = FORMS.get(name, "exported")
            try:
                editor, api = record(page, script, form)
            except Error as error:
                print(f"{name}: this front end can't: {str(error).splitlines()[0]}")  # noqa: T201
                continue
            used |= _write(place / f"{name}.json", editor, api, known)
        for name, editor in OLD.items():
            used |= _write(place / f"{name}.json", editor, record_old(page, editor), known)
        browser.close()
    (place / "object_info.json").write_bytes(snapshot(known, used))


def _write(path: Path, editor: Any, api: Any, known: dict[str, Any]) -> set[str]:
    path.write_text(json.dumps({"editor": editor, "api": api}, ensure_ascii=False) + "\n", "utf-8")
    graphs = [editor, *(editor.get("definitions") or {}).get("subgraphs", [])]
    return {node["type"] for graph in graphs for node in graph["nodes"] if node["type"] in known}


if __name__ == "__main__":
    main()
