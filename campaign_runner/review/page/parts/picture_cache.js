/** Large pictures that are loaded and decoded before anyone asks for them, and shown as they are. */

export class PictureCache {
  #ready = new Map();

  /** The picture at an address: the same element every time, as long as it is kept. */
  of(address) {
    if (!this.#ready.has(address)) {
      const picture = new Image();
      picture.draggable = false;
      picture.src = address;
      this.#ready.set(address, picture);
    }
    return this.#ready.get(address);
  }

  /** Load these, one after the other, once the picture that is looked at is there; the others are let go. */
  async keep(shown, addresses) {
    const kept = new Set([...shown, ...addresses]);
    for (const address of [...this.#ready.keys()]) {
      if (!kept.has(address)) this.#ready.delete(address);
    }
    for (const address of kept) await decoded(this.of(address));
  }
}

/** Wait until a picture can be painted at once; one that cannot be loaded is left to say so where it is shown. */
async function decoded(picture) {
  try {
    await picture.decode();
  } catch (error) {
    console.info("a picture was not decoded ahead", error);
  }
}
