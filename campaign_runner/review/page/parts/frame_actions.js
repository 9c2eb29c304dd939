/** What keys and buttons do about the cuts of channels: the large view shows them, the framing holds what is drawn. */

import { announce, show } from "./announcements.js";
import { placedWords } from "./framing.js";

const NO_CHANNELS = "This campaign has no channels. Name some in its file to see what each shows of a picture.";

export class FrameActions {
  #review;
  #position;
  #asReviewer;
  #viewer = null;

  /** `asReviewer(act)` acts once the reviewer has said who they are, if there is a picture. */
  constructor(review, position, asReviewer) {
    this.#review = review;
    this.#position = position;
    this.#asReviewer = asReviewer;
  }

  connect(viewer) {
    this.#viewer = viewer;
  }

  toggle() {
    const isSeen = this.#viewer.isOpen && this.#framing.isOn;
    this.#viewer.open();
    if (!this.#framing.channels.length) return show(NO_CHANNELS);
    if (isSeen === this.#framing.isOn) this.#framing.toggle();
    return announce(this.#framing.isOn ? "What each channel shows is drawn." : "Channels are hidden.");
  }

  /** Choose a channel by its id, or all with null. */
  choose(id) {
    this.#framing.choose(id);
    this.#tell();
  }

  next() {
    if (!this.#framing.isOn) return this.toggle();
    this.#framing.chooseNext();
    return this.#tell();
  }

  /** Set the focus to a point. */
  place(where) {
    const { row, image } = this.#position;
    this.#framing.draw(row, image, where);
    this.keep();
  }

  /** Move the focus, or the part; `keep` makes a mark of it, once the key is let go. */
  move(x, y) {
    const { row, image } = this.#position;
    this.#framing.move(row, image, x, y);
  }

  resize(isSmaller) {
    const { row, image } = this.#position;
    if (this.#framing.resize(row, image, isSmaller)) this.keep();
    else announce("It shows as much as it can.");
  }

  /** Make a mark of what was drawn. */
  keep() {
    this.#give(this.#framing.taken());
  }

  clear() {
    const { row, image } = this.#position;
    const without = this.#framing.without(row, image);
    if (without) this.#give(without);
    else announce("Nothing to take back.");
  }

  get #framing() {
    return this.#viewer.framing;
  }

  #give(changed) {
    if (!changed) return;
    this.#asReviewer(() => {
      this.#review.giveFocus(changed.row, changed.image, changed.value);
      this.#tell();
    });
  }

  #tell() {
    const { row, image } = this.#position;
    announce(`${this.#framing.chosen?.id ?? "All channels"}: ${placedWords(this.#framing.placed(row, image))}.`);
  }
}
