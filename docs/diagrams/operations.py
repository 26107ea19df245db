"""The diagrams of the operations' pages."""

from math import erf, exp, log, pi, sqrt, tanh

from chapters import IMAGE, KERNEL, convolve, term
from svg import (BLUE, BLUE_DEEP, BLUE_FILL, GREY, INK, ORANGE, ORANGE_DEEP, ORANGE_FILL, PALE, WIDTH, Diagram, number)

DIAGRAMS = {}


def diagram(operation):
    def add(draw):
        DIAGRAMS[f"lib/handgrad/ops/{operation}/figure_{operation}.svg"] = draw
        return draw
    return add


class Axes:
    """Coordinates of a plot inside of a diagram, with axes through zero or along its left and lower edge."""

    def __init__(self, d, x, y, width, height, x_range, y_range, x_ticks=(), y_ticks=(), zero=False):
        self.d, self.x, self.y, self.width, self.height = d, x, y, width, height
        self.x_range, self.y_range = x_range, y_range
        x0, y0 = (self.at(0, 0) if zero else (x, y + height))
        for value in y_ticks:
            d.path([(x, self.at(0, value)[1]), (x + width, self.at(0, value)[1])], PALE, 0.8)
            d.text(x - 8, self.at(0, value)[1] + 5, number(value, 0 if value == int(value) else 1), 15, anchor="end")
        for value in x_ticks:
            d.path([(self.at(value, 0)[0], y), (self.at(value, 0)[0], y + height)], PALE, 0.8)
            d.text(self.at(value, 0)[0], y + height + 19, number(value, 0 if value == int(value) else 1), 15)
        d.path([(x, y0), (x + width, y0)], INK, 1.5)
        d.path([(x0, y), (x0, y + height)], INK, 1.5)

    def at(self, a, b):
        (left, right), (low, high) = self.x_range, self.y_range
        return (self.x + (a - left) / (right - left) * self.width, self.y + (high - b) / (high - low) * self.height)

    def curve(self, f, colour, dash=None, line=3, low=None, high=None, steps=160):
        low = self.x_range[0] if low is None else low
        high = self.x_range[1] if high is None else high
        points = [low + (high - low) * i / steps for i in range(steps + 1)]
        self.d.path([self.at(a, f(a)) for a in points], colour, line, dash=dash)


@diagram("linear")
def linear():
    x, w, dy, b = [[1, 2, 0], [3, -1, 2]], [[1, 0], [2, 1], [-1, 3]], [[1, 0], [-1, 2]], [10, 20]
    mult = lambda p, q: [[sum(i * j for i, j in zip(row, column)) for column in zip(*q)] for row in p]
    turn = lambda p: [list(row) for row in zip(*p)]
    y = [[value + bias for value, bias in zip(row, b)] for row in mult(x, w)]
    dx, dw = mult(dy, turn(w)), mult(turn(x), dy)
    d = Diagram("linear: each number is a row times a column",
                "Three products with numbers: y = x w + b, dx = dy times w transposed, dw = x transposed times dy. In each, "
                "the row and the column that make one number are marked.", 640)
    size = 40

    def product(top, names, left, right, result, row, column, colour, deep, said, plus=None):
        height = max(len(left), len(right), len(result)) * size
        at = 60
        for name, matrix, mark in ((names[0], left, lambda r, c, v: deep if r == row else "none"),
                                   (names[1], right, lambda r, c, v: deep if c == column else "none"),
                                   (None, plus, None), (names[2], result,
                                                        lambda r, c, v: deep if (r, c) == (row, column) else "none")):
            if matrix is None:
                continue
            shape = f"({len(matrix)}, {len(matrix[0])})"
            y0 = top + (height - len(matrix) * size) / 2
            width = size * len(matrix[0])
            if name is None:
                d.text(at - 20, top + height / 2 + 6, "+", 22)
                d.cells(at, y0, size, matrix, lambda r, c, v: deep if c == column else "none", letters=18)
                d.text(at + width / 2, top - 14, "b  (2)", 17, bold=True)
            else:
                if matrix is right:
                    d.text(at - 20, top + height / 2 + 6, "·", 26)
                if matrix is result:
                    d.text(at - 20, top + height / 2 + 6, "=", 22)
                d.cells(at, y0, size, matrix, mark, letters=18)
                d.text(at + width / 2, top - 14, f"{name}  {shape}", 17, bold=True, colour=colour)
            at += width + 40
        d.text(60, top + height + 32, said, 18, anchor="start", colour=colour)

    n, k = 0, 1
    product(50, ("x", "w", "y"), x, w, y, n, k, BLUE, BLUE_DEEP,
            f"y[{n}, {k}]  =  " + "  +  ".join(term(p, q) for p, q in zip(x[n], turn(w)[k])) + f"  +  {b[k]}  =  {number(y[n][k])}",
            [b])
    i = 2
    product(276, ("dy", "wᵀ", "dx"), dy, turn(w), dx, n, 1, ORANGE, ORANGE_DEEP,
            f"dx[{n}, 1]  =  " + "  +  ".join(term(p, q) for p, q in zip(dy[n], w[1])) + f"  =  {number(dx[n][1])}")
    product(464, ("xᵀ", "dy", "dw"), turn(x), dy, dw, 0, k, ORANGE, ORANGE_DEEP,
            f"dw[0, {k}]  =  " + "  +  ".join(term(p, q) for p, q in zip(turn(x)[0], turn(dy)[k])) + f"  =  {number(dw[0][k])}")
    return d


@diagram("activation")
def activation():
    d = Diagram("Six activations and their derivatives",
                "relu, leaky relu, sigmoid, tanh, gelu and silu for x from -4 to 4 in blue, and their derivatives in orange, "
                "dashed.", 944)
    sigmoid = lambda x: 1 / (1 + exp(-x))
    inner = lambda x: sqrt(2 / pi) * (x + 0.044715 * x ** 3)
    gelu = lambda x: x / 2 * (1 + tanh(inner(x)))
    gelu_slope = lambda x: ((1 + tanh(inner(x))) / 2
                            + x / 2 * (1 - tanh(inner(x)) ** 2) * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x))
    silu = lambda x: x * sigmoid(x)
    silu_slope = lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))
    for f, slope in ((sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))), (tanh, lambda x: 1 - tanh(x) ** 2), (gelu, gelu_slope),
                     (silu, silu_slope)):
        for x in (-2.1, -0.4, 0.3, 1.7):  # the derivatives are right
            assert abs((f(x + 1e-5) - f(x - 1e-5)) / 2e-5 - slope(x)) < 1e-8
    assert abs(gelu(1) - (1 + erf(1 / sqrt(2))) / 2) < 1e-3
    alpha = 0.1  # the default, 0.01, could not be told from relu
    plots = (("relu", lambda x: max(x, 0), 0, (-1, 4), (-1, 1, 2, 3, 4)),
             (f"leaky relu, slope {alpha}", lambda x: x if x > 0 else alpha * x, alpha, (-1, 4), (-1, 1, 2, 3, 4)),
             ("sigmoid", sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), (-0.25, 1.25), (0.5, 1)),
             ("tanh", tanh, lambda x: 1 - tanh(x) ** 2, (-1.25, 1.25), (-1, 1)),
             ("gelu", gelu, gelu_slope, (-1, 4), (-1, 1, 2, 3, 4)),
             ("silu", silu, silu_slope, (-1, 4), (-1, 1, 2, 3, 4)))
    for i, (name, f, slope, y_range, ticks) in enumerate(plots):
        x, y = 44 + 356 * (i % 2), 40 + 298 * (i // 2)
        axes = Axes(d, x, y, 304, 224, (-4, 4), y_range, (-4, -2, 0, 2, 4), ticks, zero=True)
        d.text(x + 152, y - 14, name, 19, bold=True)
        axes.curve(f, BLUE)
        if callable(slope):
            axes.curve(slope, ORANGE, "7 5")
        else:  # a step: the derivative is this number up to x = 0 and 1 from there on
            d.path([axes.at(-4, slope), axes.at(0, slope)], ORANGE, 3, dash="7 5")
            d.path([axes.at(0, 1), axes.at(4, 1)], ORANGE, 3, dash="7 5")
            d.circle(*axes.at(0, slope), 4, ORANGE, ORANGE)
            d.circle(*axes.at(0, 1), 4, "none", ORANGE, 2)
    d.path([(170, 920), (216, 920)], BLUE, 3)
    d.text(226, 926, "f(x)", 17, anchor="start")
    d.path([(380, 920), (426, 920)], ORANGE, 3, dash="7 5")
    d.text(436, 926, "f ′(x), the factor that multiplies dy", 17, anchor="start")
    return d


@diagram("softmax")
def softmax():
    scores = [2.0, 1.0, -1.0, 0.0]
    d = Diagram("softmax, and why a shift changes nothing",
                "Bars of four scores and of the same scores less their maximum. Both have the same probabilities.", 470)
    exps = [exp(z) for z in scores]
    p = [e / sum(exps) for e in exps]
    shifted = [z - max(scores) for z in scores]
    again = [exp(z) / sum(exp(t) for t in shifted) for z in shifted]
    assert max(abs(a - b) for a, b in zip(p, again)) < 1e-15

    def bars(x, y, values, unit, colour, fill, digits, title):
        d.text(x + 84, 34, title, 18, bold=True)
        for k, value in enumerate(values):
            top = min(y, y - value * unit)
            d.rect(x + 42 * k + 4, top, 34, abs(value) * unit, fill, colour, 1.5)
            d.text(x + 42 * k + 21, y - value * unit + (-8 if value >= 0 else 20), number(value, digits), 16)
        d.path([(x - 4, y), (x + 172, y)], INK, 1.5)

    bars(40, 150, scores, 40, BLUE, BLUE_FILL, 0, "scores z")
    bars(40, 280, shifted, 40, BLUE, BLUE_FILL, 0, "")
    d.text(124, 262, "z − max z", 18, bold=True)
    d.arrow((226, 150), (490, 190), colour=BLUE)
    d.arrow((226, 300), (490, 250), colour=BLUE)
    d.text(352, 130, "exp, then", 17, colour=BLUE)
    d.text(352, 152, "divide by the sum", 17, colour=BLUE)
    d.lines(352, 318, ["the powers are at most 1:", "none is too large"], 17, colour=BLUE)
    bars(512, 280, p, 200, BLUE, BLUE_DEEP, 3, "probabilities p")
    for k in range(4):
        d.text(533 + 42 * k, 300, str(k), 15, colour=GREY)
    d.text(596, 322, "class k", 15, colour=GREY)
    d.text(40, 444, f"p[0]  =  exp 2 / (exp 2 + exp 1 + exp −1 + exp 0)  =  {exps[0]:.3f} / {sum(exps):.3f}  =  {p[0]:.3f}", 17,
           anchor="start")
    return d


@diagram("cross_entropy")
def cross_entropy():
    d = Diagram("cross-entropy against the probability of the true class",
                "The loss -log p falls from infinity at p = 0 to 0 at p = 1. Its gradient with respect to the true class's "
                "score, p - 1, goes along a line from -1 to 0.", 500)
    axes = Axes(d, 60, 30, 620, 380, (0, 1), (-1, 4), (0, 0.2, 0.4, 0.6, 0.8, 1), (-1, 0, 1, 2, 3, 4), zero=True)
    axes.curve(lambda p: -log(p), BLUE, low=exp(-4), steps=600)
    axes.curve(lambda p: p - 1, ORANGE, "8 5")
    d.text(370, 456, "p, the probability of the true class", 17)
    for p, said in ((0.1, "guessing among 10 classes: log 10 = {:.3f}"), (0.5, "p = 0.5: {:.3f}"), (0.9, "p = 0.9: {:.3f}")):
        x, y = axes.at(p, -log(p))
        d.circle(x, y, 6, BLUE, BLUE)
        d.text(min(x + 14, 584 if p == 0.9 else 999), y - 10, said.format(-log(p)), 16, anchor="start")
    d.text(150, 76, "loss  L = −log p", 18, anchor="start", colour=BLUE, bold=True)
    x, y = axes.at(0.42, -0.58)
    d.text(x + 14, y + 24, "gradient  dz of the true class = p − 1", 18, anchor="start", colour=ORANGE, bold=True)
    return d


@diagram("layer_norm")
def layer_norm():
    x = [4.0, 1.0, 6.0, 2.0, 2.0, 9.0]
    mean = sum(x) / len(x)
    deviation = sqrt(sum((v - mean) ** 2 for v in x) / len(x))
    y = [(v - mean) / deviation for v in x]
    d = Diagram("layer_norm: a row before and after",
                f"Six features with mean {mean:.2f} and standard deviation {deviation:.2f} become six with mean 0 and "
                "standard deviation 1.", 440)

    def row(x0, values, unit, zero, middle, spread, title, digits, said):
        d.text(x0 + 155, 32, title, 18, bold=True)
        d.rect(x0, zero - (middle + spread) * unit, 310, 2 * spread * unit, BLUE_FILL, "none", 0)
        for k, value in enumerate(values):
            top = min(zero, zero - value * unit)
            d.rect(x0 + 8 + 51 * k, top, 40, abs(value) * unit, BLUE_DEEP, BLUE, 1.5)
            d.text(x0 + 28 + 51 * k, zero - value * unit + (-8 if value >= 0 else 20), number(value, digits), 16)
        d.path([(x0, zero), (x0 + 310, zero)], INK, 1.5)
        d.path([(x0, zero - middle * unit), (x0 + 310, zero - middle * unit)], ORANGE, 2.5, dash="8 5")
        d.lines(x0 + 155, 372, said, 17)

    row(20, x, 27, 330, mean, deviation, "a row x", 0,
        [f"mean μ = {mean:.2f} (dashed)", f"standard deviation σ = {deviation:.2f} (band)"])
    row(390, y, 27 * deviation, 330 - 27 * mean, 0, 1, "(x − μ) / σ", 2, ["mean 0 (dashed)", "standard deviation 1 (band)"])
    d.text(360, 428, "then every feature has its own scale w and shift b:  y = w (x − μ) / σ + b  (here ε = 0)", 17, colour=BLUE)
    return d


@diagram("embedding")
def embedding():
    letters, w, name = ".abcd", [[3, 1], [0, 2], [5, 4], [1, 7], [2, 2]], [1, 4, 1]
    dy = [[1, 0], [2, 1], [3, 5]]
    dw = [[sum(row[c] for t, row in zip(name, dy) if t == v) for c in range(2)] for v in range(5)]
    d = Diagram("embedding: rows are copied forward and added backward",
                "On the left each token of the sequence a, d, a copies its row of w into y. On the right each row of dy is "
                "added to the row of its token in dw: the row of a gets the sum of two.", 400)
    size, tints = 44, {1: (BLUE_DEEP, ORANGE_DEEP), 4: (BLUE_FILL, ORANGE_FILL)}

    def half(x0, title, many, few, colour, tint, heads, back):
        d.text(x0 + 165, 30, title, 18, bold=True)
        d.text(x0 + 74, 66, heads[0], 17, colour=colour, bold=True)
        d.text(x0 + 276, 110, heads[1], 17, colour=colour, bold=True)
        d.cells(x0 + 30, 78, size, [[str(v) for v in row] for row in many],
                lambda r, k, v: tints[r][tint] if r in tints else "none", letters=18)
        d.cells(x0 + 232, 122, size, [[str(v) for v in row] for row in few],
                lambda r, k, v: tints[name[r]][tint], letters=18)
        for v, letter in enumerate(letters):
            d.text(x0 + 14, 78 + (v + 0.5) * size + 6, letter, 17, colour=GREY)
        for n, token in enumerate(name):
            d.text(x0 + 336, 122 + (n + 0.5) * size + 6, letters[token], 17, colour=GREY)
            ends = (x0 + 122, 78 + (token + 0.5) * size + 5 * (n - 1)), (x0 + 228, 122 + (n + 0.5) * size)
            d.arrow(*(reversed(ends) if back else ends), colour=colour)

    half(10, "forward: copy", w, [w[t] for t in name], BLUE, 0, ("w", "y"), False)
    half(370, "backward: add", dw, dy, ORANGE, 1, ("dw", "dy"), True)
    d.text(360, 348, "a occurs twice, so its row of dw is the sum of two rows of dy:  (1, 0) + (3, 5) = (4, 5)", 17, colour=ORANGE)
    d.text(360, 380, "tokens that do not occur get 0", 17, colour=GREY)
    return d


@diagram("attention")
def attention():
    tokens = "hello"
    q, k = [1.2, 0.6, 1.5, 1.0, 2.0], [0.5, 1.4, -0.6, 0.4, 0.9]
    p = []
    for t in range(5):
        powers = [exp(q[t] * k[s]) if s <= t else 0 for s in range(5)]
        p.append([power / sum(powers) for power in powers])
    d = Diagram("attention: a row looks back, a column is looked at",
                "A table of five by five probabilities for the letters of hello. Everything above the diagonal is 0. A row "
                "adds up to 1 and gives the result of a token; a column gives the gradient of a value.", 452)
    size, x0, y0 = 58, 92, 72
    for i, letter in enumerate(tokens):
        d.text(x0 + (i + 0.5) * size, y0 - 12, letter, 18, bold=True)
        d.text(x0 - 22, y0 + (i + 0.6) * size, letter, 18, bold=True)
        for s in range(5):
            hidden = s > i
            fill = "none" if hidden else BLUE_FILL if p[i][s] < 0.3 else BLUE_DEEP
            d.rect(x0 + s * size, y0 + i * size, size, size, fill, PALE if hidden else INK, 1)
            d.text(x0 + (s + 0.5) * size, y0 + (i + 0.6) * size, "0" if hidden else f"{p[i][s]:.2f}", 16,
                   colour=GREY if hidden else INK)
    d.text(x0 + 2.5 * size, 26, "token s: key and value", 17)
    d.rect(x0, y0 + 3 * size, 5 * size, size, "none", BLUE, 3)
    d.rect(x0 + size, y0, size, 5 * size, "none", ORANGE, 3)
    d.arrow((x0 + 5 * size, y0 + 3.5 * size), (x0 + 6 * size, y0 + 3.5 * size), colour=BLUE, line=3)
    d.lines(x0 + 6.15 * size, y0 + 3.2 * size, ["row t = 3, forward:", "y_t = Σ p_ts v_s, over s ≤ t", "the weights add up to 1"], 17,
            anchor="start", colour=BLUE)
    d.arrow((x0 + 1.5 * size, y0 + 5 * size), (x0 + 1.5 * size, y0 + 5.6 * size), colour=ORANGE, line=3)
    d.lines(x0 + 2 * size, y0 + 5.5 * size, ["column s = 1, backward:", "dv_s = Σ p_ts dy_t, over t ≥ s"], 17, anchor="start", colour=ORANGE)
    d.lines(x0 + 6.15 * size, y0 + 0.5 * size, ["above the diagonal: the future,", "which the causal mask hides"], 17, anchor="start",
            colour=GREY)
    d.lines(40, y0 + 5.55 * size, ["token t:", "query"], 17)
    return d


@diagram("rnn")
def rnn():
    # The example to follow by pencil: tanh log 2 = 3/5, tanh log 3 = 4/5.
    x, w_ih, w_hh, dy = [1, 0], log(2), 5 / 3 * log(3), [0, 1]
    h = [0]
    for t in range(2):
        h.append(tanh(x[t] * w_ih + h[t] * w_hh))
    dh, dz = [0, 0, 0], [0, 0]
    for t in (1, 0):
        dh[t + 1] += dy[t]
        dz[t] = dh[t + 1] * (1 - h[t + 1] ** 2)
        dh[t] += dz[t] * w_hh
    d = Diagram("rnn: one step after another, and back",
                "Two steps of a recurrent network with numbers. Forward the state goes from step to step, from 0 to 0.6 to 0.8. Backward "
                "each step multiplies the gradient by the slope of tanh and by the weight, from 1 to 0.6592 to 0.7724.", 410)
    number4 = lambda value: f"{value:.4f}".rstrip("0").rstrip(".")
    width, height, gap, x0, y0 = 158, 96, 138, 146, 150
    for t in (1, 2):
        left = x0 + (t - 1) * (width + gap)
        middle = left + width / 2
        d.box(left, y0, width, height, [f"step {t}", "z = x w_ih + h w_hh", f"h_{t} = tanh z"], size=15)
        d.text(middle - 36, y0 + height + 80, f"x_{t} = {number4(x[t - 1])}", 17, colour=BLUE)
        d.arrow((middle - 36, y0 + height + 60), (middle - 36, y0 + height + 4), colour=BLUE)
        d.arrow((middle - 36, y0 - 4), (middle - 36, y0 - 60), colour=BLUE)
        d.text(middle - 62, y0 - 74, f"h_{t} = {number4(h[t])}", 17, colour=BLUE)
        d.arrow((middle + 36, y0 - 60), (middle + 36, y0 - 4), colour=ORANGE)
        d.text(middle + 54, y0 - 74, f"dy_{t} = {number4(dy[t - 1])}", 17, colour=ORANGE)
        d.lines(middle + 22, y0 + height + 30, [f"slope {number4(1 - h[t] ** 2)}", f"dz_{t} = {number4(dz[t - 1])}"], 17, anchor="start",
                colour=ORANGE)
    for t in (0, 1, 2):
        right = x0 + t * (width + gap) - 8
        left = right - gap + 16
        if t == 2:
            d.text(left + 18, y0 + 74, f"dh_2 = {number4(dh[2])}", 17, anchor="start", colour=ORANGE)
            continue
        d.arrow((left, y0 + 28), (right, y0 + 28), colour=BLUE, line=3)
        d.text((left + right) / 2, y0 + 16, f"h_{t} = {number4(h[t])}", 17, colour=BLUE)
        d.arrow((right, y0 + 60), (left, y0 + 60), colour=ORANGE, line=3)
        d.text((left + right) / 2, y0 + 84, f"dh_{t} = {number4(dh[t])}", 17, colour=ORANGE)
    d.text(WIDTH / 2, 28, f"w_ih = log 2 = {number4(w_ih)},  w_hh = 5/3 log 3 = {number4(w_hh)}, the same in both steps", 17)
    d.text(WIDTH / 2, 388, "Backward, a step multiplies dh by the slope 1 − h² and by w_hh; dy is added.", 17, colour=ORANGE)
    return d


@diagram("lstm")
def lstm():
    d = Diagram("lstm: what arrives after n steps back",
                "Curves of a gradient over 100 steps back. Along the cell state of an LSTM it is multiplied by the forget gate in each step: "
                "with 0.99 a share of 0.37 arrives, with 0.95 0.006. In a recurrent network with the factor 0.8 nothing is left after 30.", 400)
    ways = [(0.99, BLUE, "forget gate 0.99"), (0.95, BLUE, "forget gate 0.95"), (0.8, ORANGE, "RNN: factor 0.8")]
    axes = Axes(d, 76, 40, 600, 290, (0, 100), (0, 1), (0, 20, 40, 60, 80, 100), (0, 0.2, 0.4, 0.6, 0.8, 1))
    for (factor, colour, name), (at, share) in zip(ways, ((50, 0.68), (23, 0.37), (17.5, 0.035))):
        axes.curve(lambda steps: factor ** steps, colour, dash="8 5" if factor == 0.95 else None)
        place = axes.at(at, share)
        d.text(place[0] + 8, place[1], name, 17, anchor="start", colour=colour)
    for factor, colour, _ in ways[:2]:
        d.text(axes.at(100, 0)[0], axes.at(100, factor ** 100)[1] - 10, f"{factor ** 100:.{2 if factor > 0.95 else 3}f}", 17, anchor="end",
               colour=colour)
    d.text(376, 378, "steps back", 17)
    d.text(20, 24, "share of the gradient that arrives", 17, anchor="start")
    return d


@diagram("l2_penalty")
def l2_penalty():
    rate, weight = 0.1, 1.0
    d = Diagram("The L2 penalty shrinks every weight",
                "On the left the penalty, a parabola, with its slope at two weights. On the right three weights over 30 steps "
                "of gradient descent on the penalty alone: each step multiplies them by the same factor.", 440)
    axes = Axes(d, 40, 50, 290, 290, (-3, 3), (0, 5), (-3, -2, -1, 0, 1, 2, 3), (1, 2, 3, 4, 5), zero=True)
    d.text(185, 30, "penalty  λ/2 · w²,  λ = 1", 18, bold=True)
    axes.curve(lambda w: weight / 2 * w * w, BLUE)
    for w in (2.0, -1.0):
        step = -weight * w  # against the gradient
        x, y = axes.at(w, weight / 2 * w * w)
        d.arrow((x, y), (axes.at(w + 0.5 * step, 0)[0], y), colour=ORANGE, line=3)
        d.circle(x, y, 6, BLUE, BLUE)
        d.text(x + (14 if w > 0 else -14), y + 6 if w < 0 else y + 22, f"dw = {number(weight * w)}", 16, colour=ORANGE,
               anchor="start" if w > 0 else "end")
    d.text(185, 386, "w", 17)
    d.text(185, 420, "the step against dw = λ w leads to 0", 17, colour=ORANGE)
    axes = Axes(d, 400, 50, 290, 290, (0, 30), (-3, 3), (0, 10, 20, 30), (-3, -2, -1, 0, 1, 2, 3))
    d.text(545, 30, "w ← w − η λ w,  η λ = 0.1", 18, bold=True)
    d.path([axes.at(0, 0), axes.at(30, 0)], INK, 1.5)
    for start, dash in ((3.0, None), (1.0, "9 4"), (-2.0, "3 4")):
        w, points = start, []
        for t in range(31):
            points.append(axes.at(t, w))
            w -= rate * weight * w
        d.path(points, BLUE, 3, dash=dash)
    d.text(545, 386, "step", 17)
    d.text(545, 420, f"after 10 steps, 0.9¹⁰ = {100 * 0.9 ** 10:.0f} % is left", 17, colour=BLUE)
    return d


@diagram("sgd")
def sgd():
    rate, beta = 0.1, 0.9
    gradients = [(2.0, 3.0), (2.0, -2.5), (2.0, 2.5)]
    d = Diagram("A step of SGD with momentum, as arrows",
                "Three gradients that agree in one direction and alternate in the other. The velocity adds them up with "
                "weights 1, 0.9 and 0.81: it grows where they agree and stays small where they alternate.", 412)
    unit = 30
    vx, vy, x0 = 0.0, 0.0, [70, 240, 455]
    for t, (gx, gy) in enumerate(gradients):
        start = (x0[t], 176)
        end = lambda px, py: (start[0] + unit * px, start[1] - unit * py)
        d.text(start[0] + (40, 60, 80)[t], 40, f"step {t + 1}", 18, bold=True)
        old = (beta * vx, beta * vy)
        if t:
            d.arrow(start, end(*old), colour=GREY, line=2.5, dash="7 4")
            d.arrow(end(*old), end(old[0] + gx, old[1] + gy), colour=ORANGE, line=2.5)
        else:
            d.arrow(end(0, 0), end(gx, gy), colour=ORANGE, line=6)
        vx, vy = old[0] + gx, old[1] + gy
        d.arrow(start, end(vx, vy), colour=BLUE, line=2.5)
        d.circle(*start, 5, INK, INK)
        d.text(start[0], 282, f"dw = ({number(gx, 1)}, {number(gy, 1)})", 16, anchor="start", colour=ORANGE)
        d.text(start[0], 306, f"v = ({number(vx, 2)}, {number(vy, 2)})", 16, anchor="start", colour=BLUE)
    assert abs(vx - 2 * (1 + beta + beta ** 2)) < 1e-12
    for x, colour, dash, said in ((60, ORANGE, None, "gradient dw"), (250, GREY, "7 4", "0.9 times the old v"),
                                  (480, BLUE, None, "new velocity v")):
        d.arrow((x, 350), (x + 44, 350), colour=colour, line=2.5, dash=dash)
        d.text(x + 54, 356, said, 17, anchor="start")
    d.text(360, 394, "v ← β v + dw  with β = 0.9, then  w ← w − η v:  the step goes against the blue arrow", 17)
    return d


@diagram("conv2d")
def conv2d():
    stride, padding = 2, 1
    padded = [[0] * 7] + [[0] + row + [0] for row in IMAGE] + [[0] * 7]
    full = convolve(padded, KERNEL)
    y = [row[::stride] for row in full[::stride]]
    p, q = 0, 1
    d = Diagram("A convolution with padding, stride and dilation",
                "A 5 x 5 image with a border of zeros; the windows of a 3 x 3 kernel begin at every second row and column, so "
                "that the result is 3 x 3. On the right the places of a kernel with dilation 2.", 640)
    size = 42
    left, top = 20, 58
    edge = lambda r, c: not (0 < r < 6 and 0 < c < 6)
    inside = lambda r, c: p * stride <= r < p * stride + 3 and q * stride <= c < q * stride + 3
    d.text(left + 3.5 * size, 34, "image x with padding 1", 18, bold=True)
    d.cells(left, top, size, padded, lambda r, c, v: BLUE_DEEP if inside(r, c) else "none", letters=18,
            stroke=PALE, colour=lambda r, c, v: GREY if edge(r, c) else INK)
    d.rect(left + size, top + size, 5 * size, 5 * size, line=2.5)
    d.rect(left + q * stride * size, top + p * stride * size, 3 * size, 3 * size, stroke=BLUE, line=4)
    for i in range(3):  # where windows begin
        for j in range(3):
            d.circle(left + j * stride * size + 7, top + i * stride * size + 7, 4, BLUE, BLUE)
    d.text(346, top + 150, "∗", 26)
    d.text(434, 34, "kernel w", 18, bold=True)
    d.cells(371, top + 2 * size, size, KERNEL, BLUE_FILL, letters=18)
    d.text(522, top + 150, "=", 24)
    d.text(614, 34, "y, stride 2", 18, bold=True)
    d.cells(551, top + 2 * size, size, y, lambda r, c, v: BLUE_DEEP if (r, c) == (p, q) else "none", letters=18)
    d.rect(551 + q * size, top + (2 + p) * size, size, size, stroke=BLUE, line=4)
    terms = [term(KERNEL[r][s], padded[p * stride + r][q * stride + s]) for r in range(3) for s in range(3)
             if padded[p * stride + r][q * stride + s] and KERNEL[r][s]]
    d.text(20, 392, f"y[{p}, {q}]  =  " + "  +  ".join(terms) + f"  =  {number(y[p][q])}", 18, anchor="start", colour=BLUE)
    d.text(20, 420, "(products with a zero are left out; the dots mark where windows begin)", 16, anchor="start",
           colour=GREY)
    small = 24
    for left, dilation in ((60, 1), (260, 2)):
        d.text(left + 60, 620, f"dilation {dilation}", 16)
        d.cells(left, 472, small, [[""] * 5 for _ in range(5)], lambda r, c, v: BLUE_DEEP if r % dilation == 0 and
                c % dilation == 0 and max(r, c) <= 2 * dilation else "none", GREY)
    d.lines(494, 506, ["row r of the kernel", "lies on the image's row", "stride · p + dilation · r", "− padding"], 17, anchor="start")
    return d


@diagram("pool2d")
def pool2d():
    x = [[1, 3, 0, 2], [4, 2, 1, 1], [0, 1, 5, 2], [2, 1, 3, 6]]
    dy = [[4, -8], [8, 12]]
    windows = [(p, q) for p in range(2) for q in range(2)]
    cells_of = lambda p, q: [(2 * p + r, 2 * q + s) for r in range(2) for s in range(2)]
    winner = {(p, q): max(cells_of(p, q), key=lambda at: x[at[0]][at[1]]) for p, q in windows}
    highest, average = [[0, 0], [0, 0]], [[0, 0], [0, 0]]
    dx_highest, dx_average = [[0] * 4 for _ in range(4)], [[0] * 4 for _ in range(4)]
    for p, q in windows:
        r, c = winner[p, q]
        highest[p][q] = x[r][c]
        average[p][q] = sum(x[r][c] for r, c in cells_of(p, q)) / 4
        dx_highest[r][c] += dy[p][q]
        for r, c in cells_of(p, q):
            dx_average[r][c] += dy[p][q] // 4
    d = Diagram("Max-pooling and average-pooling, forward and backward",
                "A 4 x 4 image in windows of 2 x 2. Max-pooling keeps the largest number, and backward gives dy to that place "
                "alone. Average-pooling takes the mean, and backward gives a quarter of dy to each of the four.", 590)
    size = 44
    won = lambda r, c, v: BLUE_DEEP if (r, c) in winner.values() else "none"
    for top, name, y, dx, chosen in ((60, "max_pool2d", highest, dx_highest, won), (360, "avg_pool2d", average, dx_average, None)):
        d.text(20, top - 34, name, 19, anchor="start", bold=True)
        d.text(20 + 2 * size, top - 8, "x", 17, bold=True, colour=BLUE)
        d.cells(20, top, size, x, chosen, letters=17, stroke=GREY)
        d.arrow((20 + 4 * size + 8, top + 2 * size), (20 + 4 * size + 44, top + 2 * size), colour=BLUE)
        d.text(250 + size, top + size - 8, "y", 17, bold=True, colour=BLUE)
        d.cells(250, top + size, size, [[f"{v:g}" for v in row] for row in y], BLUE_DEEP, letters=17)
        d.text(384 + size, top + size - 8, "dy", 17, bold=True, colour=ORANGE)
        d.cells(384, top + size, size, dy, ORANGE_FILL, letters=17)
        d.arrow((384 + 2 * size + 8, top + 2 * size), (384 + 2 * size + 40, top + 2 * size), colour=ORANGE)
        d.text(520 + 2 * size, top - 8, "dx", 17, bold=True, colour=ORANGE)
        d.cells(520, top, size, dx, lambda r, c, v: ORANGE_DEEP if v else "none", letters=17, stroke=GREY)
        for p, q in windows:
            for x0 in (20, 520):
                d.rect(x0 + 2 * q * size, top + 2 * p * size, 2 * size, 2 * size, line=3)
    d.text(20, 270, "dy goes to the winner of its window; the three others get 0", 17, anchor="start")
    d.text(20, 570, "every place of a window gets a quarter of its dy", 17, anchor="start")
    return d


@diagram("conv2d_relu_max_pool2d")
def conv2d_relu_max_pool2d():
    z = [[-3, 1, -2, -1], [2, 5, -4, -2], [0, -1, 3, 4], [-6, 1, 4, 2]]
    dy = [[7, 5], [1, -2]]
    o = [[max(v, 0) for v in row] for row in z]
    windows = [(p, q) for p in range(2) for q in range(2)]
    cells_of = lambda p, q: [(2 * p + r, 2 * q + s) for r in range(2) for s in range(2)]
    winner = {(p, q): max(cells_of(p, q), key=lambda at: o[at[0]][at[1]]) for p, q in windows}
    y = [[o[winner[p, q][0]][winner[p, q][1]] for q in range(2)] for p in range(2)]
    dz = [[0] * 4 for _ in range(4)]
    for p, q in windows:
        if y[p][q] > 0:
            dz[winner[p, q][0]][winner[p, q][1]] = dy[p][q]
    d = Diagram("Convolution, relu and max-pooling in one pass",
                "The 4 x 4 results of a convolution, relu of them, and the largest of each 2 x 2 window. Backward dy goes to "
                "the winner, unless all four were negative.", 560)
    size = 44
    chosen = lambda deep: lambda r, c, v: deep if (r, c) in winner.values() and o[r][c] > 0 else "none"

    def frames(x, top):
        for p, q in windows:
            d.rect(x + 2 * q * size, top + 2 * p * size, 2 * size, 2 * size, line=3)

    top = 64
    for x, name, values in ((20, "convolution", z), (286, "relu", o)):
        d.text(x + 2 * size, top - 14, name, 18, bold=True)
        d.cells(x, top, size, values, chosen(BLUE_DEEP), GREY, letters=18)
        frames(x, top)
        d.arrow((x + 4 * size + 14, top + 2 * size), (x + 4 * size + 74, top + 2 * size), colour=BLUE)
    d.text(560 + size, top + size - 14, "max", 18, bold=True)
    d.cells(560, top + size, size, y, lambda r, c, v: BLUE_DEEP if y[r][c] else "none", letters=18)
    d.text(360, 266, "only y and the winner's place are stored: a quarter of the numbers", 17, colour=BLUE)
    top = 322
    d.text(20 + 2 * size, top - 14, "to the convolution", 18, bold=True, colour=ORANGE)
    d.cells(20, top, size, dz, chosen(ORANGE_DEEP), GREY, letters=18)
    frames(20, top)
    d.arrow((546, top + 2 * size), (20 + 4 * size + 14, top + 2 * size), colour=ORANGE)
    d.text(380, top + 2 * size - 34, "to the winner,", 17, colour=ORANGE)
    d.text(380, top + 2 * size - 12, "if relu let it through", 17, colour=ORANGE)
    d.text(560 + size, top + size - 14, "dy", 18, bold=True, colour=ORANGE)
    d.cells(560, top + size, size, dy, ORANGE_FILL, letters=18)
    d.text(360, 536, "upper right: all four are negative, so y = 0, and dy = 5 is not passed on", 17)
    assert y[0][1] == 0 and dy[0][1] == 5
    return d


@diagram("flatten")
def flatten():
    C, H, W = 2, 2, 3
    d = Diagram("flatten: the order in memory",
                "An example of 2 channels of 2 x 3 pixels becomes a row of 12 numbers: channel after channel, row after row. "
                "Number (c, h, w) stands at place (c H + h) W + w.", 370)
    size, strip = 48, 56
    tints = (BLUE_FILL, BLUE_DEEP)
    for c in range(C):
        x = 130 + 280 * c
        d.text(x + W * size / 2, 34, f"channel c = {c}", 18, bold=True)
        d.cells(x, 48, size, [[str((c * H + h) * W + w) for w in range(W)] for h in range(H)], tints[c], letters=19)
        for h in range(H):
            d.text(x - 12, 48 + (h + 0.5) * size + 6, f"h = {h}", 16, anchor="end", colour=GREY)
        d.arrow((x + W * size / 2, 48 + H * size + 8), (24 + strip * (c * H * W + 3), 218), colour=BLUE)
    d.cells(24, 224, size, [[str(i) for i in range(C * H * W)]], lambda r, k, v: tints[k // (H * W)], letters=19, width=strip)
    for c in range(C):
        for h in range(H):
            start = 24 + strip * (c * H + h) * W
            d.path([(start + 6, 280), (start + 6, 288), (start + strip * W - 6, 288), (start + strip * W - 6, 280)], GREY)
            d.text(start + strip * W / 2, 308, f"c = {c}, h = {h}", 15, colour=GREY)
    d.text(360, 350, "(N, 2, 2, 3)  becomes  (N, 12): place (c H + h) W + w, the same numbers in the same order", 17)
    return d


@diagram("batch_norm")
def batch_norm():
    x = [[4, 1, 7], [8, 3, 1], [2, 2, 4], [6, 6, 4]]
    columns = list(zip(*x))
    mean = [sum(c) / len(c) for c in columns]
    deviation = [sqrt(sum((v - m) ** 2 for v in c) / len(c)) for c, m in zip(columns, mean)]
    y = [[(v - m) / s for v, m, s in zip(row, mean, deviation)] for row in x]
    for column in zip(*y):
        assert abs(sum(column)) < 1e-12 and abs(sum(v * v for v in column) - 4) < 1e-12
    d = Diagram("batch_norm: what a mean and a variance are taken over",
                "Four examples with three features: each column gets the mean 0 and the standard deviation 1. Below, "
                "three images with four channels: the same channel of all images is normalised together.", 600)
    size, width, marked = 40, 64, 1
    chosen = lambda r, c, v: BLUE_DEEP if c == marked else "none"
    for left, name, values in ((70, "x  (4, 3)", x), (450, "(x − μ) / σ", [[number(v, 2) for v in row] for row in y])):
        d.text(left + 1.5 * width, 34, name, 18, bold=True)
        d.cells(left, 48, size, values, chosen, GREY, width=width)
    for n in range(4):
        d.text(60, 48 + (n + 0.5) * size + 6, f"n = {n}", 16, anchor="end", colour=GREY)
    d.text(60, 238, "μ", 18, anchor="end", colour=ORANGE)
    d.text(60, 264, "σ", 18, anchor="end", colour=ORANGE)
    for c in range(3):
        d.text(70 + (c + 0.5) * width, 238, number(mean[c]), 17, colour=ORANGE)
        d.text(70 + (c + 0.5) * width, 264, number(deviation[c], 2), 17, colour=ORANGE)
        d.text(450 + (c + 0.5) * width, 238, "0", 17, colour=ORANGE)
        d.text(450 + (c + 0.5) * width, 264, "1", 17, colour=ORANGE)
    d.arrow((70 + 3 * width + 26, 128), (424, 128), colour=BLUE)
    d.text(344, 112, "every column", 16, colour=BLUE)
    d.text(344, 154, "by itself", 16, colour=BLUE)
    d.text(360, 312, "then every column has its own scale w and shift b:  y = w (x − μ) / σ + b", 17, colour=BLUE)
    d.text(360, 356, "images (3, 4, H, W): a mean over N H W numbers", 18, bold=True)
    plane = 56
    for n in range(3):
        for c in reversed(range(4)):
            left, top = 60 + 228 * n + 30 * c, 470 - 30 * c
            d.rect(left, top, plane, plane, BLUE_DEEP if c == marked else "#ffffff", BLUE if c == marked else GREY,
                   2.5 if c == marked else 1.2)
        d.text(60 + 228 * n + 84, 550, f"image n = {n}", 16, colour=GREY)
    d.text(360, 586, "one mean and one variance for the marked channel of all three images", 17, colour=BLUE)
    return d


def philox_uniform(seed, purpose, step, index):
    """random_uniform of lib/handgrad/tensor/philox.hpp."""
    word = 0xFFFFFFFF
    c, key = [index // 4, 0, step, purpose], [seed & word, seed >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ key[0], p1 & word, p0 >> 32 ^ c[3] ^ key[1], p0 & word]
        key = [key[0] + 0x9E3779B9 & word, key[1] + 0xBB67AE85 & word]
    return (c[index % 4] >> 8) / 2 ** 24


@diagram("dropout")
def dropout():
    p, x, dy = 0.5, [3, 1, 4, 2, 5, 6, 2, 7], [1, -2, 3, 1, -1, 2, 4, -3]
    d = Diagram("dropout: one mask for forward and backward",
                "Eight random numbers from the counter (seed 5, layer 0, step 0). Where the random number is at least one "
                "half, x and dy are doubled, elsewhere they become 0.", 452)
    u = [philox_uniform(5, 0, 0, i) for i in range(8)]
    kept = [v >= p for v in u]
    factor = [1 / (1 - p) if k else 0 for k in kept]
    left, size = 150, 66

    def row(top, name, values, fill, stroke, colour, said=""):
        d.text(left - 16, top + 28, name, 19, anchor="end", colour=colour, bold=True)
        d.cells(left, top, 42, [values], fill, stroke, letters=18, width=size)
        d.text(left + 4 * size, top + 64, said, 16, colour=GREY)

    shade = lambda deep: lambda r, c, v: deep if kept[c] else "none"
    row(16, "x", x, shade(BLUE_DEEP), GREY, BLUE)
    row(90, "u", [f"{v:.2f}" for v in u], lambda r, c, v: PALE if kept[c] else "none", GREY, INK,
        "a function of seed, layer, step and place; kept where u ≥ p = 1/2")
    row(200, "y", [v * f for v, f in zip(x, factor)], shade(BLUE_DEEP), GREY, BLUE, "kept numbers are divided by 1 − p = 1/2")
    for i in range(8):
        d.arrow((left + (i + 0.5) * size, 158), (left + (i + 0.5) * size, 198), colour=BLUE if kept[i] else PALE)
    row(300, "dy", dy, shade(ORANGE_FILL), GREY, ORANGE)
    for i in range(8):
        d.arrow((left + (i + 0.5) * size, 344), (left + (i + 0.5) * size, 376), colour=ORANGE if kept[i] else PALE)
    row(378, "dx", [v * f for v, f in zip(dy, factor)], shade(ORANGE_DEEP), GREY, ORANGE, "the same mask: the counter gives the same u")
    return d


def moments_steps(gradients, rate, beta1, beta2, eps=1e-8):
    """The positions of a number that starts at 0 and takes Adam's steps."""
    w, m, v, path = 0.0, 0.0, 0.0, [0.0]
    for t, g in enumerate(gradients, 1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        w -= rate * (m / (1 - beta1 ** t)) / (sqrt(v / (1 - beta2 ** t)) + eps)
        path.append(w)
    return path


def broken_line(axes, values, colour, dash=None, line=3):
    axes.d.path([axes.at(t, v) for t, v in enumerate(values)], colour, line, dash=dash)


@diagram("adam")
def adam():
    steps, rate = 20, 0.1
    signals = (("large, always 10", [10.0] * steps, BLUE, None), ("small, always 0.1", [0.1] * steps, ORANGE, "9 6"),
               ("alternating, ±1", [(-1.0) ** t for t in range(steps)], GREY, "3 4"))
    d = Diagram("SGD and Adam on three entries of a parameter",
                "Three entries with a large, a small and an alternating gradient. Under SGD the first moves a hundred times as "
                "far as the second. Under Adam both move by the learning rate in each step; the third hardly moves.", 440)
    ends = []
    for left, title, path_of in ((56, "SGD, η = 0.01", lambda g: [-0.01 * sum(g[:t]) for t in range(steps + 1)]),
                                 (416, "Adam, η = 0.1", lambda g: moments_steps(g, rate, 0.9, 0.999))):
        axes = Axes(d, left, 50, 290, 250, (0, steps), (-2.2, 0.4), (0, 5, 10, 15, 20), (-2, -1.5, -1, -0.5, 0))
        d.text(left + 145, 32, title, 18, bold=True)
        for name, gradients, colour, dash in signals:
            path = path_of(gradients)
            ends.append(path[-1])
            broken_line(axes, path, colour, dash)
        d.text(left + 145, 344, "step", 16)
    assert abs(ends[0] + 2) < 1e-9 and abs(ends[1] + 0.02) < 1e-9 and abs(ends[3] + 2) < 1e-4 and abs(ends[4] + 2) < 1e-4
    assert abs(ends[5]) < 0.25
    for x, (name, _, colour, dash) in zip((30, 270, 508), signals):
        d.path([(x, 374), (x + 40, 374)], colour, 3, dash=dash)
        d.text(x + 50, 380, name, 16, anchor="start")
    d.text(360, 422, "w − w₀ over 20 steps: Adam divides each entry by the size of its own gradients", 17)
    return d


@diagram("rmsprop")
def rmsprop():
    steps, change, alpha = 60, 20, 0.9
    gradients = [1.0 if t < change else 10.0 for t in range(steps)]
    square, roots, moves = 0.0, [], []
    for g in gradients:
        square = alpha * square + (1 - alpha) * g * g
        roots.append(sqrt(square))
        moves.append(g / roots[-1])
    assert abs(moves[0] - 1 / sqrt(1 - alpha)) < 1e-12 and moves[change] > 2.8 and abs(moves[-1] - 1) < 0.01
    d = Diagram("RMSprop when the gradient becomes ten times as large",
                "The gradient is 1 for 20 steps and 10 afterwards. The root of the mean square follows it. Their quotient, the "
                "step in units of the learning rate, jumps and returns to 1.", 430)
    axes = Axes(d, 56, 50, 290, 260, (0, steps), (0, 11), (0, 20, 40, 60), (2, 4, 6, 8, 10))
    d.text(201, 32, "gradient and root mean square", 18, bold=True)
    broken_line(axes, gradients, GREY, "7 5")
    broken_line(axes, roots, ORANGE)
    axes = Axes(d, 416, 50, 290, 260, (0, steps), (0, 3.5), (0, 20, 40, 60), (1, 2, 3))
    d.text(561, 32, "step / η", 18, bold=True)
    broken_line(axes, moves, BLUE)
    for left in (201, 561):
        d.text(left, 352, "step", 16)
    for x, colour, dash, name in ((60, GREY, "7 5", "gradient g"), (230, ORANGE, None, "root of the mean of g²"),
                                  (490, BLUE, None, "their quotient")):
        d.path([(x, 382), (x + 40, 382)], colour, 3, dash=dash)
        d.text(x + 50, 388, name, 16, anchor="start")
    d.text(360, 420, f"decay 0.9; the first step is 1 / √0.1 = {moves[0]:.2f}, because the mean starts at 0", 17)
    return d


@diagram("add")
def add():
    x, w, dy = [1, 2], [[2, -1], [1, 0]], [5, 7]
    F = [sum(a * b for a, b in zip(x, column)) for column in zip(*w)]
    y = [a + b for a, b in zip(x, F)]
    through = [sum(a * b for a, b in zip(row, dy)) for row in w]
    dx = [a + b for a, b in zip(dy, through)]
    vector = lambda v: "(" + ", ".join(number(e) for e in v) + ")"
    d = Diagram("add: a residual block forward and backward",
                "x goes through a linear layer F and past it, and both are added. Backward the sum gives dy to both ways "
                "unchanged; where the ways divide, their gradients are added.", 440)
    for top, colour, deep, forward in ((70, BLUE, BLUE_DEEP, True), (280, ORANGE, ORANGE_DEEP, False)):
        middle = top + 50
        d.text(20, top - 34, "forward" if forward else "backward", 18, anchor="start", bold=True, colour=colour)
        d.box(280, middle - 28, 130, 56, ["F: x w" if forward else "dy wᵀ"], deep, colour)
        for at, is_sum in ((520, forward), (190, not forward)):
            d.circle(at, middle, 18 if is_sum else 5, deep if is_sum else colour, colour, 2)
            d.text(at, middle + 7, "+" if is_sum else "", 22)
        left, right = 190 + (5 if forward else 18), 500
        if forward:
            d.arrow((110, middle), (185, middle), colour=colour)
            d.arrow((left, middle), (278, middle), colour=colour)
            d.arrow((412, middle), (right, middle), colour=colour)
            d.arrow((190, middle), (190, top - 24), (520, top - 24), (520, middle - 20), colour=colour)
            d.arrow((540, middle), (596, middle), colour=colour)
        else:
            d.arrow((596, middle), (526, middle), colour=colour)
            d.arrow((515, middle), (412, middle), colour=colour)
            d.arrow((278, middle), (left + 2, middle), colour=colour)
            d.arrow((520, middle), (520, top - 24), (190, top - 24), (190, middle - 20), colour=colour)
            d.arrow((170, middle), (116, middle), colour=colour)
        d.text(60, middle + 6, f"x = {vector(x)}" if forward else f"dx = {vector(dx)}", 17)
        d.text(654, middle + 6, f"y = {vector(y)}" if forward else f"dy = {vector(dy)}", 17)
        d.text(456, middle + 34, vector(F) if forward else vector(dy), 16, colour=colour)
        d.text(240, middle + 34, "" if forward else vector(through), 16, colour=colour)
        d.text(355, top - 32, vector(x if forward else dy), 16, colour=colour)
    d.text(360, 426, f"w = (2, −1; 1, 0).  dx = dy + dy wᵀ = {vector(dy)} + {vector(through)} = {vector(dx)}", 17)
    return d
