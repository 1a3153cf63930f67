/* What was done without a network, kept in IndexedDB until the server has answered. Used by the pages and by the service
 * worker. An act keeps the id it was born with, so that sending it twice does it once. */
"use strict";
(function () {
  const NAME = "canhdich-phone";

  function open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("acts", { keyPath: "id" });
        request.result.createObjectStore("answers", { keyPath: "id" });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  async function run(store, mode, work) {
    const database = await open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(store, mode);
        const request = work(transaction.objectStore(store));
        transaction.oncomplete = () => resolve(request && request.result);
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  }

  const all = async (store) => (await run(store, "readonly", (s) => s.getAll())).sort((a, b) => (a.made_at < b.made_at ? -1 : 1));
  const put = (store, value) => run(store, "readwrite", (s) => s.put(value));
  const drop = (store, id) => run(store, "readwrite", (s) => s.delete(id));

  /* `fields`: what the server reads; `photo`: a Blob or nothing; `user`: whose session made it. */
  async function add(user, fields, photo) {
    const act = { id: crypto.randomUUID(), made_at: new Date().toISOString(), user, fields, photo: photo || null };
    await put("acts", act);
    return act;
  }

  async function who() {
    const answer = await fetch("/api/my/who", { credentials: "same-origin", cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) return { ended: true };
    if (!answer.ok) throw new Error("who " + answer.status);
    return answer.json();
  }

  function send(act, csrf) {
    const data = { ...act.fields, id: act.id, made_at: act.made_at };
    const request = { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": csrf } };
    if (act.photo) {
      request.body = new FormData();
      for (const [name, value] of Object.entries(data)) request.body.append(name, value === null ? "" : value);
      request.body.append("photo", act.photo, "photo.jpg");
    } else {
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(data);
    }
    return fetch("/api/my/acts", request);
  }

  /* Sends one's own acts in the order they were made; stops where the network or the server fails, without losing any.
   * Returns what happened: {sent, left, ended, others}. */
  async function flushOnce() {
    const acts = await all("acts");
    if (!acts.length) return { sent: [], left: 0 };
    const me = await who();
    if (me.ended) return { sent: [], left: acts.length, ended: true };
    const sent = [];
    for (const act of acts.filter((a) => a.user === me.user)) {
      const answer = await send(act, me.csrf);
      if (answer.status >= 500 || answer.status === 401 || answer.status === 429) break;
      const told = await answer.json().catch(() => null);
      if (told && answer.status === 413) { told.state = "refused"; told.text = told.error; }  /* it never will fit */
      if (!told || !told.state) break;
      const result = { id: act.id, made_at: act.made_at, user: act.user, fields: act.fields, told };
      await put("answers", result);
      await drop("acts", act.id);
      sent.push(result);
    }
    const left = await all("acts");
    return { sent, left: left.length, others: left.some((a) => a.user !== me.user) };
  }

  /* Pages and the worker may both try: one at a time. The server would sort it out, but the network is slow. */
  const flush = () => (navigator.locks ? navigator.locks.request("canhdich-flush", flushOnce) : flushOnce());

  async function clear() {
    await run("acts", "readwrite", (s) => s.clear());
    await run("answers", "readwrite", (s) => s.clear());
  }

  self.phoneQueue = { add, flush, clear, who, acts: () => all("acts"), answers: () => all("answers"), forget: (id) => drop("answers", id) };
})();
