/** Served: what happens meanwhile is asked for every two seconds, and each mark is sent at once. */

import { announce } from "./announcements.js";
import { byId, plural } from "./dom.js";
import { linked } from "./page_data.js";
import { written } from "./saving.js";

const EVERY_MILLISECONDS = 2000;
const MOST_AT_ONCE = 50;

export class Live {
  #review;
  #isSending = false;
  #known;
  #onRefreshed;

  constructor(review, onRefreshed) {
    this.#review = review;
    this.#known = review.data.version;
    this.#onRefreshed = onRefreshed;
    review.addEventListener("marks", () => this.#send());
    this.#later();
    this.#send();
  }

  #later() {
    setTimeout(async () => {
      await this.#look();
      await this.#send();
      this.#later();
    }, EVERY_MILLISECONDS);
  }

  async #look() {
    try {
      const answer = await fetch(`state?known=${encodeURIComponent(this.#known)}`, { cache: "no-store" });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const data = await answer.json();
      this.#showGone(false);
      if (data.version === this.#known) return;
      this.#known = data.version;
      this.#refresh(linked(data));
    } catch (error) {
      this.#showGone(true, error);
    }
  }

  #refresh(data) {
    const before = storedOf(this.#review.data);
    this.#review.refresh(data);
    this.#onRefreshed();
    const more = storedOf(data) - before;
    if (more > 0) announce(`${plural(more, "new image")}.`);
  }

  /** Send what is in no file yet, a portion at a time and one after the other; what fails is sent again. */
  async #send() {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let marks = this.#next(); marks.length; marks = this.#next()) {
        await this.#post(marks);
        this.#review.noteFiled(marks.map((mark) => mark.id));
      }
    } catch (error) {
      this.#showGone(true, error);
    } finally {
      this.#isSending = false;
    }
  }

  #next() {
    return this.#review.unsaved.slice(0, MOST_AT_ONCE);
  }

  async #post(marks) {
    const answer = await fetch("marks", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ marks: marks.map(written) }),
    });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  }

  #showGone(isGone, error) {
    if (isGone) console.info("the server does not answer", error);
    byId("gone").hidden = !isGone;
  }
}

function storedOf(data) {
  return data.images.filter((image) => image.state === "stored").length;
}
