/* The map page keeps all that is chosen in the URL (names: docs/decisions/workbench.md). */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.map = (function () {
  const DAY_MS = 86400000;

  /* As web/workbench/time_player.DAYS_BACK. */
  const DAYS_BACK = 730;

  function addDays(day, days) {
    return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
  }

  function daysBetween(from, to) {
    return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
  }

  /* Where a clock stands: days from today, as far as it reaches. */
  function onClock(days) {
    return Math.max(-DAYS_BACK, Math.min(0, days));
  }

  function plain(usual) {
    return {
      read: (value) => (!value || String(value) === usual ? "" : String(value)),
      show: (text) => text || usual,
    };
  }

  function clock(name) {
    return {
      name,
      read: (value, today) => (value ? addDays(today, value) : ""),
      show: (text, today) => (text ? onClock(daysBetween(today, text)) : 0),
    };
  }

  function nullable() {
    return { read: (value) => value || "", show: (text) => text || null };
  }

  const compared = (chosen) => (chosen.compare || "").split(":");

  /* What the other half shows until something else is chosen: the period before, a week earlier, another disease. */
  const OTHER = {
    to: (chosen, today) => addDays(period(chosen, today)[0], -1),
    on: (chosen, today) => addDays(shownDay(chosen, today), -7),
    disease: (chosen, _today, diseases) => diseases.map(({ value }) => value).find((code) => code !== chosen.disease),
  };

  const LENGTHS = ["7", "14", "28", "90", "365"];

  function shownDay(chosen, today) {
    return chosen.on && chosen.on < today ? chosen.on : today;
  }

  /* The event period as Selection.period has it: [first, last]. */
  function period(chosen, today) {
    const shown = shownDay(chosen, today);
    const last = chosen.to && chosen.to < shown ? chosen.to : shown;
    const first = chosen.from && chosen.from <= last ? chosen.from : addDays(last, 1 - Number(chosen.days || 28));
    return [first, last];
  }

  /* A usual length up to the day on show stays one: it moves on with the days. */
  function choosePeriod(chosen, value, today) {
    if (!value || !value[0] || !value[1]) return;
    const [first, last] = value.map((day) => String(day).slice(0, 10));
    if (String(period(chosen, today)) === String([first, last])) return;
    const shown = shownDay(chosen, today);
    const length = String(daysBetween(first, last) + 1);
    const follows = last >= shown && LENGTHS.includes(length);
    Object.assign(chosen, follows ? { from: "", to: "", days: length === "28" ? "" : length } : { from: first, to: last >= shown ? "" : last, days: "" });
  }

  const whole = { name: null, read: () => "", show: () => null };

  /* Each control of web/workbench/controls.py: its name in the URL, and how to read and show its value. */
  const CONTROLS = {
    "f-period.value": { ...whole, show: (_text, today, chosen) => period(chosen, today) },
    "f-units.value": {
      name: "units",
      read: (ids) => (ids || []).join(","),
      show: (text) => (text || "").split(",").filter(Boolean),
    },
    "f-by.value": { name: "by", ...plain("event") },
    "f-age.value": { name: "age", ...nullable() },
    "f-sex.value": { name: "sex", ...plain("all") },
    "f-sev.value": { name: "sev", ...nullable() },
    "f-status.value": { name: "status", ...nullable() },
    "f-source.value": { name: "source", ...nullable() },
    "map-disease.value": { name: "disease", ...plain("all") },
    "map-place.value": { name: "unit", ...nullable() },
    "map-release.value": { name: "release", ...plain("today") },
    "map-metric.value": { name: "metric", ...plain("level") },
    "map-classes.data": { name: "classes", ...nullable() },
    "map-view.value": { name: "view", ...plain("map") },
    "map-area.data": { name: "area", ...nullable() },
    "time-on.value": clock("on"),
    "time-last.value": clock("to"),
    "time-on-day.value": { name: "on", ...nullable() },
    "map-compare-by.value": {
      name: "compare",
      read: (by, today, chosen, diseases) => (OTHER[by] ? by + ":" + OTHER[by](chosen, today, diseases) : ""),
      show: (text) => (text || "").split(":")[0] || "none",
    },
    "map-compare-day.value": {
      name: "compare",
      read: (day, _today, chosen) => (["to", "on"].includes(compared(chosen)[0]) && day ? compared(chosen)[0] + ":" + day : chosen.compare),
      show: (text) => (/^(to|on):/.test(text || "") ? text.split(":")[1] || null : null),
    },
    "map-compare-disease.value": {
      name: "compare",
      read: (code, _today, chosen) => (compared(chosen)[0] === "disease" && code ? "disease:" + code : chosen.compare),
      show: (text) => (/^disease:/.test(text || "") ? text.split(":")[1] || null : null),
    },
  };
  /* What does not change the coloured map itself. */
  const BESIDE = ["unit", "view", "outbreak", "cluster", "stack", "years"];
  /* What the panel beside the map is about. */
  const PANEL = ["disease", "on", "unit", "outbreak", "cluster", "release", "years", "layers"];

  /* What a filter of the cases leaves as it is (web/pages/map.GROUND). */
  const GROUND = ["disease", "on", "release", "layers"];

  function parse(search) {
    return Object.fromEntries(new URLSearchParams(search || ""));
  }

  function write(chosen, without = []) {
    const query = new URLSearchParams();
    const { at, ...others } = chosen;
    for (const [name, value] of Object.entries({ ...others, at })) if (value && !without.includes(name)) query.set(name, value);
    return query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%3B", ";");
  }

  function clickedMap(chosen, click) {
    if (!click || !click.layer) return;
    const facts = click.properties || {};
    if (click.layer === "communes" && click.additive) {
      const units = new Set((chosen.units || "").split(",").filter(Boolean));
      const id = String(click.id);
      if (!units.delete(id)) units.add(id);
      chosen.units = [...units].join(",");
    } else if (click.layer === "communes") {
      Object.assign(chosen, { unit: String(click.id), outbreak: "", cluster: "" });
    } else if (click.layer === "outbreaks") {
      Object.assign(chosen, { outbreak: String(facts.outbreak), unit: String(facts.unit || ""), cluster: "" });
    } else if (click.layer === "clusters") {
      Object.assign(chosen, { cluster: String(facts.cluster), unit: "", outbreak: "" });
    }
  }

  function changeLayer(chosen, cause, value) {
    const shown = chosen.layers === undefined ? [["outbreaks", 100]]
      : chosen.layers.split(",").filter((part) => part && part !== "none").map((part) => part.split(":"));
    const i = shown.findIndex(([id]) => id === cause.id);
    if (cause.type === "layer-opacity") {
      if (i < 0) return;
      shown[i] = [cause.id, value];
    } else if (cause.do === "toggle") {
      if (i < 0) shown.push([cause.id, 100]); else shown.splice(i, 1);
    } else {
      const j = i + (cause.do === "up" ? 1 : -1);
      if (i < 0 || !shown[j]) return;
      [shown[i], shown[j]] = [shown[j], shown[i]];
    }
    const text = shown.map(([id, opacity]) => id + ":" + (opacity ?? 100)).join(",") || "none";
    if (text === "outbreaks:100") delete chosen.layers; else chosen.layers = text;
  }

  function selectedUnits(chosen) {
    const units = (chosen.units || "").split(",").filter(Boolean);
    return units.length ? [...new Set([...(chosen.unit ? [chosen.unit] : []), ...units])] : chosen.unit || "";
  }

  /* What a control shows already is not written again: Dash would tell every component of the page. */
  const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

  function stageClass(chosen) {
    return "map-stage is-" + (chosen.view || "map");
  }

  function act(chosen, cause, today, diseases) {
    const { prop_id: prop, value } = cause;
    const control = CONTROLS[prop];
    if (prop === "f-period.value") {
      choosePeriod(chosen, value, today);
    } else if (control) {
      const text = control.read(value, today, chosen, diseases);
      if ((chosen[control.name] || "") === (text || "")) return;
      if (control.show(chosen[control.name], today) === value) return;  /* a clock that cannot show a far day */
      if (prop === "time-last.value" && chosen.from) chosen.from = addDays(text || today, -daysBetween(...period(chosen, today)));
      chosen[control.name] = text;
      if (control.name === "release") chosen.unit = "";
      if (control.name === "metric") chosen.classes = "";  /* breaks of one measure mean nothing for another */
      if (["unit", "release", "disease"].includes(control.name)) Object.assign(chosen, { outbreak: "", cluster: "" });
    } else if (prop.startsWith("{")) {
      const id = JSON.parse(prop.slice(0, prop.lastIndexOf(".")));
      if (value) changeLayer(chosen, id, value);
    } else if (prop === "map.clickData") {
      clickedMap(chosen, value);
    } else if (prop === "map-grid.cellClicked" && value && value.rowId) {
      chosen.unit = value.rowId;
    } else if (prop === "map-reset.n_clicks" && value) {
      for (const name of Object.keys(chosen)) if (name !== "view" && name !== "at") delete chosen[name];
    }
  }

  return {
    addDays,
    daysBetween,
    onClock,
    parse,
    write,

    /* One callback for both ways (controls to URL, URL to controls), so that back and forward work too. */
    sync: function (search) {
      const unchanged = window.dash_clientside.no_update;
      const { triggered, outputs_list: outputs, inputs, states } = window.dash_clientside.callback_context;
      /* Whoever leaves for another page takes that page's query along. */
      if (!window.location.pathname.startsWith("/map")) return outputs.map(() => unchanged);
      const today = states["map-today.data"];
      const chosen = parse(search);
      const camera = parse(window.location.search).at;
      if (camera) chosen.at = camera;
      for (const cause of triggered) act(chosen, cause, today, states["map-compare-disease.data"]);
      const next = write(chosen) ? "?" + write(chosen) : "";
      const part = (names) => write(Object.fromEntries(names.map((name) => [name, chosen[name]])));
      const values = {
        "map-url.search": next,
        "map-query.data": write(chosen, ["at"]),
        "map-when.data": write(chosen, ["at", ...BESIDE]),
        "map-panel-query.data": part(PANEL),
        "map-ground.data": part(GROUND),
        "map.selected": selectedUnits(chosen),
        "map-stage.className": stageClass(chosen),
      };
      const before = { ...states, ...inputs };
      return outputs.map(({ id, property }) => {
        const name = id + "." + property;
        const value = name in values ? values[name] : CONTROLS[name].show(chosen[CONTROLS[name].name], today, chosen);
        return same(value, before[name]) ? unchanged : value;
      });
    },

    /* The camera is in the URL too, but nothing needs to be asked anew for it. */
    camera: function (view) {
      const unchanged = window.dash_clientside.no_update;
      if (!view || !window.location.pathname.startsWith("/map")) return unchanged;
      const opened = document.getElementById("map").opened;
      if (!opened) document.getElementById("map").opened = view;  /* where the map itself went is no choice */
      if (!opened) return unchanged;
      const chosen = parse(window.location.search);
      chosen.at = [view.lng, view.lat, view.zoom].join(",");
      history.replaceState(history.state, "", "/map?" + write(chosen));
      return unchanged;
    },

    /* Starts drawing an area, or stops it. */
    draw: function (_lasso, _circle, drawing) {
      const cause = window.dash_clientside.callback_context.triggered_id;
      const kind = cause === "draw-circle" ? "circle" : "lasso";
      return drawing === kind ? null : kind;
    },

    /* The area drawn, as the URL has it. */
    drawn: function (shape) {
      if (!shape) return window.dash_clientside.no_update;
      if (shape.kind === "circle") return "circle:" + [shape.lng, shape.lat, Math.round(shape.radius_m)].join(",");
      return "lasso:" + shape.points.map((point) => point.join(",")).join(";");
    },

    area: function (text) {
      const [kind, rest] = (text || "").split(":");
      if (kind === "circle") {
        const [lng, lat, radius_m] = rest.split(",").map(Number);
        return { kind, lng, lat, radius_m };
      }
      if (kind === "lasso") return { kind, points: rest.split(";").map((point) => point.split(",").map(Number)) };
      return null;
    },

    /* Filters are a drawer where the screen is narrow. */
    filters: function (clicks) {
      return [clicks % 2 ? "workbench is-filtering" : "workbench", clicks % 2 ? "true" : "false"];
    },
  };
})();
