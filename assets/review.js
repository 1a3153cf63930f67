/* Addresses to look at: the chosen case is in the URL (/review?disease=…&tab=…&id=12), every act has a key. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.review = {
  sync: function (search, disease, cell, _next, _back, acted, order, linked) {
    const unchanged = window.dash_clientside.no_update;
    const query = new URLSearchParams(search || "");
    const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
    const neighbour = (step, from) => {
      const at = order.indexOf(Number(from));
      return order[at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + step))];
    };
    const now = query.get("id") || linked;
    order = order || [];
    for (const cause of window.dash_clientside.callback_context.triggered) {
      const id = cause.prop_id.split(".")[0];
      if (!cause.value && id !== "review-url") continue;
      if (id === "review-disease") set("disease", disease === "all" ? "" : disease);
      if (id === "review-grid" && cell && cell.rowId) set("id", cell.rowId);
      if (id === "review-next" && order.length) set("id", neighbour(1, now));
      if (id === "review-back" && order.length) set("id", neighbour(-1, now));
      if (id === "review-acted" && acted.done && String(acted.done) === String(now)) {
        const after = neighbour(1, now);
        set("id", after === acted.done ? "" : after);
      }
    }
    const get = (name) => query.get(name) || "";
    const chosen = get("id") || linked || "";
    const written = query.toString();
    const next = written ? "?" + written : "";
    return [
      next === (search || "") ? unchanged : next,
      get("disease") || "all",
      [get("disease"), get("tab")].join("|"),
      chosen,
      chosen ? "split is-wide has-detail" : "split is-wide",
    ];
  },

  /* The row of the case on show. */
  mark: function (chosen, order) {
    const there = (order || []).includes(Number(chosen));
    return [{ ids: there ? [chosen] : [] }, there ? { rowId: chosen } : window.dash_clientside.no_update];
  },

  help: (clicks) => Boolean(clicks),

  /* A pin in the middle of what is seen, to be dragged; the one that is there stays. */
  pin: function (_clicks, pin, view) {
    if (pin || !view) return window.dash_clientside.no_update;
    return { lng: view.lng, lat: view.lat };
  },

  /* A click moves the pin when there is one; else it chooses the commune, if this visitor may. */
  clicked: function (click, pin, communes) {
    const unchanged = window.dash_clientside.no_update;
    if (!click) return [unchanged, unchanged];
    if (pin) return [unchanged, { lng: click.lngLat[0], lat: click.lngLat[1] }];
    const allowed = communes.some((each) => each.value === String(click.id));
    return [allowed ? String(click.id) : unchanged, unchanged];
  },
};

/* Keys act only while the page of addresses is open and nobody types. */
document.addEventListener("keydown", (event) => {
  if (!document.getElementById("review-page") || event.ctrlKey || event.altKey || event.metaKey) return;
  const target = event.target;
  if (target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=listbox]")) return;
  const press = (selector) => {
    const button = document.querySelector(selector);
    if (!button || button.closest(".is-hidden")) return;
    event.preventDefault();
    button.click();
  };
  const candidate = (number) => press(`#review-candidates .candidate:nth-of-type(${number})`);
  if (/^[1-9]$/.test(event.key)) return candidate(event.key);
  if (event.key === "Enter") return target.closest("button, a, summary, .ag-root") ? undefined : press("#review-candidates .candidate:enabled");
  const arrow = event.key.startsWith("Arrow");
  if (arrow && target.closest(".epimap, .ag-root, [role=radiogroup]")) return;
  const step = { ArrowDown: "next", ArrowRight: "next", ArrowUp: "back", ArrowLeft: "back", j: "next", s: "next", k: "back" }[event.key];
  if (step) return press(`#review-${step}`);
  const names = { v: "#review-reveal", e: "#review-text-open", p: "#review-pin-open", x: "#review-unknown-open", u: "#review-feedback .review-undo", "?": "#review-help-open" };
  if (names[event.key]) press(names[event.key]);
});
