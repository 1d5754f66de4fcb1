// Keeps a sheet of thumbnails for the panels of the page: 32 letters of name, the side of a thumbnail and the
// number of columns as one byte each, then a PNG. Sent by itself, for it changes less often than the points.

import { cellOf } from "./geometry.js";

const sheets = (globalThis.aecoreSheets ??= new Map());
const KEPT = 6;

export default function ({ data }) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const name = new TextDecoder().decode(bytes.slice(0, 32)), [cell, columns] = [bytes[32], bytes[33]];
  if (sheets.has(name)) return;
  const image = new Image();
  const sheet = {
    image, ready: false,
    paint(ctx, row, x, y, side) {
      ctx.imageSmoothingEnabled = side < 3 * cell && side % cell !== 0;
      ctx.drawImage(image, ...cellOf(row, columns, cell), cell, cell, x, y, side, side);
    },
  };
  sheets.set(name, sheet);
  for (const old of [...sheets.keys()].slice(0, -KEPT)) sheets.delete(old);
  image.onload = () => {
    sheet.ready = true;
    URL.revokeObjectURL(image.src);
    window.dispatchEvent(new Event("aecore-sheet"));
  };
  image.src = URL.createObjectURL(new Blob([bytes.slice(34)], { type: "image/png" }));
}
