/* VERSION, SHELL and WORDS stand above (web/phone_routes.py). Keeps the shell and the phone pages last seen, which hold
 * nothing of a patient; never tiles, places, addresses, photos or any answer of the API (docs/decisions/phone.md). */
"use strict";
const BASE = "/my/shell/" + VERSION + "/";
importScripts(BASE + "queue.js");

const SHELL_CACHE = "shell-" + VERSION;
const PAGES = "pages";
const WAIT_MS = 8000;
const PHONE_PAGE = /^\/my(\/outbreaks\/\d+)?$/;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL_CACHE).then((cache) => cache.addAll(SHELL.map((name) => BASE + name))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("shell-") && name !== SHELL_CACHE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "POST") {
    if (url.pathname === "/logout") event.respondWith(signOut(request));
    if (url.pathname.startsWith("/login")) event.waitUntil(caches.delete(PAGES));
    return;
  }
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && PHONE_PAGE.test(url.pathname)) event.respondWith(page(request, url, event));
  else if (url.pathname.startsWith("/my/shell/")) event.respondWith(shell(request, url));
});

/* A kept page of an older version stands on the shell of this one when there is no network. */
async function shell(request, url) {
  const cache = await caches.open(SHELL_CACHE);
  const kept = await cache.match(url.pathname);
  if (kept) return kept;
  return fetch(request).catch(async () => (await cache.match(BASE + url.pathname.split("/").slice(4).join("/"))) || Response.error());
}

/* The network first; what is kept when it fails or takes too long. */
async function page(request, url, event) {
  const fresh = fetch(request).then(async (answer) => { await keep(url, answer.clone()); return answer; });
  event.waitUntil(fresh.catch(() => {}));
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(() => resolve(null), WAIT_MS); });
  try {
    const answer = await Promise.race([fresh, late]);
    if (answer && answer.status < 500) return answer;
    return (await kept(url)) || answer || (await fresh);
  } catch (_offline) {
    return (await kept(url)) || nothing();
  } finally {
    clearTimeout(timer);
  }
}

/* A redirect (to sign in) or a refusal ends what was kept; another person's page replaces it all. */
async function keep(url, answer) {
  if (answer.status >= 500) return;
  const user = answer.headers.get("X-Phone-User");
  if (!answer.ok || answer.redirected || !user) { await caches.delete(PAGES); return; }
  let cache = await caches.open(PAGES);
  for (const key of await cache.keys()) {
    const before = await cache.match(key);
    if (before && before.headers.get("X-Phone-User") !== user) { await caches.delete(PAGES); cache = await caches.open(PAGES); break; }
  }
  await cache.put(url.pathname, answer);
}

/* The kept page, marked so that it says how old it is; none once the session it belongs to has ended. */
async function kept(url) {
  const answer = await (await caches.open(PAGES)).match(url.pathname);
  if (!answer) return null;
  if (Date.now() > Number(answer.headers.get("X-Phone-Until"))) { await caches.delete(PAGES); return null; }
  const html = (await answer.text()).replace("<html ", '<html data-offline="1" ');
  return new Response(html, { headers: answer.headers });
}

function nothing() {
  const escape = (text) => text.replace(/[<>&"]/g, (c) => "&#" + c.charCodeAt(0) + ";");
  const html = '<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    + '<title>Canh Dịch</title><link rel="stylesheet" href="' + BASE + 'app.css"><link rel="stylesheet" href="' + BASE + 'phone.css">'
    + '<body class="my"><main class="my-main"><h1 class="my-title">' + escape(WORDS.offline) + "</h1><p>" + escape(WORDS.nothing)
    + '</p><a class="button my-wide" href="/my">' + escape(WORDS.again) + "</a></main></body></html>";
  return new Response(html, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
}

/* What waits is sent first, then this phone forgets: pages, acts and the subscription. */
async function signOut(request) {
  await self.phoneQueue.flush().catch(() => {});
  await forgetDevice().catch(() => {});
  const answer = await fetch(request);
  await caches.delete(PAGES);
  await self.phoneQueue.clear();
  if (navigator.clearAppBadge) navigator.clearAppBadge().catch(() => {});
  return answer;
}

async function forgetDevice() {
  const subscription = await self.registration.pushManager.getSubscription();
  if (!subscription) return;
  const me = await self.phoneQueue.who();
  if (!me.ended) {
    await fetch("/api/my/push", {
      method: "DELETE", credentials: "same-origin",
      headers: { "X-CSRFToken": me.csrf, "Content-Type": "application/json" }, body: JSON.stringify({ endpoint: subscription.endpoint }),
    });
  }
  await subscription.unsubscribe();
}

self.addEventListener("sync", (event) => {
  if (event.tag === "acts") event.waitUntil(self.phoneQueue.flush().then((done) => {
    if (done.left && !done.ended && !done.others) throw new Error("left");  /* the browser tries again */
  }));
});

/* A message: one notification per alert, the newer in the place of the older; the same one twice makes no noise. */
self.addEventListener("push", (event) => {
  if (!event.data) return;
  const message = event.data.json();
  event.waitUntil((async () => {
    const before = await self.registration.getNotifications({ tag: message.tag });
    const again = before.some((shown) => shown.data && shown.data.id === message.id);
    await self.registration.showNotification(message.title, {
      body: message.body, tag: message.tag, renotify: !again, silent: again, lang: message.lang,
      icon: BASE + "icon-192.png", badge: BASE + "icon-192.png",
      data: { url: message.url, id: message.id }, requireInteraction: message.urgent,
    });
    if (navigator.setAppBadge && Number.isInteger(message.unread)) await navigator.setAppBadge(message.unread).catch(() => {});
  })());
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.url, self.location.origin);
  if (url.origin !== self.location.origin) return;
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const there = open.find((client) => new URL(client.url).pathname === url.pathname);
    if (there) return there.focus();
    return self.clients.openWindow(url.href);
  })());
});
