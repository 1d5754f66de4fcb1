// Panels side by side that show the same points: a class is chosen, points are brushed, one is picked in all of them.
// data: see pages/components/scatter/component.py. States sent back: "picked" (an id or null), "shown" (classes, [] for all),
// "placed" ([x, y, count]).

import { clamped, colour, decode } from "./geometry.js";
import { Panel } from "./panel.js";

const instances = new WeakMap();
const sheets = (globalThis.aecoreSheets ??= new Map());
const HINT = "Drag over points in one panel: they light up in the other. Click a point to look at it.";

class Scatter {
  constructor(parent) {
    this.root = parent.querySelector(".scatter");
    for (const part of ["legend", "tools", "panels", "status", "tip"]) this[part] = parent.querySelector(`.${part}`);
    this.host = parent.host ?? parent;
    this.panels_ = [];
    this.shown = new Set();
    Object.assign(this, { picked: -1, hovered: -1, lit: null, tool: "brush", drag: null, mark: null, sent: 0 });
    for (const button of this.tools.querySelectorAll("button")) button.onclick = () => this.press(button.value);
    this.version = 0;
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.panels);
    this.heard = () => this.redraw();
    window.addEventListener("aecore-sheet", this.heard);
  }

  close() {
    this.observer.disconnect();
    window.removeEventListener("aecore-sheet", this.heard);
  }

  take(component) {
    const { data } = component, first = !this.data;
    this.component = component;
    if (first || data.version !== this.data.version) {
      this.ids = new Int32Array(decode(data.ids));
      this.labels = new Uint8Array(decode(data.labels));
      this.rows = new Map([...this.ids].map((id, row) => [id, row]));
      Object.assign(this, { hovered: -1, lit: null });
      this.arrange(data.panels);
    }
    if (first) this.shown = new Set(data.shown);
    if (first || data.picked !== this.data.picked || data.version !== this.data.version) {
      this.picked = this.rows.get(data.picked) ?? -1;
    }
    if (!this.drag && (first || data.seen >= this.sent)) this.mark = data.mark;
    if (first) this.sent = data.seen;
    this.data = data;
    this.legend_();
    this.tools.hidden = data.place;
    this.waiting = this.waiting && data.seen < this.sent;
    if (this.pending && !this.waiting) this.place(...this.pending);
    this.refresh();
  }

  arrange(panels) {
    while (this.panels.children.length > panels.length) this.panels.lastChild.remove();
    this.panels_.length = Math.min(this.panels_.length, panels.length);
    panels.forEach((given, k) => {
      if (!this.panels_[k]) {
        const figure = document.createElement("figure");
        figure.append(document.createElement("figcaption"), document.createElement("canvas"));
        this.panels.append(figure);
        this.panels_[k] = new Panel(figure.lastChild);
        this.listen(this.panels_[k]);
      }
      const panel = this.panels_[k];
      panel.take({ ...given, coords: new Float32Array(decode(given.coords)) });
      panel.canvas.previousSibling.textContent = given.title;
      panel.canvas.setAttribute("aria-label", given.alt);
      panel.canvas.setAttribute("role", "img");
      panel.canvas.tabIndex = 0;
    });
  }

  legend_() {
    const { classes } = this.data, all = this.shown.size === 0;
    if (this.legend.children.length !== classes.length + 1) {
      this.legend.replaceChildren(...["all", ...classes].map((name, k) => {
        const button = document.createElement("button"), dot = document.createElement("i");
        button.append(...(k ? [dot, name] : [name]));
        button.onclick = () => this.filter(k - 1);
        return button;
      }));
    }
    const palette = this.palette();
    [...this.legend.children].forEach((button, k) => {
      button.setAttribute("aria-pressed", k ? all || this.shown.has(k - 1) : all);
      if (k) button.firstChild.style.background = colour(palette, k - 1);
    });
  }

  filter(kind) {
    if (kind < 0) this.shown.clear();
    else if (this.shown.has(kind)) this.shown.delete(kind);
    else this.shown.add(kind);
    if (this.shown.size === this.data.classes.length) this.shown.clear();
    this.hovered = -1;
    this.component.setStateValue("shown", [...this.shown].sort((a, b) => a - b));
    this.legend_();
    this.refresh();
  }

  press(name) {
    if (name === "reset") {
      for (const panel of this.panels_) panel.reset();
      this.lit = null;
    } else this.tool = name;
    this.refresh();
  }

  pick(row) {
    this.picked = row === this.picked ? -1 : row;
    this.component.setStateValue("picked", this.picked < 0 ? null : this.ids[this.picked]);
    this.redraw();
  }

  // Tells where the visitor points; while an answer is awaited only the last place is kept.
  place(x, y) {
    this.mark = [x, y];
    this.pending = null;
    if (this.waiting) this.pending = [x, y];
    else {
      this.waiting = true;
      this.component.setStateValue("placed", [x, y, ++this.sent]);
    }
    this.redraw();
  }

  listen(panel) {
    const { canvas } = panel;
    const at = (event) => [event.offsetX, event.offsetY];
    canvas.onpointerdown = (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { panel, from: at(event), last: at(event), moved: false };
      if (this.data.place) this.place(...this.clamped(panel, ...at(event)));
    };
    canvas.onpointermove = (event) => {
      const here = at(event), { drag } = this;
      if (!drag) return this.data.place ? undefined : this.hover(panel, panel.hit(...here, this.visible), here);
      drag.moved ||= Math.hypot(here[0] - drag.from[0], here[1] - drag.from[1]) > 4;
      if (this.data.place) return this.place(...this.clamped(panel, ...here));
      if (!drag.moved) return undefined;
      this.hover(panel, -1);
      if (this.tool === "move") panel.move(here[0] - drag.last[0], here[1] - drag.last[1]);
      else this.brush(panel, drag.from, here);
      drag.last = here;
      return this.refresh();
    };
    canvas.onpointerup = (event) => {
      const { drag } = this;
      this.drag = null;
      if (!drag || this.data.place) return;
      if (!drag.moved) {
        const row = panel.hit(...at(event), this.visible);
        if (row >= 0) this.pick(row);
        else this.lit = null;
      }
      this.refresh();
    };
    canvas.onpointercancel = () => { this.drag = null; this.refresh(); };
    canvas.onpointerleave = () => this.hover(panel, -1);
    canvas.ondblclick = () => { if (!this.data.place) { panel.reset(); this.refresh(); } };
    canvas.onwheel = (event) => {
      if (this.tool !== "move" || this.data.place) return; // the page scrolls
      event.preventDefault();
      panel.zoom(...at(event), event.deltaY > 0 ? 1.15 : 1 / 1.15);
      this.refresh();
    };
    canvas.onblur = () => this.hover(panel, -1);
    canvas.onkeydown = (event) => { if (this.key(panel, event)) event.preventDefault(); };
  }

  clamped(panel, px, py) {
    return panel.toData(...clamped(panel.box, px, py));
  }

  brush(panel, [ax, ay], [bx, by]) {
    const [x, y, w, h] = [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];
    this.drag.rect = [x, y, w, h];
    this.lit = new Uint8Array(this.labels.length);
    for (let k = 0; k < this.lit.length; k++) {
      const [px, py] = [panel.at.x[k], panel.at.y[k]];
      this.lit[k] = this.visible[k] && px >= x && px <= x + w && py >= y && py <= y + h ? 1 : 0;
    }
  }

  key(panel, event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const middle = [panel.box.x + panel.box.w / 2, panel.box.y + panel.box.h / 2];
    if (this.data.place) {
      if (!way || !this.mark) return false;
      const [x, y] = panel.toScreen(...this.mark);
      this.place(...this.clamped(panel, x + 8 * way[0], y + 8 * way[1]));
      return true;
    }
    if (way && !event.shiftKey) {
      this.hover(panel, this.beside(panel, way));
      return true;
    }
    if (way) panel.move(15 * way[0], 15 * way[1]);
    else if (event.key === "Enter" || event.key === " ") { if (this.hovered >= 0) this.pick(this.hovered); }
    else if (event.key === "Escape") { this.lit = null; this.hover(panel, -1); }
    else if (event.key === "+" || event.key === "-") panel.zoom(...middle, event.key === "+" ? 1 / 1.3 : 1.3);
    else if (event.key === "0") panel.reset();
    else return false;
    this.refresh();
    return true;
  }

  // The nearest point on one side of the one looked at, or the one in the middle.
  beside(panel, [dx, dy]) {
    const { x, y } = panel.at, from = this.hovered >= 0 ? this.hovered : this.picked;
    const start = from >= 0 ? [x[from], y[from]] : [panel.box.x + panel.box.w / 2, panel.box.y + panel.box.h / 2];
    let best = from, least = Infinity;
    for (let k = 0; k < this.labels.length; k++) {
      if (!this.visible[k] || !panel.inside(k) || k === from) continue;
      const [ax, ay] = [x[k] - start[0], y[k] - start[1]], along = ax * dx + ay * dy;
      const cost = Math.abs(ax) + Math.abs(ay) + 2 * Math.abs(ax * dy - ay * dx);
      if ((from < 0 || along > 0) && cost < least) [best, least] = [k, cost];
    }
    return best;
  }

  hover(panel, row) {
    const { tip } = this;
    if (row === this.hovered && tip.hidden === row < 0) return;
    this.hovered = row;
    tip.hidden = row < 0;
    if (row >= 0) {
      const [canvas, words] = tip.children, sheet = this.sheet(), name = this.data.classes[this.labels[row]];
      tip.dataset.position = this.ids[row];
      canvas.hidden = !sheet;
      if (sheet) sheet.paint(canvas.getContext("2d"), row, 0, 0, canvas.width);
      words.textContent = `${name} · image ${this.ids[row]}${this.data.drawn ? ", as the model draws it" : ""}`;
      tip.setAttribute("aria-label", words.textContent);
      const [own, outer] = [panel.canvas.getBoundingClientRect(), this.root.getBoundingClientRect()];
      const [x, y] = [own.left - outer.left + panel.at.x[row], own.top - outer.top + panel.at.y[row]];
      tip.style.left = `${Math.max(0, Math.min(outer.width - tip.offsetWidth, x + 14))}px`;
      tip.style.top = `${y - tip.offsetHeight - 10 < 0 ? y + 14 : y - tip.offsetHeight - 10}px`;
    }
    this.redraw();
  }

  sheet() {
    const found = sheets.get(this.data.sheet);
    return found?.ready ? found : null;
  }

  palette() {
    return getComputedStyle(this.host).getPropertyValue("--st-chart-categorical-colors").split(",").map((c) => c.trim());
  }

  get visible() {
    const { shown, labels } = this;
    if (this.mask?.labels !== labels || this.mask.key !== [...shown].join()) {
      this.mask = Uint8Array.from(labels, (kind) => (shown.size === 0 || shown.has(kind) ? 1 : 0));
      Object.assign(this.mask, { labels, key: [...shown].join() });
    }
    return this.mask;
  }

  refresh() {
    const { data } = this;
    this.version++;
    for (const button of this.tools.querySelectorAll("button")) {
      if (button.value !== "reset") button.setAttribute("aria-pressed", button.value === this.tool);
    }
    this.panels.classList.toggle("moving", this.tool === "move");
    this.panels.classList.toggle("placing", data.place);
    this.redraw();
  }

  // Says what is brushed, and what cannot be seen.
  say() {
    const counts = new Map(), { data } = this;
    for (let k = 0; this.lit && k < this.lit.length; k++) {
      if (this.lit[k] && this.visible[k]) counts.set(this.labels[k], (counts.get(this.labels[k]) ?? 0) + 1);
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const most = [...counts].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${data.classes[kind]} ×${count}`);
    const text = data.place ? "" : this.lit ? `${total} points brushed: ${most.join(", ") || "none"}. Esc lets go.` : HINT;
    const outside = this.panels_.map((panel) => panel.outside || 0).filter((count) => count);
    const far = outside.length ? ` Outside the view: ${outside.join(" and ")} points${data.place ? "" : "; zoom out with Move to see them"}.` : "";
    if (this.status.textContent !== text + far) this.status.textContent = text + far;
  }

  redraw() {
    if (this.planned || !this.data) return;
    this.planned = requestAnimationFrame(() => {
      this.planned = 0;
      const style = getComputedStyle(this.host), themed = (name) => style.getPropertyValue(`--st-${name}`).trim();
      const scene = {
        version: this.version, visible: this.visible, lit: this.lit, hovered: this.hovered, picked: this.picked, labels: this.labels,
        thumbnails: this.data.thumbnails, sheet: this.sheet(), mark: this.mark, faint: this.data.place,
        colours: this.palette(), ink: themed("text-color"), line: themed("border-color"),
        accent: themed("primary-color"), font: themed("font"),
      };
      this.panels_.forEach((panel, k) => {
        const rect = this.drag?.panel === panel ? this.drag.rect : null;
        panel.draw({ ...scene, rect, near: (this.data.near?.[k] ?? []).map((id) => this.rows.get(id) ?? -1) });
      });
      this.say();
    });
  }
}

export default function (component) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) instances.set(parentElement, new Scatter(parentElement));
  const scatter = instances.get(parentElement);
  scatter.take(component);
  return () => { scatter.close(); instances.delete(parentElement); };
}
