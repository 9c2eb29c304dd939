/** One large picture: fitted to the screen or at 100 %, with the notes pinned to it. */

import { element } from "./dom.js";
import { Frames } from "./frames.js";

const DRAG_PIXELS = 4;

/** Where one looks at 100 %, shared by pictures that are compared and kept from one picture to the next. */
export class Zoom extends EventTarget {
  isOn = false;
  x = 0.5;
  y = 0.5;

  toggle(x, y) {
    this.isOn = !this.isOn;
    if (this.isOn) this.lookAt(x, y);
    else this.dispatchEvent(new CustomEvent("zoomed"));
  }

  lookAt(x, y) {
    this.x = Math.min(1, Math.max(0, x));
    this.y = Math.min(1, Math.max(0, y));
    this.dispatchEvent(new CustomEvent("zoomed"));
  }
}

export class Stage {
  #zoom;
  #image = null;
  #alt = "";
  #pictures;
  #picture = element("img", { alt: "" });
  #pins = element("div", { class: "pins" });
  #frame;
  #drag = null;
  #listeners;
  #isDrawing = false;
  frames = new Frames();
  pointer = null;

  /**
   * `listeners`: `note(x, y)`, `place(x, y)` and `swipe(step)`, all for this stage; where a drag draws, also
   * `draw(from, to)` on the way and `drawn(isKept)` at its end.
   */
  constructor(zoom, pictures, listeners) {
    this.#zoom = zoom;
    this.#pictures = pictures;
    this.#listeners = listeners;
    this.#frame = element("div", { class: "frame" }, this.#picture, this.frames.root, this.#pins);
    this.label = element("p", { class: "stage-label" });
    this.why = element("p", { class: "why", hidden: true });
    this.root = element("div", { class: "stage" }, this.#frame, this.why, this.label);
    this.#listen();
    zoom.addEventListener("zoomed", () => this.#lay());
    new ResizeObserver(() => this.#lay()).observe(this.root);
  }

  /** Show an image: its 1,280 pixels at once, all of them for 100 %. */
  show(image, alt, label) {
    this.#image = image;
    this.#alt = alt;
    this.label.textContent = label;
    const isStored = image.state === "stored";
    this.#frame.hidden = !isStored;
    this.why.hidden = isStored;
    this.#lay();
  }

  /** The address of the picture that is shown. */
  get source() {
    return this.#zoom.isOn ? this.#image.file : this.#image.large;
  }

  /** Whether a drag draws a part of the picture, rather than move it or go on to the next. */
  set isDrawing(is) {
    this.#isDrawing = is;
    this.root.classList.toggle("drawing", is);
  }

  /** Pin these notes: `[{where, text, number, isMine}]`. */
  pin(notes) {
    this.#pins.replaceChildren(...notes.filter((note) => note.where).map(pinOf));
  }

  /** The place under the mouse, or the middle of what is seen. */
  place() {
    return this.pointer ?? [this.#zoom.isOn ? this.#zoom.x : 0.5, this.#zoom.isOn ? this.#zoom.y : 0.5];
  }

  #load() {
    const picture = this.#pictures.of(this.source);
    picture.alt = this.#alt;
    if (picture === this.#picture) return;
    this.#picture.replaceWith(picture);
    this.#picture = picture;
  }

  /** Fit the picture into the stage, or move it so that the place one looks at is in the middle. */
  #lay() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!this.#image || !width || !height || this.#image.state !== "stored") return;
    this.#load();
    const scale = this.#zoom.isOn ? 1 / window.devicePixelRatio : this.#fitting(width, height);
    const [wide, high] = [this.#image.width * scale, this.#image.height * scale];
    this.#frame.style.width = `${wide}px`;
    this.#frame.style.height = `${high}px`;
    const left = centred(width, wide, this.#zoom.isOn ? this.#zoom.x : 0.5);
    const top = centred(height, high, this.#zoom.isOn ? this.#zoom.y : 0.5);
    this.#frame.style.transform = `translate(${left}px, ${top}px)`;
    this.root.classList.toggle("zoomed", this.#zoom.isOn);
  }

  #fitting(width, height) {
    return Math.min(width / this.#image.width, height / this.#image.height, 1);
  }

  #listen() {
    this.root.addEventListener("pointermove", (event) => this.#onMove(event));
    this.root.addEventListener("pointerleave", () => (this.pointer = null));
    this.root.addEventListener("pointerdown", (event) => this.#onDown(event));
    this.root.addEventListener("pointerup", (event) => this.#onUp(event));
    this.root.addEventListener("pointercancel", () => this.#onCancel());
    this.root.addEventListener("dblclick", (event) => this.#isDrawing || this.#on("note", event));
  }

  #onDown(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const draws = this.#isDrawing && !event.shiftKey;
    const [place, from] = [this.#placeOf(event, { isKeptInside: true }), [this.#zoom.x, this.#zoom.y]];
    this.#drag = { x: event.clientX, y: event.clientY, from, place, draws, isMoved: false };
    this.root.setPointerCapture(event.pointerId);
  }

  #onMove(event) {
    this.pointer = event.pointerType === "mouse" ? this.#placeOf(event) : null;
    if (!this.#drag || !event.isPrimary) return;
    const [x, y] = [event.clientX - this.#drag.x, event.clientY - this.#drag.y];
    this.#drag.isMoved ||= Math.hypot(x, y) > DRAG_PIXELS;
    if (!this.#drag.isMoved) return;
    if (this.#drag.draws) this.#draw(event);
    else if (this.#zoom.isOn) this.#pull(x, y);
  }

  #draw(event) {
    const place = this.#placeOf(event, { isKeptInside: true });
    if (place && this.#drag.place) this.#listeners.draw(this.#drag.place, place);
  }

  #pull(x, y) {
    const box = this.#frame.getBoundingClientRect();
    this.#zoom.lookAt(this.#drag.from[0] - x / box.width, this.#drag.from[1] - y / box.height);
  }

  #onUp(event) {
    const drag = this.#drag;
    if (!drag || !event.isPrimary) return;
    this.#drag = null;
    if (!drag.isMoved) return this.#on("place", event);
    if (drag.draws) return this.#listeners.drawn(true);
    const x = event.clientX - drag.x;
    const isSwipe = event.pointerType === "touch" && !this.#zoom.isOn && Math.abs(x) > 60;
    if (isSwipe) this.#listeners.swipe(x < 0 ? 1 : -1);
  }

  #onCancel() {
    if (this.#drag?.draws) this.#listeners.drawn(false);
    this.#drag = null;
  }

  #on(name, event) {
    const place = this.#placeOf(event);
    if (place) this.#listeners[name](...place);
  }

  /** Where on the picture a pointer is, in fractions; beside it null, or the nearest place in it. */
  #placeOf(event, { isKeptInside = false } = {}) {
    const box = this.#frame.getBoundingClientRect();
    if (!box.width || !box.height) return null;
    const place = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const inside = place.map((each) => Math.min(1, Math.max(0, each)));
    const isInside = place.every((each, at) => each === inside[at]);
    return isInside || isKeptInside ? inside.map(rounded) : null;
  }
}

function pinOf(note) {
  const [x, y, width = 0, height = 0] = note.where;
  const pin = element("span", { class: `pin${note.isDraft ? " draft" : ""}`, title: note.text }, String(note.number));
  pin.style.left = `${(x + width / 2) * 100}%`;
  pin.style.top = `${(y + height / 2) * 100}%`;
  return pin;
}

/** Where something begins that is `long` within `room`: in the middle if it fits, else with `at` near the middle. */
function centred(room, long, at) {
  if (long <= room) return (room - long) / 2;
  return Math.min(0, Math.max(room - long, room / 2 - at * long));
}

function rounded(fraction) {
  return Math.round(fraction * 10000) / 10000;
}
