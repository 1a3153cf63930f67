/* The rule laboratory: the whole trial is its URL; a slider and its number field say the same. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.lab = {
  /* Only numbers that differ from those in force are written. */
  sync: function (period, numbers, rules, base, numberIds, ruleIds, disease) {
    const unchanged = window.dash_clientside.no_update;
    if (!base || !period || !period[0] || !period[1]) return unchanged;
    const query = new URLSearchParams({ disease: disease, from: period[0], to: period[1] });
    const differs = function (name, value) {
      return value !== "" && value !== null && value !== undefined && Number(value) !== base[name];
    };
    numberIds.forEach((id, i) => { if (differs(id.name, numbers[i])) query.set(id.name, numbers[i]); });
    const changed = ruleIds.map((id, i) => [id["lab-rule"], rules[i]]).filter(([name, value]) => differs(name, value));
    if (changed.length) query.set("rules", changed.map((pair) => pair.join(":")).join(","));
    const text = query.toString();
    window.dash_clientside.lab.write(text, window.dash_clientside.lab.at);
    return text;
  },

  /* The day on the map is part of the URL, but no reason to compute anew. */
  remember: function (at, query) {
    window.dash_clientside.lab.at = at;
    if (query) window.dash_clientside.lab.write(query, at);
    return window.dash_clientside.no_update;
  },

  write: function (query, at) {
    if (!window.location.pathname.startsWith("/lab")) return;
    const whole = new URLSearchParams(query);
    if (at && at !== whole.get("to")) whole.set("at", at);
    window.history.replaceState(window.history.state, "", "/lab?" + whole.toString().replaceAll("%3A", ":").replaceAll("%2C", ","));
  },

  mirror: function (number, slider) {
    const unchanged = window.dash_clientside.no_update;
    const cause = window.dash_clientside.callback_context.triggered[0];
    if (!cause) return [unchanged, unchanged];
    if (cause.prop_id.includes("slider")) return [slider, unchanged];
    return [unchanged, number === "" || number === null ? unchanged : number];
  },

  reset: function (_clicks, numberIds, ruleIds, base) {
    return [numberIds.map((id) => base[id.name]), ruleIds.map((id) => base[id["lab-rule"]])];
  },
};
