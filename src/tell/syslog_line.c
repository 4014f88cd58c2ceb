/* Lines of RFC 5424 with structured data. */
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "tell/internal.h"

#define FACILITY_DAEMON 3
#define SEVERITY_WARNING 4
#define SEVERITY_NOTICE 5
#define SD_ID "tongzhou@32473" /* the number that RFC 5612 keeps for those who have none */

static bool is_grave(enum notice_topic topic)
{
    return topic == NOTICE_FORK || topic == NOTICE_SECURITY || topic == NOTICE_OVERDUE;
}

/* RFC 5424 section 6.3.3. Control characters were escaped when the notice was stored. */
static void parameter(struct buf *out, const char *name, const char *value)
{
    if (!value || value[0] == '\0')
        return;
    buf_fmt(out, " %s=\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\' || *value == ']')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*value);
    }
    buf_byte(out, '"');
}

/* A name of the header: printable ASCII, "-" for nothing. */
static void header_name(struct buf *out, const char *name, size_t max)
{
    size_t written = 0;
    for (; *name && written < max; name++)
        if (*name > ' ' && *name < 0x7f) {
            buf_byte(out, (uint8_t)*name);
            written++;
        }
    if (written == 0)
        buf_byte(out, '-');
}

static void cut(struct buf *out, size_t begin)
{
    if (out->failed || out->len - begin <= SYSLOG_LINE_MAX)
        return;
    size_t len = SYSLOG_LINE_MAX;
    while (len > 0 && (out->data[begin + len] & 0xc0) == 0x80) /* not within a character */
        len--;
    buf_cut(out, begin + len);
}

static void write_data(const struct syslog_line *line, struct buf *out)
{
    const struct notice *notice = line->notice;
    char count[24];
    snprintf(count, sizeof(count), "%llu", notice ? (unsigned long long)notice->count : 0);
    buf_str(out, " [" SD_ID);
    parameter(out, "topic", notice ? notice_topic_word(notice_words(notice->what)->topic) : "test");
    parameter(out, "id", line->id);
    if (notice) {
        parameter(out, "count", count);
        parameter(out, "origin", notice->origin);
        parameter(out, "record", line->record);
    }
    buf_byte(out, ']');
}

void syslog_write(const struct syslog_line *line, struct buf *out)
{
    const struct notice *notice = line->notice;
    const struct notice_words *words = notice ? notice_words(notice->what) : NULL;
    char time[WHEN_TEXT_LEN + 1];
    size_t begin = out->len;
    when_format(notice ? notice->time_ms : line->now_ms, time);
    buf_fmt(out, "<%d>1 %s ",
            FACILITY_DAEMON * 8 + (words && is_grave(words->topic) ? SEVERITY_WARNING : SEVERITY_NOTICE), time);
    header_name(out, line->host, 255);
    buf_fmt(out, " tongzhou %ld ", line->pid);
    header_name(out, words ? words->word : "test", 32);
    write_data(line, out);
    if (notice && line->full) {
        buf_str(out, " \xef\xbb\xbf"); /* UTF-8 follows: section 6.4 */
        notice_english(notice, out);
    }
    cut(out, begin);
}
