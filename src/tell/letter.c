/* Letters: what stands in them. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/utf8.h"
#include "base/when.h"
#include "http/text.h"
#include "tell/internal.h"

#define TR_MARK(english) english
#define QP_LINE 72    /* characters; quoted-printable allows 76 with the soft break (RFC 2045 section 6.7) */
#define WORD_BYTES 42 /* of text in an encoded word, which is at most 75 characters long (RFC 2047 section 2) */

/* RFC 2045 section 6.7; lines of `text` end in a newline. */
static void quoted_printable(struct span text, struct buf *out)
{
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool ends = i + 1 == text.len || text.data[i + 1] == '\n';
        if (c == '\n') {
            buf_str(out, "\r\n");
            column = 0;
            continue;
        }
        /* A dot that begins a line is left to no transport either (RFC 5321 section 4.5.2). */
        bool plain =
            (c > ' ' && c < 0x7f && c != '=' && (c != '.' || (column > 0 && column < QP_LINE))) || (c == ' ' && !ends);
        size_t width = plain ? 1 : 3;
        if (column + width > QP_LINE) {
            buf_str(out, "=\r\n");
            column = 0;
        }
        if (plain)
            buf_byte(out, c);
        else
            buf_fmt(out, "=%02X", c);
        column += width;
    }
}

/* A header's text as encoded words, whatever stands in it: base64 has no line ends. */
static void encoded_words(struct span text, struct buf *out)
{
    for (size_t at = 0; at < text.len;) {
        size_t len = text.len - at < WORD_BYTES ? text.len - at : WORD_BYTES;
        while (at + len < text.len && len > 1 && (text.data[at + len] & 0xc0) == 0x80) /* not within a character */
            len--;
        buf_str(out, at > 0 ? "\r\n =?utf-8?B?" : "=?utf-8?B?");
        buf_base64(out, text.data + at, len);
        buf_str(out, "?=");
        at += len;
    }
}

/* "Sat, 28 Nov 2026 06:00:00 +0000" */
static void write_date(int64_t ms, struct buf *out)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char when[WHEN_TEXT_LEN + 1];
    when_format(ms, when); /* 2026-11-28T06:00:00.000Z */
    size_t month = (size_t)(when[5] - '0') * 10 + (size_t)(when[6] - '0') - 1;
    buf_fmt(out, "Date: %s, %.2s %s %.4s %.8s +0000\r\n", days[ms / 86400000 % 7], when + 8, months[month % 12], when,
            when + 11);
}

static void write_subject(const struct letter *letter, struct buf *out)
{
    char count[24], name[ORIGIN_MAX + 1];
    struct buf text;
    snprintf(count, sizeof(count), "%llu", (unsigned long long)letter->count);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(letter->origin, "/"), letter->origin);
    const char *slots[] = {name, count};
    buf_init(&text, 4096);
    notice_fill(text_translate(letter->lang, letter->is_test ? TR_MARK("Tongzhou, {1}: a test")
                                                             : TR_MARK("Tongzhou, {1}: what is new ({2})")),
                slots, 2, &text);
    buf_str(out, "Subject: ");
    encoded_words(buf_view(&text), out);
    buf_str(out, "\r\n");
    buf_done(&text);
}

static void write_header(const struct letter *letter, struct buf *out)
{
    uint8_t random[16];
    char id[33];
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), id);
    buf_fmt(out, "From: Tongzhou <%s>\r\nTo: <%s>\r\n", letter->from, letter->to);
    write_subject(letter, out);
    write_date(letter->now_ms, out);
    buf_fmt(out, "Message-ID: <%s@%s>\r\nMIME-Version: 1.0\r\n", id, strchr(letter->from, '@') + 1);
    buf_fmt(out,
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
            "Content-Language: %s\r\nAuto-Submitted: auto-generated\r\n\r\n", /* RFC 3834: no answers, please */
            letter->lang);
}

/* One line; {1} is `word`. */
static void write_line(const struct letter *letter, const char *english, const char *word, struct buf *out)
{
    notice_fill(text_translate(letter->lang, english), &word, 1, out);
    buf_byte(out, '\n');
}

static void write_body(const struct letter *letter, struct buf *out)
{
    char number[24], short_name[ORIGIN_MAX + 1];
    origin_short(span_str(letter->origin), short_name);
    buf_span(out, letter->lines);
    if (letter->more > 0) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)letter->more);
        write_line(letter, TR_MARK("{1} more are in the inbox."), number, out);
    }
    if (letter->is_test)
        write_line(letter, TR_MARK("Mail of {1} arrives here."), short_name, out);
    if (letter->missed > 0) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)letter->missed);
        write_line(letter, TR_MARK("{1} older ones had to go before they could be sent."), number, out);
    }
    buf_byte(out, '\n');
    write_line(letter, TR_MARK("All of it is in the inbox of {1}."), short_name, out);
    write_line(letter,
               letter->every_s == 3600 ? TR_MARK("A mail comes once an hour at most, and none if nothing is new.")
                                       : TR_MARK("A mail comes once a day at most, and none if nothing is new."),
               "", out);
    write_line(letter, TR_MARK("Whoever runs that node can end it: tongzhou tell remove mailto:{1}"), letter->to, out);
}

void letter_write(const struct letter *letter, struct buf *out)
{
    struct buf body;
    buf_init(&body, 2 * TELL_BODY_MAX);
    write_header(letter, out);
    write_body(letter, &body);
    quoted_printable(buf_view(&body), out);
    if (body.failed)
        out->failed = body.failed;
    buf_done(&body);
}
