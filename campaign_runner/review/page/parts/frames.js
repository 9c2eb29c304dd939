/** What channels show of a picture, drawn over it: their cuts, what the platform leaves free, and what placed them. */

import { element } from "./dom.js";

const NAME_PIXELS = 26;

export class Frames {
  root = element("div", { class: "frames", "aria-hidden": "true", hidden: true });

  /**
   * Draw `cuts` (as `Framing` has them) over a picture, and the point or part `placed` by which they are placed.
   *
   * One alone darkens the rest of the picture. Channels that show the very same are one frame with several names.
   */
  show(image, cuts, placed) {
    const frames = [...merged(cuts).values()];
    this.root.replaceChildren(...frames.map((frame, number) => drawn(frame, image, number)), markOf(placed));
    this.root.classList.toggle("one", frames.length === 1);
    this.root.hidden = false;
  }

  hide() {
    this.root.hidden = true;
  }
}

/** Cuts of the same part, with the same free area of it, by what they have in common. */
function merged(cuts) {
  const found = new Map();
  for (const { channel, part, isTooSmall } of cuts) {
    const free = freeOf(channel);
    const same = JSON.stringify([part, free]);
    const frame = found.get(same) ?? { part, free, names: [] };
    frame.names.push(isTooSmall ? `${channel.id} (too few pixels)` : channel.id);
    found.set(same, frame);
  }
  return found;
}

/** What the platform leaves free of a channel: distances from its edges in fractions of it; null for all of it. */
function freeOf({ width, height, safe }) {
  const edges = [safe.top / height, safe.right / width, safe.bottom / height, safe.left / width];
  return edges.some((edge) => edge > 0) ? edges : null;
}

/** A frame; its name stands a line below the one before, so that none hides another. */
function drawn({ part, free, names }, image, number) {
  const name = element("span", { class: "cut-name" }, names.join(", "));
  name.style.top = `${6 + NAME_PIXELS * number}px`;
  const frame = element("div", { class: "cut" }, free && insetBy(free), name);
  put(frame, [part.left / image.width, part.top / image.height, part.width / image.width, part.height / image.height]);
  return frame;
}

function insetBy(edges) {
  const safe = element("div", { class: "safe" });
  safe.style.inset = edges.map(inPercent).join(" ");
  return safe;
}

/** What was clicked on, or drawn. */
function markOf(placed) {
  if (!placed) return "";
  const mark = element("div", { class: placed.length === 4 ? "drawn-part" : "focus-point" });
  put(mark, placed);
  return mark;
}

function put(box, [left, top, width, height]) {
  box.style.left = inPercent(left);
  box.style.top = inPercent(top);
  if (width !== undefined) box.style.width = inPercent(width);
  if (height !== undefined) box.style.height = inPercent(height);
}

function inPercent(fraction) {
  return `${fraction * 100}%`;
}
