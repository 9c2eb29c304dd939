/** The large view: one picture, or two side by side, with what is known and said of it. */

import { ChannelList } from "./channel_list.js";
import { byId, element } from "./dom.js";
import { Framing } from "./framing.js";
import { Panel } from "./panel.js";
import { PictureCache } from "./picture_cache.js";
import { Stage, Zoom } from "./stage.js";
import { MISSING } from "./words.js";

const NAMED_AFTER_MILLISECONDS = 300;

export class Viewer {
  #review;
  #position;
  #dialog = byId("viewer");
  #zoom = new Zoom();
  #main;
  #left;
  #strip = byId("strip");
  #pictures = new PictureCache();
  #place = null;
  #shownRow = null;
  #naming = 0;
  #act;
  #channels;
  isComparing = false;

  /** `act(name, …)` is what the buttons do, as in `actions.js`. */
  constructor(review, position, act) {
    this.#review = review;
    this.#position = position;
    this.#act = act;
    this.framing = new Framing(review);
    const listeners = {
      note: (x, y) => this.panel.editNote([x, y]),
      place: (x, y) => this.#onPlace(x, y),
      swipe: (step) => act(step > 0 ? "next" : "previous"),
      draw: (from, to) => this.framing.drawBetween(position.row, position.image, from, to),
      drawn: (isKept) => (isKept ? act("keep-focus") : this.framing.drop()),
    };
    this.#left = new Stage(this.#zoom, this.#pictures, { ...listeners, note: () => {}, place: () => {} });
    this.#main = new Stage(this.#zoom, this.#pictures, listeners);
    byId("stages").append(this.#left.root, this.#main.root);
    this.panel = new Panel(review, position, act);
    this.#channels = new ChannelList(review, this.framing, act);
    this.panel.addEventListener("draft", () => this.#pin());
    this.framing.addEventListener("framed", () => this.isOpen && this.#frame());
    this.#zoom.addEventListener("zoomed", () => this.#showZoom());
    this.#dialog.addEventListener("close", () => this.isOpen || this.#leave());
    this.#dialog.addEventListener("cancel", (event) => this.#onCancel(event));
  }

  get isOpen() {
    return this.#dialog.open;
  }

  open() {
    if (!this.isOpen) this.#dialog.showModal();
    this.show();
    byId("stages").focus({ preventScroll: true });
  }

  close() {
    if (!this.isOpen) return;
    this.#dialog.close();
    this.#leave();
  }

  /** Bring everything up to date with where one is and what was decided. */
  show() {
    const { row, image, index } = this.#position;
    if (!this.isOpen || !row) return;
    this.#place = { row, index };
    const left = this.isComparing ? this.#compared() : null;
    byId("stages").classList.toggle("two", left !== null);
    this.#left.root.hidden = left === null;
    if (left) this.#put(this.#left, left, "compared with");
    this.#put(this.#main, image, left ? "this one" : "");
    this.#pin();
    this.panel.show();
    this.#frame();
    this.#showStrip();
    this.#loadAhead(left);
    this.#nameInAddress(image);
  }

  toggleZoom() {
    const [x, y] = this.#main.place();
    this.#zoom.toggle(x, y);
  }

  /** Look a little further in a direction, while at 100 %; false where nothing is to be moved. */
  pan(x, y) {
    if (!this.#zoom.isOn) return false;
    this.#zoom.lookAt(this.#zoom.x + x, this.#zoom.y + y);
    return true;
  }

  toggleCompare() {
    this.isComparing = !this.isComparing && this.#position.row.images.length > 1;
    byId("compare").setAttribute("aria-pressed", String(this.isComparing));
    this.show();
  }

  /** Where a note would be pinned: under the mouse, or in the middle of what is seen. */
  place() {
    return this.#main.place();
  }

  /** What stays left: the row's pick; without one, the first other picture of the row. */
  #compared() {
    const { row, image } = this.#position;
    const others = row.images.filter((each) => each !== image && each.state === "stored");
    const isMine = (each) => this.#review.wordOf(row, each) === "pick";
    const isPicked = (each) => this.#review.decided(row).images[row.images.indexOf(each)].state === "picked";
    return others.find(isMine) ?? (this.#review.showsOthers && others.find(isPicked)) ?? others[0] ?? null;
  }

  #put(stage, image, role) {
    const { row } = this.#position;
    const place = `${row.images.indexOf(image) + 1} of ${row.images.length}`;
    const verdict = { pick: "picked", reject: "rejected" }[this.#review.wordOf(row, image)];
    stage.root.dataset.own = verdict ?? "";
    stage.show(image, `${row.label}, seed ${image.seed}`, [role, place, verdict].filter(Boolean).join(" · "));
    stage.why.replaceChildren(element("strong", {}, MISSING[image.state] ?? ""), ` ${image.why ?? ""}`);
  }

  #pin() {
    const { row, image } = this.#position;
    const notes = this.#review.notesOf(row, image).map((mark, at) => ({ ...mark.value, number: at + 1, id: mark.id }));
    const draft = this.panel.draft;
    const shown = notes.map((note) => (draft && draft.id === note.id ? { ...note, where: draft.where } : note));
    if (draft && !draft.id) shown.push({ where: draft.where, text: "", number: notes.length + 1, isDraft: true });
    this.#main.pin(shown);
    this.#main.isDrawing = this.framing.isOn && !draft;
  }

  /** What the channels show of the picture. */
  #frame() {
    const { row, image } = this.#position;
    this.#main.isDrawing = this.framing.isOn && !this.panel.draft;
    this.#channels.show(row, image);
    if (!this.framing.isOn) return this.#main.frames.hide();
    this.#main.frames.show(image, this.framing.shown(row, image), this.framing.placed(row, image));
  }

  #onPlace(x, y) {
    if (this.panel.draft) this.panel.moveDraft([x, y]);
    else if (this.framing.isOn) this.#act("focus", [x, y]);
  }

  #showStrip() {
    const { row, index } = this.#position;
    if (this.#shownRow !== row) this.#strip.replaceChildren(...row.images.map((_, at) => this.#stripButton(row, at)));
    this.#shownRow = row;
    [...this.#strip.children].forEach((button, at) => {
      const word = this.#review.wordOf(row, row.images[at]);
      button.dataset.own = word ?? "";
      const said = word ? `, you said ${word}` : "";
      button.setAttribute("aria-label", `Image ${at + 1}, seed ${row.images[at].seed}${said}`);
      button.setAttribute("aria-current", String(at === index));
    });
  }

  #stripButton(row, at) {
    const image = row.images[at];
    const button = element("button", { type: "button", onclick: () => this.#act("go", row, at) });
    if (image.state === "stored") button.append(element("img", { alt: "", src: image.small }));
    return button;
  }

  #showZoom() {
    byId("zoom").setAttribute("aria-pressed", String(this.#zoom.isOn));
  }

  /** What may be looked at next is decoded before anyone asks for it. */
  #loadAhead(left) {
    const shown = [this.#main, ...(left ? [this.#left] : [])].map((stage) => stage.source).filter(Boolean);
    this.#pictures.keep(shown, this.#position.neighbours().map((image) => image.large));
  }

  /** The address leads to the image; browsers allow only so many changes of it, so it follows after a moment. */
  #nameInAddress(image) {
    clearTimeout(this.#naming);
    const name = () => this.isOpen && history.replaceState(null, "", `#${image.key.slice(0, 8)}`);
    this.#naming = setTimeout(name, NAMED_AFTER_MILLISECONDS);
  }

  #onCancel(event) {
    event.preventDefault();
    if (this.panel.draft) this.panel.closeNote();
    else this.close();
  }

  /** The browser moves the keyboard back to where the large view was opened; one is where one looked last. */
  #leave() {
    if (!this.#place) return;
    const { row, index } = this.#place;
    this.#place = null;
    this.panel.closeNote();
    history.replaceState(null, "", location.pathname + location.search);
    this.#position.goTo(row, index);
    this.#act("closed");
  }
}
