/** What the page knows of the campaign: rows, images, and the marks that were in `decisions/` when it was written. */

import { byId } from "./dom.js";
import { cellId } from "./merging.js";

export const AXES = ["product", "prompt", "preset", "market", "size"];

/** The data of this page. Rows hold their images; an image that stands in several cells stands in several rows. */
export function readPageData() {
  return linked(JSON.parse(byId("page-data").textContent));
}

/** The same from an answer of the server. */
export function linked(data) {
  // A file to mail holds each picture once.
  for (const image of data.images) {
    image.large ||= image.file;
    image.small ||= image.file;
  }
  const varying = AXES.filter((axis) => new Set(data.rows.map((row) => row.axes[axis])).size > 1);
  data.rows = data.rows.map((row, number) => ({
    ...row,
    number,
    cellId: cellId(row.cell),
    prompt: data.prompts[row.prompt] ?? "",
    label: labelOf(row, varying),
    images: row.images.map((index) => data.images[index]),
  }));
  return { ...data, varying };
}

/** What tells a row from the others: the axes that vary, or the product where none does. */
function labelOf(row, varying) {
  const names = varying.map((axis) => row.axes[axis]).filter(Boolean);
  return names.length ? names.join(" · ") : row.axes.product;
}
