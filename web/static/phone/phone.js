/* The phone pages: every act goes into the queue first and is sent at once when there is a network. */
"use strict";
(function () {
  const words = document.body.dataset;
  const queue = self.phoneQueue;
  const user = words.user;
  const $ = (id) => document.getElementById(id);
  const MOST_SIDE = 1280;

  if ("serviceWorker" in navigator) {
    const first = !navigator.serviceWorker.controller;
    navigator.serviceWorker.register("/sw.js").then(() => first && keepThisPage()).catch(() => {});
  }

  /* The very first page came before the worker: keep it as the worker would have. */
  async function keepThisPage() {
    await navigator.serviceWorker.ready;
    const answer = await fetch(window.location.pathname, { credentials: "same-origin", cache: "no-store" });
    if (answer.ok && !answer.redirected) await (await caches.open("pages")).put(window.location.pathname, answer);
  }

  document.body.classList.toggle("has-action", Boolean(document.querySelector(".my-action")));

  /* --- how old, how much waits ----------------------------------------------------------------------- */

  const stale = () => document.documentElement.dataset.offline === "1";

  function showState() {
    const off = stale() || !navigator.onLine;
    $("state").classList.toggle("is-off", off);
    $("state-now").hidden = off;
    $("state-off").hidden = !off;
  }

  async function showWaiting() {
    const acts = await queue.acts();
    const mine = acts.filter((act) => act.user === user);
    $("waiting").textContent = mine.length ? words.waiting.replace("{n}", mine.length) : "";
    for (const act of mine) mark(act.fields, true);
    for (const form of document.querySelectorAll("form[data-act='acknowledge']")) {
      const kept = mine.some((act) => act.fields.kind === "acknowledge" && String(act.fields.alert) === form.dataset.alert);
      if (kept) taken(form.dataset.alert, form.dataset.kept);
    }
  }

  function mark(fields, kept) {
    if (!fields.record && fields.kind !== "handling") return;
    const record = fields.kind === "handling" ? "handling" : fields.record;
    const item = document.querySelector(`.my-item[data-record="${record}"]:not(.is-done)`);
    if (item && here(fields)) item.classList.toggle("is-kept", kept);
  }

  const here = (fields) => window.location.pathname.endsWith("/" + fields.outbreak);

  function taken(alert, text) {
    for (const form of document.querySelectorAll(`form[data-act="acknowledge"][data-alert="${alert}"]`)) form.hidden = true;
    const line = document.querySelector(`[data-taken="${alert}"]`);
    if (line) { line.textContent = text; line.hidden = false; }
    document.body.classList.toggle("has-action", Boolean(document.querySelector(".my-action:not([hidden])")));
  }

  function notice(text, tone, id) {
    const box = document.createElement("div");
    box.className = "my-notice " + tone;
    const line = document.createElement("p");
    line.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", words.close);
    close.addEventListener("click", () => { box.remove(); if (id) queue.forget(id); });
    box.append(line, close);
    $("notices").append(box);
  }

  /* --- sending --------------------------------------------------------------------------------------- */

  async function showAnswers() {
    for (const answer of await queue.answers()) {
      if (answer.user !== user) continue;
      const { state, text } = answer.told;
      if (answer.fields.kind === "acknowledge" && state !== "refused") taken(answer.fields.alert, text);
      mark(answer.fields, false);
      if (state === "refused") {
        const typed = answer.fields.text ? " “" + answer.fields.text + "”" : "";
        notice(words.refused.replace("{why}", text + typed), "is-refused", answer.id);
      } else {
        if (state === "already" || answer.fields.kind !== "acknowledge") notice(text, "is-" + state);
        await queue.forget(answer.id);
      }
      if (Number.isInteger(answer.told.unread)) setBadge(answer.told.unread);
    }
  }

  async function flush() {
    try {
      const done = await queue.flush();
      if (done.ended) notice(words.ended, "is-refused");
      if (done.others) notice(words.whose, "is-refused");
      await showAnswers();
      await showWaiting();
      return done;
    } catch (_offline) {
      await showWaiting();
      return null;
    }
  }

  async function act(fields, photo) {
    await queue.add(user, fields, photo);
    if ("serviceWorker" in navigator && "SyncManager" in window) {
      navigator.serviceWorker.ready.then((worker) => worker.sync.register("acts")).catch(() => {});
    }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.id === "sign-out") return signOut(event, form);
    if (!form.dataset.act) return;
    event.preventDefault();
    const button = form.querySelector("[type='submit']");
    if (button.disabled) return;
    button.disabled = true;
    try {
      const photos = await readPhotos(form);
      await act(fieldsOf(form));
      for (const photo of photos) await act({ kind: "photo", outbreak: form.dataset.outbreak, text: form.querySelector("[name='text']").value }, photo);
    } catch (error) {
      notice(error.name === "QuotaExceededError" ? words.full : words.tooBig, "is-refused");
      button.disabled = false;
      return;
    }
    form.reset();
    const fold = form.closest("details");
    if (fold) fold.open = false;
    button.disabled = false;
    const done = await flush();
    if (!done && form.dataset.act !== "acknowledge") notice(words.kept, "");
  });

  function fieldsOf(form) {
    const { act: kind, alert, outbreak, record } = form.dataset;
    const fields = { kind };
    if (alert) fields.alert = Number(alert);
    if (outbreak) fields.outbreak = Number(outbreak);
    if (record) fields.record = record;
    for (const input of form.elements) {
      if (!input.name || input.type === "file") continue;
      fields[input.name] = input.type === "number" && input.value !== "" ? Number(input.value) : input.value;
    }
    return fields;
  }

  /* Made small on the phone: a slow network carries 200 kB, not 5 MB; a canvas also drops place and device. */
  async function readPhotos(form) {
    const input = form.querySelector("input[type='file']");
    const small = [];
    for (const file of input ? input.files : []) {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, MOST_SIDE / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      small.push(await new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("photo"))), "image/jpeg", 0.75)));
    }
    return small;
  }

  document.addEventListener("change", (event) => {
    const label = event.target.type === "file" && event.target.closest("label").querySelector("[data-file-name]");
    if (label) label.textContent = label.dataset.fileName.replace("{n}", event.target.files.length);
  });

  /* --- what is fetched only when asked for, and never kept ------------------------------------------------ */

  async function post(url) {
    const me = await queue.who();
    if (me.ended) throw new Error("ended");
    const answer = await fetch(url, { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": me.csrf } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  async function showAddresses(part) {
    const list = $("addresses");
    try {
      const told = await post(part.dataset.url);
      list.replaceChildren(...told.cases.map((known) => {
        const line = document.createElement("li");
        const where = document.createElement("strong");
        where.textContent = known.address;
        line.append(where, known.case + " · " + known.day);
        return line;
      }));
      list.hidden = false;
    } catch (_lost) {
      notice(words.lost, "is-refused");
    }
  }

  async function showMap(part) {
    const box = $("map");
    try {
      const answer = await fetch(part.dataset.url, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      const style = document.createElement("link");
      style.rel = "stylesheet";
      style.href = told.files["epimap.css"];
      document.head.append(style);
      const { Engine } = await import(told.files["engine.js"]);
      box.hidden = false;
      box.dataset.dark = told.dark;
      const urls = { workerUrl: told.files["worker.js"], fontFaces: { "Noto Sans": told.fonts } };
      const props = { layers: told.layers, bounds: told.bounds, dark: told.dark, ariaLabel: part.dataset.label, padding: 24 };
      const ready = (out) => { if (out.ready) box.dataset.ready = "1"; };
      window.phoneMap = new Engine(box.firstElementChild, props, urls, ready, () => {});
      $("map-open").hidden = true;
    } catch (_lost) {
      notice(words.lost, "is-refused");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "address-open") showAddresses($("address-part"));
    if (button.id === "map-open") showMap($("map-part"));
    if (button.dataset.photo) {
      const image = new Image();
      image.alt = button.textContent;
      image.src = button.dataset.photo;
      button.replaceWith(image);
    }
  });

  /* A page left behind shows no addresses when it comes back from the browser's memory. */
  window.addEventListener("pagehide", () => { if ($("addresses")) { $("addresses").replaceChildren(); $("addresses").hidden = true; } });

  /* --- the rest ------------------------------------------------------------------------------------------ */

  let signingOut = false;
  async function signOut(event, form) {
    if (signingOut) return;
    event.preventDefault();
    await flush();
    const left = (await queue.acts()).length;
    if (left && !window.confirm(words.unsent.replace("{n}", left))) return;
    const me = await queue.who().catch(() => null);
    await caches.delete("pages");
    await queue.clear();
    if (!me) { window.location.replace("/my"); return; }  /* no network: this phone forgets, the session ends by itself */
    if (me.csrf) form.elements.csrf_token.value = me.csrf;
    signingOut = true;
    form.submit();
  }

  function setBadge(count) {
    if (!navigator.setAppBadge) return;
    (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
  }

  window.addEventListener("online", async () => {
    showState();
    const done = await flush();
    if (done && stale()) window.location.reload();
  });
  window.addEventListener("offline", showState);
  if (words.unread !== "" && !stale()) setBadge(Number(words.unread));
  showState();
  flush();
})();
