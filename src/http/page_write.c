/* What pages are written with: escaped text, numbers, times, sentences. */
#include "http/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/utf8.h"
#include "base/when.h"
#include "http/text.h"

const char *page_text(const struct page *page, const char *english)
{
    return text_translate(page->lang, english);
}

const char *page_plural(const struct page *page, uint64_t number, const char *one, const char *many)
{
    const char *found = text_translate(page->lang, one);
    if (found != one) /* our other languages have one form for all numbers */
        return found;
    return number == 1 ? one : many;
}

void page_raw(struct page *page, const char *html)
{
    buf_str(page->out, html);
}

void page_fmt(struct page *page, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        page->out->failed = ERR_LIMIT; /* half an element would be worse than no page */
        return;
    }
    buf_add(page->out, text, (size_t)len);
}

static const char *entity(uint8_t byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void escape(struct page *page, struct span text, bool keep_lines)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        const char *markup = entity(byte);
        bool kept = keep_lines && (byte == '\n' || byte == '\t');
        if (!markup && !kept)
            continue;
        text_escape(page->out, span_sub(text, from, i - from), SIZE_MAX);
        if (markup)
            buf_str(page->out, markup);
        else
            buf_byte(page->out, byte);
        from = i + 1;
    }
    text_escape(page->out, span_sub(text, from, text.len), SIZE_MAX);
}

void page_esc(struct page *page, struct span text)
{
    escape(page, text, false);
}

void page_pre(struct page *page, struct span text)
{
    escape(page, text, true);
}

void page_bdi(struct page *page, struct span text)
{
    page_raw(page, "<bdi>");
    page_esc(page, text);
    page_raw(page, "</bdi>");
}

void page_url(struct page *page, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i], lower = byte | 0x20;
        /* RFC 3986 section 2.3: unreserved characters stand for themselves. */
        if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
            byte == '_' || byte == '~') {
            buf_byte(page->out, byte);
        } else {
            char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            buf_add(page->out, encoded, sizeof(encoded));
        }
    }
}

static int64_t clamp_ms(int64_t ms)
{
    return ms < 0 ? 0 : ms > WHEN_MAX_MS ? WHEN_MAX_MS : ms;
}

/* "22 Nov 2026, 11:14 UTC" */
static void time_words(const struct page *page, int64_t ms, char *out, size_t size)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm = {0};
    (void)gmtime_r(&seconds, &tm);
    if (strcmp(page->lang, "zh-Hans") == 0)
        snprintf(out, size, "%d年%d月%d日 %02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                 tm.tm_min);
    else
        snprintf(out, size, "%d %s %d, %02d:%02d UTC", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                 tm.tm_min);
}

void page_time(struct page *page, int64_t ms)
{
    char stamp[WHEN_TEXT_LEN + 1], words[64];
    ms = clamp_ms(ms);
    when_format(ms, stamp);
    time_words(page, ms, words, sizeof(words));
    page_fmt(page, "<time datetime=\"%s\">%s</time>", stamp, words);
}

/* "{1} minutes ago": page_sayf would do, but it calls page_ago itself. */
static void say_count(struct page *page, const char *text, uint64_t number)
{
    const char *mark = strstr(text, "{1}");
    size_t before = mark ? (size_t)(mark - text) : strlen(text);
    page_esc(page, span_of(text, before));
    if (mark) {
        page_number(page, number);
        page_esc(page, span_str(mark + 3));
    }
}

void page_ago(struct page *page, int64_t ms)
{
    char stamp[WHEN_TEXT_LEN + 1], words[64];
    ms = clamp_ms(ms);
    int64_t now_ms = page->request->now_ms;
    uint64_t minutes = now_ms > ms ? (uint64_t)(now_ms - ms) / 60000 : 0, hours = minutes / 60, days = hours / 24;
    when_format(ms, stamp);
    time_words(page, ms, words, sizeof(words));
    page_fmt(page, "<time datetime=\"%s\" title=\"%s\">", stamp, words);
    if (minutes == 0)
        page_say(page, TR_MARK("just now"));
    else if (minutes < 60)
        say_count(page, TRN(page, minutes, "{1} minute ago", "{1} minutes ago"), minutes);
    else if (hours < 48)
        say_count(page, TRN(page, hours, "{1} hour ago", "{1} hours ago"), hours);
    else
        say_count(page, TRN(page, days, "{1} day ago", "{1} days ago"), days);
    page_raw(page, "</time>");
}

void page_number(struct page *page, uint64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf_byte(page->out, ',');
        buf_byte(page->out, (uint8_t)digits[i]);
    }
}

void page_bytes(struct page *page, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        page_number(page, bytes);
        page_raw(page, "\xC2\xA0"
                       "B");
        return;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    page_fmt(page, "%.1f\xC2\xA0%s", value, units[unit]);
}

void page_lang(struct page *page, struct span tag)
{
    bool plain = tag.len >= 2 && tag.len <= 35;
    for (size_t i = 0; plain && i < tag.len; i++) {
        uint8_t byte = tag.data[i], lower = byte | 0x20;
        plain = (lower >= 'a' && lower <= 'z') || (i > 0 && (byte == '-' || (byte >= '0' && byte <= '9')));
    }
    if (plain)
        page_fmt(page, " lang=\"%.*s\"", SPAN_ARGS(tag));
}

static void write_slot(struct page *page, const struct page_slot *slot)
{
    switch (slot->type) {
    case SAY_NUMBER:
        page_number(page, slot->number);
        break;
    case SAY_BYTES:
        page_bytes(page, slot->number);
        break;
    case SAY_TIME:
        page_time(page, slot->ms);
        break;
    case SAY_AGO:
        page_ago(page, slot->ms);
        break;
    case SAY_TEXT:
        page_bdi(page, slot->text);
        break;
    case SAY_ORIGIN:
        page_origin_link(page, slot->text);
        break;
    }
}

void page_sayf(struct page *page, const char *text, const struct page_slot *slots, size_t count)
{
    const char *from = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (at[0] != '{' || at[1] < '1' || at[1] > '9' || at[2] != '}' || (size_t)(at[1] - '1') >= count)
            continue;
        page_esc(page, span_of(from, (size_t)(at - from)));
        write_slot(page, &slots[at[1] - '1']);
        at += 2;
        from = at + 1;
    }
    page_esc(page, span_str(from));
}

void page_say(struct page *page, const char *english)
{
    page_esc(page, span_str(page_text(page, english)));
}
