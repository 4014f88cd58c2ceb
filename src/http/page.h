/*
 * The frame of every page, and HTML writing that cannot forget to escape. Pages work without scripts; a page's own
 * script only makes it quicker. Texts come from gettext PO files in po/, compiled in: TR(page, "English text").
 *
 * A capability speaks on Home by a page route "/home/NAME" whose handler writes a fragment (page_fragment) of page_count
 * items: Home asks each of them in turn.
 */
#ifndef TONGZHOU_HTTP_PAGE_H
#define TONGZHOU_HTTP_PAGE_H

#include "http/route.h"

struct page {
    const struct http_request *request;
    struct http_reply *reply;
    struct buf *out; /* = &reply->body */
    const char *lang;
    const char *cell_end; /* of the table cell that is open */
};

/* Translation of a source text for the page's language, or the text itself. */
const char *page_text(const struct page *page, const char *english);
#define TR(page, english) page_text(page, english)
/* The same by number: `one` for 1, else `many`. */
const char *page_plural(const struct page *page, uint64_t number, const char *one, const char *many);
#define TRN(page, number, one, many) page_plural(page, number, one, many)
/* A text in a table that TR translates later. */
#define TR_MARK(english) english

/* Begin: doctype, head, navigation with `section` marked ("home", "members", "intelligence", ... or ""). Title is a
 * source text, translated here, or somebody's name. End: footer with the language switch. Headers of the reply are set,
 * status stays. */
void page_begin(struct page *page, const struct http_request *request, struct http_reply *reply, const char *section,
                const char *title);
int page_end(struct page *page, struct err *err);

/* A page without frame: for scripts to put into one. Ends with page_end_fragment. */
void page_fragment(struct page *page, const struct http_request *request, struct http_reply *reply);
int page_end_fragment(struct page *page, struct err *err);

/* Trusted markup of ours, as is. */
void page_raw(struct page *page, const char *html);
/* printf for trusted markup with harmless arguments (numbers, our own words); never for others' text. */
void page_fmt(struct page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Escaped text; control and bidirectional characters made visible; inside <bdi> with page_bdi. */
void page_esc(struct page *page, struct span text);
void page_bdi(struct page *page, struct span text);
void page_pre(struct page *page, struct span text);   /* escaped, new lines and tabs as they are */
void page_url(struct page *page, struct span text);   /* percent-encoded for one path segment or query value */
void page_time(struct page *page, int64_t ms);        /* <time datetime> in words of the language */
void page_ago(struct page *page, int64_t ms);         /* <time datetime>: "5 minutes ago", seen from request->now_ms */
void page_number(struct page *page, uint64_t number); /* grouped digits */
void page_bytes(struct page *page, uint64_t bytes);   /* "1.3 MB" */
/* ` lang="..."` for text of others, if the tag has the form of one. */
void page_lang(struct page *page, struct span tag);

/* The hidden field without which nothing that a signed-in person sends is taken; first in every form of method post. */
void page_form_token(struct page *page);

/* ---- sentences with something in them ---- */

enum page_slot_type { SAY_NUMBER, SAY_BYTES, SAY_TIME, SAY_AGO, SAY_TEXT, SAY_ORIGIN };

struct page_slot {
    enum page_slot_type type;
    uint64_t number;  /* SAY_NUMBER, SAY_BYTES */
    int64_t ms;       /* SAY_TIME, SAY_AGO */
    struct span text; /* SAY_TEXT: others' words, written as page_bdi; SAY_ORIGIN: linked */
};

static inline struct page_slot say_number(uint64_t number)
{
    return (struct page_slot){.type = SAY_NUMBER, .number = number};
}
static inline struct page_slot say_bytes(uint64_t bytes)
{
    return (struct page_slot){.type = SAY_BYTES, .number = bytes};
}
static inline struct page_slot say_time(int64_t ms)
{
    return (struct page_slot){.type = SAY_TIME, .ms = ms};
}
static inline struct page_slot say_ago(int64_t ms)
{
    return (struct page_slot){.type = SAY_AGO, .ms = ms};
}
static inline struct page_slot say_text(struct span text)
{
    return (struct page_slot){.type = SAY_TEXT, .text = text};
}
static inline struct page_slot say_origin(struct span origin)
{
    return (struct page_slot){.type = SAY_ORIGIN, .text = origin};
}

#define SAY(...)                                                                                                       \
    (const struct page_slot[]){__VA_ARGS__}, sizeof((const struct page_slot[]){__VA_ARGS__}) / sizeof(struct page_slot)

/* A translated text in which {1}, {2}, ... stand for slots, in whatever order the language wants them:
 *   page_sayf(page, TR(page, "First said by {1}, {2}."), SAY(say_origin(who), say_time(when)));  */
void page_sayf(struct page *page, const char *text, const struct page_slot *slots, size_t count);
/* A translated text as it is: page_say(page, "No records yet."). */
void page_say(struct page *page, const char *english);

/* ---- common pieces ---- */

void page_origin_link(struct page *page, struct span origin); /* short form, linked to its member page */
void page_record_link(struct page *page, struct span origin, uint64_t index, struct span text);
void page_origin_path(struct page *page, const char *prefix, struct span origin); /* prefix/NAME/HASH, encoded */

/* An item of a list of numbers: "1,826 indicators", linked; `words` is translated by the caller. */
void page_count(struct page *page, uint64_t number, const char *words, const char *path);

/*
 * A table of others' sayings: `headings` are source texts, one a column. The first cell of a row names it. On a narrow
 * screen a row becomes a block of its own in which each cell carries its heading.
 *   page_table(page, headings, 2);
 *   page_table_row(page); ...; page_table_cell(page, headings[1]); ...; page_table_row_end(page);
 *   page_table_end(page);
 */
void page_table(struct page *page, const char *const *headings, size_t count);
void page_table_row(struct page *page);
void page_table_cell(struct page *page, const char *heading);
void page_table_row_end(struct page *page);
void page_table_end(struct page *page);

/* JSON as people read it, indented, in a <pre>; cut with a note after about `max` bytes. False, and nothing written, if
 * `text` is no JSON. */
bool page_json(struct page *page, struct span text, size_t max);

#endif
