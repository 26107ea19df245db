// What the theme's scripts want to be told, on every page.
DoxygenAwesomeDarkModeToggle.init();
DoxygenAwesomeFragmentCopyButton.init();
DoxygenAwesomeInteractiveToc.init();
DoxygenAwesomeParagraphLink.init();

// The arrow keys turn the pages of the book.
document.addEventListener("keydown", event => {
    const kind = {ArrowLeft: "prev", ArrowRight: "next"}[event.key];
    if (!kind || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) { return; }
    if (event.target.closest("input, textarea, select, [contenteditable], .fragment")) { return; }
    const link = document.querySelector(`link[rel="${kind}"]`);
    if (link) { location.href = link.href; }
});

// A link into something that is folded opens it.
function openTarget() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let e = target; e; e = e.parentElement) {
        if (e.tagName === "DETAILS") { e.open = true; }
    }
    if (target && target.closest("details")) { target.scrollIntoView(); }
}
window.addEventListener("hashchange", openTarget);
window.addEventListener("DOMContentLoaded", openTarget);

// On a phone, wide figures are pushed to and fro and not shrunk (the style says how). What can be pushed is marked as long as
// there is more of it to the right.
function markWhatGoesOn() {
    const parts = "div.image, div.fragment, pre.fragment, .MathJax_SVG_Display, table.markdownTable, table.markdownTable tbody";
    for (const part of document.querySelectorAll(parts)) {
        const mark = () => part.classList.toggle("goes-on", part.scrollLeft + part.clientWidth < part.scrollWidth - 2);
        if (!part.dataset.watched) {
            part.dataset.watched = "yes";
            part.addEventListener("scroll", mark, {passive: true});
        }
        mark();
    }
}
window.addEventListener("load", () => {
    for (const image of document.querySelectorAll("div.image img")) {
        if (image.naturalWidth > 560) { image.classList.add("wide"); }
    }
    const mark = () => setTimeout(markWhatGoesOn, 100);
    mark();
    if (window.MathJax && MathJax.Hub) { MathJax.Hub.Queue(mark); }
    window.addEventListener("resize", mark);
    document.addEventListener("toggle", mark, true); // an answer was unfolded
});
