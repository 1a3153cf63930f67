/* Two components for pages of many parts (web/markup.py): much static HTML as one, and parts that wait for the map. */
window.canhdich_markup = (function () {
  function follow(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
    event.preventDefault();
    window.dash_clientside.shell.go(event.currentTarget.getAttribute("href"));
  }

  /* A tree is a text or [tag, props, ...trees]. */
  function draw(tree) {
    if (!Array.isArray(tree)) return tree;
    const [tag, props, ...children] = tree;
    const React = window.React;
    if (tag === "") return React.createElement(React.Fragment, null, ...children.map(draw));
    if (tag === "Link") return React.createElement("a", { ...props, onClick: follow }, ...children.map(draw));
    return React.createElement(tag, props, ...children.map(draw));
  }

  function Markup({ id, tree, className }) {
    return id || className ? window.React.createElement("div", { id, className }, draw(tree)) : draw(tree);
  }

  const LONGEST_WAIT_MS = 4000;
  const UNSEEN_WAIT_MS = 2000;
  const whenIdle = window.requestIdleCallback || ((act) => setTimeout(act, 50));

  /* Once, when the map of the page stands and nothing else is to do; returns how to call it off. */
  function afterTheMap(act) {
    let off = false;
    const idle = () => whenIdle(() => off || act());
    if (!document.querySelector(".epimap") || document.querySelector(".epimap-stands")) {
      idle();
      return () => { off = true; };
    }
    const timer = setTimeout(idle, LONGEST_WAIT_MS);
    document.addEventListener("epimap-stands", idle, { once: true });
    return () => { off = true; clearTimeout(timer); document.removeEventListener("epimap-stands", idle); };
  }

  /* `here` is a property, not a state: Dash then draws the children as callbacks have changed them meanwhile. */
  function Later({ children, until, here, setProps }) {
    const { createElement, useEffect, useRef } = window.React;
    const place = useRef(null);
    useEffect(() => {
      if (here) return undefined;
      const come = () => setProps({ here: true });
      let unseen = 0;  /* what nobody sees gives way to what somebody waits for */
      const soon = until === "map" ? come : () => { unseen = setTimeout(() => whenIdle(come), UNSEEN_WAIT_MS); };
      const callOff = until === "sight" ? () => {} : afterTheMap(soon);
      const eye = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && come());
      if (until !== "map") eye.observe(place.current);
      return () => { callOff(); clearTimeout(unseen); eye.disconnect(); };
    }, [here]);
    return here ? children : createElement("div", { ref: place });
  }

  return { Markup, Later, draw };
})();
