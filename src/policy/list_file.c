/* Lists as other programs write them. */
#include <stdlib.h>

#include "base/utf8.h"
#include "policy/list.h"

#define COLUMNS_MAX 32
#define FIELD_MAX 4096 /* bytes of a field that is looked at */

struct reading {
    struct arena *arena;
    struct list *list;
    struct list_import *import;
    size_t cap;
    unsigned line;
    int failed; /* ERR_MEMORY, ERR_LIMIT */
};

static void skip(struct reading *r)
{
    r->import->skipped++;
    if (r->import->first_bad == 0)
        r->import->first_bad = r->line;
}

static bool grow(struct reading *r)
{
    if (r->list->count < r->cap)
        return true;
    size_t cap = r->cap ? 2 * r->cap : 256;
    struct list_item *grown = arena_array(r->arena, cap, sizeof(*grown));
    if (!grown) {
        r->failed = ERR_MEMORY;
        return false;
    }
    if (r->list->count > 0)
        memcpy(grown, r->list->items, r->list->count * sizeof(*grown));
    r->list->items = grown;
    r->cap = cap;
    return true;
}

/* What is a line within, cut to what may stand in one. */
static const char *one_line(struct reading *r, struct span text, size_t max)
{
    uint8_t *out = arena_alloc(r->arena, max + 1);
    size_t len = 0;
    if (!out) {
        r->failed = ERR_MEMORY;
        return "";
    }
    for (size_t pos = 0; pos < text.len && utf8_valid(text);) {
        size_t begin = pos;
        uint32_t point = utf8_next(text, &pos);
        bool blank = point < 0x20 || point == 0x7f;
        if (len + (blank ? 1 : pos - begin) > max)
            break;
        if (blank)
            out[len++] = ' ';
        else
            memcpy(out + len, text.data + begin, pos - begin), len += pos - begin;
    }
    struct span trimmed = span_trim(span_of(out, len));
    return trimmed.len > 0 ? arena_strz(r->arena, trimmed) : "";
}

static void add(struct reading *r, enum list_item_type type, struct span subject, struct span reason)
{
    struct err ignored = {0};
    struct list_item item = {.type = type,
                             .subject = one_line(r, subject, LIST_SUBJECT_MAX),
                             .label = "",
                             .reason = one_line(r, reason, LIST_REASON_MAX)};
    if (r->failed || !item.subject || !item.reason) {
        r->failed = ERR_MEMORY;
        return;
    }
    if (subject.len > LIST_SUBJECT_MAX || list_item_check(&item, &ignored) < 0)
        skip(r);
    else if (r->list->count == LIST_ITEMS_MAX)
        r->failed = ERR_LIMIT;
    else if (grow(r))
        r->list->items[r->list->count++] = item;
}

/* ---- an item a line ---- */

static void read_lines(struct reading *r, struct span text, enum list_item_type type)
{
    for (; text.len > 0 && !r->failed; r->line++) {
        size_t end = span_find(text, '\n');
        struct span line = span_trim(span_sub(text, 0, end));
        text = span_sub(text, end + 1, text.len);
        if (line.len == 0 || line.data[0] == '#')
            continue;
        size_t space = span_find(line, ' ');
        struct span reason = span_trim(span_sub(line, space, line.len));
        if (reason.len > 0 && reason.data[0] == '#')
            reason = span_trim(span_sub(reason, 1, reason.len));
        add(r, type, span_sub(line, 0, space), reason);
    }
}

/* ---- CSV, RFC 4180 ---- */

/* One field, appended to `out` as far as it may count. True: another one follows in the row. */
static bool read_field(struct reading *r, struct span *text, struct buf *out)
{
    bool quoted = text->len > 0 && text->data[0] == '"';
    size_t pos = quoted ? 1 : 0;
    for (; pos < text->len; pos++) {
        uint8_t c = text->data[pos];
        if (quoted && c == '"') {
            if (pos + 1 == text->len || text->data[pos + 1] != '"') {
                quoted = false;
                continue;
            }
            pos++;
        } else if (!quoted && (c == ',' || c == '\n')) {
            break;
        }
        r->line += c == '\n';
        if (out->len < FIELD_MAX)
            buf_byte(out, c);
    }
    bool more = pos < text->len && text->data[pos] == ',';
    r->line += pos < text->len && text->data[pos] == '\n';
    *text = span_sub(*text, pos + 1, text->len);
    return more;
}

/* Fields of one row; those behind COLUMNS_MAX are passed. False: the text is at its end. */
static bool read_row(struct reading *r, struct span *text, struct buf *room, struct span fields[COLUMNS_MAX],
                     size_t *ret_count)
{
    size_t begin[COLUMNS_MAX + 1] = {0}, count = 0;
    buf_clear(room);
    if (text->len == 0)
        return false;
    for (bool more = true; more;) {
        more = read_field(r, text, room);
        if (count < COLUMNS_MAX)
            begin[++count] = room->len;
        else
            buf_cut(room, begin[COLUMNS_MAX]);
    }
    if (room->failed)
        r->failed = ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        fields[i] = span_trim(span_sub(buf_view(room), begin[i], begin[i + 1] - begin[i]));
    *ret_count = count;
    return true;
}

static size_t column(const struct span *names, size_t count, const char *wanted)
{
    for (size_t i = 0; i < count; i++) {
        struct span name = names[i];
        if (name.len > 0 && name.data[0] == '#')
            name = span_sub(name, 1, name.len);
        if (span_is(name, wanted))
            return i;
    }
    return SIZE_MAX;
}

static struct span at(const struct span *fields, size_t count, size_t i)
{
    return i < count ? fields[i] : (struct span){0};
}

/* "suspend: spam" from severity and comment. */
static struct span reason_of(struct span severity, struct span comment, struct buf *out)
{
    buf_clear(out);
    buf_span(out, severity);
    if (severity.len > 0 && comment.len > 0)
        buf_str(out, ": ");
    buf_span(out, comment);
    return buf_view(out);
}

static void lower(struct span field)
{
    for (size_t i = 0; i < field.len; i++) {
        uint8_t *c = (uint8_t *)(uintptr_t)field.data + i;
        *c = (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
}

static void read_csv(struct reading *r, struct span text)
{
    struct span fields[COLUMNS_MAX];
    struct buf room, reason;
    size_t count = 0;
    buf_init(&room, COLUMNS_MAX * (FIELD_MAX + 1));
    buf_init(&reason, 2 * FIELD_MAX + 8);
    read_row(r, &text, &room, fields, &count);
    size_t domain = column(fields, count, "domain"), severity = column(fields, count, "severity"),
           comment = column(fields, count, "public_comment");
    for (unsigned line = r->line; !r->failed && read_row(r, &text, &room, fields, &count); line = r->line) {
        unsigned next = r->line;
        r->line = line;
        struct span name = at(fields, count, domain), how = at(fields, count, severity);
        lower(name);
        if (span_is(how, "noop"))
            skip(r);
        else if (name.len > 0 || count > 1)
            add(r, LIST_MEMBER, name, reason_of(how, at(fields, count, comment), &reason));
        r->line = next;
    }
    buf_done(&room);
    buf_done(&reason);
}

static bool is_csv(struct span text)
{
    struct span line = span_trim(span_sub(text, 0, span_find(text, '\n')));
    struct span name = span_trim(span_sub(line, 0, span_find(line, ',')));
    if (name.len > 0 && name.data[0] == '#')
        name = span_sub(name, 1, name.len);
    return span_is(name, "domain") || span_search(line, SPAN_LIT(",domain")) < line.len;
}

/* ---- any ---- */

int list_read_file(struct span text, enum list_item_type type, struct arena *arena, struct list *out,
                   struct list_import *ret, struct err *err)
{
    struct reading r = {.arena = arena, .list = out, .import = ret, .line = 1};
    *ret = (struct list_import){0};
    if (span_starts(text, SPAN_LIT("\xef\xbb\xbf")))
        text = span_sub(text, 3, text.len);
    if (span_starts(span_trim(text), SPAN_LIT("{")))
        return list_parse_body(text, arena, out, err);
    out->items = NULL;
    out->count = 0;
    if (is_csv(text))
        read_csv(&r, text);
    else
        read_lines(&r, text, type);
    if (r.failed == ERR_LIMIT)
        return err_set(err, ERR_LIMIT, "line %u: more than %d items", r.line, LIST_ITEMS_MAX);
    if (r.failed)
        return err_memory(err);
    if (out->count == 0)
        return err_set(err, ERR_SYNTAX, "nothing in it is an item; %zu lines are none, the first is line %u",
                       ret->skipped, ret->first_bad);
    out->count = list_items_sort(out->items, out->count);
    return 0;
}
