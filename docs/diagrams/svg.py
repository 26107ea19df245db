"""Diagrams as SVG files: dark strokes on nothing, forward in blue, gradients in orange, as in the *.dot files."""

from html import escape

INK, GREY, PALE = "#222222", "#6b6b6b", "#c4c4c4"
BLUE, BLUE_FILL, BLUE_DEEP = "#2a62ab", "#e3edf9", "#bcd4f0"
ORANGE, ORANGE_FILL, ORANGE_DEEP = "#c25a10", "#fdeadb", "#f6c9a2"
FACE = "Helvetica, Arial, sans-serif"
WIDTH = 720  # of every diagram; its letters are at least 15 high


def number(value, digits=0):
    """A number with a minus sign that is as long as a plus sign."""
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 else "−" + text[1:]) if text[0] == "-" else text


class Diagram:
    def __init__(self, title, description, height):
        self.head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                     f'height="{height}" font-family="{FACE}" role="img">\n<title>{escape(title)}</title>\n'
                     f"<desc>{escape(description)}</desc>\n")
        self.height = height
        self.parts = []

    def text(self, x, y, text, size=17, anchor="middle", colour=INK, bold=False):
        """A line of text whose letters stand on y; `{{key}}` stays as it is for the weaver."""
        assert size >= 15, text
        if not text:
            return
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" '
                          f'fill="{colour}"{weight}>{escape(text, quote=False)}</text>')

    def lines(self, x, y, texts, size=17, step=None, **options):
        for i, text in enumerate(texts):
            self.text(x, y + i * (step or 1.3 * size), text, size, **options)

    def rect(self, x, y, width, height, fill="none", stroke=INK, line=1.5, round_by=0, dash=None):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_by}" '
                          f'fill="{fill}" stroke="{stroke}" stroke-width="{line}"{dashes}/>')

    def circle(self, x, y, radius, fill="none", stroke=INK, line=1.5):
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{stroke}" '
                          f'stroke-width="{line}"/>')

    def path(self, points, colour=INK, line=1.5, fill="none", dash=None, close=False):
        data = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points) + ("z" if close else "")
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<path d="{data}" fill="{fill}" stroke="{colour}" stroke-width="{line}"{dashes}/>')

    def arrow(self, *points, colour=INK, line=2, dash=None):
        """A line through the points with a head at the last one."""
        (x0, y0), (x1, y1) = points[-2:]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        size = 5 + 2 * line
        base = (x1 - size * ux, y1 - size * uy)
        self.path(list(points[:-1]) + [base], colour, line, dash=dash)
        side = 0.42 * size
        self.path([(x1, y1), (base[0] - side * uy, base[1] + side * ux), (base[0] + side * uy, base[1] - side * ux)],
                  colour, 0.5, fill=colour, close=True)

    def box(self, x, y, width, height, texts, fill=BLUE_DEEP, stroke=BLUE, size=17, round_by=0):
        """A box with lines of text in its middle."""
        self.rect(x, y, width, height, fill, stroke, round_by=round_by)
        first = y + height / 2 + 0.35 * size - (len(texts) - 1) * 0.65 * size
        self.lines(x + width / 2, first, texts, size)

    def cells(self, x, y, size, values, fill=None, stroke=INK, letters=17, colour=None, width=None):
        """A matrix as cells of a size; `fill` and `colour` of a text may be functions of row, column and value."""
        for r, row in enumerate(values):
            for c, value in enumerate(row):
                here = fill(r, c, value) if callable(fill) else fill or "none"
                ink = colour(r, c, value) if callable(colour) else colour or INK
                w = width or size
                self.rect(x + c * w, y + r * size, w, size, here, stroke, 1)
                text = value if isinstance(value, str) else number(value)
                self.text(x + (c + 0.5) * w, y + (r + 0.5) * size + 0.35 * letters, text, letters, colour=ink)

    def write(self, path):
        path.write_text(self.head + "\n".join(self.parts) + "\n</svg>\n", encoding="utf-8")
