/** The reason `other` needs words. */

import { byId } from "./dom.js";

export class ReasonNote {
  #dialog = byId("reason-dialog");
  #text = byId("reason-text");
  #given = null;

  constructor() {
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#text.value.trim();
      if (!text) return;
      this.#dialog.close();
      this.#given(text);
    });
  }

  /** Ask for the words; `given` is called with them. */
  ask(given) {
    this.#given = given;
    this.#text.value = "";
    this.#dialog.showModal();
    this.#text.focus();
  }
}
