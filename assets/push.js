/* Web Push on this device, on or off: buttons with data-push="on" or "off" inside an element with id "push", whose
 * data-key is the server's public key. Shown only where the browser can and the deployment wants it. */
"use strict";
(function () {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  async function send(method, subscription) {
    const who = await (await fetch("/api/my/who", { credentials: "same-origin", cache: "no-store" })).json();
    const answer = await fetch("/api/my/push", {
      method, credentials: "same-origin", headers: { "X-CSRFToken": who.csrf, "Content-Type": "application/json" },
      body: JSON.stringify(subscription),
    });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).text || String(answer.status));
  }

  async function turn(box, on) {
    const worker = await navigator.serviceWorker.ready;
    const before = await worker.pushManager.getSubscription();
    if (!on) {
      if (before) { await send("DELETE", { endpoint: before.endpoint }); await before.unsubscribe(); }
      return;
    }
    if ((await Notification.requestPermission()) !== "granted") throw new Error(box.dataset.denied);
    const wanted = { userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) };
    const subscription = before || (await worker.pushManager.subscribe(wanted));
    await send("POST", subscription.toJSON());
  }

  async function show(box) {
    const worker = await navigator.serviceWorker.register("/sw.js");
    await navigator.serviceWorker.ready;
    const on = Boolean(await worker.pushManager.getSubscription());
    box.hidden = false;
    for (const button of box.querySelectorAll("[data-push]")) button.hidden = (button.dataset.push === "on") === on;
  }

  async function press(button) {
    const box = button.closest("#push");
    const error = box.querySelector(".form-error");
    button.disabled = true;
    error.hidden = true;
    try {
      await turn(box, button.dataset.push === "on");
    } catch (failed) {
      error.textContent = failed.message;
      error.hidden = false;
    }
    button.disabled = false;
    await show(box);
  }

  if (!can) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#push [data-push]");
    if (button) press(button);
  });
  const seen = new WeakSet();
  const look = () => {
    const box = document.getElementById("push");
    if (box && box.dataset.key && !seen.has(box)) { seen.add(box); show(box).catch(() => {}); }
  };
  look();
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
})();
