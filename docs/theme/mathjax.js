MathJax.Hub.Config({messageStyle: "none", SVG: {scale: 92, linebreaks: {automatic: true}}});
