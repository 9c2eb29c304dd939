/** Beside the large picture: verdict, reason, what others say, notes, prompt and names. */

import { byId, element } from "./dom.js";
import { STATES, reasonsOf, verdictWords } from "./words.js";

const BUTTONS = [
  ...["close", "previous", "next", "pick", "reject", "clear", "compare", "zoom", "others"],
  ...["copy-key", "copy-retake", "add-note"],
];

/** Dispatches `draft` when a note is begun, moved or given up. */
export class Panel extends EventTarget {
  #review;
  #position;
  #act;
  #text = byId("note-text");
  draft = null;

  constructor(review, position, act) {
    super();
    this.#review = review;
    this.#position = position;
    this.#act = act;
    for (const name of BUTTONS) byId(name).addEventListener("click", () => act(name));
    byId("note-form").addEventListener("submit", (event) => this.#onSubmit(event));
    byId("note-cancel").addEventListener("click", () => this.closeNote());
    this.#text.addEventListener("keydown", (event) => this.#onKey(event));
    this.#buildReasons();
  }

  show() {
    const { row, index, image } = this.#position;
    const own = this.#review.verdictOf(row, image)?.value ?? null;
    const verdict = own?.verdict ?? null;
    byId("viewer-name").textContent = row.label;
    byId("viewer-place").textContent = this.#position.words;
    const isStored = image.state === "stored";
    for (const name of ["pick", "reject", "clear", "add-note"]) byId(name).disabled = !isStored;
    byId("pick").setAttribute("aria-pressed", String(verdict === "pick"));
    byId("reject").setAttribute("aria-pressed", String(verdict === "reject"));
    byId("reasons").hidden = verdict !== "reject";
    for (const button of byId("reasons").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.code === own?.reason));
    }
    this.#showOthers(row, index);
    this.#showNotes(row, image);
    byId("prompt").textContent = row.prompt;
    byId("facts").textContent = `seed ${image.seed} · ${image.width}×${image.height} · ${image.key.slice(0, 8)}`;
    byId("warnings").textContent = image.warnings.join(" · ");
    byId("warnings").hidden = image.warnings.length === 0;
  }

  /** Write a note pinned to a place; `mark` is the note that it takes the place of. */
  editNote(where, mark = null) {
    const { image } = this.#position;
    if (!image || image.state !== "stored") return;
    this.draft = { where, id: mark?.id ?? null, mark };
    this.#text.value = mark?.value.text ?? "";
    byId("note-form").hidden = false;
    this.#text.focus();
    this.dispatchEvent(new CustomEvent("draft"));
  }

  moveDraft(where) {
    this.draft.where = where;
    this.dispatchEvent(new CustomEvent("draft"));
  }

  closeNote() {
    if (!this.draft) return;
    this.draft = null;
    byId("note-form").hidden = true;
    this.dispatchEvent(new CustomEvent("draft"));
    byId("stages").focus({ preventScroll: true });
  }

  #onSubmit(event) {
    event.preventDefault();
    const { mark, where } = this.draft;
    const text = this.#text.value.trim();
    this.closeNote();
    if (text) this.#act("note", { text, where, done: mark?.value.done ?? false }, mark);
  }

  /** Enter keeps the note, with Shift it begins a line; Alt and the arrows move the pin. */
  #onKey(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      byId("note-form").requestSubmit();
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!event.altKey || !step) return;
    event.preventDefault();
    const [x, y] = this.draft.where ?? [0.5, 0.5];
    this.moveDraft([within(x + step[0] * 0.02), within(y + step[1] * 0.02)]);
  }

  #buildReasons() {
    const buttons = [...reasonsOf(this.#review.settings)].map(([code, words], at) => {
      const digit = at < 9 ? element("kbd", {}, String(at + 1)) : null;
      const attributes = { type: "button", "data-code": code, "aria-pressed": "false" };
      return element("button", { ...attributes, onclick: () => this.#act("reason", code) }, digit, words);
    });
    byId("reasons").append(...buttons);
  }

  #showOthers(row, index) {
    const decided = this.#review.decided(row).images[index];
    const visible = this.#review.showsOthers;
    const others = decided.marks.filter(
      (mark) => mark.kind === "verdict" && mark.value?.verdict && mark.reviewer !== this.#review.reviewer?.id,
    );
    byId("others").setAttribute("aria-pressed", String(visible));
    byId("decided").textContent = visible ? `Together: ${STATES[decided.state]}` : "Others’ verdicts are hidden";
    const said = others.map((mark) => {
      const old = decided.outdated.includes(mark) ? " (of an earlier picture)" : "";
      const words = verdictWords(mark, this.#review.settings) + old;
      return element("li", {}, element("b", {}, this.#review.nameOf(mark.reviewer)), ` ${words}`);
    });
    byId("others-list").replaceChildren(...(visible ? said : []));
    const isOutdated = decided.outdated.some(
      (mark) => mark.kind === "verdict" && mark.reviewer === this.#review.reviewer?.id,
    );
    byId("outdated").hidden = !isOutdated;
  }

  #showNotes(row, image) {
    const notes = this.#review.notesOf(row, image).map((mark, at) => this.#note(mark, at + 1));
    byId("notes").replaceChildren(...notes);
  }

  #note(mark, number) {
    const isMine = mark.reviewer === this.#review.reviewer?.id;
    const who = this.#review.nameOf(mark.reviewer);
    const buttons = [
      ["Edit", () => this.editNote(mark.value.where, mark)],
      [mark.value.done ? "Reopen" : "Done", () => this.#act("note", { ...mark.value, done: !mark.value.done }, mark)],
      ["Remove", () => this.#act("remove-note", mark)],
    ].map(([words, act]) => element("button", { type: "button", class: "quiet", onclick: act }, words));
    return element(
      "li",
      { class: mark.value.done ? "done" : "" },
      element("span", { class: "number" }, String(number)),
      element("p", {}, element("b", {}, who), element("span", { class: "text" }, mark.value.text)),
      isMine ? element("div", { class: "note-buttons" }, ...buttons) : null,
    );
  }
}

function within(fraction) {
  return Math.round(Math.min(1, Math.max(0, fraction)) * 10000) / 10000;
}
