// What this browser keeps: for each clip a record {id, at, name, file}, file being a profile of that one clip.
// Two tabs share it. Each writes only what changed in it, clip by clip, so neither undoes the other.

const NAME = "teach-it-your-things";
const CLIPS = "clips";

export class Shelf {
  #opening;

  /** Every record, in the order in which they were taught. Rejects where a browser keeps nothing. */
  async all() {
    const records = await this.#do("readonly", (clips) => clips.getAll());
    return records.sort((a, b) => a.at - b.at);
  }

  async put(record) {
    await this.#do("readwrite", (clips) => clips.put(record));
  }

  async remove(id) {
    await this.#do("readwrite", (clips) => clips.delete(id));
  }

  async clear() {
    await this.#do("readwrite", (clips) => clips.clear());
  }

  async #do(mode, act) {
    this.#opening ??= open().catch((error) => {
      this.#opening = null; // another time it may be allowed
      throw error;
    });
    const transaction = (await this.#opening).transaction(CLIPS, mode);
    const asked = act(transaction.objectStore(CLIPS));
    await new Promise((done, fail) => {
      transaction.oncomplete = done;
      transaction.onerror = transaction.onabort = () => fail(transaction.error);
    });
    return asked.result;
  }
}

function open() {
  return new Promise((done, fail) => {
    if (!globalThis.indexedDB) throw new DOMException("", "NotSupportedError");
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(CLIPS, { keyPath: "id" });
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => fail(opening.error);
  });
}
