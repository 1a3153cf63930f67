/* The outbreaks page keeps what is chosen in the URL: /outbreaks?disease=…&status=…&text=…&id=…&on=YYYY-MM-DD, or /outbreaks/12. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.outbreaks = {
  /* Which fields of the form for work done its kind needs (assets/outbreak_detail.css). */
  used: function (kind) {
    return "measure-used is-" + kind;
  },

  sync: function (search, disease, text, cell, click, linked) {
    const unchanged = window.dash_clientside.no_update;
    const query = new URLSearchParams(search || "");
    const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
    const page = window.dash_clientside.outbreaks;
    for (const cause of window.dash_clientside.callback_context.triggered) {
      const id = cause.prop_id.split(".")[0];
      if (id === "outbreaks-disease") set("disease", disease === "all" ? "" : disease);
      if (id === "outbreaks-text") set("text", (text || "").trim());
      if (id === "outbreaks-grid" && cell && cell.rowId) set("id", (page.inView = cell.rowId));
      if (id === "outbreaks-map" && click && click.layer === "outbreaks") set("id", click.id);
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
      chosen ? "split is-mapped has-detail" : "split is-mapped",
      page.ringed((page.chosen = chosen)),
    ];
  },

  /* Outbreaks with a ring around them on the map. */
  ringed: (...ids) => ({ layer: "outbreaks", id: ids.filter(Boolean) }),

  /* The map is lower while an outbreak is open under it: what it shows has to fit again. */
  fit: (layout, bounds) => (bounds ? { bounds, layout } : window.dash_clientside.no_update),

  /* The row of the outbreak on show; it comes into view once, unless it was clicked there. */
  mark: function (chosen, rows) {
    const page = window.dash_clientside.outbreaks;
    if (!(rows || []).some((row) => row.id === chosen)) return [{ ids: [] }, window.dash_clientside.no_update];
    const scrollTo = page.inView === chosen ? window.dash_clientside.no_update : { rowId: chosen, rowPosition: "middle" };
    page.inView = chosen;
    return [{ ids: [chosen] }, scrollTo];
  },

  fold: (clicks) => (clicks % 2 ? ["outbreaks-beside is-open", "true"] : ["outbreaks-beside", "false"]),
};

/* A row under the pointer, or with the focus, is ringed on the map too. */
(function () {
  let pointed = "";
  const point = (event) => {
    if (!document.getElementById("outbreaks-map")) return;
    const row = event.target.closest("#outbreaks-grid .ag-row");
    const id = row ? row.getAttribute("row-id") : "";
    if (id === pointed) return;
    pointed = id;
    const { chosen, ringed } = window.dash_clientside.outbreaks;
    window.dash_clientside.set_props("outbreaks-map", { selected: ringed(chosen, pointed) });
  };
  document.addEventListener("mouseover", point);
  document.addEventListener("focusin", point);
})();
