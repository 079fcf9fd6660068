// Shows the cards that have all the words that were typed, and the verdict that was chosen.
(function () {
  "use strict";
  const cards = [...document.querySelectorAll(".card")];
  const words = document.getElementById("words"), which = document.getElementById("which"), count = document.getElementById("count");

  // IL-2, il2 and IL2 are one.
  const fold = (text) => text.toLowerCase().replace(/[-_]/g, "");

  function show() {
    const asked = fold(words.value).split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const card of cards) {
      const text = fold(card.dataset.words);
      card.hidden = !(asked.every((word) => text.includes(word)) && (which.value === "all" || which.value === card.dataset.which));
      seen += !card.hidden;
    }
    for (const topic of document.querySelectorAll(".topic")) {
      topic.hidden = !topic.querySelector(".card:not([hidden])");
    }
    count.textContent = seen + " of " + cards.length + " shown";
  }

  document.getElementById("filter").hidden = false;
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("input", show);
  which.addEventListener("change", show);
  show();
})();
