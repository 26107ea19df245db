// A formula is broken into lines where it is wider than the column of text. (MathJax would measure a table's cell before
// the formula is in it.)
MathJax.Hub.Config({
    messageStyle: "none",
    SVG: {
        scale: 92,
        linebreaks: {automatic: true, width: Math.max(240, Math.min(document.documentElement.clientWidth - 48, 620)) + "px"}
    }
});
