/** Which rows are shown, and in what order: axes, verdicts, reviewer, reason, search, grouping. */

import { byId, element } from "./dom.js";
import { AXES } from "./page_data.js";
import { reasonsOf } from "./words.js";

const AXIS_NAMES = { product: "Product", prompt: "Prompt", preset: "Preset", market: "Market", size: "Size" };
const SHOWN = {
  "": "All rows",
  "row:open": "Open rows",
  mine: "Open for me",
  new: "New pictures",
  "row:picked": "Picked rows",
  "row:conflict": "Conflicts",
  "row:rejected": "Rejected rows",
  "row:waiting": "Waiting rows",
  "row:empty": "Nothing to show",
  "image:proposed": "Proposed images",
  "image:passed-over": "Passed-over images",
  "image:undecided": "Undecided images",
  outdated: "Outdated verdicts",
  notes: "With notes",
  missing: "Failed or in doubt",
};

export class Filters extends EventTarget {
  #review;
  #form = byId("filters");
  #search = byId("search");

  constructor(review) {
    super();
    this.#review = review;
    this.#build();
    this.#form.addEventListener("change", () => this.apply());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#search.addEventListener("input", () => this.apply());
    byId("reset-filters").addEventListener("click", () => this.reset());
    review.addEventListener("rows", () => this.#nameReviewers());
  }

  /** Show what the form asks for. Rows stay where they are while they are being marked, until it is asked again. */
  apply() {
    const tests = this.#tests();
    const rows = this.#review.rows.filter((row) => tests.every((test) => test(row)));
    byId("reset-filters").hidden = tests.length === 0;
    this.dispatchEvent(new CustomEvent("shown", { detail: this.#grouped(rows) }));
  }

  /** Show everything again. */
  reset() {
    for (const select of this.#form.querySelectorAll("select")) {
      if (select.name !== "group") select.value = "";
    }
    this.#search.value = "";
    this.apply();
  }

  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  #build() {
    const varying = this.#review.data.varying;
    const fields = byId("filter-fields");
    fields.append(select("show", "Show", Object.entries(SHOWN)));
    for (const axis of varying) {
      const values = [...new Set(this.#review.rows.map((row) => row.axes[axis]).filter(Boolean))];
      fields.append(select(axis, AXIS_NAMES[axis], [["", "Any"], ...values.map((value) => [value, value])]));
    }
    fields.append(select("reviewer", "Marked by", [["", "Anyone"]]));
    this.#nameReviewers();
    fields.append(select("reason", "Reason", [["", "Any"], ...reasonsOf(this.#review.settings)]));
    const groups = varying.map((axis) => [axis, AXIS_NAMES[axis]]);
    if (groups.length) fields.append(select("group", "Group by", [["", "Nothing"], ...groups]));
  }

  /** All who have marked something can be asked for, also those who appear while the page is open. */
  #nameReviewers() {
    const field = byId("filter-fields").querySelector("[name=reviewer]");
    const there = new Set([...field.options].map((option) => option.value));
    const more = [...this.#review.names].filter(([id]) => !there.has(id));
    field.append(...more.map(([value, words]) => element("option", { value }, words)));
    field.closest("label").hidden = this.#review.names.size < 2;
  }

  #value(name) {
    return this.#form.elements[name]?.value ?? "";
  }

  /** What a row must pass: one test for each thing that was asked. */
  #tests() {
    const tests = AXES.filter((axis) => this.#value(axis)).map((axis) => {
      const value = this.#value(axis);
      return (row) => row.axes[axis] === value;
    });
    const [shown, reviewer, reason] = ["show", "reviewer", "reason"].map((name) => this.#value(name));
    if (shown) tests.push((row) => this.#isShown(row, shown));
    if (reviewer) tests.push((row) => this.#verdicts(row).some((mark) => mark.reviewer === reviewer));
    if (reason) tests.push((row) => this.#verdicts(row).some((mark) => mark.value.reason === reason));
    const words = this.#search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) tests.push((row) => this.#holds(row, words));
    return tests;
  }

  #isShown(row, shown) {
    const decided = this.#review.decided(row);
    const [of, state] = shown.split(":");
    if (of === "row") return decided.state === state;
    if (of === "image") return decided.images.some((each) => each.state === state);
    if (of === "mine") return this.#review.isOpenForMe(row);
    if (of === "new") return this.#review.isNewForMe(row);
    if (of === "outdated") return decided.images.some((each) => each.outdated.some((mark) => mark.value?.verdict));
    if (of === "notes") return row.images.some((image) => this.#review.notesOf(row, image).length > 0);
    return row.images.some((image) => image.state === "failed" || image.state === "in_doubt");
  }

  #verdicts(row) {
    return this.#review.decided(row).images.flatMap((each) => each.marks.filter((mark) => mark.kind === "verdict"));
  }

  /** Whether every word is somewhere in what a row says of itself: names, prompt, seeds, keys, notes. */
  #holds(row, words) {
    const notes = row.images.flatMap((image) => this.#review.notesOf(row, image).map((mark) => mark.value.text));
    const images = row.images.flatMap((image) => [image.key, String(image.seed)]);
    const text = [...Object.values(row.axes), row.prompt, ...images, ...notes].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  /** `[{name, rows}]`: one group without a name, or one for each value of an axis. */
  #grouped(rows) {
    const axis = this.#value("group");
    if (!axis) return [{ name: null, rows }];
    const groups = new Map();
    for (const row of rows) {
      const name = row.axes[axis] ?? "none";
      groups.set(name, [...(groups.get(name) ?? []), row]);
    }
    return [...groups].map(([name, of]) => ({ name, rows: of }));
  }
}

function select(name, label, choices) {
  const options = choices.map(([value, words]) => element("option", { value }, words));
  return element("label", { class: "field" }, element("span", {}, label), element("select", { name }, options));
}
