/* The service worker: the page works without a connection, and brings itself up to date.
 *
 * A cache holds one consistent version of all files. Each time the page is opened with a connection,
 * all files are fetched; if one of them has changed, they go into a second cache, which the next
 * opening of the page takes. So a page never runs with files of two versions. The cache holds only
 * the page itself: nothing of a recording, and no answer of the API.
 */
"use strict";

const FILES = [
  "./", "app.js", "camera.js", "client.js", "config.js", "eye.js", "face.js", "kind.js", "look.js",
  "page.js", "practice.js", "recording.js", "sending.js", "storage.js", "task.js", "texts.js",
  "style.css", "face_detection_short_range.tflite", "manifest.en.webmanifest",
  "manifest.ko.webmanifest", "icon.svg", "icon-192.png", "icon-512.png",
];
const PREFIX = "page-";
const ADDRESSES = new Set(FILES.map((name) => new URL(name, self.registration.scope).href));
const INDEX = new URL("./", self.registration.scope).href;

const toHex = (buffer) => Array.from(
  new Uint8Array(buffer), (one) => one.toString(16).padStart(2, "0"),
).join("");

/** Return the names of the versions, the one in use first. Without its page, a version is not whole. */
async function listCaches() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const pages = await Promise.all(
    names.map((name) => caches.match(INDEX, { cacheName: name })),
  );
  return names.filter((_, index) => pages[index]);
}

/** Fetch all files, and keep them as the next version if one has changed. Fails if one is missing. */
async function refresh() {
  const answers = await Promise.all([...ADDRESSES].map(async (address) => {
    const answer = await fetch(address, { cache: "no-cache", credentials: "omit" });
    if (!answer.ok || answer.redirected) throw new Error(`${address}: ${answer.status}`);
    return [address, answer, await answer.clone().arrayBuffer()];
  }));
  const hashes = await Promise.all(
    answers.map(([, , content]) => crypto.subtle.digest("SHA-256", content)),
  );
  const all = new TextEncoder().encode(hashes.map(toHex).join());
  const name = PREFIX + toHex(await crypto.subtle.digest("SHA-256", all));
  const [inUse, ...later] = await listCaches();
  await Promise.all(later.filter((one) => one !== name).map((one) => caches.delete(one)));
  if (inUse === name || later.includes(name)) return;
  const cache = await caches.open(name);
  const put = ([address, answer]) => cache.put(address, answer);
  await Promise.all(answers.filter(([address]) => address !== INDEX).map(put));
  await put(answers.find(([address]) => address === INDEX)); // now it is whole
}

/** Take the newest version into use: this page begins with it. */
async function takeNewest() {
  const names = await listCaches();
  await Promise.all(names.slice(0, -1).map((name) => caches.delete(name)));
}

async function answer(request, address) {
  const [inUse] = await listCaches();
  const known = inUse && await caches.match(address, { cacheName: inUse });
  return known ?? fetch(request);
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(refresh());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isPage = request.mode === "navigate" && [INDEX, `${INDEX}index.html`].includes(
    url.origin + url.pathname,
  );
  const address = isPage ? INDEX : url.origin + url.pathname;
  // The API and the uploads are none of its business.
  if (request.method !== "GET" || !ADDRESSES.has(address)) return;
  if (!isPage) {
    event.respondWith(answer(request, address));
    return;
  }
  event.respondWith(takeNewest().then(() => answer(request, address)));
  event.waitUntil(refresh().catch(() => {})); // without a connection, the version stays
});
