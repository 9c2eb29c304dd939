/** Elements made of text alone: nothing that a campaign, a prompt or a note says is ever read as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** An element; attributes that are null or false are left out, those called `on…` are listeners. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** One of the drawings that the page defines as `icon-NAME`; decoration only, the words stand beside it. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  drawing.append(use);
  return drawing;
}

/** The element of the page with this id; that it is there is the page's promise. */
export function byId(id) {
  return document.getElementById(id);
}

/** `1 image`, `2 images`. */
export function plural(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Words with commas between them and `and` before the last. */
export function joined(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/** Put `text` on the clipboard; says whether that went well. Pages from disk may lack the newer way. */
export async function copied(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (refusal) {
      console.info("the clipboard was refused; trying the older way", refusal);
    }
  }
  const field = element("textarea", { readonly: true, class: "off-screen", "aria-hidden": "true" });
  field.value = text;
  const before = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const went = document.execCommand("copy");
  field.remove();
  before?.focus();
  return went;
}
