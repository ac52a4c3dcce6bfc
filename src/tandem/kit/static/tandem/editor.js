(function () {
  "use strict";
  // "Go there" puts the cursor at the line and column of a fault; without this file the link leads to the field.
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-line]");
    var field = link && document.querySelector(link.getAttribute("href"));
    if (!field || !field.setSelectionRange) { return; }
    event.preventDefault();
    var lines = field.value.split("\n"), line = Number(link.dataset.line) - 1, at = Number(link.dataset.column) - 1;
    for (var i = 0; i < line && i < lines.length; i += 1) { at += lines[i].length + 1; }
    var rest = field.value.slice(at), end = rest.indexOf("}}");
    field.focus();
    field.setSelectionRange(at, at + (rest.startsWith("{{") && end >= 0 ? end + 2 : 1));
    field.scrollTop = field.scrollHeight * line / Math.max(1, lines.length) - field.clientHeight / 2;
  });
})();
