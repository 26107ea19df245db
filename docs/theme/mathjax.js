// A formula is broken into lines where it is wider than the column of text. (MathJax would measure a table's cell before
// the formula is in it, and it takes pixels for something else until it has set its first formula. So the width is in its
// own unit, of which a phone's column has 342 / 18.2.)
MathJax.Hub.Config({
    messageStyle: "none",
    SVG: {
        scale: 92,
        linebreaks: {
            automatic: true,
            width: Math.max(240, Math.min(document.documentElement.clientWidth - 48, 860)) / 18.2 + "em"
        }
    }
});
