/** How large the pictures of the grid are: the width that each has at least, in pixels. */

import { byId } from "./dom.js";

const USUAL = 190;

/** Let the slider decide, as it was left. */
export function followPictureSize(storage) {
  const slider = byId("picture-size");
  const set = () => byId("main").style.setProperty("--tile", `${slider.value}px`);
  slider.value = String(storage.number("picture-size", USUAL));
  if (slider.value !== String(USUAL)) set();
  slider.addEventListener("input", () => {
    set();
    storage.keepNumber("picture-size", Number(slider.value));
  });
}
