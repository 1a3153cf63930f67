/* The two clocks of the map. Frames come in one answer; the map recolours itself, no callback a step. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.time = (function () {
  const STEPS = 52;
  const BASE_MS = 900;
  let playing = null;

  /* As people write it. */
  function dayBack(back, today) {
    return window.dash_clientside.map.addDays(today, back || 0).split("-").reverse().join("/");
  }

  function show(text) {
    window.dash_clientside.set_props("time-status", { children: text });
  }

  function stop(commit) {
    if (!playing) return;
    const { timer, clock, frames, at, button, today } = playing;
    clearInterval(timer);
    playing = null;
    window.dash_clientside.set_props(button, { className: "icon-button is-small" });
    const day = frames && frames.steps[at].day;
    window.dash_clientside.set_props("map", { frame: null });
    window.dash_clientside.set_props("time-known-text", { children: "" });
    if (!commit || !day) return;
    const { daysBetween, onClock } = window.dash_clientside.map;
    window.dash_clientside.set_props(clock === "known" ? "time-on" : "time-last", { value: onClock(daysBetween(today, day)) });
  }

  function step() {
    const { frames, clock } = playing;
    window.dash_clientside.set_props("map", { frame: playing.at });
    const label = frames.steps[playing.at].label;
    window.dash_clientside.set_props(clock === "known" ? "time-known-text" : "time-last-text", { children: label });
    show(label);
  }

  async function play(clock, button, query, today, speed) {
    if (playing) {
      const same = playing.clock === clock;
      stop(true);
      if (same) return;
    }
    const mine = { clock, button, today, at: 0, timer: null, frames: null };
    playing = mine;
    window.dash_clientside.set_props(button, { className: "icon-button is-small is-playing" });
    const chosen = window.dash_clientside.map.parse(query);
    chosen.clock = clock;
    chosen.steps = String(STEPS);
    const answer = await fetch("/api/frames?" + window.dash_clientside.map.write(chosen), { credentials: "same-origin" }).catch(() => null);
    if (playing !== mine) return;
    if (!answer || !answer.ok) { stop(false); return; }
    mine.frames = await answer.json();
    if (!mine.frames.steps.length) { stop(false); return; }
    window.dash_clientside.set_props("map", { frames: { layer: "communes", ids: mine.frames.ids, values: mine.frames.values }, frame: 0 });
    step();
    mine.timer = setInterval(() => {
      if (playing !== mine) return;
      if (mine.at + 1 >= mine.frames.steps.length) { stop(true); return; }
      mine.at += 1;
      step();
    }, BASE_MS / Number(speed || 1));
  }

  function player(clock, button) {
    return function (clicks, query, today, speed) {
      if (clicks) play(clock, button, query, today, speed);
      return window.dash_clientside.no_update;
    };
  }

  return {
    dayBack,
    play_event: player("event", "time-play"),
    play_known: player("known", "time-known-play"),

    /* One step of a week or a day on the event clock. */
    move: function (_back, _forward, value, query) {
      const cause = window.dash_clientside.callback_context.triggered_id;
      const size = window.dash_clientside.map.parse(query).step === "day" ? 1 : 7;
      stop(false);
      return window.dash_clientside.map.onClock((value || 0) + (cause === "time-back" ? -size : size));
    },

    /* The days both clocks stand at, in words. */
    labels: function (last, known, today) {
      return [dayBack(Math.min(last || 0, known || 0), today)];
    },
  };
})();

/* What a clock says while its thumb is dragged. */
window.dashMantineFunctions = window.dashMantineFunctions || {};
window.dashMantineFunctions.dayBack = (back) => {
  const player = document.getElementById("time-player");
  if (!player) return "";
  return window.dash_clientside.time.dayBack(back, player.dataset.today);
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select, [contenteditable], [role=slider]")) return;
  const button = { p: "time-play", ",": "time-back", ".": "time-forward" }[event.key.toLowerCase()];
  const found = button && document.getElementById(button);
  if (found) found.click();
});
