/*
 * Maltrail's trails: a value a line; "# Reference: URL" lines in front of a block of values tell where they come
 * from; the file's name is the family ("wannacry.txt").
 */
#include <stdlib.h>
#include <strings.h>

#include "security/read_impl.h"

#define REFERENCES_MAX 4  /* a block; the first ones, as a record should stay small */
#define REFERENCE_MAX 512 /* bytes of one; longer ones are left out */
#define ALIASES_MAX 256   /* bytes */

struct maltrail_reader {
    struct import_reader base;
    struct lines lines;
    struct indicator_maker maker;
    struct span references[REFERENCES_MAX];
    char reference_text[REFERENCES_MAX][REFERENCE_MAX];
    size_t reference_count;
    bool in_values; /* a value came behind the references: the next reference begins a new block */
    struct buf aliases, family, description;
};

/* What follows "# WORD" of a comment, for the few words that mean something; people misspell them. */
static bool comment_is(struct span comment, const char *word, struct span *ret_rest)
{
    size_t len = strlen(word);
    if (comment.len < len || strncasecmp((const char *)comment.data, word, len) != 0)
        return false;
    *ret_rest = span_trim(span_sub(comment, len, comment.len));
    if (ret_rest->len && ret_rest->data[0] == ':')
        *ret_rest = span_trim(span_sub(*ret_rest, 1, ret_rest->len));
    return true;
}

static struct span first_word(struct span text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != ' ' && text.data[len] != '\t')
        len++;
    return span_sub(text, 0, len);
}

static void take_comment(struct maltrail_reader *maltrail, struct span line)
{
    struct span rest;
    line = span_trim(span_sub(line, 1, line.len));
    if (comment_is(line, "Reference", &rest)) {
        rest = first_word(rest); /* what stands behind it is chat */
        if (maltrail->in_values)
            maltrail->reference_count = 0;
        maltrail->in_values = false;
        if (span_search(rest, SPAN_LIT("://")) == rest.len || rest.len > REFERENCE_MAX ||
            maltrail->reference_count == REFERENCES_MAX)
            return;
        char *text = maltrail->reference_text[maltrail->reference_count];
        memcpy(text, rest.data, rest.len);
        maltrail->references[maltrail->reference_count++] = span_of(text, rest.len);
    } else if (comment_is(line, "Aliases", &rest) && maltrail->aliases.len == 0) {
        buf_span(&maltrail->aliases, span_sub(rest, 0, ALIASES_MAX));
    }
}

/* "comment; aliases: a, b" */
static void make_description(struct maltrail_reader *maltrail, struct span comment)
{
    struct buf *out = &maltrail->description;
    buf_clear(out);
    buf_span(out, comment);
    if (maltrail->aliases.len) {
        buf_str(out, comment.len ? "; aliases: " : "aliases: ");
        buf_span(out, buf_view(&maltrail->aliases));
    }
}

static int take_trail_line(struct import_reader *reader, struct span line, struct err *err)
{
    struct maltrail_reader *maltrail = (struct maltrail_reader *)reader;
    struct span comment;
    line = span_trim(line);
    if (line.len == 0)
        return 0;
    if (line.data[0] == '#') {
        take_comment(maltrail, line);
        return 0;
    }
    if (maltrail->family.len == 0)
        source_label(reader->source.name, &maltrail->family);
    line = strip_comment(line, &comment);
    maltrail->in_values = true;
    make_description(maltrail, comment);
    struct indicator_notes notes = {
        .description = buf_view(&maltrail->description),
        .label = buf_view(&maltrail->family),
        .references = maltrail->references,
        .reference_count = maltrail->reference_count,
        .source_name = SPAN_LIT("Maltrail"),
    };
    return emit_value(reader, &maltrail->maker, &maltrail->lines, line, &notes, err);
}

static int maltrail_feed(struct import_reader *reader, struct span bytes, struct err *err)
{
    return lines_feed(&((struct maltrail_reader *)reader)->lines, bytes, err);
}

static int maltrail_end(struct import_reader *reader, struct err *err)
{
    return lines_end(&((struct maltrail_reader *)reader)->lines, err);
}

static void maltrail_free(struct import_reader *reader)
{
    struct maltrail_reader *maltrail = (struct maltrail_reader *)reader;
    lines_done(&maltrail->lines);
    indicator_maker_done(&maltrail->maker);
    buf_done(&maltrail->aliases);
    buf_done(&maltrail->family);
    buf_done(&maltrail->description);
    free(maltrail);
}

struct import_reader *read_maltrail_new(void)
{
    static const struct reader_class class = {maltrail_feed, maltrail_end, maltrail_free};
    struct maltrail_reader *maltrail = calloc(1, sizeof(*maltrail));
    if (!maltrail)
        return NULL;
    maltrail->base.class = &class;
    lines_init(&maltrail->lines, &maltrail->base, take_trail_line);
    indicator_maker_init(&maltrail->maker);
    buf_init(&maltrail->aliases, ALIASES_MAX);
    buf_init(&maltrail->family, IMPORT_LINE_MAX);
    buf_init(&maltrail->description, IMPORT_LINE_MAX + ALIASES_MAX + 16);
    return &maltrail->base;
}
