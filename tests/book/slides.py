"""A deck of slides in a browser, and what is wrong with it."""

# For each slide that does not hold what is on it, a line.
_PROBLEMS = """
() => [...document.querySelectorAll(".slide")].flatMap((slide, at) => {
  const found = [];
  const say = (words) => found.push(`${at + 1}: ${words}`);
  const here = slide.getBoundingClientRect();
  for (const box of [slide, slide.querySelector(".content")]) {
    const over = box.scrollHeight - box.clientHeight;
    if (over > 1) say(`too high by ${over} px`);
  }
  const far = [...slide.querySelectorAll("*")].filter((element) => {
    const box = element.getBoundingClientRect();
    return !element.closest("mjx-assistive-mml") && box.width && box.right > here.right + 1;
  });
  if (far.length) say(`too wide: ${far[0].localName}`);
  if (slide.querySelector("mjx-merror")) say("formula error");
  if (/\\\\\\(|\\\\\\[|\\?\\?/.test(slide.textContent)) say("something is not resolved");
  return found.slice(0, 1);
})
"""


class Deck:
    """The file `path` open in a browser without a network; fails when it wants another file."""

    def __init__(self, browser, path, *, width=1280, height=720):
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.wanted, self.errors = [], []
        self.page.on("request", lambda request: self.wanted.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(path.as_uri())
        self.page.evaluate("() => document.fonts.ready")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.page.close()
        if kind is None:
            own = ("data:", self.wanted[0])
            loads = [url for url in self.wanted if not url.startswith(own)]
            assert (loads, self.errors) == ([], [])

    def count(self):
        return self.page.locator(".slide").count()

    def shown(self):
        """The numbers of the slides that are seen, from 0."""
        return [at for at, slide in enumerate(self.page.locator(".slide").all())
                if slide.is_visible()]


def problems(deck):
    """What does not fit on a slide, with all of them shown below one another: lines `3: ...`."""
    deck.page.evaluate("() => document.documentElement.classList.remove('one')")
    return deck.page.evaluate(_PROBLEMS)
