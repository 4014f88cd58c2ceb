// What has to hold on every page, measured in the page itself: contrast, sizes of targets, width, names of controls.

/** Runs in the page. Returns a list of complaints. */
export function audit() {
    const complaints = [];

    const parse = (text) => {
        const match = /rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)/.exec(text);
        return match ? [match[1], match[2], match[3], match[4] ?? 1].map(Number) : [0, 0, 0, 0];
    };
    const luminance = (color) => {
        const [r, g, b] = color.map((part) => {
            const s = part / 255;
            return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const backgroundOf = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = parse(getComputedStyle(at).backgroundColor);
            if (color[3] === 1) return color;
        }
        return [255, 255, 255, 1];
    };
    const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const describe = (element) => `<${element.localName} class="${element.className}"> ${element.textContent.trim().slice(0, 40)}`;

    // WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for large text.
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!text || !visible(element) || element.closest(".skip:not(:focus)")) continue;
        const style = getComputedStyle(element);
        const pair = [luminance(parse(style.color)), luminance(backgroundOf(element))].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) complaints.push(`contrast ${ratio.toFixed(2)}: ${describe(element)}`);
    }

    // WCAG 2.2, 2.5.8: 24 px, except for links within a sentence.
    for (const element of document.querySelectorAll("a[href], button, input, summary")) {
        if (!visible(element) || element.closest(".skip")) continue;
        const box = element.getBoundingClientRect();
        const inSentence = element.localName === "a" && element.closest("p, h1, td, th, dd, code");
        if (!inSentence && box.height < 24) complaints.push(`target ${Math.round(box.width)}x${Math.round(box.height)}: ${describe(element)}`);
        if (element.localName === "a" && !element.textContent.trim() && !element.getAttribute("aria-label"))
            complaints.push(`link without a name: ${element.getAttribute("href")}`);
        if (element.localName === "input" && !element.labels.length) complaints.push(`field without a label: ${element.id}`);
    }

    if (document.documentElement.scrollWidth > innerWidth)
        complaints.push(`wider than the window: ${document.documentElement.scrollWidth} > ${innerWidth}`);
    // What stands in a table is seen without scrolling sideways, also where the table scrolls by itself.
    for (const element of document.querySelectorAll("td, th")) {
        const right = Math.round(element.getBoundingClientRect().right);
        if (element.textContent.trim() && visible(element) && element.closest("tbody") && right > innerWidth)
            complaints.push(`cell ends at ${right} px: ${describe(element)}`);
    }
    if (document.querySelectorAll("h1").length !== 1) complaints.push(`${document.querySelectorAll("h1").length} h1`);
    if (document.querySelectorAll("main").length !== 1) complaints.push("no main");
    if (!document.documentElement.lang) complaints.push("no language");
    if (!document.title) complaints.push("no title");
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) complaints.push(`id twice: ${id}`);
    return complaints;
}
