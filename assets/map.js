/* The map page keeps what is chosen in the URL: ?disease=…&on=YYYY-MM-DD&unit=…&outbreak=…&view=table
   &release=YYYY-MM-DD (boundaries of that day)&metric=rate&years=3 */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.map = (function () {
  const NAMES = ["disease", "on", "unit", "view", "outbreak", "release", "metric", "years"];

  function read(search) {
    const query = new URLSearchParams(search || "");
    return Object.fromEntries(NAMES.map((name) => [name, query.get(name) || ""]));
  }

  function write(chosen) {
    const query = new URLSearchParams();
    for (const name of NAMES) if (chosen[name]) query.set(name, chosen[name]);
    const text = query.toString();
    return text ? "?" + text : "";
  }

  return {
    /* One callback for both ways (controls to URL, URL to controls), so that back and forward work too. */
    sync: function (search, disease, on, view, place, click, row, _reset, release, metric) {
      const unchanged = window.dash_clientside.no_update;
      /* Whoever leaves for another page takes that page's query along. */
      if (!window.location.pathname.startsWith("/map")) return Array(12).fill(unchanged);
      const chosen = read(search);
      for (const cause of window.dash_clientside.callback_context.triggered) {
        const id = cause.prop_id.split(".")[0];
        if (id === "map-disease") chosen.disease = disease === "all" ? "" : disease || "";
        if (id === "map-on") chosen.on = on || "";
        if (id === "map-metric") chosen.metric = metric === "rate" ? "rate" : "";
        if (id === "map-release" && chosen.release !== (release === "today" ? "" : release || "")) {
          chosen.release = release === "today" ? "" : release || "";
          chosen.unit = "";
        }
        if (id !== "map-url" && id !== "map-view") chosen.outbreak = "";
        if (id === "map-view") chosen.view = view === "table" ? "table" : "";
        if (id === "map-place") chosen.unit = place || "";
        if (id === "map" && click && click.layer === "communes") chosen.unit = String(click.id);
        if (id === "map" && click && click.layer === "outbreaks") {
          chosen.outbreak = String(click.properties.outbreak);
          chosen.unit = String(click.properties.unit || "");
        }
        if (id === "map-grid" && row && row.rowId) chosen.unit = row.rowId;
        if (id === "map-reset") { chosen.disease = ""; chosen.on = ""; chosen.unit = ""; chosen.release = ""; chosen.metric = ""; }
      }
      const next = write(chosen);
      return [
        next === (search || "") ? unchanged : next,
        chosen.disease || "all",
        chosen.on || null,
        chosen.view || "map",
        chosen.unit || null,
        [chosen.disease, chosen.on, chosen.release, chosen.metric, chosen.years].join("|"),
        chosen.unit,
        chosen.outbreak,
        chosen.unit || "",
        chosen.view === "table" ? "map-stage is-table" : "map-stage",
        chosen.release || "today",
        chosen.metric || "level",
      ];
    },
  };
})();
