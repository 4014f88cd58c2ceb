/* fuzz: tell */
#include <stdlib.h>

#include "base/utf8.h"
#include "index/capability.h"
#include "tell/internal.h"

const struct capability *const capabilities[] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Where notices go: what is taken is taken again in its one form, and names no more than a host. */
static void try_target(struct span text, bool inside)
{
    struct target once, twice;
    struct err err = {0};
    char form[PEER_URL_MAX + 1], again[PEER_URL_MAX + 1];
    (void)target_parse_server(text, &once, &err);
    if (target_parse(text, inside, &once, form, &err) < 0)
        return;
    must(target_parse(span_str(form), inside, &twice, again, &err) == 0 && strcmp(form, again) == 0);
    must(once.way == twice.way && once.port == twice.port && strcmp(once.host, twice.host) == 0);
    for (const char *c = form; *c; c++)
        must((unsigned char)*c >= ' ' && *c != 0x7f);
    must(once.way != TARGET_MAIL || mail_address_valid(span_str(form + strlen("mailto:"))));
}

/* A line is one, bounded, of whole characters; its data end where we end them. */
static void try_line(const struct notice *notice, const char *host)
{
    struct syslog_line line = {.notice = notice, .host = host, .id = "0", .record = notice->origin, .full = true};
    struct buf out;
    buf_init(&out, 65536);
    syslog_write(&line, &out);
    must(out.failed == 0 && out.len <= SYSLOG_LINE_MAX && utf8_valid(buf_view(&out)));
    for (size_t i = 0; i < out.len; i++)
        must(out.data[i] >= ' ' && out.data[i] != 0x7f);
    buf_done(&out);
}

/* Short lines of ASCII that end in CR LF, no header but ours, no lone dot. */
static void try_letter(struct span lines, const char *origin)
{
    struct letter letter = {
        .from = "n@e.example", .to = "p@e.example", .origin = origin, .lang = "zh-Hans", .lines = lines, .count = 1};
    struct buf out;
    size_t line = 0, empty = 0;
    buf_init(&out, 4 * TELL_BODY_MAX);
    letter_write(&letter, &out);
    must(out.failed == 0);
    for (size_t i = 0; i < out.len; i++) {
        uint8_t c = out.data[i];
        if (c == '\r') {
            must(i + 1 < out.len && out.data[++i] == '\n' && line <= (empty ? 76u : 998u));
            empty += line == 0;
            line = 0;
            continue;
        }
        must(c >= ' ' && c < 0x7f && !(empty && line == 0 && c == '.'));
        line++;
    }
    must(line == 0 && empty > 0);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char value[NOTICE_VALUE_MAX + 1], origin[ORIGIN_MAX + 1], host[300];
    struct span input = span_of(data, size > 65536 ? 65536 : size);
    try_target(input, false);
    try_target(input, true);
    text_escape_into(value, sizeof(value), input);
    text_escape_into(origin, sizeof(origin), input);
    snprintf(host, sizeof(host), "%.*s", (int)(input.len < 299 ? input.len : 299), input.len ? (const char *)data : "");
    struct notice notice = {.what = size > 0 ? (enum notice_what)(data[0] % NOTICE_WHATS) : NOTICE_FORK_FOUND,
                            .time_ms = (int64_t)size * 1000000,
                            .origin = origin,
                            .values = {value, value},
                            .count = size};
    try_line(&notice, host);
    try_letter(input, origin);
    return 0;
}
