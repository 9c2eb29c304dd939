/** From disk: marks are kept in the browser until they are saved as a file, which is then put into `decisions/`. */

import { show } from "./announcements.js";
import { byId, element, plural } from "./dom.js";

export class Saving {
  #review;
  #isServed;

  constructor(review, isServed) {
    this.#review = review;
    this.#isServed = isServed;
    byId("save").addEventListener("click", () => this.save());
    review.addEventListener("kept", () => this.refresh());
    addEventListener("beforeunload", (event) => this.#onLeave(event));
    this.refresh();
  }

  /** Hand the browser a file of all marks that `decisions/` does not have yet, also of those saved before. */
  save() {
    const marks = this.#review.pending;
    if (!marks.length) return show("Every mark is in a file already.");
    const name = fileName(this.#review.data.campaign, this.#review.reviewer.id, new Date());
    const content = new Blob([fileText(this.#review.data.campaign, this.#review.reviewer, marks)], {
      type: "application/jsonl",
    });
    const link = element("a", { href: URL.createObjectURL(content), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    this.#review.noteSaved(marks.map((mark) => mark.id));
    const where = this.#isServed ? "in the campaign’s output folder" : "beside this page";
    return show(`Saved as ${name}. Put the file into the folder decisions ${where}.`);
  }

  /** Say how many marks are not in a file, and let them be saved. */
  refresh() {
    const unsaved = this.#review.unsaved.length;
    byId("save").hidden = this.#review.pending.length === 0 || (this.#isServed && unsaved === 0);
    const words = `${plural(unsaved, "mark")} ${unsaved === 1 ? "is" : "are"} not in a file yet`;
    byId("unsaved").textContent = unsaved ? words : "";
    byId("not-kept").hidden = this.#review.isKept !== false;
  }

  /** Leaving would lose marks where the browser keeps nothing, and served: the next address has another storage. */
  #onLeave(event) {
    const isForgotten = this.#isServed || this.#review.isKept === false;
    if (isForgotten && this.#review.unsaved.length) event.preventDefault();
  }
}

/** `<campaign>-<reviewer>-<YYYYMMDD-HHMMSS>.decisions.jsonl`, in UTC. */
export function fileName(campaign, reviewer, now) {
  const [date, time] = now.toISOString().split("T");
  return `${campaign}-${reviewer}-${date.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}.decisions.jsonl`;
}

/** A decisions file: its head, then one mark a line. */
export function fileText(campaign, reviewer, marks) {
  const head = { decisions_version: 1, campaign, reviewer: { id: reviewer.id, name: reviewer.name } };
  return [head, ...marks.map(written)].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** A mark as it stands in a file, which says at its head whose it is. */
export function written(mark) {
  const { reviewer, ...fields } = mark;
  return fields;
}
