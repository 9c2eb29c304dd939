/** The head of the page: how far the review is, and what a run is doing. */

import { byId, element, plural } from "./dom.js";

const PARTS = [
  ["picked", "picked"],
  ["conflict", "conflicts"],
  ["rejected", "rejected"],
  ["waiting", "waiting"],
  ["empty", "without a picture"],
  ["open", "open"],
];

/** Show the counts of all rows, as `status` says them. */
export function showHead(review) {
  const counts = review.counts();
  const there = PARTS.filter(([state]) => counts[state]);
  const parts = there.map(([state, words]) => {
    const said = state === "conflict" && counts[state] === 1 ? "conflict" : words;
    return `${counts[state].toLocaleString("en")} ${said}`;
  });
  if (counts.new) parts.push(`${counts.new.toLocaleString("en")} with new pictures`);
  byId("counts").textContent = `${plural(review.rows.length, "row")}: ${parts.join(", ")}`;
  byId("progress").replaceChildren(...there.map(([state]) => share(state, counts[state])));
  byId("running").hidden = !review.data.is_running;
  byId("running").textContent = review.data.running_words ?? "";
  byId("who").textContent = review.reviewer ? review.reviewer.name : "";
  byId("who").hidden = !review.reviewer;
}

function share(state, number) {
  const part = element("span", { class: `share ${state}` });
  part.style.flexGrow = String(number);
  return part;
}
