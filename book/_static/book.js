// Formulas that are wider than their block; symbols that say what they mean; links to boxes; and
// the search on pages that are opened as files.
(() => {
  // Browsers do not let a page read other files, so Sphinx could not fetch the lines around a hit.
  if (window.location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  // Marks inline formulas that are wider than the block they stand in, so that book.css lets them
  // scroll. Scrolling moves a formula's baseline a little, so the others are left alone. The Tab key
  // stops at what scrolls sideways, so that the arrow keys scroll it, and at what says something;
  // MathJax makes a stop of every formula.
  const STOPS =
    ".bd-article :is(pre, table, .cell_output, div.math, mjx-container), .bd-article .output";
  const mark = () => {
    const formulas = [...document.querySelectorAll("span.math > mjx-container")];
    formulas.forEach((formula) => formula.classList.remove("too-wide"));
    formulas
      .filter((formula) => {
        const block = formula.closest("p, li, dd, td, figcaption, h1, h2, h3, div");
        return formula.getBoundingClientRect().width > block.clientWidth;
      })
      .forEach((formula) => formula.classList.add("too-wide"));
    document.querySelectorAll(STOPS).forEach((block) => {
      // An inline formula holds hidden MathML that is wider than what is seen, so ask its class.
      const needed = block.matches("span.math > mjx-container")
        ? block.matches(".too-wide, .symbol-first")
        : block.scrollWidth > block.clientWidth;
      if (needed) block.tabIndex = 0;
      else if (block.tabIndex === 0) block.removeAttribute("tabindex");
    });
  };

  // Proofs and exercises introduce letters of their own, so a single letter is not explained there.
  const isLocal = (formula, spelling) =>
    /^(\\[a-zA-Z]+|[a-zA-Z])$/.test(spelling) &&
    formula.closest("div.proof:not(:has(> .admonition-title)), div.exercise, div.solution");

  // An inline formula that is one symbol of the page's dictionary shows what it means: on hover, on
  // a tap, and, the first one in a section, when it has the focus. Esc closes.
  const explainSymbols = () => {
    const dictionary = document.getElementById("symbol-meanings");
    if (!dictionary) return;
    const meanings = JSON.parse(dictionary.textContent);
    const tip = document.createElement("div");
    tip.id = "symbol-tip";
    tip.setAttribute("role", "tooltip");
    tip.hidden = true;
    document.body.append(tip);
    let shown = null;
    let closing = 0;

    const place = () => {
      const at = shown.getBoundingClientRect();
      const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      const above = at.bottom + tip.offsetHeight + 8 > window.innerHeight;
      const top = above ? at.top - tip.offsetHeight - 4 : at.bottom + 4;
      tip.style.left = `${Math.max(8, Math.min(at.left, room)) + window.scrollX}px`;
      tip.style.top = `${top + window.scrollY}px`;
    };
    const hide = () => {
      clearTimeout(closing);
      shown?.removeAttribute("aria-describedby");
      shown = null;
      tip.hidden = true;
    };
    const show = (formula, meaning) => {
      clearTimeout(closing);
      if (shown === formula) return;
      hide();
      shown = formula;
      window.MathJax.typesetClear([tip]);
      tip.innerHTML = meaning; // from notation.yml, escaped when the page was made
      formula.setAttribute("aria-describedby", tip.id);
      tip.hidden = false;
      place();
      window.MathJax.typesetPromise([tip]).then(() => shown && place());
    };
    // The pointer may go to the text, to read or to copy it.
    const hideSoon = () => {
      clearTimeout(closing);
      closing = setTimeout(hide, 200);
    };

    const sections = new Set();
    for (const item of window.MathJax.startup.document.math) {
      const spelling = item.math.replace(/\s+/g, "");
      if (item.display || !Object.hasOwn(meanings, spelling)) continue;
      const formula = item.typesetRoot;
      if (!formula.closest("article") || isLocal(formula, spelling)) continue;
      const section = formula.closest("section:has(> h1, > h2, > h3, > h4)");
      const first = `${section?.id} ${spelling}`;
      formula.classList.add("symbol");
      if (!sections.has(first)) formula.classList.add("symbol-first");
      sections.add(first);
      const open = () => show(formula, meanings[spelling]);
      formula.addEventListener("mouseenter", open);
      formula.addEventListener("click", open);
      formula.addEventListener("focus", open);
      formula.addEventListener("mouseleave", hideSoon);
      formula.addEventListener("blur", hide);
    }
    tip.addEventListener("mouseenter", () => clearTimeout(closing));
    tip.addEventListener("mouseleave", hideSoon);
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    document.addEventListener("click", (event) => {
      if (!event.target.closest?.(".symbol, #symbol-tip")) hide();
    });
  };

  // Boxes get the link to themselves that headings, equations and figures have.
  const linkBoxes = () => {
    for (const title of document.querySelectorAll(
      "div.proof[id] > .admonition-title, div.exercise[id] > .admonition-title",
    )) {
      const link = document.createElement("a");
      link.className = "headerlink";
      link.href = `#${title.parentElement.id}`;
      link.title = "Link to this box";
      link.textContent = "#";
      title.append(link);
    }
  };

  document.addEventListener("DOMContentLoaded", linkBoxes);
  window.addEventListener("load", () => {
    const typeset = window.MathJax?.startup?.promise;
    mark();
    typeset?.then(() => {
      explainSymbols();
      mark();
    }, () => {}); // where formulas fail, MathJax itself says so
  });
  window.addEventListener("resize", mark);
  document.addEventListener("toggle", mark, true); // what folds has no width before
})();
