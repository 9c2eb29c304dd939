/** What keys and buttons do, in the grid and in the large view alike. */

import { announce, hideAll, show } from "./announcements.js";
import { copied } from "./dom.js";
import { FrameActions } from "./frame_actions.js";
import { askForName } from "./reviewers.js";
import { reasonDigits, reasonsOf, reasonWords } from "./words.js";

const FIRST_REJECT = "Rejected means: must not go out. To prefer another image, pick that one instead.";

export class Actions {
  #review;
  #position;
  #storage;
  #views = null;
  #rejected = null;

  constructor(review, position, storage) {
    this.#review = review;
    this.#position = position;
    this.#storage = storage;
    this.advances = storage.isOn("advance", true);
    this.cuts = new FrameActions(review, position, (act) => this.#asReviewer(act));
  }

  /** `views`: the grid, the large view, filters, the done screen and the list of keys. */
  connect(views) {
    this.#views = views;
    this.cuts.connect(views.viewer);
  }

  /** The image whose reason the next digit gives, or null. */
  get awaitsReason() {
    return this.#rejected !== null;
  }

  forgetReason() {
    if (this.#rejected) hideAll();
    this.#rejected = null;
  }

  pick() {
    this.#asReviewer(() => {
      const { row, image } = this.#position;
      if (this.#saidAlready(row, image, "pick")) return this.#afterPick(row);
      if (this.#hasPickedEnough(row, image)) return show("You picked as many of this row as may be: clear one first.");
      this.#review.giveVerdict(row, image, "pick");
      return this.#afterPick(row);
    });
  }

  reject() {
    this.#asReviewer(() => {
      const { row, image } = this.#position;
      if (!this.#saidAlready(row, image, "reject")) this.#review.giveVerdict(row, image, "reject");
      this.#rejected = { row, image };
      const first = this.#storage.isOn("told-reject", false) ? "Rejected." : FIRST_REJECT;
      this.#storage.turn("told-reject", true);
      show(`${first} Why? ${reasonDigits(this.#review.settings)}`);
      if (this.advances) this.#position.withinRow();
    });
  }

  clear() {
    const { row, image } = this.#position;
    if (!this.#review.reviewer || !this.#review.wordOf(row, image)) return announce("Nothing to clear.");
    this.#review.giveVerdict(row, image, null);
    return this.#tell("Cleared.");
  }

  /** Give the image that was rejected last, or the one where one is, a reason by its code. */
  reason(code) {
    const { row, image } = this.#rejected ?? this.#position;
    if (this.#review.wordOf(row, image) !== "reject") return;
    if (code === "other") return this.#askForWords(row, image);
    this.#review.giveVerdict(row, image, "reject", code);
    this.#tell(`Reason: ${reasonWords(this.#review.settings, code)}.`);
  }

  /** The reason with this digit; the answer is whether there is one. */
  reasonByDigit(digit) {
    const code = [...reasonsOf(this.#review.settings).keys()][digit - 1];
    if (code) this.reason(code);
    this.forgetReason();
    return code !== undefined;
  }

  /** Pick the image with this number in the row. */
  pickNumber(number) {
    const { row } = this.#position;
    if (number > row.images.length) return announce(`This row has ${row.images.length} images.`);
    this.#position.goTo(row, number - 1);
    return this.pick();
  }

  note(value, before = null) {
    this.#asReviewer(() => {
      const { row, image } = this.#position;
      this.#review.giveNote(row, image, value, before);
      announce(value === null ? "Note removed." : "Note kept.");
    });
  }

  undo() {
    const undone = this.#review.undo();
    if (!undone) return announce("Nothing to undo.");
    this.forgetReason();
    this.#position.goTo(undone.row, undone.row.images.indexOf(undone.image));
    return this.#tell("Undone.");
  }

  compare() {
    this.#views.viewer.open();
    this.#views.viewer.toggleCompare();
  }

  zoom() {
    this.#views.viewer.open();
    this.#views.viewer.toggleZoom();
  }

  beginNote() {
    this.#views.viewer.open();
    this.#views.viewer.panel.editNote(this.#views.viewer.place());
  }

  toggleLarge() {
    if (this.#views.viewer.isOpen) this.#views.viewer.close();
    else if (this.#position.row) this.#views.viewer.open();
  }

  search() {
    this.#views.viewer.close();
    this.#views.filters.focusSearch();
  }

  /** What a button of the grid or the large view asks for, by its name. */
  run(name, ...values) {
    const acts = {
      large: () => this.#views.viewer.open(),
      close: () => this.#views.viewer.close(),
      closed: () => this.#views.grid.reveal({ focused: true }),
      previous: () => this.move(-1),
      next: () => this.move(1),
      go: () => this.#position.goTo(...values),
      pick: () => this.pick(),
      reject: () => this.reject(),
      clear: () => this.clear(),
      reason: () => this.reason(...values),
      compare: () => this.compare(),
      zoom: () => this.zoom(),
      frames: () => this.cuts.toggle(),
      channel: () => this.cuts.choose(...values),
      focus: () => this.cuts.place(...values),
      "keep-focus": () => this.cuts.keep(),
      "clear-focus": () => this.cuts.clear(),
      others: () => this.toggleOthers(),
      "copy-key": () => this.copyKey(),
      "copy-retake": () => this.copyRetake(),
      "add-note": () => this.beginNote(),
      note: () => this.note(...values),
      "remove-note": () => this.note(null, values[0]),
    };
    return acts[name]();
  }

  nextOpen() {
    if (this.#position.toNextOpen()) return;
    announce("No open row is left.");
    this.#views.done.open();
  }

  move(step) {
    if (!this.#position.byImages(step)) announce(step > 0 ? "This is the last image." : "This is the first image.");
  }

  moveRow(step) {
    const rows = this.#views.viewer.isOpen ? 1 : this.#views.grid.columns;
    if (!this.#position.byRows(step * rows)) announce(step > 0 ? "This is the last row." : "This is the first row.");
  }

  toggleAdvance() {
    this.advances = !this.advances;
    this.#storage.turn("advance", this.advances);
    show(this.advances ? "A verdict goes on to the next image or row." : "A verdict stays where it is.");
  }

  toggleOthers() {
    this.#review.showOthers(!this.#review.showsOthers);
    show(this.#review.showsOthers ? "Others’ verdicts are shown." : "Others’ verdicts are hidden.");
  }

  copyKey() {
    return this.#copy(this.#position.image.key, "The key");
  }

  /** Ids and digits only, so a shell reads it as it is. */
  copyRetake() {
    return this.#copy(`campaign-runner retake ${this.#position.image.key.slice(0, 8)}`, "The retake command");
  }

  #afterPick(row) {
    const counts = this.#review.counts();
    this.#tell(`Picked. ${counts.picked} of ${this.#review.rows.length} rows are picked.`);
    if (!this.advances) return;
    if (!this.#position.toNextOpen()) this.#views.done.open();
    else if (this.#position.row === row) this.#position.byRows(1);
  }

  /** Whether one has said so of these very bytes. */
  #saidAlready(row, image, verdict) {
    const own = this.#review.verdictOf(row, image);
    return own?.value.verdict === verdict && own.sha256 === image.sha256;
  }

  #hasPickedEnough(row, image) {
    const most = this.#review.settings.picks;
    if (most === 1 || most === "any") return false;
    const others = row.images.filter((each) => each !== image);
    const mine = others.filter((each) => this.#review.wordOf(row, each) === "pick");
    return mine.length >= most;
  }

  #askForWords(row, image) {
    const index = row.images.indexOf(image);
    this.#position.goTo(row, index);
    this.#views.reasonNote.ask((text) => this.#review.giveVerdict(row, image, "reject", "other", text));
  }

  async #copy(text, what) {
    show((await copied(text)) ? `${what} is copied: ${text}` : `Copy it from here: ${text}`);
  }

  #asReviewer(act) {
    if (this.#position.image?.state !== "stored") return announce("There is no picture to decide about.");
    if (this.#review.reviewer) return act();
    return askForName((reviewer) => {
      this.#review.nameReviewer(reviewer);
      act();
    });
  }

  #tell(text) {
    announce(text);
  }
}
