// What the panels of a scatter plot compute.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  cellOf, clamped, colour, decode, extent, moved, nearest, ticks, toData, toScreen, turned, within, zoomed,
} from "../../pages/components/scatter/assets/geometry.js";

const BOX = { x: 40, y: 10, w: 200, h: 100 };
const FLAT = { x: [-1, 3], y: [0, 5] };
const SPACE = { yaw: 0, pitch: 0, zoom: 1 };

function close(found, wanted) {
  assert.equal(found.length, wanted.length);
  found.forEach((value, k) => assert.ok(Math.abs(value - wanted[k]) < 1e-9, `${found} instead of ${wanted}`));
}

test("ticks are round, lie within the axis and are written without rounding errors", () => {
  assert.deepEqual(ticks(0, 1).map(([, name]) => name), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  assert.deepEqual(ticks(-7, 12).map(([at]) => at), [-5, 0, 5, 10]);
  assert.deepEqual(ticks(0.0011, 0.0032).map(([, name]) => name), ["0.0015", "0.002", "0.0025", "0.003"]);
  for (const [low, high] of [[-3.3, 8.1], [1e-6, 3e-6], [1e5, 9e6]]) {
    const found = ticks(low, high);
    assert.ok(found.length >= 2 && found.length <= 6);
    assert.ok(found.every(([at]) => at >= low && at <= high));
  }
});

test("base64 becomes the numbers that were sent", () => {
  const sent = new Float32Array([1.5, -2, 3e7]);
  const text = Buffer.from(sent.buffer).toString("base64");
  assert.deepEqual(new Float32Array(decode(text)), sent);
  assert.equal(decode("").byteLength, 0);
});

test("all points are shown, with a margin", () => {
  close(extent(new Float32Array([0, 10, 100, 20, 50, 15]), 2).flat(), [-4, 104, 9.6, 20.4]);
  assert.deepEqual(extent(new Float32Array([7, 7]), 1), [[6.5, 7.5]]);
});

test("a few points far away do not make the others a speck", () => {
  const coords = Float32Array.from({ length: 1001 }, (_, k) => (k === 1000 ? 1e6 : k));
  const [[low, high]] = extent(coords, 1);
  assert.ok(low < 20 && high > 980 && high < 1100);
});

test("a place on the screen and its place in the data belong together", () => {
  assert.deepEqual(toScreen(BOX, FLAT, -1, 5), [40, 10]); // up is up
  assert.deepEqual(toScreen(BOX, FLAT, 3, 0), [240, 110]);
  close(toData(BOX, FLAT, ...toScreen(BOX, FLAT, 0.7, 4.2)), [0.7, 4.2]);
});

test("zooming keeps what is under the pointer there", () => {
  const before = toData(BOX, FLAT, 90, 30), view = zoomed(BOX, FLAT, 90, 30, 0.5);
  close(toData(BOX, view, 90, 30), before);
  close([view.x[1] - view.x[0], view.y[1] - view.y[0]], [2, 2.5]);
  assert.deepEqual(FLAT, { x: [-1, 3], y: [0, 5] });
});

test("zooming in space comes nearer, within limits, and keeps the direction", () => {
  assert.deepEqual(zoomed(BOX, { ...SPACE, yaw: 1 }, 0, 0, 0.5), { yaw: 1, pitch: 0, zoom: 2 });
  assert.equal(zoomed(BOX, SPACE, 0, 0, 1e-9).zoom, 40);
  assert.equal(zoomed(BOX, SPACE, 0, 0, 1e9).zoom, 0.3);
});

test("moving a plane takes the points along with the pointer", () => {
  const from = toData(BOX, FLAT, 100, 50);
  close(toData(BOX, moved(BOX, FLAT, 30, -12), 130, 38), from);
});

test("moving in space turns it, but never over its top", () => {
  const view = moved(BOX, SPACE, 100, 50);
  close([view.yaw, view.pitch, view.zoom], [0.8, 0.4, 1]);
  assert.equal(moved(BOX, SPACE, 0, 1e6).pitch, 1.55);
  assert.equal(moved(BOX, SPACE, 0, -1e6).pitch, -1.55);
});

test("space is seen from the front: across, up and away", () => {
  const turn = turned(BOX, SPACE), scale = 50 * 0.95;
  close(turn(0, 0, 0), [140, 60, 0]);
  close(turn(1, 0, 0), [140 + scale, 60, 0]);
  close(turn(0, 1, 0), [140, 60 - scale, 0]);
  close(turn(0, 0, 1), [140, 60, 1]);
});

test("a quarter turn brings what was on the right to the front, and lengths stay", () => {
  close(turned(BOX, { ...SPACE, yaw: Math.PI / 2 })(1, 0, 0), [140, 60, -1]);
  const [x, y, away] = turned(BOX, { yaw: 0.6, pitch: 0.35, zoom: 2 })(0.3, -0.5, 0.7), scale = 2 * 50 * 0.95;
  close([Math.hypot((x - 140) / scale, (y - 60) / scale, away)], [Math.hypot(0.3, -0.5, 0.7)]);
});

test("the nearest point that is seen is hit", () => {
  const at = { x: [100, 108, 103, 39], y: [50, 50, 50, 50] };
  assert.equal(nearest(at, BOX, [1, 1, 1, 1], 107, 50), 1);
  assert.equal(nearest(at, BOX, [1, 0, 1, 1], 107, 50), 2); // filtered out
  assert.equal(nearest(at, BOX, [1, 1, 1, 1], 41, 50), -1); // outside the box
  assert.equal(nearest(at, BOX, [1, 1, 1, 1], 122, 50), -1); // out of reach
  assert.equal(nearest(at, BOX, [1, 1, 1, 1], 121, 50), 1);
});

test("a box holds its border, and places beyond it are brought back", () => {
  assert.ok(within(BOX, 40, 110));
  assert.ok(!within(BOX, 39.9, 50));
  assert.deepEqual(clamped(BOX, 0, 500), [40, 110]);
  assert.deepEqual(clamped(BOX, 77, 33), [77, 33]);
});

test("classes beyond the palette start again", () => {
  const palette = ["red", "green", "blue"];
  assert.deepEqual([0, 2, 3, 7].map((kind) => colour(palette, kind)), ["red", "blue", "red", "green"]);
});

test("thumbnails lie row by row on their sheet", () => {
  assert.deepEqual([0, 99, 100, 205].map((row) => cellOf(row, 100, 28)), [[0, 0], [2772, 0], [0, 28], [140, 56]]);
});
