/* How the areas' values are cut: the fields below the measure become `classes` of the URL. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.classes = (function () {
  /* "0,5; 1" has decimal commas, "1, 5, 20" and "1 5 20" have none (web/workbench/classes.py reads them the same). */
  function breaks(text) {
    const parts = text.includes(";") ? text.replaceAll(",", ".").split(";") : text.replaceAll(",", " ").split(/\s+/);
    return "breaks:" + parts.map((part) => part.trim()).filter(Boolean).join(",");
  }

  return {
    breaks,

    cut: function (_values, now) {
      const unchanged = window.dash_clientside.no_update;
      const { triggered, inputs_list: [fields] } = window.dash_clientside.callback_context;
      /* Fields that have just been drawn anew all report at once; a person changes one. */
      if (triggered.length !== 1 || !fields.length) return unchanged;
      const value = Object.fromEntries(fields.map((field) => [field.id.part, field.value || ""]));
      const part = JSON.parse(triggered[0].prop_id.replace(/\.value$/, "")).part;
      const own = part === "breaks" || (part === "method" && value.method === "breaks");
      if (own && !value.breaks.trim()) return part === "breaks" && now ? null : unchanged;
      const next = own ? breaks(value.breaks) : value.method + ":" + value.classes;
      return next === now ? unchanged : next;
    },
  };
})();
