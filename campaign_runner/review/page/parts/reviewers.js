/** Who reviews: an id of `a-z 0-9 -` made from a name, and a question for it before the first mark. */

import { byId } from "./dom.js";

const LONGEST = 40;
const SPELT_OUT = {
  ...{ ä: "ae", ö: "oe", ü: "ue", ß: "ss", æ: "ae", œ: "oe", ĳ: "ij", þ: "th" },
  ...{ ø: "o", ł: "l", đ: "d", ð: "d", ħ: "h", ı: "i", ŧ: "t", ŋ: "n" },
};

/** The id of a reviewer called `name`, as Python makes it; empty where nothing of the name can be in one. */
export function reviewerId(name) {
  const spelt = [...name.toLowerCase().normalize("NFC")].map((letter) => SPELT_OUT[letter] ?? letter).join("");
  const plain = spelt.normalize("NFD").replace(/\p{Mn}/gu, "");
  return trimmed(trimmed(plain.replace(/[^a-z0-9]+/g, "-")).slice(0, LONGEST));
}

function trimmed(id) {
  return id.replace(/^-+|-+$/g, "");
}

/** Ask for a name; `named` is called with `{id, name}` unless the person thinks better of it. */
export function askForName(named) {
  const dialog = byId("who-dialog");
  const field = byId("who-name");
  const form = dialog.querySelector("form");
  form.onsubmit = (event) => {
    event.preventDefault();
    const name = field.value.trim().replace(/\s+/g, " ");
    const id = reviewerId(name);
    byId("who-problem").hidden = id !== "";
    if (!id) return;
    dialog.close();
    named({ id, name });
  };
  dialog.showModal();
  field.focus();
}
