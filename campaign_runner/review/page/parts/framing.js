/** What the channels show of the picture that is looked at, and what hands do to change that. */

import { EVERY_CHANNEL, cropAt, focusFor, isEnlarged, withinRoom } from "./cuts.js";

const SMALLEST = 0.01;
const STEP = 0.9;

/** Dispatches `framed` whenever something else is to be drawn. A part that is being drawn is kept by `keep` alone. */
export class Framing extends EventTarget {
  #review;
  #isOn = false;
  #chosen = null;
  #draft = null;

  constructor(review) {
    super();
    this.#review = review;
  }

  /** Whether frames are shown. */
  get isOn() {
    return this.#isOn && this.channels.length > 0;
  }

  /** The channels of the campaign, in its order. */
  get channels() {
    return this.#review.data.channels;
  }

  /** The channel that is chosen; null for all of them. */
  get chosen() {
    return this.channels.find((channel) => channel.id === this.#chosen) ?? null;
  }

  toggle() {
    this.#isOn = !this.#isOn;
    this.#draft = null;
    this.#changed();
  }

  /** Choose a channel by its id, or all with null. */
  choose(id) {
    this.#chosen = id;
    this.#draft = null;
    this.#changed();
  }

  /** All of them, then one after the other, and all again. */
  chooseNext() {
    const ids = [null, ...this.channels.map((channel) => channel.id)];
    this.choose(ids[(ids.indexOf(this.chosen?.id ?? null) + 1) % ids.length]);
  }

  /** What each channel makes of an image: its part, whether that is too small, and what placed it. */
  cuts(row, image) {
    const focus = this.#focus(row, image);
    return this.channels.map((channel) => {
      const part = cropAt(image, channel, focusFor(focus, channel.id));
      const isOwn = focus !== null && Object.hasOwn(focus, channel.id);
      const isElsewhere = channel.from !== `${image.width}x${image.height}`;
      return { channel, part, isOwn, isElsewhere, isTooSmall: isEnlarged(part, channel) };
    });
  }

  /** The cuts that are drawn: the chosen channel's, or those of all that are cut from a picture of this size. */
  shown(row, image) {
    const cuts = this.cuts(row, image);
    return this.chosen ? cuts.filter((cut) => cut.channel === this.chosen) : cuts.filter((cut) => !cut.isElsewhere);
  }

  /** What the chosen channel, or all of them, is placed by: two numbers, four, or null for the middle. */
  placed(row, image) {
    return focusFor(this.#focus(row, image), this.#name);
  }

  /** Show at once what this would be: a point or a part. */
  draw(row, image, where) {
    this.#draft = { row, image, name: this.#name, where: where.map(asFraction) };
    this.#changed();
  }

  /** The same for what is between two corners, wherever they are. */
  drawBetween(row, image, [x, y], [toX, toY]) {
    const [left, top] = [Math.min(x, toX), Math.min(y, toY)];
    const long = (one, other) => Math.max(SMALLEST, Math.abs(one - other));
    this.draw(row, image, [Math.min(left, 1 - SMALLEST), Math.min(top, 1 - SMALLEST), long(x, toX), long(y, toY)]);
  }

  /** Move what the chosen channel is placed by, as it stands or is being drawn. */
  move(row, image, x, y) {
    const [left, top, ...size] = this.placed(row, image) ?? [0.5, 0.5];
    const [wide = 0, high = 0] = size;
    const moved = [withinRoom(left + x, 1 - wide), withinRoom(top + y, 1 - high)];
    this.draw(row, image, [...moved, ...size]);
  }

  /** Make the part that is shown smaller or larger about its middle; a point becomes the part it leads to. */
  resize(row, image, isSmaller) {
    const placed = this.placed(row, image);
    if (placed?.length !== 4 && !isSmaller) return false;
    const [left, top, wide, high] = placed?.length === 4 ? placed : this.#wholePart(row, image);
    const scale = isSmaller ? STEP : 1 / STEP;
    const [width, height] = [wide, high].map((each) => Math.min(1, Math.max(SMALLEST, each * scale)));
    const begin = [withinRoom(left + (wide - width) / 2, 1 - width), withinRoom(top + (high - height) / 2, 1 - height)];
    this.draw(row, image, [...begin, width, height]);
    return true;
  }

  /** What was drawn, `{row, image, value}`, which is no longer drawn then; null where nothing was, or is different. */
  taken() {
    const draft = this.#draft;
    this.drop();
    return draft && this.#with(draft.row, draft.image, draft.name, draft.where);
  }

  /** The focus without the entry of the chosen channel, or without that for all; null where there is none. */
  without(row, image) {
    return this.#with(row, image, this.#name, null);
  }

  /** Draw nothing any more. */
  drop() {
    if (!this.#draft) return;
    this.#draft = null;
    this.#changed();
  }

  /** Under which name a focus is kept. */
  get #name() {
    return this.chosen?.id ?? EVERY_CHANNEL;
  }

  /** The focus that counts, with what is being drawn. */
  #focus(row, image) {
    const value = this.#review.focusOf(row, image)?.value ?? null;
    const draft = this.#draft;
    return draft && draft.image.key === image.key ? { ...value, [draft.name]: draft.where } : value;
  }

  #with(row, image, name, where) {
    const before = this.#review.focusOf(row, image)?.value ?? {};
    const { [name]: known = null, ...others } = before;
    if (JSON.stringify(known) === JSON.stringify(where)) return null;
    const value = where ? { ...others, [name]: where } : others;
    return { row, image, value: Object.keys(value).length ? value : null };
  }

  #wholePart(row, image) {
    if (!this.chosen) return [0, 0, 1, 1];
    const { part } = this.shown(row, image)[0];
    return [part.left / image.width, part.top / image.height, part.width / image.width, part.height / image.height];
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("framed"));
  }
}

/** A focus in words. */
export function placedWords(where) {
  if (!where) return "focus in the middle";
  const [x, y, wide, high] = where.map((fraction) => `${Math.round(fraction * 100)} %`);
  const place = `${x} from the left, ${y} from the top`;
  return where.length === 4 ? `a fixed part of ${wide} × ${high}, ${place}` : `focus ${place}`;
}

function asFraction(fraction) {
  return Math.round(Math.min(1, Math.max(0, fraction)) * 10000) / 10000;
}
