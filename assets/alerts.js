/* The inbox keeps what is chosen in the URL: /alerts?tab=new&disease=…&level=…&unit=…&holder=…&alert=12, or /alerts/12. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.alerts = {
  order: [],

  sync: function (search, cell, disease, level, unit, holder, linked) {
    const unchanged = window.dash_clientside.no_update;
    const query = new URLSearchParams(search || "");
    const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
    const values = { disease: disease === "all" ? "" : disease, level, unit, holder };
    let moved = false;
    for (const cause of window.dash_clientside.callback_context.triggered) {
      const name = cause.prop_id.split(".")[0].replace("alerts-", "");
      if (name in values) set(name, values[name]);
      if (name === "grid" && cell && cell.rowId && !(cell.colId || "").startsWith("ag-Grid")) {
        moved = query.get("alert") !== cell.rowId;
        set("alert", cell.rowId);
      }
      if (name === "url") moved = true;
    }
    const get = (name) => query.get(name) || "";
    const alert = get("alert") || (query.has("tab") ? "" : linked) || "";
    const text = query.toString();
    const next = text ? "?" + text : "";
    return [
      next === (search || "") ? unchanged : next,
      alert,
      get("tab") || "new",
      alert ? "split is-inbox has-detail" : "split is-inbox",
      ["disease", "level", "unit", "holder"].map(get).join("|"),
      moved ? null : unchanged,  /* what was said of one alert is not said of the next */
    ];
  },

  remember: function (order) {
    window.dash_clientside.alerts.order = order || [];
    return window.dash_clientside.no_update;
  },

  ticked: function (rows) {
    const count = (rows || []).length;
    return [count ? "bulk-bar" : "bulk-bar is-hidden", String(count)];
  },

  showOriginal: function (outcome) {
    return outcome === "duplicate" ? "" : "is-hidden";
  },

  /* Step to the next (1) or former (-1) alert of the list. */
  step: function (by) {
    const order = window.dash_clientside.alerts.order;
    const query = new URLSearchParams(window.location.search);
    const at = order.indexOf(query.get("alert") || "");
    const next = order[at < 0 ? 0 : Math.min(Math.max(at + by, 0), order.length - 1)];
    if (!next) return;
    query.set("alert", next);
    window.dash_clientside.set_props("alerts-url", { search: "?" + query.toString() });
  },

  /* Files go one by one to a route of their own; the answer is a sentence for the page. */
  upload: async function (contents, alert, words) {
    const unchanged = window.dash_clientside.no_update;
    if (!contents || !contents.length || !alert) return [unchanged, unchanged, unchanged];
    const say = (text, bad) => ({
      type: "P", namespace: "dash_html_components",
      props: { children: text, className: bad ? "form-error" : "form-done", role: bad ? "alert" : "status" },
    });
    window.dash_clientside.set_props("alert-upload-note", { children: words.sending });
    let trouble = "", kept = 0;
    for (const content of contents) {
      const file = await window.dash_clientside.alerts.smaller(content);
      if (file.size > words.most) { trouble = words.large; continue; }
      try {
        const answer = await fetch("/api/alerts/" + encodeURIComponent(alert) + "/files", {
          method: "POST", body: file, credentials: "same-origin",
          headers: { "X-CSRFToken": window.dash_clientside.shell.csrf(), "Content-Type": "application/octet-stream" },
        });
        if (answer.ok) kept += 1;
        else trouble = (await answer.json().catch(() => ({}))).error || words.lost;
      } catch (_offline) {
        trouble = words.lost;
      }
    }
    const acted = kept ? "upload " + Date.now() : unchanged;
    return [trouble ? say(trouble, true) : say(words.sent, false), acted, null];
  },

  /* A photo drawn to at most 2000 pixels, for slow networks; anything else as it is. The server checks either. */
  smaller: async function (content) {
    const [head, data] = content.split(",", 2);
    const bytes = Uint8Array.from(atob(data || ""), (letter) => letter.charCodeAt(0));
    const original = new Blob([bytes], { type: (head.match(/^data:([^;]*)/) || [])[1] || "" });
    if (!original.type.startsWith("image/") || original.size < 400000) return original;
    try {
      const picture = await createImageBitmap(original);
      const scale = Math.min(1, 2000 / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const drawn = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      return drawn && drawn.size < original.size ? drawn : original;
    } catch (_unreadable) {
      return original;
    }
  },
};

/* j, k: next and former alert; a: take it on; ?: which keys there are. Not while one types. */
document.addEventListener("keydown", (event) => {
  if (!document.getElementById("alerts-page") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], [role=dialog]")) return;
  const press = (id) => {
    const button = document.getElementById(id);
    if (button && button.offsetParent !== null) button.click();
  };
  if (event.key === "j") window.dash_clientside.alerts.step(1);
  else if (event.key === "k") window.dash_clientside.alerts.step(-1);
  else if (event.key === "a") press("alert-acknowledge");
  else if (event.key === "?") press("alerts-help-open");
});
