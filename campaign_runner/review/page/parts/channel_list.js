/** Beside the large picture while frames are shown: the channels, how much each shows, and what placed its cut. */

import { byId, element } from "./dom.js";
import { placedWords } from "./framing.js";

const CLICK = "Click what must be seen, or drag the part to show";

export class ChannelList {
  #review;
  #framing;
  #buttons = [];

  /** `act(name, …)` is what the buttons do, as in `actions.js`. */
  constructor(review, framing, act) {
    this.#review = review;
    this.#framing = framing;
    const { channels } = framing;
    byId("frames").hidden = channels.length === 0;
    byId("frames").addEventListener("click", () => act("frames"));
    byId("clear-focus").addEventListener("click", () => act("clear-focus"));
    this.#buttons = [null, ...channels].map((channel) => {
      const said = [element("b", {}, channel?.id ?? "All channels"), element("span"), element("small")];
      return element("button", { type: "button", onclick: () => act("channel", channel?.id ?? null) }, ...said);
    });
    byId("channel-list").append(...this.#buttons);
  }

  show(row, image) {
    const isShown = this.#framing.isOn && image.state === "stored";
    byId("channels").hidden = !isShown;
    byId("frames").setAttribute("aria-pressed", String(this.#framing.isOn));
    if (!isShown) return;
    const { chosen } = this.#framing;
    this.#buttons[0].setAttribute("aria-pressed", String(chosen === null));
    this.#framing.cuts(row, image).forEach((cut, at) => {
      const button = this.#buttons[at + 1];
      const [, share, notes] = button.children;
      button.setAttribute("aria-pressed", String(cut.channel === chosen));
      share.textContent = shareWords(cut.part, image);
      notes.textContent = noteWords(cut);
      notes.hidden = notes.textContent === "";
    });
    const which = chosen ? `for ${chosen.id} alone (${chosen.width}×${chosen.height})` : "for all channels";
    byId("channels-how").textContent = `${CLICK}, ${which}. What each shows of the picture:`;
    byId("focus-said").textContent = this.#focusWords(row, image);
    byId("clear-focus").disabled = this.#framing.without(row, image) === null;
  }

  /** What places the cuts, and who said so. */
  #focusWords(row, image) {
    const { chosen } = this.#framing;
    const placed = `${chosen?.id ?? "All channels"}: ${placedWords(this.#framing.placed(row, image))}.`;
    const focus = this.#review.focusOf(row, image);
    if (!focus) return placed;
    const who = this.#review.nameOf(focus.mark.reviewer);
    return `${placed} Set by ${who}.${focus.isDisputed ? ` Others set it otherwise: what ${who} says counts.` : ""}`;
  }
}

function shareWords(part, image) {
  return `${Math.round((100 * part.width * part.height) / (image.width * image.height))} %`;
}

/** What is to be known of a channel's cut; mostly nothing. */
function noteWords({ channel, isOwn, isElsewhere, isTooSmall }) {
  const words = [];
  if (isOwn) words.push("its own focus");
  if (isTooSmall) words.push("too few pixels: no file is made");
  if (isElsewhere) words.push(channel.from ? `cut from ${channel.from.replace("x", "×")}` : "no size is large enough");
  return words.join(" · ");
}
