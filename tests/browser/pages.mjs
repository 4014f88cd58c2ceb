// The pages' main tasks in Chromium. See tests/browser/run for what it is told.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { audit } from "./audit.mjs";

const base = process.env.TONGZHOU_URL.replace(/\/$/, "");
const value = process.env.TONGZHOU_VALUE || "iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com";
const words = process.env.TONGZHOU_WORDS || "Stuxnet";
const user = process.env.TONGZHOU_USER, password = process.env.TONGZHOU_PASSWORD; // an administrator
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.TONGZHOU_SCREENSHOTS;

const texts = {
    en: { lang: "en", signIn: "Sign in", signOut: "Sign out", publish: "Publish", preview: "Preview", gets: "Who gets it", notRight: "not right", members: "Members", search: "Search", sweep: "Look through it", nothing: "Nothing here speaks of", found: "What was found", none: "Nothing in it has been reported", withdrawn: /^Content of record [\d,]+ withdrawn$/, relation: /^Stuxnet uses \S/ },
    "zh-Hans": { lang: "zh-Hans", signIn: "登录", signOut: "退出登录", publish: "发布", preview: "预览", gets: "谁拿得到", notRight: "不正确", members: "成员", search: "搜索", sweep: "开始排查", nothing: "这里没有提到", found: "排查结果", none: "里面没有发现", withdrawn: /^撤回第 [\d,]+ 号记录的内容$/, relation: /^Stuxnet 使用 \S/ },
};

let count = 0, failed = 0;
async function test(name, body) {
    count++;
    try {
        await body();
        console.log(`ok ${count} - ${name}`);
    } catch (error) {
        failed++;
        console.log(`not ok ${count} - ${name}`);
        for (const line of String(error.stack).split("\n")) console.log(`# ${line}`);
    }
}

if (!(await fetch(base + "/").then((answer) => answer.ok, () => false))) {
    console.log(`Bail out! no node answers at ${base}`);
    process.exit(1);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

/** A fresh visitor, and a list of everything that went wrong in the console or on the way. */
async function visitor(language, scripts, more = {}) {
    const context = await browser.newContext({
        locale: language === "en" ? "en-GB" : "zh-CN",
        javaScriptEnabled: scripts,
        viewport: { width: 1200, height: 900 },
        ...more,
    });
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("requestfailed", (request) => request.failure().errorText === "net::ERR_ABORTED" || wrong.push(`${request.url()}: ${request.failure().errorText}`));
    page.on("request", (request) => request.url().startsWith(base) || request.url().startsWith("data:") || wrong.push(`elsewhere: ${request.url()}`));
    page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    return { page, wrong, close: () => context.close() };
}

const log = (lines) => ({ name: "dns.log", mimeType: "text/plain", buffer: Buffer.from(lines.join("\n") + "\n") });
const dirty = ["2026-11-22 client 10.0.0.7 query: www.example.net A", `2026-11-22 client 10.0.0.9 query: ${value} A`, "end"];
const clean = ["2026-11-22 client 10.0.0.7 query: nothing-to-see.invalid A"];

async function checkMembers(page, text) {
    await page.goto(base + "/");
    assert.equal(await page.locator("html").getAttribute("lang"), text.lang);
    await page.getByRole("link", { name: text.members, exact: true }).first().click();
    await page.waitForURL(base + "/members");
    assert.ok((await page.locator("tbody tr").count()) >= 1);
    await page.locator("tbody tr th a").first().click();
    assert.match(page.url(), /\/members\/[^/]+\/[a-z2-7]{52}$/);
    assert.match(await page.locator(".fingerprint").first().textContent(), /^[a-z2-7]{52}$/);
    await page.locator("details summary").first().click();
    assert.match(await page.locator("details pre").first().textContent(), /\n— /);
}

async function checkRecord(page) {
    await page.goto(base + "/");
    await page.locator(".records .title a").first().click();
    assert.match(page.url(), /\/record\/[^/]+\/[a-z2-7]{52}\/\d+$/);
    const raw = await page.request.get(page.url() + "/raw");
    assert.equal(raw.status(), 200);
    assert.match(await raw.text(), /^tongzhou\/1 /);
    const proof = await page.request.get(page.url() + "/proof");
    assert.match(await proof.text(), /^c2sp\.org\/tlog-proof@v1\nindex \d+\n/);
    assert.equal((await page.request.get(page.url() + "/entry")).status(), 200);
    assert.ok((await page.locator(".facts.header").count()) === 1);
}

/** The demo's CERT took a word back: pages say so in their own language, and what they say leads there. */
async function checkWithdrawal(page, text) {
    await page.goto(base + "/");
    const title = page.locator(".records .title a", { hasText: text.withdrawn }).first();
    const words = await title.textContent();
    await title.click();
    assert.equal(await page.locator("h1").textContent(), words);
}

/** A relationship is called by the names of its ends, not by its id. */
async function checkRelationship(page, text) {
    await page.goto(base + "/intelligence?q=" + encodeURIComponent(words));
    await page.locator("#results .title a", { hasText: text.relation }).first().click();
    assert.match(await page.locator("h1").textContent(), text.relation);
}

async function checkSearch(page, text, scripts) {
    await page.goto(base + "/intelligence");
    await page.locator("#q").fill(value);
    if (scripts) {
        await page.locator("#results a.value").first().waitFor();
        assert.equal(new URL(page.url()).searchParams.get("q"), value);
    } else {
        await page.getByRole("button", { name: text.search, exact: true }).click();
    }
    await page.locator("#results a.value", { hasText: value }).first().click();
    assert.ok(page.url().startsWith(base + "/intelligence/value?"));
    assert.ok((await page.locator("h1").textContent()).includes(value));
    assert.ok((await page.locator("tbody tr").count()) >= 1);
    await page.locator("tbody tr td a").first().click();
    assert.match(page.url(), /\/record\//);
}

async function checkObject(page) {
    await page.goto(base + "/intelligence?q=" + encodeURIComponent(words));
    await page.locator("#results a[href^='/intelligence/object/']").first().click();
    assert.ok((await page.locator("tbody tr").count()) >= 1);
    assert.ok((await page.locator("dl.facts dt").count()) >= 3);
}

async function checkNothing(page, text) {
    await page.goto(base + "/intelligence?q=" + encodeURIComponent("<script>alert(1)</script>"));
    assert.ok((await page.locator("#results").textContent()).includes(text.nothing));
    assert.ok((await page.locator("#results").textContent()).includes("<script>alert(1)</script>"));
}

async function checkSweep(page, text) {
    await page.goto(base + "/intelligence");
    await page.locator("#file").setInputFiles(log(dirty));
    await page.getByRole("button", { name: text.sweep, exact: true }).click();
    await page.waitForURL(base + "/sweep");
    assert.equal(await page.locator("h1").textContent(), text.found);
    assert.equal(await page.locator(".hits li").count(), 1);
    assert.equal(await page.locator(".hits mark").first().textContent(), value);
    assert.match(await page.locator(".hits .about").first().textContent(), /2/);
    await page.goto(base + "/intelligence");
    await page.locator("#file").setInputFiles(log(clean));
    await page.getByRole("button", { name: text.sweep, exact: true }).click();
    assert.ok((await page.locator(".found").textContent()).includes(text.none));
}

async function checkDrop(page) {
    await page.goto(base + "/intelligence");
    const data = await page.evaluateHandle((content) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], "dropped.log", { type: "text/plain" }));
        return transfer;
    }, dirty.join("\n"));
    await page.dispatchEvent(".drop", "drop", { dataTransfer: data });
    await page.waitForURL(base + "/sweep");
    assert.equal(await page.locator(".hits li").count(), 1);
}

async function checkLanguage(page, text) {
    const other = text.lang === "en" ? "zh-Hans" : "en";
    await page.goto(base + "/intelligence?q=" + words);
    await page.locator(`footer a[hreflang=${other}]`).click();
    assert.equal(await page.locator("html").getAttribute("lang"), other);
    assert.equal(new URL(page.url()).searchParams.get("q"), words);
    await page.goto(base + "/members");
    assert.equal(await page.locator("html").getAttribute("lang"), other);
}

async function signIn(page, text, secret) {
    await page.locator("#name").fill(user);
    await page.locator("#password").fill(secret);
    await page.locator("main").getByRole("button", { name: text.signIn, exact: true }).click();
}

/** In from a page and back to it, something said for nobody else, out again. */
async function checkPerson(page, text) {
    await page.goto(base + "/members");
    await page.getByRole("link", { name: text.signIn, exact: true }).click();
    await signIn(page, text, "this is not it");
    assert.ok((await page.getByRole("alert").textContent()).includes(text.notRight));
    await signIn(page, text, password);
    assert.equal(page.url(), base + "/members");
    await page.locator(".who").getByRole("link", { name: text.publish, exact: true }).click();
    await page.locator("#kind").fill("culture/note");
    await page.locator("#tlp").selectOption("amber");
    await page.locator("#body").fill("kept by the browser");
    await Promise.all([page.waitForEvent("load"), page.locator("main").getByRole("button", { name: text.preview, exact: true }).click()]);
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByRole("alert").count(), 1); // for nobody: said before anything is signed
    assert.equal(await page.locator("main").getByRole("button", { name: text.publish, exact: true }).count(), 0);
    assert.equal(await page.locator("#body").inputValue(), "kept by the browser");
    assert.deepEqual(await page.evaluate(audit), []);
    await page.locator("#keep").check();
    await Promise.all([page.waitForEvent("load"), page.locator("main").getByRole("button", { name: text.preview, exact: true }).click()]);
    await page.locator("#preview").getByRole("heading", { name: text.gets, exact: true }).waitFor();
    assert.deepEqual(await page.evaluate(audit), []);
    await page.locator("main").getByRole("button", { name: text.publish, exact: true }).click();
    await page.waitForURL(/\/record\//);
    assert.ok((await page.locator("main").textContent()).includes("kept by the browser"));
    assert.equal(await page.locator(".lead .tlp.amber").textContent(), "TLP:AMBER");
    assert.deepEqual(await page.evaluate(audit), []);
    const record = page.url();
    await page.locator(".who a[href='/account']").click();
    assert.deepEqual(await page.evaluate(audit), []);
    await page.getByRole("button", { name: text.signOut, exact: true }).click();
    await page.goto(record);
    assert.ok(!(await page.locator("main").textContent()).includes("kept by the browser"));
}

/** What axe finds against WCAG 2.2 A and AA on the page as it is. */
async function axeFinds(page) {
    await page.evaluate(axe + "; undefined"); // as the browser's own tools: what a page's policy forbids does not hold here
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(" ")}`));
}

/** What is there for those who are signed in. */
const inside = ["/account", "/publish", "/inbox", "/administration", "/users", "/policy", "/policy/held", "/policy/refused", "/policy/objections", "/policy/lists", "/policy/try", "/policy/rates"];

async function checkInside(page, text) {
    await page.goto(base + "/sign-in?next=/administration");
    await signIn(page, text, password);
    assert.equal(page.url(), base + "/administration");
    assert.ok((await page.locator("main h2").count()) >= 5);
    for (const address of inside) {
        await page.goto(base + address);
        assert.equal(new URL(page.url()).pathname, address);
        assert.deepEqual(await page.evaluate(audit), [], address);
        assert.deepEqual(await axeFinds(page), [], address);
    }
    await page.goto(base + "/users");
    assert.ok((await page.locator("tbody").first().textContent()).includes(user));
    await page.goto(base + "/account");
    await page.getByRole("button", { name: text.signOut, exact: true }).click();
    await page.goto(base + "/administration");
    assert.equal(new URL(page.url()).pathname, "/sign-in");
}

const addresses = [...(user ? ["/sign-in"] : []), "/", "/members", "/community", "/policy", "/policy/rates", "/intelligence", "/intelligence?q=" + words, "/intelligence/value?v=" + value, "/no-such-page"];

for (const [language, text] of Object.entries(texts)) {
    for (const scripts of [true, false]) {
        const how = `${language}, ${scripts ? "with" : "without"} scripts`;
        const { page, wrong, close } = await visitor(language, scripts);
        await test(`members and their logs (${how})`, () => checkMembers(page, text));
        await test(`a record, its bytes and its proof (${how})`, () => checkRecord(page));
        await test(`a withdrawal in the reader's words (${how})`, () => checkWithdrawal(page, text));
        await test(`a relationship by its ends (${how})`, () => checkRelationship(page, text));
        await test(`search, a value and who reports it (${how})`, () => checkSearch(page, text, scripts));
        await test(`an object and who reports it (${how})`, () => checkObject(page));
        await test(`hostile words are words (${how})`, () => checkNothing(page, text));
        await test(`a file is swept (${how})`, () => checkSweep(page, text));
        if (scripts) await test(`a dropped file is swept (${how})`, () => checkDrop(page));
        if (user) await test(`a person signs in, publishes and signs out (${how})`, () => checkPerson(page, text));
        await test(`the language can be changed, and stays (${how})`, () => checkLanguage(page, text));
        const unexpected = wrong.filter((line) => !/status of 40[03]/.test(line)); // what was wrong on purpose
        await test(`nothing went wrong in the browser (${how})`, () => assert.deepEqual(unexpected, []));
        await close();
    }
}

for (const [language, width, scheme] of [["en", 1200, "light"], ["en", 320, "dark"], ["zh-Hans", 320, "light"], ["zh-Hans", 1200, "dark"]]) {
    const { page, wrong, close } = await visitor(language, true, { viewport: { width, height: 800 }, colorScheme: scheme });
    await page.goto(base + "/");
    const more = [await page.locator(".records .title a").first().getAttribute("href")];
    await page.goto(base + "/members");
    more.push(await page.locator("tbody th a").first().getAttribute("href"));
    for (const address of [...addresses, ...more]) {
        await test(`${address.slice(0, 40)} can be read and used (${language}, ${width} px, ${scheme})`, async () => {
            await page.goto(base + address);
            assert.deepEqual(await page.evaluate(audit), []);
            assert.deepEqual(await axeFinds(page), []);
        });
    }
    if (user) await test(`account, inbox, administration and users (${language}, ${width} px, ${scheme})`, () => checkInside(page, texts[language]));
    await test(`the keyboard finds its way (${language}, ${width} px)`, async () => {
        await page.goto(base + "/");
        await page.keyboard.press("Tab");
        const skip = await page.evaluate(() => ({ href: document.activeElement.getAttribute("href"), top: document.activeElement.getBoundingClientRect().top }));
        assert.equal(skip.href, "#main");
        assert.ok(skip.top >= 0);
        await page.keyboard.press("Tab");
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(outline, "solid");
    });
    const expected = wrong.filter((line) => !/404/.test(line)); // the page that is not there, asked for on purpose
    await test(`nothing went wrong in the browser (${language}, ${width} px)`, () => assert.deepEqual(expected, []));
    await close();
}

if (pictures) {
    for (const [language, short] of [["en", "en"], ["zh-Hans", "zh"]]) {
        const { page, close } = await visitor(language, true, { viewport: { width: 1100, height: 860 } });
        const shot = async (name, address) => {
            await page.goto(base + address);
            await page.screenshot({ path: join(pictures, `${name}.${short}.png`) });
        };
        await shot("home", "/");
        await shot("intelligence", "/intelligence?q=" + encodeURIComponent(words));
        await shot("indicator", "/intelligence/value?v=" + encodeURIComponent(value));
        await shot("record", await page.locator("tbody td a").first().getAttribute("href"));
        await page.goto(base + "/intelligence");
        await page.locator("#file").setInputFiles(log(dirty));
        await page.locator("#sweep-form button").click();
        await page.waitForURL(base + "/sweep");
        await page.screenshot({ path: join(pictures, `sweep.${short}.png`) });
        await close();
    }
}

await browser.close();
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
