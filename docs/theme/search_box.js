// The search box: full text of the book and the names of the reference, by lunr (Debian's libjs-lunr), from file:// as
// well. The text and lunr are loaded when somebody begins to search.
(() => {
    const script = document.currentScript.src;
    const file = name => new URL(name, script).href;
    let entries = null, index = null, loading = null, wanted = "";

    const load = name => new Promise((done, failed) => {
        const element = document.createElement("script");
        element.src = file(name);
        element.onload = done;
        element.onerror = failed;
        document.head.append(element);
    });

    window.handgradSearchText = text => { entries = text; };

    function prepare() {
        loading = loading || Promise.all([load("lunr.min.js"), load("search_text.js")]).then(() => {
            index = lunr(function () {
                this.ref("i");
                this.field("title", {boost: 4});
                this.field("heading", {boost: 6});
                this.field("text");
                this.metadataWhitelist = [];
                // A name such as linear_forward is found whole and by its parts.
                const words = text => text.replace(/[\w:]*[_:][\w:]*/g, name => name + " " + name.split(/[_:]+/).join(" "));
                entries.forEach(([, title, heading, text, book], i) =>
                    this.add({i, title: words(title), heading: words(heading), text}, {boost: [0.2, 1, 1.3, 0.7][book]}));
            });
        });
        return loading;
    }

    const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const html = text => text.replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}[c]));

    // The entries for these words, best first: those with all words before those with some, those with the words side by
    // side before those where they are scattered, at most three of a page.
    function find(query) {
        const words = query.toLowerCase().split(/[^\p{L}\p{N}_:]+/u).filter(w => w && (w.length > 1 || /\d/.test(w)));
        if (!words.length) { return []; }
        const scores = new Map();
        for (const word of words) {
            const found = index.query(q => {
                q.term(lunr.tokenizer(word), {boost: 8});
                q.term(word, {wildcard: lunr.Query.wildcard.TRAILING, usePipeline: false, boost: 2});
            });
            for (const {ref, score} of found) {
                const entry = scores.get(ref) || {score: 0, words: 0};
                scores.set(ref, {score: entry.score + score, words: entry.words + 1});
            }
        }
        const phrase = new RegExp(escaped(words.join(" ")).replace(/ /g, "[\\s-]+"), "i");
        const results = [...scores].map(([i, {score, words: matched}]) => {
            const entry = entries[i];
            let weight = score * (matched / words.length) ** 3;
            if (!entry[4]) { return {entry, weight}; } // a name: it is in its heading anyway
            if (phrase.test(entry[2])) { weight *= 3; }
            if (phrase.test(entry[1])) { weight *= 2; }
            if (phrase.test(entry[3])) { weight *= 1 + 0.25 * Math.min(8, entry[3].split(phrase).length - 1); }
            return {entry, weight};
        }).sort((a, b) => b.weight - a.weight);
        const pages = new Map();
        return results.filter(({entry}) => {
            const page = entry[0].split("#")[0];
            pages.set(page, (pages.get(page) || 0) + 1);
            return pages.get(page) <= 3;
        }).slice(0, 24).map(({entry}) => ({entry, words}));
    }

    // The part of a text where most of the words stand, with the words marked.
    function excerpt(text, words) {
        const word = new RegExp("(" + [words.join(" "), ...words].map(escaped).join("|") + ")[\\p{L}\\p{N}]*", "giu");
        const places = [...text.matchAll(word)].map(m => m.index);
        let best = 0, most = 0;
        for (const place of places) {
            const count = places.filter(p => p >= place && p < place + 150).length;
            if (count > most) { [best, most] = [place, count]; }
        }
        let from = Math.max(0, best - 50);
        if (from > 0) { from = text.indexOf(" ", from) + 1; }
        const part = text.slice(from, from + 190);
        return (from > 0 ? "\u2026 " : "") + html(part).replace(word, "<mark>$&</mark>") + (from + 190 < text.length ? " \u2026" : "");
    }

    function build(box) {
        box.replaceChildren();
        box.className = "book-search";
        box.innerHTML = '<input id="book-search" type="search" placeholder="Search the book  ( / )" autocomplete="off" ' +
            'spellcheck="false" role="combobox" aria-expanded="false" aria-controls="book-results" aria-label="Search the book"/>';
        const input = box.firstChild, list = document.createElement("div");
        list.id = "book-results";
        list.setAttribute("role", "listbox");
        list.hidden = true;
        document.body.append(list);
        const items = () => [...list.querySelectorAll("a")];
        let chosen = -1;

        const hide = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };
        const choose = i => {
            items().forEach((item, j) => item.setAttribute("aria-selected", i === j));
            chosen = i;
            if (i >= 0) { items()[i].scrollIntoView({block: "nearest"}); }
        };
        const show = async () => {
            wanted = input.value;
            if (!wanted.trim()) { return hide(); }
            await prepare();
            if (wanted !== input.value) { return; } // somebody has typed on
            const results = find(wanted);
            list.innerHTML = results.map(({entry: [url, title, heading, text, book], words}) =>
                `<a role="option" href="${file(url)}" class="${book ? "book" : "reference"}"><b>${html(heading || title)}</b>` +
                `<small>${heading ? html(title) : ""}</small><span>${excerpt(text, words)}</span></a>`).join("")
                || `<p>Nothing was found for \u201c${html(wanted)}\u201d.</p>`;
            list.hidden = false;
            list.scrollTop = 0;
            input.setAttribute("aria-expanded", "true");
            choose(-1);
        };

        input.addEventListener("focus", () => { prepare(); if (input.value) { show(); } });
        input.addEventListener("input", show);
        input.addEventListener("keydown", event => {
            const count = items().length;
            if (event.key === "ArrowDown" && count) { choose((chosen + 1) % count); }
            else if (event.key === "ArrowUp" && count) { choose((chosen + count - 1) % count); }
            else if (event.key === "Enter" && count) { hide(); location.href = items()[Math.max(chosen, 0)].href; }
            else if (event.key === "Escape") { hide(); input.blur(); }
            else { return; }
            event.preventDefault();
        });
        document.addEventListener("keydown", event => {
            if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, textarea, select")) {
                event.preventDefault();
                input.focus();
                input.select();
            }
        });
        document.addEventListener("click", event => { if (!event.target.closest("#book-results, .book-search")) { hide(); } });
        list.addEventListener("click", hide);
    }

    // For tests and for whoever wants to link to a search.
    window.handgradSearch = async query => { await prepare(); return find(query).map(({entry}) => entry); };

    // Doxygen's menu, with its own search box in it, is made some time after the page has been loaded.
    const replace = tries => {
        const box = document.getElementById("MSearchBox");
        if (box) { build(box); }
        else if (tries > 0) { setTimeout(replace, 50, tries - 1); }
    };
    window.addEventListener("DOMContentLoaded", () => replace(100));
})();
