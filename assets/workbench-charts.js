/* Charts of the workbench: small curves of all communes, and what a click or a drag on a chart narrows. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.charts = (function () {
  const WIDTH = 104;
  const HEIGHT = 30;

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
  }

  /* Bars of some weeks as one path. */
  function path(weeks, from, to, top) {
    const step = WIDTH / weeks.length;
    let d = "";
    for (let i = Math.max(0, from); i <= Math.min(to, weeks.length - 1); i++) {
      if (!weeks[i]) continue;
      const y = HEIGHT - Math.max(1, (HEIGHT * weeks[i]) / top);
      d += `M${(i * step).toFixed(1)} ${HEIGHT}V${y.toFixed(1)}h${(step * 0.84).toFixed(1)}V${HEIGHT}z`;
    }
    return d;
  }

  function picture(weeks, top, data) {
    const [first, last] = data.inside;
    const paths = [[0, first - 1, data.bar], [first, last, data.period], [last + 1, weeks.length, data.bar]]
      .map(([from, to, colour]) => [path(weeks, from, to, top), colour])
      .filter(([d]) => d)
      .map(([d, colour]) => `<path d="${d}" fill="${colour}"/>`);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${paths.join("")}</svg>`;
    return "data:image/svg+xml," + encodeURIComponent(svg);
  }

  const growth = ([, , , , , , cases, before]) => (cases - before) / Math.sqrt(Math.max(before, 1));
  const ORDERS = {
    level: (a, b) => b[3] - a[3] || b[6] - a[6],
    cases: (a, b) => b[6] - a[6],
    growth: (a, b) => growth(b) - growth(a),
    name: () => 0,  /* as they came */
  };

  function arrow(cases, before) {
    return cases === before ? "" : cases > before ? " ▲" : " ▼";
  }

  function card(row, top, data) {
    const [id, name, , , level, levelText, cases, before, weeks] = row;
    const number = (n) => n.toLocaleString(data.locale);
    const most = Math.max(0, ...weeks);
    const alt = fill(data.words.alt, { place: name, level: levelText, n: number(cases), most: number(most) });
    return [
      "Link",
      { href: data.href + (data.href.includes("?") ? "&" : "?") + "unit=" + id, className: "place-card" },
      ["span", { className: "level-badge is-symbol level-" + level, title: levelText }, levelText.split(" ")[0]],
      ["span", { className: "place-name", title: name }, name],
      ["img", { src: picture(weeks, top || most || 1, data), alt, className: "place-curve" }],
      ["span", { className: "num" }, fill(data.words.cases, { n: number(cases) }) + arrow(cases, before)],
      ["span", { className: "num dim" }, fill(data.words.most, { n: number(most) })],
    ];
  }

  /* What is chosen in the URL, changed. */
  function changed(changes) {
    const { parse, write } = window.dash_clientside.map;
    const text = write({ ...parse(window.location.search), ...changes });
    return text ? "?" + text : "";
  }

  function day(text, more) {
    return window.dash_clientside.map.addDays(String(text).slice(0, 10), more);
  }

  return {
    places: function (data, sort, scale, search) {
      const unchanged = window.dash_clientside.no_update;
      if (!data) return [unchanged, unchanged];
      const wanted = window.dash_clientside.shell.fold(search || "");
      const rows = data.rows.filter((row) => row[2].includes(wanted)).sort(ORDERS[sort] || ORDERS.level);
      const top = scale === "same" ? Math.max(1, ...data.rows.flatMap((row) => row[8])) : 0;
      const said = rows.length ? fill(data.words.count, { n: rows.length }) : data.words.none;
      return [["", {}, ...rows.map((row) => card(row, top, data))], said];
    },

    /* Where the chosen row of the line list lies: {case, lng, lat, uncertainty_m}. */
    place: function (rows) {
      const row = (rows || [])[0];
      if (!row || !row.point) return window.dash_clientside.no_update;
      const [lng, lat, uncertainty_m] = row.point;
      return { case: row.case_id, lng, lat, uncertainty_m };
    },

    /* The map goes there, as near as the place is known. */
    fly: function (place) {
      const unchanged = window.dash_clientside.no_update;
      if (!place) return [unchanged, unchanged];
      const metres = place.uncertainty_m || 50;
      const zoom = Math.max(12, Math.min(17, 17 - Math.log2(metres / 50)));
      return [{ lng: place.lng, lat: place.lat, zoom }, changed({ view: "" })];
    },

    /* A bar clicked shows its cases; bars dragged over become the period. */
    curve: function (click, drag, figure) {
      const unchanged = window.dash_clientside.no_update;
      const cause = window.dash_clientside.callback_context.triggered[0];
      if (!cause || !cause.value || !figure) return unchanged;
      const days = figure.layout.meta.days;
      if (cause.prop_id.endsWith("clickData")) {
        const point = click.points[0];
        const part = (figure.data[point.curveNumber].meta || {}).part;
        if (!part) return unchanged;
        return changed({ ...part, from: day(point.x, 0), to: day(point.x, days - 1), days: "", view: "cases" });
      }
      const bars = (drag.points || []).map((point) => String(point.x).slice(0, 10)).sort();
      return bars.length ? changed({ from: bars[0], to: day(bars[bars.length - 1], days - 1), days: "" }) : unchanged;
    },
  };
})();

/* Outbreaks of a case in the line list. */
window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};

window.dashAgGridComponentFunctions.OutbreakLinks = function (props) {
  const links = (props.value || []).map(({ text, href }) => ["Link", { href, className: "outbreak-link" }, text]);
  return window.canhdich_markup.draw(["", {}, ...links]);
};
