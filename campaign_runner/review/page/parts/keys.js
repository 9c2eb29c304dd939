/** The keyboard: letters by their character, digits by the place of the key, and nothing while one writes. */

import { byId } from "./dom.js";

const PAN = 0.12;
const NUDGE = 0.02;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Keys {
  #actions;
  #position;
  #grid;
  #viewer;
  #filters;
  #storage;

  constructor({ actions, position, grid, viewer, filters, storage }) {
    this.#actions = actions;
    this.#position = position;
    this.#grid = grid;
    this.#viewer = viewer;
    this.#filters = filters;
    this.#storage = storage;
    const single = byId("single-keys");
    single.checked = storage.isOn("single-keys", true);
    single.addEventListener("change", () => storage.turn("single-keys", single.checked));
    document.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("keyup", (event) => this.#onKeyUp(event));
  }

  #onKey(event) {
    if (event.isComposing || event.key === "Process" || event.defaultPrevented) return;
    if (this.#isElsewhere(event)) return;
    if (event.ctrlKey || event.metaKey) return this.#onCommand(event);
    if (event.altKey) return this.#onAlt(event);
    if (this.#onArrow(event) || this.#onEscape(event)) event.preventDefault();
    else if (byId("single-keys").checked && this.#onSingle(event)) event.preventDefault();
  }

  /** Whether one writes, chooses from a list, or another dialog is open. */
  #isElsewhere(event) {
    const { target } = event;
    if (target.closest?.("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape" && target.id === "search") this.#grid.reveal({ focused: true });
      return true;
    }
    const dialog = document.querySelector("dialog[open]:not(#viewer)");
    return dialog !== null;
  }

  #onCommand(event) {
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) {
      event.preventDefault();
      this.#actions.undo();
    } else if (key === "s") {
      event.preventDefault();
      byId("save").click();
    }
  }

  /** Alt and an arrow move what places the cuts of channels, as they move the pin of a note. */
  #onAlt(event) {
    const [x, y] = ARROWS[event.key] ?? [];
    if (x === undefined || !this.#mayFrame) return;
    event.preventDefault();
    this.#actions.cuts.move(x * NUDGE, y * NUDGE);
  }

  /** However long it was held, it is one mark. */
  #onKeyUp(event) {
    if (ARROWS[event.key] && this.#mayFrame) this.#actions.cuts.keep();
  }

  get #mayFrame() {
    return this.#viewer.isOpen && this.#viewer.framing.isOn && this.#position.image?.state === "stored";
  }

  #onArrow(event) {
    const [x, y] = ARROWS[event.key] ?? [];
    if (x === undefined || !this.#mayMove(event)) return false;
    if (event.shiftKey) return this.#viewer.isOpen && this.#viewer.pan(x * PAN, y * PAN);
    this.#actions.forgetReason();
    if (x) this.#actions.move(x);
    else this.#actions.moveRow(y);
    return true;
  }

  /** Arrows belong to the pictures, and to the head's own fields while one is among those. */
  #mayMove(event) {
    return this.#viewer.isOpen || !event.target.closest?.("#head, #filters");
  }

  #onEscape(event) {
    if (event.key !== "Escape" || !this.#viewer.isOpen) return false;
    if (this.#viewer.panel.draft) this.#viewer.panel.closeNote();
    else this.#viewer.close();
    return true;
  }

  #onSingle(event) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    if (digit && !event.shiftKey) return this.#onDigit(Number(digit));
    if (event.key === " ") return this.#onSpace(event);
    if (this.#mayFrame && this.#onFrameKey(event.key)) return true;
    const act = this.#acts()[event.key.length === 1 ? event.key.toLowerCase() : ""];
    if (!act) return false;
    if (event.key.toLowerCase() !== "x") this.#actions.forgetReason();
    act(event);
    return true;
  }

  /** Keys that say something while frames are shown. */
  #onFrameKey(key) {
    if (key === "+" || key === "-") this.#actions.cuts.resize(key === "-");
    else if (key === "Delete" || key === "Backspace") this.#actions.cuts.clear();
    else return false;
    return true;
  }

  #onDigit(digit) {
    if (this.#actions.awaitsReason && this.#actions.reasonByDigit(digit)) return true;
    this.#actions.pickNumber(digit);
    return true;
  }

  /** Space opens the large view, and closes it; on a button it presses that, as everywhere. */
  #onSpace(event) {
    const isOnButton = event.target.closest?.("button, a, summary, input") && !event.target.closest(".picture");
    if (isOnButton) return false;
    this.#actions.toggleLarge();
    return true;
  }

  #acts() {
    const actions = this.#actions;
    return {
      p: () => actions.pick(),
      x: () => actions.reject(),
      u: () => actions.clear(),
      n: () => actions.nextOpen(),
      c: () => actions.compare(),
      z: () => actions.zoom(),
      m: () => actions.beginNote(),
      b: () => actions.toggleOthers(),
      v: (event) => (event.shiftKey ? actions.cuts.next() : actions.cuts.toggle()),
      k: () => actions.copyKey(),
      r: () => actions.copyRetake(),
      a: () => actions.toggleAdvance(),
      "/": () => actions.search(),
      "?": () => byId("keys-dialog").showModal(),
    };
  }
}
