/** Who reviews: an id of `a-z 0-9 -` made from a name, and a question for it before the first mark. */

import { byId } from "./dom.js";

const LONGEST = 40;

/** The id of a reviewer called `name`; empty where nothing of the name can be in one. */
export function reviewerId(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").replace(/ß/g, "ss").replace(/ø/gi, "o").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, LONGEST).replace(/-+$/, "");
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
