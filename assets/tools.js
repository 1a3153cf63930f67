/* Handing the map on: its address, pictures of what is seen, files of one's own (web/workbench/tools.py). */
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.tools = (function () {
  const UPLOAD = "/api/overlays";

  function copyTheOldWay(text) {
    const field = document.createElement("textarea");
    field.value = text;
    field.style.position = "fixed";
    field.style.opacity = "0";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (_refused) {
      return copyTheOldWay(text);  /* no clipboard without https */
    }
  }

  async function share(clicks) {
    if (!clicks) return window.dash_clientside.no_update;
    const words = document.getElementById("tools-share").dataset, url = window.location.href;
    if (navigator.share && window.matchMedia("(pointer: coarse)").matches) {
      try {
        await navigator.share({ title: document.title, url });
        return "";
      } catch (refused) {
        if (refused.name === "AbortError") return "";
      }
    }
    return (await copy(url)) ? words.done : words.failed;
  }

  function pictureUrl(kind) {
    const query = new URLSearchParams(window.location.search);
    const pane = document.getElementById("map");
    query.set("format", kind);
    if (pane && pane.clientWidth) {
      query.set("w", Math.round(pane.clientWidth));
      query.set("h", Math.round(pane.clientHeight));
    }
    return "/map.sheet?" + query;
  }

  function picture(clicks) {
    const cause = window.dash_clientside.callback_context.triggered_id;
    if (!cause || !clicks.some(Boolean)) return window.dash_clientside.no_update;
    const a = document.createElement("a");
    a.href = pictureUrl(cause.kind);
    a.download = "";
    document.body.append(a);
    a.click();
    a.remove();
    return "";
  }

  function bytesOf(dataUrl) {
    const text = atob(dataUrl.slice(dataUrl.indexOf(",") + 1));
    return new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))]);
  }

  async function upload(contents, name) {
    if (!contents) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
    const form = new FormData();
    form.append("file", bytesOf(contents), name);
    const answer = await fetch(UPLOAD, {
      method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": window.dash_clientside.shell.csrf() }, body: form,
    });
    const said = await answer.json();
    return [said.text || said.error, Date.now()];
  }

  return { share, picture, upload };
})();
