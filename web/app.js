// Makes quicker what works without: search as one types, a file dropped instead of chosen, a preview as one writes. Nothing
// else.
"use strict";

(() => {
    const WAIT_MS = 200; // between the last key and the question

    function searchAsOneTypes() {
        const input = document.getElementById("q");
        const results = document.getElementById("results");
        if (!input || !results) return;
        let timer, running, asked = input.value.trim();

        async function ask() {
            const text = input.value.trim();
            if (text === asked) return;
            asked = text;
            if (running) running.abort();
            running = new AbortController();
            const query = text ? "?q=" + encodeURIComponent(text) : "";
            try {
                const answer = await fetch(results.dataset.source + query, { signal: running.signal });
                if (!answer.ok) return;
                results.innerHTML = await answer.text(); // made and escaped by our own server
                history.replaceState(null, "", location.pathname + query);
            } catch (error) {
                if (error.name !== "AbortError") asked = null; // ask again at the next key
            }
        }

        input.addEventListener("input", () => {
            clearTimeout(timer);
            timer = setTimeout(ask, WAIT_MS);
        });
    }

    function dropAFile() {
        const form = document.getElementById("sweep-form");
        const input = form && form.querySelector("input[type=file]");
        const area = form && form.querySelector(".drop");
        if (!area) return;
        area.querySelector(".hint").hidden = false;
        for (const name of ["dragenter", "dragover"]) {
            area.addEventListener(name, (event) => {
                event.preventDefault();
                area.classList.add("over");
            });
        }
        for (const name of ["dragleave", "drop"]) {
            area.addEventListener(name, () => area.classList.remove("over"));
        }
        area.addEventListener("drop", (event) => {
            event.preventDefault();
            if (event.dataTransfer.files.length === 0) return;
            input.files = event.dataTransfer.files;
            form.requestSubmit();
        });
    }

    function previewAsOneTypes() {
        const preview = document.getElementById("preview");
        const form = preview && preview.closest("form");
        if (!form) return;
        let timer, running;

        async function ask() {
            if (!form.checkValidity()) return;
            if (running) running.abort();
            running = new AbortController();
            const fields = new FormData(form);
            fields.delete("seen");
            try {
                const answer = await fetch(preview.dataset.source, { method: "POST", body: fields, signal: running.signal });
                if (answer.ok) preview.innerHTML = await answer.text(); // made and escaped by our own server
            } catch (error) {
                // Without an answer the button "Preview" asks.
            }
        }

        form.addEventListener("input", () => {
            for (const button of preview.querySelectorAll("button")) button.disabled = true; // it is of what stood here before
            clearTimeout(timer);
            timer = setTimeout(ask, 2 * WAIT_MS);
        });
    }

    searchAsOneTypes();
    dropAFile();
    previewAsOneTypes();
})();
