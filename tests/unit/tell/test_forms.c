/* Lines of system logs and letters: nothing that others said gets out of the place that it has there. */
#include "base/codec.h"
#include "base/utf8.h"
#include "state/node.h"
#include "tell/internal.h"

static struct notice a_notice(const char *one, const char *two)
{
    return (struct notice){.what = NOTICE_PEER_FAILS,
                           .time_ms = TIME_MS,
                           .first_ms = TIME_MS,
                           .origin = "b.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                           .values = {one, two},
                           .count = 3,
                           .number = 7};
}

static void a_line(void **state)
{
    (void)state;
    struct notice notice = a_notice("https://p.example", "it \"said\" [x] \\ y");
    struct syslog_line line = {
        .notice = &notice, .host = "node one", .id = "00ff", .record = "b.example/aa/4", .pid = 42, .full = true};
    struct buf out;
    buf_init(&out, 65536);
    syslog_write(&line, &out);
    assert_string_equal(
        buf_cstr(&out),
        "<29>1 2026-11-18T11:06:40.000Z nodeone tongzhou 42 peer-fails [tongzhou@32473 topic=\"peer\" id=\"00ff\" "
        "count=\"3\" origin=\"b.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
        "record=\"b.example/aa/4\"] \xef\xbb\xbfThe peer https://p.example has not answered for long: it "
        "\"said\" [x] \\ y (3 times)");
    buf_clear(&out);
    line.full = false; /* what others said does not leave */
    syslog_write(&line, &out);
    assert_true(span_search(buf_view(&out), SPAN_LIT("said")) == out.len && out.data[out.len - 1] == ']');
    buf_clear(&out);
    line = (struct syslog_line){.host = "", .id = "0", .record = "", .pid = 1, .now_ms = TIME_MS};
    syslog_write(&line, &out);
    assert_string_equal(buf_cstr(&out),
                        "<29>1 2026-11-18T11:06:40.000Z - tongzhou 1 test [tongzhou@32473 topic=\"test\" id=\"0\"]");
    buf_done(&out);
}

/* Whatever names hold: the data end where we end them, the line is one, bounded, and whole characters. */
static void hostile_lines(void **state)
{
    (void)state;
    char far[NOTICE_VALUE_MAX + 1], host[400], record[3000];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    for (size_t i = 0; i + 3 < sizeof record; i += 3)
        memcpy(record + i, "\xe5\x90\x8c", 3);
    record[2997] = '\0';
    text_escape_into(far, sizeof far, SPAN_LIT("\r\n<14>1 - - - - - - forged \xe2\x80\xae ] \" \\ \0 \x1b[31m"));
    struct notice notice = a_notice(far, far);
    notice.origin = "\"]\\ origin\"";
    struct syslog_line line = {.notice = &notice, .host = host, .id = "00", .record = record, .pid = 1, .full = true};
    struct buf out;
    buf_init(&out, 65536);
    syslog_write(&line, &out);
    assert_int_equal(out.failed, 0);
    assert_true(out.len <= SYSLOG_LINE_MAX && out.len > SYSLOG_LINE_MAX - 4 && utf8_valid(buf_view(&out)));
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.data[i] >= ' ' && out.data[i] != 0x7f);
    assert_true(span_search(buf_view(&out), SPAN_LIT("origin=\"\\\"\\]\\\\ origin\\\"\"")) < out.len);
    assert_true(span_search(buf_view(&out), SPAN_LIT("\xe2\x80\xae")) == out.len);
    buf_done(&out);
}

/* Every line ends in CR LF, is short and ASCII; the header ends once. */
static size_t check_letter(struct span text, struct buf *body)
{
    size_t line = 0, headers = 0;
    bool in_body = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '\r') {
            assert_true(i + 1 < text.len && text.data[i + 1] == '\n');
            assert_true(line <= (in_body ? 76u : 998u));
            if (!in_body && line == 0)
                in_body = true;
            else if (!in_body)
                headers++;
            line = 0;
            i++;
            if (in_body && body && i > 1)
                buf_byte(body, '\n');
            continue;
        }
        assert_true(c >= ' ' && c < 0x7f);
        assert_true(!(in_body && line == 0 && c == '.'));
        if (in_body && body)
            buf_byte(body, c);
        line++;
    }
    assert_int_equal(line, 0);
    assert_true(in_body);
    return headers;
}

/* Quoted-printable, undone the short way. */
static void decode(struct buf *text)
{
    size_t to = 0;
    for (size_t i = 0; i < text->len; i++) {
        uint8_t byte;
        if (text->data[i] != '=') {
            text->data[to++] = text->data[i];
        } else if (i + 1 < text->len && text->data[i + 1] == '\n') {
            i++;
        } else {
            char hex[3] = {(char)text->data[i + 1], (char)text->data[i + 2], 0};
            byte = (uint8_t)strtoul(hex, NULL, 16);
            text->data[to++] = byte;
            i += 2;
        }
    }
    buf_cut(text, to);
}

static struct letter a_letter(struct span lines)
{
    return (struct letter){.from = "node@example.org",
                           .to = "people@example.org",
                           .origin = "a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                           .lang = "en",
                           .now_ms = TIME_MS,
                           .every_s = 3600,
                           .count = 2,
                           .lines = lines};
}

static void a_letter_is_read(void **state)
{
    (void)state;
    struct letter letter = a_letter(SPAN_LIT(".\nfirst = 1 \n\xe5\x90\x8c\xe8\x88\x9f\n"));
    struct buf out, body;
    buf_init(&out, 65536);
    buf_init(&body, 65536);
    letter.more = 5;
    letter.missed = 9;
    letter_write(&letter, &out);
    assert_int_equal(check_letter(buf_view(&out), &body), 10);
    decode(&body);
    assert_true(span_search(buf_view(&body),
                            SPAN_LIT(".\nfirst = 1 \n\xe5\x90\x8c\xe8\x88\x9f\n5 more are in the inbox.\n9 older")) <
                body.len);
    assert_true(span_search(buf_view(&out), SPAN_LIT("Date: Wed, 18 Nov 2026 11:06:40 +0000\r\n")) < out.len);
    assert_true(span_search(buf_view(&out), SPAN_LIT("Auto-Submitted: auto-generated\r\n")) < out.len);
    buf_done(&out);
    buf_done(&body);
}

static void hostile_letters(void **state)
{
    (void)state;
    struct buf lines, out;
    buf_init(&lines, TELL_BODY_MAX);
    buf_init(&out, 4 * TELL_BODY_MAX);
    /* Bytes of every kind, though what is stored was escaped: a letter does not rely on it. */
    for (unsigned i = 0; i < 4096; i++)
        buf_byte(&lines, (uint8_t)(i * 7 + i / 256));
    for (unsigned i = 0; i < 5000; i++)
        buf_byte(&lines, 'x');
    buf_str(&lines, "\r\n.\r\nMAIL FROM:<x@y.example>\r\n\n");
    struct letter letter = a_letter(buf_view(&lines));
    char origin[ORIGIN_MAX + 1];
    snprintf(origin, sizeof origin, "\xe5\x90\x8c\r\nBcc: x@y.example\r\n\r\n%070d\xe8\x88\x9f/%052d", 1, 2);
    letter.origin = origin;
    letter.lang = "zh-Hans";
    letter_write(&letter, &out);
    assert_int_equal(out.failed, 0);
    struct span header = span_sub(buf_view(&out), 0, span_search(buf_view(&out), SPAN_LIT("\r\n\r\n")));
    assert_true(header.len < out.len && span_search(header, SPAN_LIT("Bcc:")) == header.len);
    (void)check_letter(buf_view(&out), NULL);
    buf_done(&lines);
    buf_done(&out);
}

/* In the reader's language, without what others said. */
static void sentences(void **state)
{
    (void)state;
    struct notice notice = a_notice("https://p.example", "because");
    struct buf out;
    buf_init(&out, 4096);
    notice_sentence(&notice, "{3} {2} {1} {4} {", true, &out);
    assert_true(span_starts(buf_view(&out), SPAN_LIT("because https://p.example b.example")));
    buf_clear(&out);
    notice_sentence(&notice, notice_words(notice.what)->english, false, &out);
    assert_true(span_search(buf_view(&out), SPAN_LIT("because")) == out.len);
    buf_done(&out);
}

static void digests(void **state)
{
    (void)state;
    assert_int_equal(tell_next_due(0, TIME_MS), 0);
    assert_int_equal(tell_next_due(3600, TIME_MS), TIME_MS - TIME_MS % 3600000 + 3600000);
    int64_t day = tell_next_due(86400, TIME_MS);
    assert_int_equal(day % 86400000, 6 * 3600000);
    assert_true(day > TIME_MS && day - TIME_MS <= 86400000);
    assert_int_equal(tell_next_due(86400, day), day + 86400000); /* at six exactly: tomorrow */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_line),           cmocka_unit_test(hostile_lines),
                                       cmocka_unit_test(a_letter_is_read), cmocka_unit_test(hostile_letters),
                                       cmocka_unit_test(sentences),        cmocka_unit_test(digests)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
