/* The inbox keeps the chosen alert and tab in the URL: /alerts?alert=12&tab=new, or /alerts/12. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.alerts = {
  sync: function (search, cell, linked) {
    const unchanged = window.dash_clientside.no_update;
    const query = new URLSearchParams(search || "");
    const clicked = window.dash_clientside.callback_context.triggered.some((t) => t.prop_id.startsWith("alerts-grid"));
    if (clicked && cell && cell.rowId) query.set("alert", cell.rowId);
    const alert = query.get("alert") || (query.has("tab") ? "" : linked) || "";
    const text = query.toString();
    const next = text ? "?" + text : "";
    return [
      next === (search || "") ? unchanged : next,
      alert,
      query.get("tab") || "new",
      alert ? "split has-detail" : "split",
    ];
  },

  openDialog: function () {
    const cause = window.dash_clientside.callback_context.triggered[0];
    return Boolean(cause && cause.prop_id.startsWith("alert-close") && cause.value);
  },
};
