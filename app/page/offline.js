// A service worker: what the network gives is kept, and what it no longer gives comes from there.

const KEPT = "my-things";
const INDEX = new URL("index.html", location).href; // another name of "./"
const FRESH = { cache: "no-cache" }; // not what the browser has from the site as it was before

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll());
  self.skipWaiting();
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && new URL(event.request.url).origin === location.origin) event.respondWith(answer(event));
});

async function keepAll() {
  const made = await fetch("things.json", FRESH);
  const needed = Object.keys((await made.json()).sha256).filter((name) => /^(page|runtime|model|samples)\/|^model\.onnx$/.test(name));
  await (await caches.open(KEPT)).addAll(["./", "things.json", ...needed].map((name) => new Request(name, FRESH)));
}

async function answer(event) {
  const { request } = event;
  const cache = await caches.open(KEPT);
  const kept = () => cache.match(request, { ignoreSearch: true });
  try {
    const answered = await fetch(request);
    // Kept beside the answering, for which no room is no trouble; a part (206) of a file is none to keep.
    if (answered.status === 200) event.waitUntil(cache.put(request, answered.clone()).catch(() => {}));
    return answered.ok || answered.type === "opaqueredirect" ? answered : ((await kept()) ?? answered);
  } catch (error) {
    const found = (await kept()) ?? (request.url.split(/[?#]/)[0] === INDEX ? await cache.match("./") : null);
    if (found) return found;
    throw error;
  }
}
