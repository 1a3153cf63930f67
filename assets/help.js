/* The help page: the search field leaves the topics that hold all its words, and the address's anchor is scrolled to. */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.help = {
  /* "ngưỡng" is found by "nguong", "đường" by "duong". */
  plain: (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replaceAll("đ", "d"),

  /* Class of the words that nothing was found. */
  show: function (sought, hash) {
    const { help, callback_context: cause } = window.dash_clientside;
    const words = help.plain(sought || "").split(/\s+/).filter(Boolean);
    const byAnchor = !cause.triggered.some((each) => each.prop_id === "help-search.value");
    for (const topic of document.querySelectorAll(".help-topic")) {
      const text = help.plain(topic.textContent);
      topic.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of document.querySelectorAll(".help-group")) group.hidden = !group.querySelector(".help-topic:not([hidden])");
    const target = byAnchor && hash && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (target) {
      const hidden = target.closest("[hidden]");
      if (hidden) hidden.hidden = false;
      target.hidden = false;
      target.scrollIntoView();
      for (const former of document.querySelectorAll(".help-topic.is-target")) former.classList.remove("is-target");
      target.closest(".help-topic")?.classList.add("is-target");
    }
    return document.querySelector(".help-topic:not([hidden])") ? "is-hidden" : "empty-state";
  },
};
