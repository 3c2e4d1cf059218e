/* What the page keeps on this device: one recording until it is sent, and ids of analyses.
 *
 * A recording shows a patient's face on a phone that others may use. It is deleted as soon as it has
 * been sent, or after a day. IndexedDB keeps it if the tab is closed; where a browser refuses to, the
 * page works as long as it is open.
 */
export const KEPT_MS = 24 * 60 * 60 * 1000;
const MAX_KEPT_BYTES = 512 * 2 ** 20; // above, copying a chosen video would take minutes
const CLOCK_ERROR_MS = 10 * 60 * 1000; // a recording from later than now + this is deleted, too

let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("eye-tracking", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  return opened;
}

/** Run a transaction; return its result when it is written. */
async function transact(mode, work) {
  try {
    return await attempt(mode, work);
  } catch {
    opened = undefined; // phones lose the connection to the database while they sleep
    return attempt(mode, work);
  }
}

async function attempt(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("kept", mode);
    const request = work(transaction.objectStore("kept"));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/** Return whether a recording has been there for a day. */
export function isOver(video, nowMs = Date.now()) {
  const ageMs = nowMs - video.madeMs;
  return ageMs >= KEPT_MS || ageMs < -CLOCK_ERROR_MS;
}

/** Keep a recording in place of the one before. Return whether this browser does. */
export async function keep({ blob, ...about }) {
  if (blob.size > MAX_KEPT_BYTES) return false;
  try {
    await transact("readwrite", (store) => {
      store.put(blob, "video");
      return store.put(about, "about");
    });
    return true;
  } catch {
    return false; // no space, or a private window
  }
}

/** Note how far the sending of the kept recording is. Once it has arrived, its video is deleted. */
export async function note({ blob, ...about }) {
  try {
    await transact("readwrite", (store) => {
      if (about.arrived) store.delete("video");
      return store.put(about, "about");
    });
  } catch {
    // It is as good as never kept.
  }
}

/** Delete the recording and all that is known of it. Return whether this browser did. */
export async function forget() {
  try {
    await transact("readwrite", (store) => {
      store.delete("video");
      return store.delete("about");
    });
    return true;
  } catch {
    return false;
  }
}

/** Return the kept recording, or undefined; delete it first if a day is over. */
export async function recall() {
  try {
    const about = await transact("readonly", (store) => store.get("about"));
    if (!about) {
      await forget();
      return undefined;
    }
    if (isOver(about)) {
      await forget();
      return { ...about, isOver: true };
    }
    const blob = about.arrived
      ? undefined : await transact("readonly", (store) => store.get("video"));
    return { ...about, blob };
  } catch {
    return undefined;
  }
}

let deletions; // a promise of the list

/** Return the ids of analyses that are still to be deleted from the service. */
export function listDeletions() {
  deletions ??= transact("readonly", (store) => store.get("deletions"))
    .then((ids) => ids ?? [], () => []);
  return deletions;
}

/** Change the list of what is still to be deleted. Two changes at a time come one after another. */
export async function changeDeletions(change) {
  deletions = listDeletions().then(change);
  const ids = await deletions;
  try {
    await transact("readwrite", (store) =>
      (ids.length ? store.put(ids, "deletions") : store.delete("deletions")));
  } catch {
    // Then only this page tries.
  }
}

/** Remember a text until the tab is closed, where the browser allows it; forget it if there is none. */
export function remember(name, text) {
  try {
    if (text === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, text);
  } catch {
    // Then it is lost when the page is loaded again.
  }
}

/** Return what was remembered, or null. */
export function recollect(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}
