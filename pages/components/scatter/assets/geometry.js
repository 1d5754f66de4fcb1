// What the panels compute: scales, what lies where, and how bytes are read. Nothing here touches the page.

const TAIL = 0.01, FAR = 1.6; // share of the points left out at either end, where that makes the view so much smaller
const REACH = 14; // of the pointer, in CSS pixels

const between = (low, high, value) => Math.min(high, Math.max(low, value));

// The bytes behind base64.
export function decode(text) {
  const raw = atob(text), found = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) found[k] = raw.charCodeAt(k);
  return found.buffer;
}

// Round places along an axis, with what is written there.
export function ticks(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(k * step);
  return found.map((at) => [at, String(Number(at.toPrecision(4)))]);
}

// From where to where the points are shown, for each of dims dimensions.
export function extent(coords, dims) {
  const count = coords.length / dims, ends = [];
  for (let d = 0; d < dims; d++) {
    const along = Float32Array.from({ length: count }, (_, k) => coords[k * dims + d]).sort();
    const at = (share) => along[Math.round(share * (count - 1))];
    let [low, high] = [at(0), at(1)];
    // A few far ones would make all others a speck; they are counted below the panels.
    if (high - low > FAR * (at(1 - TAIL) - at(TAIL)) && at(1 - TAIL) > at(TAIL)) [low, high] = [at(TAIL), at(1 - TAIL)];
    const margin = (high - low) * 0.04 || 0.5;
    ends.push([low - margin, high + margin]);
  }
  return ends;
}

export function toScreen(box, view, x, y) {
  return [
    box.x + ((x - view.x[0]) / (view.x[1] - view.x[0])) * box.w,
    box.y + ((view.y[1] - y) / (view.y[1] - view.y[0])) * box.h,
  ];
}

export function toData(box, view, px, py) {
  return [
    view.x[0] + ((px - box.x) / box.w) * (view.x[1] - view.x[0]),
    view.y[1] - ((py - box.y) / box.h) * (view.y[1] - view.y[0]),
  ];
}

// A view of a plane whose sides are so many times as long, with what is at a pixel still there; space has no such place.
export function zoomed(box, view, px, py, times) {
  if (view.zoom !== undefined) return { ...view, zoom: between(0.3, 40, view.zoom / times) };
  const [x, y] = toData(box, view, px, py);
  return { x: view.x.map((end) => x + (end - x) * times), y: view.y.map((end) => y + (end - y) * times) };
}

// A view moved by pixels: along in a plane, around in space.
export function moved(box, view, dx, dy) {
  if (view.zoom !== undefined) {
    return { ...view, yaw: view.yaw + dx * 0.008, pitch: between(-1.55, 1.55, view.pitch + dy * 0.008) };
  }
  const [w, h] = [view.x[1] - view.x[0], view.y[1] - view.y[0]];
  return { x: view.x.map((end) => end - (dx / box.w) * w), y: view.y.map((end) => end + (dy / box.h) * h) };
}

// Tells where a point of space within [-1, 1] is seen: across, down and away.
export function turned(box, view) {
  const scale = (Math.min(box.w, box.h) / 2) * 0.95 * view.zoom;
  const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
  const [left, top] = [box.x + box.w / 2, box.y + box.h / 2];
  return (x, y, z) => {
    const across = cy * x + sy * z, away = cy * z - sy * x;
    return [left + across * scale, top - (cp * y - sp * away) * scale, sp * y + cp * away];
  };
}

export function within(box, x, y) {
  return x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h;
}

// The place of a box that is nearest to a pixel.
export function clamped(box, px, py) {
  return [between(box.x, box.x + box.w, px), between(box.y, box.y + box.h, py)];
}

// The nearest point that is seen within reach of a place, or -1. at: the points' x and y on the screen.
export function nearest(at, box, visible, px, py) {
  let best = -1, least = REACH * REACH;
  for (let k = 0; k < at.x.length; k++) {
    if (!visible[k] || !within(box, at.x[k], at.y[k])) continue;
    const distance = (at.x[k] - px) ** 2 + (at.y[k] - py) ** 2;
    if (distance < least) [best, least] = [k, distance];
  }
  return best;
}

// The colour of a class: a palette shorter than the classes starts again.
export function colour(palette, kind) {
  return palette[kind % palette.length];
}

// The upper left corner of a point's thumbnail on its sheet.
export function cellOf(row, columns, side) {
  return [(row % columns) * side, Math.floor(row / columns) * side];
}
