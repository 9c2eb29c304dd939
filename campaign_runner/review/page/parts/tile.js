/** One image in the grid: its picture or why there is none, what was decided, and two buttons to decide. */

import { element, icon, plural } from "./dom.js";
import { MISSING, STATES, reasonWords, verdictWords } from "./words.js";

/** A tile. `act(name, row, index)` is called for `open`, `pick` and `reject`. */
export function makeTile(row, index, act) {
  const image = row.images[index];
  const picture = element("button", { type: "button", class: "picture", tabindex: -1, "data-place": index });
  picture.style.aspectRatio = `${image.width} / ${image.height}`;
  picture.addEventListener("click", () => act("open", row, index));
  const pick = verdictButton("pick", "Pick", () => act("pick", row, index));
  const reject = verdictButton("reject", "Reject", () => act("reject", row, index));
  const said = element("span", { class: "said" });
  const facts = element("span", { class: "seed" }, `${image.seed}`);
  return element("div", { class: "tile" }, picture, element("div", { class: "caption" }, pick, reject, facts, said));
}

function verdictButton(kind, label, pressed) {
  const attributes = { type: "button", class: `verdict ${kind}`, tabindex: -1, "aria-pressed": "false" };
  return element("button", { ...attributes, "aria-label": label, onclick: pressed }, icon(kind));
}

/** Bring a tile up to date with what was decided. */
export function refreshTile(tile, row, index, review) {
  const image = row.images[index];
  const decided = review.decided(row).images[index];
  const own = review.verdictOf(row, image);
  const verdict = own?.value?.verdict ?? null;
  tile.dataset.state = decided.state;
  tile.dataset.own = verdict ?? "";
  showPicture(tile.querySelector(".picture"), image, `${row.label}, seed ${image.seed}`);
  for (const [kind, name] of [["pick", "Pick"], ["reject", "Reject"]]) {
    const button = tile.querySelector(`.verdict.${kind}`);
    button.setAttribute("aria-pressed", String(verdict === kind));
    button.setAttribute("aria-label", `${name} ${row.label}, seed ${image.seed}`);
    button.hidden = image.state !== "stored";
  }
  const words = saidWords(row, image, decided, own, review);
  tile.querySelector(".said").replaceChildren(...badges(row, image, decided, own, review));
  tile.querySelector(".picture").setAttribute("aria-label", words);
}

function showPicture(button, image, name) {
  if (image.state !== "stored") {
    if (button.dataset.shown === image.state) return;
    button.dataset.shown = image.state;
    const why = element("span", { class: "why" }, element("strong", {}, MISSING[image.state]), image.why ?? "");
    button.replaceChildren(why);
    return;
  }
  if (button.dataset.shown === image.small) return;
  button.dataset.shown = image.small;
  const picture = element("img", { alt: "", loading: "lazy", decoding: "async", draggable: "false" });
  const gone = element("span", { class: "why" }, "the file is not here");
  picture.addEventListener("error", () => picture.replaceWith(gone));
  picture.src = image.small;
  const stamp = element("span", { class: "stamp", "aria-hidden": "true" }, icon("pick"), icon("reject"));
  button.replaceChildren(picture, stamp);
}

/** What everybody may see at a glance: the reason of a rejection, what is disputed, new or outdated, notes. */
function badges(row, image, decided, own, review) {
  const found = [];
  if (own?.value?.reason) found.push(reasonWords(review.settings, own.value.reason));
  const isSaid = ["picked", "rejected"].includes(decided.state) && own?.value?.verdict;
  if (review.showsOthers && decided.state !== "undecided" && !isSaid) found.push(STATES[decided.state]);
  if (decided.newFor.has(review.reviewer?.id)) found.push("new");
  if (decided.outdated.some((mark) => mark.value?.verdict)) found.push("outdated");
  const notes = review.notesOf(row, image).length;
  if (notes) found.push(plural(notes, "note"));
  return found.map((words) => element("span", { class: "badge" }, words));
}

/** The whole of it in words. */
export function saidWords(row, image, decided, own, review) {
  const name = `${row.label}, seed ${image.seed}`;
  if (image.state !== "stored") return `${name}: ${MISSING[image.state]}. ${image.why ?? ""}`;
  const mine = own?.value?.verdict ? `you ${verdictWords(own, review.settings)}` : "no verdict of yours";
  const all = review.showsOthers ? `, ${STATES[decided.state]}` : "";
  const notes = review.notesOf(row, image).length;
  return `${name}: ${mine}${all}${notes ? `, ${plural(notes, "note")}` : ""}`;
}
