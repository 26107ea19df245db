"""The diagrams of the chapters."""

from svg import (BLUE, BLUE_DEEP, BLUE_FILL, GREY, INK, ORANGE, ORANGE_DEEP, ORANGE_FILL, PALE, Diagram, number)

DIAGRAMS = {}


def diagram(file):
    def add(draw):
        DIAGRAMS["chapters/" + file] = draw
        return draw
    return add


@diagram("02_forward_pass/doc/network.svg")
def network():
    d = Diagram("The network 784-100-10",
                "Three columns of units. 784 pixels x go through the weights w1 to 100 hidden units, each with a sum z1 "
                "and its activation o1; these go through w2 to 10 scores z2, and softmax makes 10 probabilities p.", 500)
    top, bottom = 106, 386
    xs = [top + 8 + i * 28 for i in range(4)] + [bottom - 8 - i * 28 for i in range(3, -1, -1)]
    hidden = [top + 20 + i * 40 for i in range(3)] + [bottom - 20 - i * 40 for i in range(2, -1, -1)]
    scores = [top + i * (bottom - top) / 9 for i in range(10)]
    x, h, z, p = 90, 330, 540, 640
    for a in xs:
        for b in hidden:
            d.path([(x + 9, a), (h - 42, b)], PALE, 0.8)
    for a in hidden:
        for b in scores:
            d.path([(h + 42, a), (z - 12, b)], PALE, 0.8)
    for a in xs:
        d.circle(x, a, 9, BLUE_FILL, BLUE)
    for a in hidden:  # a sum and its activation
        d.circle(h - 24, a, 17, BLUE_FILL, BLUE)
        d.circle(h + 24, a, 17, BLUE_FILL, BLUE)
        d.arrow((h - 7, a), (h + 7, a), colour=BLUE, line=1.5)
        d.text(h - 24, a + 5, "z1", 15)
        d.text(h + 24, a + 5, "o1", 15)
    for a in scores:  # each probability depends on all scores, most of all on its own
        for b in scores:
            d.path([(z + 12, a), (p - 12, b)], PALE, 0.6)
    for k, a in enumerate(scores):
        d.circle(z, a, 12, BLUE_FILL, BLUE)
        d.arrow((z + 13, a), (p - 13, a), colour=BLUE, line=1.2)
        d.circle(p, a, 12, BLUE_FILL, BLUE)
        d.text(p + 22, a + 6, str(k), 17, anchor="start")
    for place in (x, h - 24, h + 24):  # those that are not drawn
        for i in (-9, 0, 9):
            d.circle(place, (top + bottom) / 2 + i, 2, INK, INK)
    d.text(x, 36, "x", 20, bold=True)
    d.text(x, 60, "784 pixels", 16)
    d.text(h, 36, "z1  →  o1", 20, bold=True)
    d.text(h, 60, "100 hidden units", 16)
    d.text(z, 36, "z2", 20, bold=True)
    d.text(z, 60, "10 scores", 16)
    d.text(p + 6, 36, "p", 20, bold=True)
    d.text(p + 6, 60, "10 classes", 16)
    d.text(200, 84, "w1, b1", 18, colour=BLUE, bold=True)
    d.text(444, 84, "w2, b2", 18, colour=BLUE, bold=True)
    d.text(h, 84, "relu", 16, colour=BLUE)
    d.text(590, 84, "softmax", 16, colour=BLUE)
    for place, letter, shape in ((x, "x", "(1, 784)"), (200, "w1", "(784, 100)"), (h, "z1, o1", "(1, 100)"),
                                 (444, "w2", "(100, 10)"), (p - 50, "z2, p", "(1, 10)")):
        d.text(place, 424, letter, 17, bold=True)
        d.text(place, 446, shape, 17)
    for place, formula in ((110, "z1 = x w1 + b1"), (270, "o1 = relu(z1)"), (430, "z2 = o1 w2 + b2"),
                           (606, "p = softmax(z2)")):
        d.text(place, 484, formula, 17, colour=BLUE)
    return d


@diagram("05_two_layer_net/doc/graph.svg")
def graph():
    d = Diagram("The computational graph of a two-layer net, with numbers",
                "Forward from left to right in blue: x, linear, z1, relu, o1, linear, z2, softmax and cross-entropy, L. "
                "Backward in orange from right to left: dz2, do1, dz1. The gradients of w1, b1, w2 and b2 stand below "
                "them. The program computes all numbers.", 600)

    def edge(x0, x1, y, name, key, count=2):
        values = ["{{graph_%s.%d|.2f}}" % (key, i) for i in range(count)] if count else ["{{graph_%s|.4f}}" % key]
        grads = ["{{graph_d%s.%d|.3f}}" % (key, i) for i in range(count)] if count else ["1"]
        middle = (x0 + x1) / 2
        d.arrow((x0, y - 6), (x1, y - 6), colour=BLUE)
        d.text(middle, y - 40, name, 18, colour=BLUE, bold=True)
        d.text(middle, y - 17, "(" + ", ".join(values) + ")" if count else values[0], 17, colour=BLUE)
        if key != "x":
            d.arrow((x1, y + 6), (x0, y + 6), colour=ORANGE)
            d.text(middle, y + 29, "(" + ", ".join(grads) + ")" if count else grads[0], 17, colour=ORANGE)
            d.text(middle, y + 52, "d" + name, 18, colour=ORANGE, bold=True)

    def parameters(x, y, number_of):
        """w and b of a linear layer at x, which point up to y."""
        w, b = "w" + number_of, "b" + number_of
        for left, name, rows in ((x - 118, w, 2), (x + 118, b, 1)):
            d.rect(left - 108, y + 76, 216, 102 if rows == 2 else 76, "none", GREY, 1, round_by=6)
            for i in range(rows):
                place = lambda key: ("{{graph_%s.%d.%%d|.%%df}}" % (key, i) if rows == 2 else "{{graph_%s.%%d|.%%df}}" % key)
                for side, colour, key, digits in ((-52, BLUE, name, 2), (52, ORANGE, "d" + name, 3)):
                    numbers = "(" + ", ".join(place(key) % (k, digits) for k in range(2)) + ")"
                    d.text(left + side, y + 132 + 26 * i, numbers, 15, colour=colour)
            d.text(left - 52, y + 104, name, 18, colour=BLUE, bold=True)
            d.text(left + 52, y + 104, "d" + name, 18, colour=ORANGE, bold=True)
            d.arrow((left, y + 76), (left, y + 64), (x + (left - x) * 0.25, y + 64), (x + (left - x) * 0.25, y + 33),
                    colour=GREY, line=1.5)

    first, second = 72, 364
    edge(20, 190, first, "x", "x")
    d.box(190, first - 32, 100, 64, ["linear"])
    edge(290, 440, first, "z1", "z1")
    d.box(440, first - 32, 90, 64, ["relu"])
    edge(530, 700, first, "o1", "o1")
    parameters(240, first, "1")
    edge(20, 190, second, "o1", "o1")
    d.box(190, second - 32, 100, 64, ["linear"])
    edge(290, 440, second, "z2", "z2")
    d.box(440, second - 42, 140, 84, ["softmax and", "cross-entropy", "y = {{graph_y}}"], size=16)
    edge(580, 700, second, "L", "L", 0)
    parameters(240, second, "2")
    d.text(586, second + 112, "p", 18, colour=BLUE, bold=True)
    d.text(586, second + 138, "({{graph_p.0|.3f}}, {{graph_p.1|.3f}})", 17, colour=BLUE)
    d.arrow((510, second + 42), (510, second + 132), (518, second + 132), colour=BLUE, line=1.5)
    d.text(586, second + 168, "dz2 = p − 1[k = y]", 17, colour=ORANGE)
    d.text(36, 584, "forward", 17, colour=BLUE, anchor="start")
    d.arrow((110, 578), (170, 578), colour=BLUE)
    d.text(250, 584, "backward", 17, colour=ORANGE, anchor="start")
    d.arrow((400, 578), (340, 578), colour=ORANGE)
    return d


IMAGE = [[0, 1, 2, 1, 0], [1, 3, 3, 1, 0], [0, 2, 4, 1, 1], [0, 1, 3, 2, 0], [1, 0, 2, 1, 0]]
KERNEL = [[1, 0, -1], [2, 1, -2], [1, 0, -1]]
UPSTREAM = [[3, 1, -1], [2, -1, 0], [0, -2, 1]]


def convolve(x, w):
    """Forward, as in chapter 09: y[p][q] is the sum over r, s of w[r][s] x[p + r][q + s]."""
    sizes = len(x) - len(w) + 1, len(x[0]) - len(w[0]) + 1
    return [[sum(w[r][s] * x[p + r][q + s] for r in range(len(w)) for s in range(len(w[0])))
             for q in range(sizes[1])] for p in range(sizes[0])]


def spread(dy, w):
    """Backward, with respect to x: dy[p][q] w[r][s] goes to place (p + r, q + s)."""
    dx = [[0] * (len(dy[0]) + len(w[0]) - 1) for _ in range(len(dy) + len(w) - 1)]
    for p, row in enumerate(dy):
        for q, value in enumerate(row):
            for r, weights in enumerate(w):
                for s, weight in enumerate(weights):
                    dx[p + r][q + s] += value * weight
    return dx


def term(weight, value):
    return " · ".join(f"({number(v)})" if v < 0 else number(v) for v in (weight, value))


@diagram("09_cnn/doc/window.svg")
def window():
    p, q = 1, 1
    y = convolve(IMAGE, KERNEL)
    d = Diagram("One number of a convolution",
                f"A kernel of 3 x 3 lies on the window of a 5 x 5 image that begins at row {p}, column {q}. The nine "
                f"products add up to {y[p][q]}, the entry at row {p}, column {q} of the 3 x 3 result.", 470)
    size, top = 48, 70
    d.text(140, 48, "image x, 5 × 5", 18, bold=True)
    d.text(397, 48, "kernel w, 3 × 3", 18, bold=True)
    d.text(612, 48, "result y, 3 × 3", 18, bold=True)
    inside = lambda r, c: p <= r < p + 3 and q <= c < q + 3
    d.cells(20, top, size, IMAGE, lambda r, c, v: BLUE_DEEP if inside(r, c) else "none", letters=19)
    d.rect(20 + q * size, top + p * size, 3 * size, 3 * size, stroke=BLUE, line=4)
    d.text(292, top + 130, "∗", 28)
    d.cells(325, top + size, size, KERNEL, BLUE_FILL, letters=19)
    d.text(504, top + 130, "=", 28)
    d.cells(540, top + size, size, y, lambda r, c, v: BLUE_DEEP if (r, c) == (p, q) else "none", letters=19)
    d.rect(540 + q * size, top + (1 + p) * size, size, size, stroke=BLUE, line=4)
    d.text(140, top + 5 * size + 26, "rows 0 to 4, columns 0 to 4", 16, colour=GREY)
    d.text(20, 376, f"y[{p}, {q}]", 19, anchor="start", colour=BLUE, bold=True)
    for r in range(3):
        d.text(92, 376 + 28 * r, ("=" if r == 0 else "+"), 19)
        for s in range(3):
            d.text(150 + 110 * s, 376 + 28 * r, term(KERNEL[r][s], IMAGE[p + r][q + s]), 19)
            if s:
                d.text(95 + 110 * s, 376 + 28 * r, "+", 19)
    d.text(460, 432, f"=  {number(y[p][q])}", 19, anchor="start", bold=True)
    d.text(460, 376, "w[r, s] · x[p + r, q + s],", 17, anchor="start", colour=GREY)
    d.text(460, 402, f"p = {p}, q = {q}, without a bias", 17, anchor="start", colour=GREY)
    return d


@diagram("09_cnn/doc/window_backward.svg")
def window_backward():
    dx = spread(UPSTREAM, KERNEL)
    p, q, h, w = 1, 0, 1, 1
    share = UPSTREAM[p][q]
    d = Diagram("The same window on the way back",
                f"Above: dy[{p}, {q}] = {share} adds {share} times the kernel to the window of dx from which y[{p}, {q}] "
                f"was computed. Below: the same sum from the view of dx[{h}, {w}], which collects four products.", 800)
    size = 44
    red = lambda chosen: lambda r, c, v: ORANGE_DEEP if chosen(r, c) else "none"

    def row(top, dy_chosen, w_chosen, right, right_chosen, head):
        d.text(20, top - 42, head, 18, anchor="start", bold=True)
        d.text(86, top + size - 12, "dy", 18, colour=ORANGE, bold=True)
        d.cells(20, top + size, size, UPSTREAM, red(dy_chosen), letters=18)
        d.text(256 + 20, top + size - 12, "w", 18, colour=BLUE, bold=True)
        d.cells(210, top + size, size, KERNEL, lambda r, c, v: BLUE_DEEP if w_chosen(r, c) else "none", letters=18)
        d.arrow((360, top + 2.5 * size), (440, top + 2.5 * size), colour=ORANGE)
        d.cells(468, top, size, right, red(right_chosen), letters=18)
        d.text(468 + 2.5 * size, top - 12, "dx", 18, colour=ORANGE, bold=True)

    one = [[""] * 5 for _ in range(5)]
    for r in range(3):
        for s in range(3):
            one[p + r][q + s] = number(share * KERNEL[r][s])
    top = 84
    row(top, lambda r, c: (r, c) == (p, q), lambda r, c: True, one,
        lambda r, c: p <= r < p + 3 and q <= c < q + 3, "One entry of dy spreads over its window")
    d.rect(20 + q * size, top + (1 + p) * size, size, size, stroke=ORANGE, line=4)
    d.rect(468 + q * size, top + p * size, 3 * size, 3 * size, stroke=ORANGE, line=4)
    d.text(20, 344, f"dy[{p}, {q}] = {share} adds {share} · w[r, s] to dx[{p} + r, {q} + s], for all r and s;", 18, anchor="start")
    d.text(20, 370, "windows overlap, and the shares of all nine entries of dy add up.", 18, anchor="start")
    top = 478
    pairs = [(r, s) for r in range(3) for s in range(3) if 0 <= h - r < 3 and 0 <= w - s < 3]
    row(top, lambda r, c: (h - r, w - c) in pairs, lambda r, c: (r, c) in pairs, dx, lambda r, c: (r, c) == (h, w),
        "One entry of dx collects from every window that covers it")
    d.rect(468 + w * size, top + h * size, size, size, stroke=ORANGE, line=4)
    terms = [term(UPSTREAM[h - r][w - s], KERNEL[r][s]) for r, s in reversed(pairs)]
    assert sum(KERNEL[r][s] * UPSTREAM[h - r][w - s] for r, s in pairs) == dx[h][w]
    d.text(20, 734, f"dx[{h}, {w}]  =  " + "  +  ".join(terms) + f"  =  {number(dx[h][w])}", 18, anchor="start")
    d.text(20, 772, "dx[h, w]  =  sum of dy[p, q] · w[r, s] · 1[h = p + r] · 1[w = q + s]  over p, q, r, s", 18,
           anchor="start", colour=ORANGE)
    return d


@diagram("09_cnn/doc/shapes.svg")
def shapes():
    d = Diagram("The shapes of the lecture's CNN",
                "From images (N, 1, 28, 28) by convolution and max-pooling to (N, 10, 12, 12), by the same again to "
                "(N, 20, 4, 4), flattened to (N, 320), and by a linear layer to scores (N, 10).", 546)
    scale = 6

    def maps(x, y, count, side, step, shape):
        """Maps behind each other, whose front one begins at (x, y)."""
        for i in reversed(range(count)):
            d.rect(x + i * step, y - i * step, side * scale, side * scale, BLUE_FILL, BLUE, 1)
        d.text(x + (side * scale + (count - 1) * step) / 2, y + side * scale + 26, shape, 17, bold=True)
        return x + side * scale + (count - 1) * step

    def step(x0, x1, y, *texts):
        d.arrow((x0, y), (x1, y), colour=BLUE)
        d.lines((x0 + x1) / 2, y - 12 - 21 * (len(texts) - 1), texts, 16)

    y = 32
    maps(14, y, 1, 28, 0, "(N, 1, 28, 28)")
    step(194, 306, y + 150, "conv1")
    d.lines(250, y + 172, ["10 filters", "of 1 × 5 × 5,", "relu"], 16)
    maps(318, y + 18, 10, 24, 3, "(N, 10, 24, 24)")
    step(500, 592, y + 110, "max-pool")
    d.text(546, y + 132, "2 × 2", 16)
    maps(600, y + 100, 10, 12, 3, "(N, 10, 12, 12)")
    d.rect(14 + 3 * scale, y + 4 * scale, 5 * scale, 5 * scale, BLUE_DEEP, BLUE, 2)  # a window and its number
    d.rect(318 + 3 * scale, y + 18 + 4 * scale, scale, scale, BLUE, BLUE, 1)
    for up in (0, 5 * scale):
        d.path([(14 + 8 * scale, y + 4 * scale + up), (318 + 3 * scale, y + 18 + 4 * scale + (scale if up else 0))], BLUE, 1,
               dash="5 4")

    y = 402
    step(14, 112, y, "conv2")
    d.lines(63, y + 22, ["20 filters of", "10 × 5 × 5,", "relu"], 16)
    maps(124, y - 2, 20, 8, 3, "(N, 20, 8, 8)")
    step(244, 322, y, "max-pool")
    d.text(283, y + 22, "2 × 2", 16)
    maps(336, y + 6, 20, 4, 3, "(N, 20, 4, 4)")
    step(430, 502, y, "flatten")
    d.rect(522, y - 100, 16, 200, BLUE_FILL, BLUE, 1)
    for i in range(1, 20):  # 16 numbers of each of 20 maps
        d.path([(522, y - 100 + 10 * i), (538, y - 100 + 10 * i)], BLUE, 0.7)
    d.text(530, y + 126, "(N, 320)", 17, bold=True)
    step(552, 628, y, "fc")
    d.text(590, y + 22, "linear", 16)
    for k in range(10):
        d.rect(644, y - 80 + 16 * k, 16, 16, BLUE_FILL, BLUE, 1)
    d.text(656, y + 126, "(N, 10)", 17, bold=True)
    d.lines(676, y - 66, [str(k) for k in range(10)], 15, step=16, anchor="start")
    return d


@diagram("03_batched_matmul/doc/loops.svg")
def loops():
    d = Diagram("The order of three loops and what it reads from memory",
                "With nki the innermost loop goes along a row of a and down a column of b, whose numbers lie a row apart "
                "in memory. With nik it goes along a row of b and a row of c, neighbours in memory.", 740)
    size, wide, rows, inner, cols = 26, 22, 4, 4, 8

    def order(top, name, code, tint_a, tint_b, tint_c, arrows, touched, said):
        d.text(20, top, name, 20, anchor="start", bold=True)
        for i, line in enumerate(code):
            d.text(20 + 13 * i, top + 36 + 28 * i, line, 16, anchor="start", bold=i == 2, colour=BLUE if i == 2 else INK)
        y = top + 8
        for letter, x, width, tint in (("c", 196, cols, tint_c), ("a", 412, inner, tint_a), ("b", 524, cols, tint_b)):
            d.cells(x, y + 24, size, [[""] * width for _ in range(rows)], lambda r, c, v: BLUE_DEEP if tint(r, c) else "none",
                    GREY, width=wide)
            d.text(x + width * wide / 2, y + 14, letter, 18, bold=True)
        d.text(393, y + 82, "=", 22)
        d.text(512, y + 82, "·", 24)
        for points in arrows:
            d.arrow(*[(x, y + 24 + v) for x, v in points], colour=BLUE, line=2.5)
        y = top + 192
        d.text(20, y - 12, "b in memory, row after row:", 16, anchor="start")
        for place in range(rows * cols):
            d.rect(20 + 21 * place, y, 21, 26, BLUE_DEEP if place in touched else "none", GREY, 1)
        for r in range(rows):
            d.rect(20 + 21 * cols * r, y, 21 * cols, 26, stroke=INK, line=2)
            d.text(20 + 21 * cols * (r + 0.5), y + 48, f"row {r}", 15, colour=GREY)
        d.lines(20, y + 78, said, 17, anchor="start")

    k, i, n = 2, 1, 1
    middle = size / 2
    order(36, "nki", ["for n", "for k", "for i: c[n, k] += …"], lambda r, c: r == n, lambda r, c: c == k,
          lambda r, c: (r, c) == (n, k),
          [[(416, n * size + middle), (496, n * size + middle)],
           [(524 + wide * (k + 0.5), 4), (524 + wide * (k + 0.5), 100)]],
          [r * cols + k for r in range(rows)],
          ["Each step jumps over a row of b: one number of each cache line is used,",
           "and every addition waits for the one before."])
    order(406, "nik", ["for n", "for i", "for k: c[n, k] += …"], lambda r, c: (r, c) == (n, i), lambda r, c: r == i,
          lambda r, c: r == n,
          [[(200, n * size + middle), (368, n * size + middle)], [(528, i * size + middle), (696, i * size + middle)]],
          list(range(i * cols, (i + 1) * cols)),
          ["Each step goes to the neighbour: all numbers of a cache line are used, and the",
           "steps do not wait for each other, so one instruction does several of them."])
    return d


@diagram("03_batched_matmul/doc/register_tile.svg")
def register_tile():
    rows, registers = 6, 2  # as in simd.hpp
    d = Diagram("A tile of c in registers",
                f"A tile of {rows} rows by {registers} registers. In step i each of the {rows} numbers of a column of a is "
                f"multiplied with {registers} registers of a row of b, and the products are added to the tile.", 560)
    lanes, lane, height, left, top = 8, 30, 38, 190, 150
    width = lanes * lane
    d.text(left + width + 5, 32, "row i of b: 2 registers", 18, bold=True)
    d.text(80, top - 14, "column i of a", 18, bold=True)
    for v in range(registers):
        x = left + v * (width + 10)
        for k in range(lanes):
            d.rect(x + k * lane, 52, lane, height, BLUE_DEEP if k == 2 and v == 0 else BLUE_FILL, GREY, 1)
        d.rect(x, 52, width, height, stroke=BLUE, line=2.5)
    for r in range(rows):
        y = top + r * (height + 8)
        chosen = r == 3
        d.rect(50, y, 60, height, BLUE_DEEP if chosen else BLUE_FILL, BLUE, 2)
        d.text(80, y + 25, f"a[{r}, i]", 16)
        for v in range(registers):
            x = left + v * (width + 10)
            for k in range(lanes):
                d.rect(x + k * lane, y, lane, height, BLUE_DEEP if chosen or (v == 0 and k == 2) else "none", PALE, 1)
            d.rect(x, y, width, height, stroke=INK, line=2)
        if chosen:
            d.arrow((112, y + height / 2), (left - 3, y + height / 2), colour=BLUE, line=2.5)
    x = left + 2.5 * lane
    d.arrow((x, 52 + height), (x, top - 3), colour=BLUE, line=2.5)
    d.text(x + 14, 52 + height + 36, "each number of b is reused 6 times", 16, anchor="start", colour=BLUE)
    bottom = top + rows * (height + 8)
    d.text(left + width + 5, bottom + 20, "tile of c: 6 × 2 registers, each the sum of its products so far", 17, bold=True)
    d.text(20, bottom + 60, "each number of a is reused twice, once for each register", 16, anchor="start", colour=BLUE)
    d.text(20, bottom + 88, "one step: 2 + 6 loads, 12 multiply-adds, and c stays in the registers for all i", 17, anchor="start")
    d.text(20, bottom + 116, f"registers: {rows * registers} of c + {registers} of b + 1 of a = "
                             f"{rows * registers + registers + 1} of 16; drawn with 8 floats each (AVX)", 17, anchor="start")
    return d


@diagram("10_thrust/doc/gather.svg")
def gather():
    x, w, dy = [1, 3, 2, 0, 1, 1, 2], [1, 2, -1], [1, -1, 2, 0, 1]
    y = convolve([x], [w])[0]
    dx = spread([dy], [w])[0]
    d = Diagram("Gather: an item computes one number and fetches what it needs",
                "A convolution of 7 numbers with a kernel of 3. Forward each item reads three numbers of x and writes one "
                "of y. Backward by scattering two items add to the same number of dx; by gathering each item owns one.", 850)
    size = 52
    left = {7: 178, 5: 178 + size}

    def center(values, k):
        return left[len(values)] + (k + 0.5) * size

    def panel(top, head, upper, lower, names, pairs, marked, colour, deep, under, bad=None):
        d.text(20, top, head, 18, anchor="start", bold=True)
        a, b = top + 22, top + 132
        for values, row, name in ((upper, a, names[0]), (lower, b, names[1])):
            d.cells(left[len(values)], row, size - 8, [values], lambda r, c, v: deep if (row, c) in
                    [(a if m == 0 else b, k) for m, k in marked] else "none", letters=18, width=size)
            d.text(left[len(values)] - 22, row + 29, name, 18, anchor="end", bold=True, colour=colour)
        for up, down, strong in pairs:
            d.arrow((center(upper, up), a + size - 6), (center(lower, down), b - 3), line=2.5 if strong else 1,
                    colour=(bad or colour) if strong else PALE)
        d.lines(20, b + size + 22, under, 17, anchor="start")

    item = 3
    panel(32, "Forward: item p fetches three numbers of x", x, y, ("x", "y"),
          [(p + r, p, p == item) for p in range(5) for r in range(3) if p != item] + [(item + r, item, True) for r in range(3)],
          [(0, item), (0, item + 1), (0, item + 2), (1, item)], BLUE, BLUE_DEEP,
          [f"y[{item}]  =  " + "  +  ".join(term(w[r], x[item + r]) for r in range(3)) + f"  =  {number(y[item])}",
           "w = (1, 2, −1)"])
    panel(314, "Backward by scattering: item p adds to three numbers of dx", dy, dx, ("dy", "dx"),
          [(p, p + r, False) for p in range(5) for r in range(3) if p + r != 3] + [(p, 3, True) for p in (1, 2, 3)],
          [(1, 3), (0, 1), (0, 2), (0, 3)], ORANGE, ORANGE_DEEP,
          ["Three items write to dx[3]: one of them may overwrite what another has added."], bad=INK)
    h = 3
    panel(572, "Backward by gathering: item h fetches three numbers of dy", dy, dx, ("dy", "dx"),
          [(p, p + r, False) for p in range(5) for r in range(3) if p + r != h] + [(p, h, True) for p in (1, 2, 3)],
          [(1, 3), (0, 1), (0, 2), (0, 3)], ORANGE, ORANGE_DEEP,
          [f"dx[{h}]  =  " + "  +  ".join(term(w[h - p], dy[p]) for p in (3, 2, 1)) + f"  =  {number(dx[h])}",
           "The same sums, but each number has one owner, and the order of a sum is fixed."])
    assert sum(w[h - p] * dy[p] for p in (1, 2, 3)) == dx[h]
    return d


@diagram("14_what_it_looks_at/doc/box.svg")
def box():
    d = Diagram("A step along the signs reaches the corner of a square",
                "An image x in a plane of two pixels. Around it a square of all images whose pixels differ by at most eps. "
                "A slanted line divides the plane: on the other side the network gives another answer. The gradient dx "
                "points towards the line. The corner x + eps sign(dx) lies beyond the line; the other corners, which "
                "random signs reach, do not.", 430)
    x, y, eps = 300, 250, 110

    def across(at):  # the line behind which the answer is another one
        return 90 + 0.55 * (at - 330) + 60

    left, right, top = 130, 590, 50
    d.path([(left, across(left)), (left, top), (right, top), (right, across(right))], "none", 0, fill=ORANGE_FILL, close=True)
    d.path([(left, across(left)), (right, across(right))], INK, 2)
    d.rect(x - eps, y - eps, 2 * eps, 2 * eps, "none", BLUE, 2)
    d.arrow((left, 400), (right, 400), colour=GREY)
    d.arrow((left, 400), (left, top), colour=GREY)
    d.text(right, 424, "one pixel", 16, anchor="end", colour=GREY)
    d.lines(left - 10, top + 16, ["another", "pixel"], 16, anchor="end", colour=GREY)
    d.arrow((x, y), (x + 30, y - 55), colour=ORANGE, line=3)
    d.text(x + 2, y - 42, "dx", 18, anchor="end", colour=ORANGE, bold=True)
    d.arrow((x, y), (x + eps - 4, y - eps + 4), colour=BLUE, line=2)
    for side, up in ((-1, -1), (-1, 1), (1, 1)):
        d.circle(x + side * eps, y + up * eps, 6, "#ffffff", BLUE, 2)
    d.circle(x + eps, y - eps, 7, ORANGE_DEEP, ORANGE, 2)
    d.circle(x, y, 6, BLUE_DEEP, BLUE, 2)
    d.text(x - 12, y + 22, "x", 18, anchor="end", bold=True)
    d.text(x + eps + 14, y - eps + 24, "x + eps sign(dx)", 17, anchor="start", colour=ORANGE, bold=True)
    d.text(x + eps / 2, y + eps + 24, "eps", 17, colour=BLUE)
    d.arrow((x + eps / 2 - 18, y + eps + 18), (x + 2, y + eps + 18), colour=BLUE, line=1.5)
    d.arrow((x + eps / 2 + 18, y + eps + 18), (x + eps - 2, y + eps + 18), colour=BLUE, line=1.5)
    d.text(left + 150, top + 22, "misread here", 17, anchor="start", colour=ORANGE)
    d.text(right - 4, y + 60, "read correctly here", 17, anchor="end")
    return d
