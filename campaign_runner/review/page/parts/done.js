/** The done screen: what was decided, and which commands lead on. */

import { announce, show } from "./announcements.js";
import { byId, copied, element, plural } from "./dom.js";
import { STATES } from "./words.js";

export class DoneScreen {
  #review;
  #dialog = byId("done-dialog");

  constructor(review) {
    this.#review = review;
    byId("done-save").addEventListener("click", () => byId("save").click());
  }

  open() {
    this.#show();
    byId("viewer").close();
    this.#dialog.showModal();
    announce(byId("done-title").textContent);
  }

  #show() {
    const counts = this.#review.counts();
    const open = this.#review.rows.filter((row) => this.#review.isOpenForMe(row)).length;
    byId("done-title").textContent = open ? `${plural(open, "row")} still open` : "You are done";
    const states = ["picked", "conflict", "rejected", "waiting", "empty", "open"].filter((state) => counts[state]);
    const said = (state) => [element("b", {}, counts[state].toLocaleString("en")), ` ${STATES[state]}`];
    byId("done-counts").replaceChildren(...states.map((state) => element("li", {}, ...said(state))));
    const isWaiting = this.#review.unsaved.length > 0;
    byId("done-save").hidden = byId("save").hidden;
    byId("done-where").hidden = !isWaiting || this.#review.data.is_served;
    byId("done-commands").replaceChildren(...this.#commands(counts).map(command));
  }

  /** The commands that make sense now, each with what it does. */
  #commands(counts) {
    const { commands } = this.#review.data;
    const found = [["See what was decided", commands.status]];
    if (counts.rejected && commands.reroll) found.push(["Make new images for the rejected rows", commands.reroll]);
    if (counts.picked && commands.deliver) found.push(["Make the files for hand-over", commands.deliver]);
    return found;
  }
}

function command([words, line]) {
  const copy = async () => show((await copied(line)) ? "The command is copied." : `Copy it from here: ${line}`);
  const attributes = { type: "button", class: "quiet", onclick: copy, "aria-label": `Copy: ${line}` };
  const button = element("button", attributes, "Copy");
  return element("li", {}, element("span", {}, words), element("code", {}, line), button);
}
