"""The palette: legible on both papers, and apart for readers with any kind of colour vision.

A colour is seen on white as it is, and on the dark page through the CSS filter of `book.css`, here
computed from the definitions of the Filter Effects Module. Colour blindness is simulated after
Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB. Distances are CIE Delta E 2000.
"""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colors

from collapse import plotting

ROOT = Path(__file__).parents[1]
CONTRAST = 3.0  # WCAG 2.1, success criterion 1.4.11: parts of graphics
APART = 10.0  # Delta E 2000; 1 is a just noticeable difference of two large fields
WHITE, DARK_PAGE = np.ones(3), np.array(colors.to_rgb("#14181e"))  # the theme's own

VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}
# hue-rotate(180deg) keeps the luma and turns everything else round: 2 * luma - colour.
TURN_HUE = 2 * np.array([[0.213, 0.715, 0.072]] * 3) - np.eye(3)


def inversion():
    """The share that the style sheet inverts figures by."""
    [share] = re.findall(r"filter: invert\((0\.\d+)\) hue-rotate\(180deg\)",
                         (ROOT / "book/_static/book.css").read_text())
    return float(share)


def through_filter(colour):
    """The colour that the dark page shows for `colour`."""
    share = inversion()
    return np.clip(TURN_HUE @ (share + (1 - 2 * share) * colour), 0, 1)


PAPERS = {"light": (lambda colour: colour, WHITE), "dark": (through_filter, DARK_PAGE)}


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """WCAG contrast ratio of two colours."""
    low, high = sorted(0.05 + np.dot([0.2126, 0.7152, 0.0722], linear(c)) for c in (first, second))
    return high / low


def lab(linear_rgb):
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
              [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.dot(to_xyz, np.clip(linear_rgb, 0, 1)) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def delta_e_2000(first, second):
    """The distance of two colours in CIELAB (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25**7))
    one, two = complex(a1 * stretch, b1), complex(a2 * stretch, b2)
    c1, c2, c = abs(one), abs(two), (abs(one) + abs(two)) / 2
    h1, h2 = np.degrees(np.angle([one, two])) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0
    h = np.radians(h1 + turn / 2 if c1 * c2 else h1 + h2)
    t = (1 - 0.17 * np.cos(h - np.radians(30)) + 0.24 * np.cos(2 * h)
         + 0.32 * np.cos(3 * h + np.radians(6)) - 0.20 * np.cos(4 * h - np.radians(63)))
    middle = ((l1 + l2) / 2 - 50) ** 2
    lightness = (l2 - l1) / (1 + 0.015 * middle / np.sqrt(20 + middle))
    chroma = (c2 - c1) / (1 + 0.045 * c)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2) / (1 + 0.015 * c * t)
    away = np.exp(-(((np.degrees(h) % 360 - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(c**7 / (c**7 + 25**7)) * np.sin(np.radians(60 * away))
    return np.sqrt(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue)


def faint(palette):
    """Roles that can hardly be seen on one of the papers: (role, paper, contrast)."""
    found = []
    for role, line in palette.items():
        for paper, (seen, page) in PAPERS.items():
            alpha = line.get("alpha", 1)
            colour = seen(np.array(colors.to_rgb(line["color"])))
            ratio = contrast(alpha * colour + (1 - alpha) * page, page)
            if ratio < CONTRAST:
                found.append((role, paper, round(ratio, 2)))
    return found


def alike(palette):
    """Pairs of colours that are less than APART on some paper, to some eyes."""
    found = []
    for (one, first), (two, second) in combinations(palette.items(), 2):
        for paper, (seen, _) in PAPERS.items():
            for vision, matrix in VISION.items():
                views = [lab(np.dot(matrix, linear(seen(np.array(colors.to_rgb(line["color"]))))))
                         for line in (first, second)]
                if delta_e_2000(*views) < APART:
                    found.append((one, two, paper, vision))
    return found


def same_dash(palette, pairs):
    """Those pairs of roles that dashes do not tell apart either."""
    return [pair for pair in pairs
            if palette[pair[0]].get("linestyle", "-") == palette[pair[1]].get("linestyle", "-")]


# A trajectory is a simulation, drawn thin: one colour, on purpose.
ROLES = {role: line for role, line in plotting.LINES.items() if role != "trajectory"}
COLOURED = {role: line for role, line in ROLES.items() if role != "neutral"}


def test_every_role_is_seen_on_both_papers():
    assert faint(plotting.LINES) == []


def test_colour_alone_tells_the_roles_apart():
    """All but neutral, which is only drawn as a dashed line. Markers and bars rely on this."""
    assert alike(COLOURED) == []


def test_dashes_tell_apart_what_colour_does_not():
    relied_on = alike(ROLES)
    assert {pair[:2] for pair in relied_on} == {("other", "neutral"), ("ours", "neutral")}
    assert same_dash(ROLES, relied_on) == []


def test_the_cycle_has_the_colours_of_the_roles():
    cycle = plotting._STYLE["axes.prop_cycle"].by_key()["color"]
    assert len(set(cycle)) == len(cycle)
    assert set(cycle) <= {line["color"] for line in COLOURED.values()}


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_shades_are_seen_on_both_papers_and_get_lighter(count):
    shades = plotting.shades(count)[:, :3]
    assert len(shades) == count
    assert faint({i: {"color": shade} for i, shade in enumerate(shades)}) == []
    assert np.all(np.diff([lab(linear(shade))[0] for shade in shades]) > 0)


def stray_colours(text):
    """Colours written as #rrggbb that are no role's, and no grey that is seen on both papers."""
    known = {line["color"].lower() for line in plotting.LINES.values()}
    found = {colour.lower() for colour in re.findall(r"[\"'](#[0-9A-Fa-f]{6})[\"']", text)} - known
    return sorted(colour for colour in found
                  if len(set(colors.to_rgb(colour))) > 1 or faint({colour: {"color": colour}}))


@pytest.mark.parametrize("path", sorted((ROOT / "book").rglob("*.md")), ids=lambda path: path.stem)
def test_the_figures_of_a_chapter_keep_to_the_palette(path):
    assert stray_colours(path.read_text()) == []


def test_a_bad_palette_is_found():
    palette = {"orange": {"color": "#E69F00"}, "thin": {"color": "#0072B2", "alpha": 0.4}}
    assert [found[:2] for found in faint(palette)] == [
        ("orange", "light"), ("thin", "light"), ("thin", "dark")]
    red, green = {"color": "#c04000"}, {"color": "#7a7a00"}
    pairs = alike({"red": red, "green": green})
    assert {vision for *_, vision in pairs} & {"protanopia", "deuteranopia"}
    assert "normal" not in {vision for *_, vision in pairs}
    assert same_dash({"red": red, "green": green}, pairs) == pairs
    assert same_dash({"red": red, "green": green | {"linestyle": ":"}}, pairs) == []
    assert stray_colours('color="#56B4E9", edgecolor="#dddddd", facecolor="#777777"') == [
        "#56b4e9", "#dddddd"]


@pytest.mark.parametrize(("first", "second", "distance"), [
    # Sharma, Wu and Dalal (2005), table 1.
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
])
def test_the_distance_of_colours_is_the_published_one(first, second, distance):
    assert delta_e_2000(first, second) == pytest.approx(distance, abs=5e-5)
