/*
 * Says so when the booth's program cannot run: an old browser, or a file that did not arrive. Plain old JavaScript, so
 * that it runs where the modules do not even parse. Must not import anything; the modules set `data-ready` on <html>.
 */
(function () {
  "use strict";

  var TEXTS = [
    {
      lang: "en",
      old: "This browser is too old to vote with",
      oldWhat: "It cannot lock your vote. Use a newer browser, or another device.",
      broken: "This page could not be loaded completely",
      brokenWhat: "Check your connection, then load the page again. If that does not help, use another device.",
      not: "You have not voted. Nothing was sent.",
      again: "Load again",
      help: "The contact for help is on the election page.",
    },
    {
      lang: "fr",
      old: "Ce navigateur est trop ancien pour voter",
      oldWhat: "Il ne peut pas sceller votre vote. Prenez un navigateur plus récent, ou un autre appareil.",
      broken: "Cette page n’a pas pu être chargée en entier",
      brokenWhat: "Vérifiez votre connexion, puis rechargez la page. Si cela ne suffit pas, prenez un autre appareil.",
      not: "Vous n’avez pas voté. Rien n’a été envoyé.",
      again: "Recharger",
      help: "Le contact pour obtenir de l’aide est sur la page de l’élection.",
    },
  ];
  var SLOW_MS = 20000;
  var shown = false;

  function add(parent, tag, text) {
    var element = document.createElement(tag);
    element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  function show(old) {
    var main = document.getElementById("main");
    if (shown || !main || document.documentElement.hasAttribute("data-ready")) return;
    shown = true;
    main.textContent = "";
    for (var index = 0; index < TEXTS.length; index += 1) {
      var words = TEXTS[index];
      var part = add(main, "section", "");
      part.setAttribute("lang", words.lang);
      part.setAttribute("role", "alert");
      add(part, "h1", old ? words.old : words.broken);
      add(add(part, "p", ""), "strong", words.not);
      add(part, "p", old ? words.oldWhat : words.brokenWhat);
      add(part, "p", words.help);
      if (!old)
        add(part, "button", words.again).addEventListener("click", function () {
          location.reload();
        });
    }
  }

  var loading = document.getElementById("loading");
  if (loading) loading.removeAttribute("hidden");
  var modules = "noModule" in document.createElement("script");
  if (!modules || typeof BigInt === "undefined" || typeof Worker === "undefined" || !window.crypto || !crypto.subtle) {
    show(true);
  }
  window.addEventListener(
    "error",
    function (event) {
      if (event.target && event.target.tagName === "SCRIPT") show(false);
    },
    true,
  );
  window.setTimeout(function () {
    show(false);
  }, SLOW_MS);
})();
