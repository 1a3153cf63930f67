/* The help page: the search field leaves the topics that hold all its words, and the address's anchor is scrolled to.
   The key that opens the page from everywhere. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.help = {
  /* Class of the words that nothing was found. Whoever comes by an anchor sees every topic again. */
  show: function (sought, hash) {
    const { shell, callback_context: cause, set_props } = window.dash_clientside;
    const typed = cause.triggered.some((each) => each.prop_id === "help-search.value");
    const target = !typed && hash && document.getElementById(decodeURIComponent(hash.slice(1)));
    const words = target ? [] : shell.fold(sought || "").split(/\s+/).filter(Boolean);
    for (const topic of document.querySelectorAll(".help-topic")) {
      const text = shell.fold(topic.textContent);
      topic.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of document.querySelectorAll(".help-group")) group.hidden = !group.querySelector(".help-topic:not([hidden])");
    if (target) {
      if (sought) set_props("help-search", { value: "" });
      target.scrollIntoView();
      for (const former of document.querySelectorAll(".help-topic.is-target")) former.classList.remove("is-target");
      target.closest(".help-topic")?.classList.add("is-target");
    }
    return document.querySelector(".help-topic:not([hidden])") ? "is-hidden" : "empty-state";
  },
};

/* "?": the keys, not while one types. The pages with a list of keys of their own open that (alerts.js, review.js). */
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], [role=dialog]")) return;
  if (document.querySelector("#alerts-page, #review-page")) return;
  window.dash_clientside.shell.go("/help#keys");
});
