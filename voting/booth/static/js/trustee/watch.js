/*
 * Says so when the program of the trustees' page cannot run: an old browser, or a file that did not arrive. Plain old
 * JavaScript, so that it runs where the modules do not even parse. Must not import anything; `main.js` sets `data-ready`.
 */
(function () {
  "use strict";

  var SLOW_MS = 20000;
  var loading = document.getElementById("loading");
  var trouble = document.getElementById("trouble");

  function show() {
    if (document.documentElement.hasAttribute("data-ready") || !trouble.parentNode) return;
    loading.setAttribute("hidden", "");
    trouble.removeAttribute("hidden");
  }

  loading.removeAttribute("hidden");
  if (!("noModule" in document.createElement("script")) || typeof BigInt === "undefined") show();
  window.addEventListener(
    "error",
    function (event) {
      if (event.target && event.target.tagName === "SCRIPT") show();
    },
    true
  );
  window.setTimeout(show, SLOW_MS);
})();
