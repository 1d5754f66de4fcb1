// One panel of a scatter plot on a canvas: points of a plane or of space, how they are seen, and what lies where.

import { colour, extent, moved, nearest, ticks, toData, toScreen, turned, within, zoomed } from "./geometry.js";

const BOX = { left: 46, right: 12, top: 10, bottom: 38 }; // around the points, in CSS pixels
const THUMBNAILS = 400; // drawn at most
const TILE = 22, DIM = 0.1;

export class Panel {
  constructor(canvas) {
    this.canvas = canvas;
    this.discs = new Map();
    canvas.look = () => this.look(); // for whoever asks from outside
  }

  // Takes points: coords holds dims numbers a point. A new version resets the view.
  take({ coords, dims, axes, version }) {
    Object.assign(this, { coords, dims, axes, count: coords.length / dims });
    this.at = { x: new Float32Array(this.count), y: new Float32Array(this.count), depth: new Float32Array(this.count) };
    if (version !== this.version) this.reset();
    this.version = version;
  }

  reset() {
    const ends = (this.ends = extent(this.coords, this.dims));
    this.view = this.dims === 3 ? { yaw: 0.6, pitch: 0.35, zoom: 1 } : { x: [...ends[0]], y: [...ends[1]] };
  }

  resize() {
    const ratio = window.devicePixelRatio || 1, { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return false;
    if (this.canvas.width !== Math.round(w * ratio) || this.canvas.height !== Math.round(h * ratio)) {
      this.canvas.width = Math.round(w * ratio);
      this.canvas.height = Math.round(h * ratio);
    }
    const flat = this.dims !== 3;
    this.box = {
      x: flat ? BOX.left : 4, y: flat ? BOX.top : 4,
      w: w - (flat ? BOX.left + BOX.right : 8), h: h - (flat ? BOX.top + BOX.bottom : 8),
    };
    this.ctx = this.canvas.getContext("2d");
    this.ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    return true;
  }

  toScreen(x, y) {
    return toScreen(this.box, this.view, x, y);
  }

  toData(px, py) {
    return toData(this.box, this.view, px, py);
  }

  project() {
    const { coords, at, ends } = this;
    if (this.dims !== 3) {
      for (let k = 0; k < this.count; k++) [at.x[k], at.y[k]] = this.toScreen(coords[2 * k], coords[2 * k + 1]);
      return;
    }
    const middle = ends.map(([low, high]) => (low + high) / 2);
    const half = Math.max(...ends.map(([low, high]) => (high - low) / 2));
    const turn = turned(this.box, this.view);
    for (let k = 0; k < this.count; k++) {
      const j = 3 * k;
      [at.x[k], at.y[k], at.depth[k]] = turn(
        (coords[j] - middle[0]) / half, (coords[j + 1] - middle[1]) / half, (coords[j + 2] - middle[2]) / half,
      );
    }
  }

  inside(k) {
    return within(this.box, this.at.x[k], this.at.y[k]);
  }

  hit(px, py, visible) {
    return nearest(this.at, this.box, visible, px, py);
  }

  zoom(px, py, times) {
    this.view = zoomed(this.box, this.view, px, py, times);
  }

  move(dx, dy) {
    this.view = moved(this.box, this.view, dx, dy);
  }

  // What is seen now; null before anything is drawn.
  look() {
    return this.drawn ? { ...this.view, box: this.box, tiles: this.tiles.length } : null;
  }

  // Draws what is looked at over the points, which are drawn again only in a new version of the scene. A scene has:
  // visible, lit (or null), labels, colours, thumbnails, sheet, version; hovered, picked, near, mark, rect.
  draw(scene) {
    if (!this.resize()) return;
    const { canvas } = this, { clientWidth: w, clientHeight: h } = canvas;
    this.project();
    const version = [scene.version, canvas.width, canvas.height, scene.sheet ? 1 : 0].join();
    if (version !== this.drawn) {
      this.base ??= document.createElement("canvas");
      Object.assign(this.base, { width: canvas.width, height: canvas.height });
      const shown = this.ctx, ratio = canvas.width / w;
      this.ctx = this.base.getContext("2d");
      this.ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.points(scene);
      this.ctx = shown;
      this.drawn = version;
    }
    this.ctx.clearRect(0, 0, w, h);
    this.ctx.drawImage(this.base, 0, 0, w, h);
    this.marks(scene);
  }

  clip() {
    const { ctx, box } = this;
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.x, box.y, box.w, box.h);
    ctx.clip();
  }

  points(scene) {
    const { ctx } = this;
    this.frame(scene);
    this.clip();
    const size = this.count > 4000 ? 4 : this.count > 1000 ? 5 : 7;
    const tiles = (this.tiles = scene.thumbnails && scene.sheet ? this.tiled(scene) : []);
    const strength = (k) => (scene.lit && !scene.lit[k] ? DIM : tiles.length ? 0.25 : scene.faint ? 0.35 : 0.8);
    const order = this.order(scene);
    for (const k of order) {
      ctx.globalAlpha = strength(k);
      const side = this.dims === 3 ? size * (1 - 0.3 * Math.max(-1, Math.min(1, this.at.depth[k]))) : size;
      ctx.drawImage(this.disc_of(colour(scene.colours, scene.labels[k])),
                    this.at.x[k] - side / 2, this.at.y[k] - side / 2, side, side);
    }
    for (const k of tiles) {
      ctx.globalAlpha = scene.lit && !scene.lit[k] ? 0.15 : 1;
      this.tile(k, scene, TILE);
    }
    ctx.restore();
  }

  marks(scene) {
    const { ctx, tiles } = this;
    this.clip();
    for (const k of scene.near ?? []) if (scene.visible[k]) this.ring(k, scene, 6, 1.5);
    for (const k of [scene.picked, scene.hovered]) {
      if (k < 0 || !scene.visible[k]) continue;
      if (tiles.length) this.tile(k, scene, 2 * TILE); // in front of all others
      else this.ring(k, scene, 9, 3);
    }
    if (scene.mark) this.cross(scene);
    if (scene.rect) {
      const [x, y, w, h] = scene.rect;
      ctx.fillStyle = scene.accent;
      ctx.globalAlpha = 0.12;
      ctx.fillRect(x, y, w, h);
      ctx.globalAlpha = 1;
      ctx.strokeStyle = scene.accent;
      ctx.strokeRect(x, y, w, h);
    }
    ctx.restore();
  }

  // The points to draw, those that are lit last, in space the far ones first.
  order(scene) {
    const found = [];
    this.outside = 0;
    for (let k = 0; k < this.count; k++) {
      if (!scene.visible[k]) continue;
      if (this.inside(k)) found.push(k);
      else this.outside++;
    }
    if (this.dims === 3) found.sort((a, b) => this.at.depth[b] - this.at.depth[a]);
    return scene.lit ? [...found.filter((k) => !scene.lit[k]), ...found.filter((k) => scene.lit[k])] : found;
  }

  tiled(scene) {
    const found = [];
    for (let k = 0; k < this.count && found.length < THUMBNAILS; k++) {
      if (scene.visible[k] && this.inside(k) && (!scene.lit || scene.lit[k])) found.push(k);
    }
    return this.dims === 3 ? found.sort((a, b) => this.at.depth[b] - this.at.depth[a]) : found;
  }

  tile(k, scene, side) {
    const [x, y] = [Math.round(this.at.x[k] - side / 2), Math.round(this.at.y[k] - side / 2)];
    this.ctx.fillStyle = colour(scene.colours, scene.labels[k]);
    this.ctx.fillRect(x - 2, y - 2, side + 4, side + 4);
    scene.sheet.paint(this.ctx, k, x, y, side);
  }

  ring(k, scene, radius, width) {
    this.ctx.beginPath();
    this.ctx.arc(this.at.x[k], this.at.y[k], radius, 0, 2 * Math.PI);
    this.ctx.lineWidth = width;
    this.ctx.strokeStyle = scene.ink;
    this.ctx.stroke();
    this.ctx.lineWidth = 1;
  }

  cross({ mark, accent }) {
    const [x, y] = this.toScreen(...mark), { ctx } = this;
    ctx.strokeStyle = accent;
    ctx.lineWidth = 3;
    ctx.beginPath();
    ctx.arc(x, y, 9, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      ctx.moveTo(x + 4 * dx, y + 4 * dy);
      ctx.lineTo(x + 15 * dx, y + 15 * dy);
    }
    ctx.stroke();
    ctx.lineWidth = 1;
  }

  frame({ ink, line, font }) {
    const { ctx, box, axes } = this;
    ctx.strokeStyle = line;
    ctx.fillStyle = ink;
    ctx.font = `12px ${font}`;
    ctx.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
    if (this.dims === 3) {
      const turn = turned(this.box, this.view), [x0, y0] = turn(0, 0, 0);
      axes.forEach((name, d) => {
        const [x, y] = turn(...[0, 1, 2].map((other) => (other === d ? 0.9 : 0)));
        ctx.beginPath();
        ctx.moveTo(x0, y0);
        ctx.lineTo(x, y);
        ctx.stroke();
        ctx.textAlign = x < x0 ? "right" : "left";
        ctx.fillText(name, x, y);
      });
      return;
    }
    ctx.textAlign = "center";
    for (const [value, name] of ticks(...this.view.x)) ctx.fillText(name, this.toScreen(value, 0)[0], box.y + box.h + 14);
    ctx.fillText(axes[0], box.x + box.w / 2, box.y + box.h + 32);
    ctx.textAlign = "right";
    for (const [value, name] of ticks(...this.view.y)) ctx.fillText(name, box.x - 5, this.toScreen(0, value)[1] + 4);
    ctx.save();
    ctx.translate(12, box.y + box.h / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(axes[1], 0, 0);
    ctx.restore();
  }

  disc_of(fill) {
    if (!this.discs.has(fill)) {
      const disc = document.createElement("canvas");
      disc.width = disc.height = 24;
      const ctx = disc.getContext("2d");
      ctx.fillStyle = fill;
      ctx.beginPath();
      ctx.arc(12, 12, 11.5, 0, 2 * Math.PI);
      ctx.fill();
      this.discs.set(fill, disc);
    }
    return this.discs.get(fill);
  }
}
