/* The parts of every page that work in the browser: following new data, and the page's title. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.shell = {
  csrf: function () {
    const found = document.cookie.match(/(?:^|; )_csrf_token=([^;]*)/);
    return found ? decodeURIComponent(found[1]) : "";
  },

  /* To compare words by: "Đường" is found by "duong". */
  fold: (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase().trim(),

  /* To another page of the program, as dcc.Link goes: Dash's Location components listen for this event. */
  go: function (href) {
    history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  },

  /* Opens the dialog of the button that was pressed, closes it by its own "Thôi". */
  toggle: function () {
    const cause = window.dash_clientside.callback_context.triggered[0];
    if (!cause || !cause.value) return window.dash_clientside.no_update;
    return !cause.prop_id.includes("-cancel");
  },

  /* Ask whether there is newer data. The browser's cache makes an unchanged answer a 304 without a body. */
  poll: async function (_ticks, known) {
    const unchanged = window.dash_clientside.no_update;
    const shell = window.dash_clientside.shell;
    let answer;
    try {
      answer = await fetch("/api/version", { cache: "no-cache", credentials: "same-origin" });
    } catch (_offline) {
      shell.lost = true;
      return [unchanged, unchanged, "data-chip is-stale", "stale-note", unchanged, unchanged];
    }
    if (answer.status === 401) {
      window.location.assign("/login?next=" + encodeURIComponent(window.location.pathname + window.location.search));
      return Array(6).fill(unchanged);
    }
    if (!answer.ok) {
      shell.lost = true;
      const told = await answer.json().catch(() => null);
      const text = told ? told.error + " (" + told.code + ")" : unchanged;
      return [unchanged, unchanged, "data-chip is-stale", "stale-note", text, unchanged];
    }
    const latest = await answer.json();
    const back = shell.lost;
    shell.lost = false;
    const fresh = back || latest.version !== (known || "").trim();
    return [
      fresh ? latest.version + (back ? " " : "") : unchanged,  /* the blank makes every panel ask again */
      latest.label,
      latest.stale ? "data-chip is-stale" : "data-chip",
      "stale-note is-hidden",
      unchanged,
      back ? [] : unchanged,
    ];
  },

  title: function (title) {
    if (title) document.title = title;
    return window.dash_clientside.no_update;
  },
};

/* An open menu closes when one clicks elsewhere or presses Escape. */
for (const event of ["click", "keydown"]) {
  document.addEventListener(event, (cause) => {
    if (event === "keydown" && cause.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (event === "keydown" || !menu.contains(cause.target)) menu.open = false;
    }
  });
}

/* The file input that Dash draws has no name of its own: the words of the button around it are its name. */
const NAMELESS = 'input[type="file"]:not([aria-label])';
new MutationObserver((changes) => {
  for (const added of changes.flatMap((change) => [...change.addedNodes])) {
    if (!added.querySelectorAll) continue;
    const inputs = added.matches(NAMELESS) ? [added] : added.querySelectorAll(NAMELESS);
    for (const input of inputs) input.setAttribute("aria-label", input.parentElement.textContent.trim());
  }
}).observe(document.documentElement, { childList: true, subtree: true });
