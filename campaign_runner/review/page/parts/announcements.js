/** What is said aloud to a screen reader, and shown for a moment to everybody else. */

import { byId } from "./dom.js";

const SHOWN_MILLISECONDS = 6000;
let fading = 0;

/** Say it: politely, in the dialog that is open or on the page. */
export function announce(text) {
  const place = document.querySelector("dialog[open] .announcer") ?? byId("announcer");
  place.textContent = text;
}

/** Say it, and show it at the bottom for a while. */
export function show(text) {
  const toast = document.querySelector("dialog[open] .toast") ?? byId("toast");
  announce(text);
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(hideAll, SHOWN_MILLISECONDS);
}

/** Show nothing any more. */
export function hideAll() {
  for (const toast of document.querySelectorAll(".toast")) toast.hidden = true;
}
