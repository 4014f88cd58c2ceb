/*
 * Lists: one value a line, as people keep them: comments, columns behind the value, hosts files, names with
 * wildcards or in the notation of ad blockers, defanged values.
 */
#include <stdlib.h>

#include "security/read_impl.h"

struct list_reader {
    struct import_reader base;
    struct lines lines;
    struct indicator_maker maker;
    struct buf label;
};

/* ---- one value ---- */

int emit_value(struct import_reader *reader, struct indicator_maker *maker, const struct lines *lines, struct span text,
               const struct indicator_notes *notes, struct err *err)
{
    enum ioc_type type;
    struct err why;
    int rc = ioc_canonical(IOC_NONE, text, &maker->value, &type, &why);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc < 0)
        return reader_bad(reader, lines->line, lines->offset, err, "%s", why.text);
    buf_clear(&maker->pattern);
    indicator_pattern(type, buf_view(&maker->value), indicator_scheme(text), &maker->pattern);
    stix_indicator_id(reader->source.origin, type, buf_view(&maker->value), maker->id);
    rc = indicator_write(maker, buf_view(&maker->value), notes, reader->source.now_ms, reader->source.now_ms, err);
    if (rc < 0)
        return rc;
    struct import_item item = {
        .object = buf_view(&maker->object),
        .generated = true,
        .type = SPAN_LIT("indicator"),
        .id = span_str(maker->id),
        .ioc_type = type,
        .value = buf_view(&maker->value),
        .line = lines->line,
        .offset = lines->offset,
    };
    return reader->sink.item(reader->sink.ctx, &item, err);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct span strip_comment(struct span line, struct span *ret_comment)
{
    *ret_comment = (struct span){0};
    for (size_t i = 1; i < line.len; i++) {
        struct span rest = span_sub(line, i, line.len);
        bool slashes = span_starts(rest, SPAN_LIT("//"));
        if (!is_blank(line.data[i - 1]) || !(rest.data[0] == '#' || rest.data[0] == ';' || slashes))
            continue;
        *ret_comment = span_trim(span_sub(rest, slashes ? 2 : 1, rest.len));
        return span_trim(span_sub(line, 0, i));
    }
    return line;
}

/* ---- lines ---- */

static bool is_comment(struct span line)
{
    return line.len == 0 || strchr("#;!", line.data[0]) || span_starts(line, SPAN_LIT("//")) ||
           span_starts(line, SPAN_LIT("[Adblock"));
}

/* What every system's hosts file holds; nobody reports these. */
static bool is_usual_host(struct span name)
{
    static const char *const usual[] = {"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"};
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (span_is(name, usual[i]))
            return true;
    return span_starts(name, SPAN_LIT("ip6-"));
}

/* The next run of bytes that are not blank, from *pos on; empty at the end. */
static struct span next_word(struct span line, size_t *pos)
{
    while (*pos < line.len && is_blank(line.data[*pos]))
        ++*pos;
    size_t start = *pos;
    while (*pos < line.len && !is_blank(line.data[*pos]))
        ++*pos;
    return span_sub(line, start, *pos - start);
}

/* "0.0.0.0 evil.com www.evil.com": every name is a value. False if it is no line of a hosts file. */
static bool is_hosts_line(struct span line, size_t *ret_names)
{
    static const char *const sinks[] = {"0.0.0.0", "127.0.0.1", "::1", "::", "::0", "255.255.255.255", "fe80::1%lo0"};
    size_t pos = 0;
    struct span first = next_word(line, &pos);
    *ret_names = pos;
    for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
        if (span_is(first, sinks[i]))
            return next_word(line, &pos).len > 0;
    return false;
}

static int take_hosts(struct list_reader *list, struct span line, size_t pos, const struct indicator_notes *notes,
                      struct err *err)
{
    int rc = 0;
    for (struct span name; rc == 0 && (name = next_word(line, &pos)).len;)
        if (!is_usual_host(name))
            rc = emit_value(&list->base, &list->maker, &list->lines, name, notes, err);
    return rc;
}

/* "||evil.com^$third-party" and "|https://evil.com/x|", the notation of ad blockers. */
static struct span strip_adblock(struct span text)
{
    if (text.len == 0 || text.data[0] != '|')
        return text;
    while (text.len && text.data[0] == '|')
        text = span_sub(text, 1, text.len);
    text = span_sub(text, 0, span_find(text, '^'));
    return text.len && text.data[text.len - 1] == '|' ? span_sub(text, 0, text.len - 1) : text;
}

static struct span strip_quotes(struct span text)
{
    text = span_trim(text);
    uint8_t quote = text.len >= 2 ? text.data[0] : 0;
    if ((quote != '"' && quote != '\'') || text.data[text.len - 1] != quote)
        return text;
    struct span inside = span_sub(text, 1, text.len - 2);
    return span_find(inside, quote) == inside.len ? inside : text;
}

/* What stands before the first of these bytes, without quotes. */
static struct span column(struct span text, const char *ends)
{
    size_t len = 0;
    while (len < text.len && !strchr(ends, text.data[len]))
        len++;
    return strip_quotes(span_sub(text, 0, len));
}

static bool is_value(struct list_reader *list, struct span text)
{
    enum ioc_type type;
    struct err why;
    return ioc_canonical(IOC_NONE, text, &list->maker.value, &type, &why) == 0;
}

/*
 * The line up to its first blank if that is a value, else up to a comma or semicolon; else the whole line, to be reported.
 * A URL may hold commas, but what stands behind a blank is another column: with it the URL would be one that no log holds.
 */
static struct span choose_value(struct list_reader *list, struct span text)
{
    struct span word = column(text, " \t"), first = column(text, ",; \t");
    /* "1.2.3.4 - 1.2.3.9": the first address alone would be something else. */
    bool range = span_starts(span_trim(span_sub(text, first.len, text.len)), SPAN_LIT("-"));
    if (range || first.len == text.len) /* the usual line is one value: looked at once, by who takes it */
        return text;
    if (is_value(list, word))
        return word;
    return is_value(list, first) ? first : text;
}

static int take_list_line(struct import_reader *reader, struct span line, struct err *err)
{
    struct list_reader *list = (struct list_reader *)reader;
    struct span comment;
    size_t names;
    line = span_trim(line);
    if (is_comment(line))
        return 0;
    line = strip_comment(line, &comment);
    if (list->label.len == 0)
        source_label(reader->source.name, &list->label);
    struct indicator_notes notes = {.description = comment, .label = buf_view(&list->label)};
    if (is_hosts_line(line, &names))
        return take_hosts(list, line, names, &notes, err);
    struct span value = choose_value(list, strip_adblock(strip_quotes(line)));
    return emit_value(reader, &list->maker, &list->lines, value, &notes, err);
}

/* ---- the reader ---- */

static int list_feed(struct import_reader *reader, struct span bytes, struct err *err)
{
    return lines_feed(&((struct list_reader *)reader)->lines, bytes, err);
}

static int list_end(struct import_reader *reader, struct err *err)
{
    return lines_end(&((struct list_reader *)reader)->lines, err);
}

static void list_free(struct import_reader *reader)
{
    struct list_reader *list = (struct list_reader *)reader;
    lines_done(&list->lines);
    indicator_maker_done(&list->maker);
    buf_done(&list->label);
    free(list);
}

struct import_reader *read_list_new(void)
{
    static const struct reader_class class = {list_feed, list_end, list_free};
    struct list_reader *list = calloc(1, sizeof(*list));
    if (!list)
        return NULL;
    list->base.class = &class;
    lines_init(&list->lines, &list->base, take_list_line);
    indicator_maker_init(&list->maker);
    buf_init(&list->label, IMPORT_LINE_MAX);
    return &list->base;
}
