/* The outbreaks page keeps what is chosen in the URL: /outbreaks?disease=…&status=…&text=…&id=…&on=YYYY-MM-DD, or /outbreaks/12. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.outbreaks = {
  /* Which fields of the form for work done its kind needs (assets/outbreak_detail.css). */
  used: function (kind) {
    return "measure-used is-" + kind;
  },

  sync: function (search, disease, text, cell, linked) {
    const unchanged = window.dash_clientside.no_update;
    const query = new URLSearchParams(search || "");
    const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
    for (const cause of window.dash_clientside.callback_context.triggered) {
      const id = cause.prop_id.split(".")[0];
      if (id === "outbreaks-disease") set("disease", disease === "all" ? "" : disease);
      if (id === "outbreaks-text") set("text", (text || "").trim());
      if (id === "outbreaks-grid" && cell && cell.rowId) set("id", cell.rowId);
    }
    const get = (name) => query.get(name) || "";
    const chosen = get("id") || linked || "";
    const written = query.toString();
    const next = written ? "?" + written : "";
    return [
      next === (search || "") ? unchanged : next,
      get("disease") || "all",
      [get("disease"), get("status"), get("on"), get("text")].join("|"),
      chosen,
      chosen ? "split is-wide has-detail" : "split is-wide",
    ];
  },
};
