(function () {
  "use strict";
  var root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  function chosen() { try { return localStorage.getItem("theme") || "auto"; } catch (e) { return "auto"; } }
  function show() {
    var theme = chosen(), dark = theme === "dark" || (theme === "auto" && system.matches);
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    document.querySelectorAll("#theme-switch [data-colours]").forEach(function (b) {
      b.setAttribute("aria-pressed", String(b.dataset.colours === theme));
    });
  }
  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", function () {
    var bar = document.getElementById("theme-switch");
    if (bar) {
      bar.hidden = false;
      bar.addEventListener("click", function (event) {
        var button = event.target.closest("[data-colours]");
        if (button) { try { localStorage.setItem("theme", button.dataset.colours); } catch (e) { /* private window */ } show(); }
      });
    }
    show();
    focusErrors();
    document.querySelectorAll("[data-copy]").forEach(function (button) { button.hidden = false; });
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]"), field = button && document.getElementById(button.dataset.copy);
    if (!field) { return; }
    function done() { var words = button.querySelector("[aria-live]"); if (words) { words.textContent = button.dataset.copied; } }
    field.select();
    if (navigator.clipboard) { navigator.clipboard.writeText(field.value).then(done, function () { document.execCommand("copy"); done(); }); } else if (document.execCommand("copy")) { done(); }
  });
  function focusErrors() { var box = document.getElementById("errors"); if (box) { box.focus(); } }
  document.addEventListener("htmx:after:swap", function (event) {
    var source = event.detail && event.detail.ctx && event.detail.ctx.sourceElement;
    if (event.detail && event.detail.ctx && event.detail.ctx.response && event.detail.ctx.response.status === 422 && source) { focusErrors(); }
  });
})();
