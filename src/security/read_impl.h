/* What the readers of import.h share; private to them. */
#ifndef TONGZHOU_SECURITY_READ_IMPL_H
#define TONGZHOU_SECURITY_READ_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/when.h"
#include "security/import.h"

/* ---- one format ---- */

struct import_reader; /* each format has its own behind this head */

struct reader_class {
    int (*feed)(struct import_reader *reader, struct span bytes, struct err *err);
    int (*end)(struct import_reader *reader, struct err *err);
    void (*free)(struct import_reader *reader);
};

struct import_reader {
    const struct reader_class *class;
    struct import_source source;
    struct import_sink sink;
    bool cut;
};

/* NULL: no memory. The head is filled in by import_reader_new. */
struct import_reader *read_list_new(void);
struct import_reader *read_maltrail_new(void);
struct import_reader *read_stix_new(void);
struct import_reader *read_misp_new(void);

int reader_bad(struct import_reader *reader, uint64_t line, uint64_t offset, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * As reader_bad for what json_scan said (`why`) of an object that begins at `line` and `offset`: both become those of
 * the byte in the source that it names.
 */
int reader_bad_json(struct import_reader *reader, struct span object, uint64_t line, uint64_t offset,
                    const struct err *why, struct err *err);

/* ---- lines (read_lines.c) ---- */

/* Cuts input into lines. A line comes without its newline, CR and the byte order mark of the first one. */
struct lines {
    struct import_reader *reader;
    int (*each)(struct import_reader *reader, struct span line, struct err *err);
    struct buf partial;
    bool skipping;         /* inside a line that is too long */
    uint64_t line, offset; /* of the line at hand, from 1 and from 0 */
    uint64_t fed;          /* bytes so far */
};

void lines_init(struct lines *lines, struct import_reader *reader,
                int (*each)(struct import_reader *reader, struct span line, struct err *err));
void lines_done(struct lines *lines);
int lines_feed(struct lines *lines, struct span bytes, struct err *err);
int lines_end(struct lines *lines, struct err *err);

/* ---- indicators that we make (read_indicator.c) ---- */

/* What may stand in an indicator besides its value; all of it optional. Long text is cut. */
struct indicator_notes {
    struct span name; /* default: the value */
    struct span description;
    struct span label;             /* the family or list that it belongs to */
    const struct span *references; /* URLs */
    size_t reference_count;
    struct span source_name; /* of the references */
    struct span external_id; /* a last reference without URL */
};

/* Reusable memory for making one after another. */
struct indicator_maker {
    struct buf object, pattern, value;
    char id[STIX_ID_MAX];
    int64_t when_ms;              /* of the text in `when` */
    char when[WHEN_TEXT_LEN + 1]; /* "": none yet */
};

void indicator_maker_init(struct indicator_maker *maker);
void indicator_maker_done(struct indicator_maker *maker);

/* Scheme that `text` begins with: "https", "ftp", else "http": canonical URLs have none, but patterns need one. */
const char *indicator_scheme(struct span text);

/* Append the STIX pattern that matches exactly this canonical value. */
void indicator_pattern(enum ioc_type type, struct span value, const char *scheme, struct buf *out);

/* maker->object becomes the indicator object with id and pattern of the maker; spans are any UTF-8. */
int indicator_write(struct indicator_maker *maker, struct span name, const struct indicator_notes *notes,
                    int64_t created_ms, int64_t modified_ms, struct err *err);

/*
 * maker->object becomes the STIX observable of one value (domain-name, ipv4-addr, url, email-addr, file), its id by
 * STIX 2.1 section 2.9. False for types without one.
 */
bool observable_write(enum ioc_type type, struct span value, const char *scheme, struct indicator_maker *maker);

/* ---- one value of a line (read_list.c) ---- */

/*
 * Take one value as an indicator and hand it to the sink; what is no indicator goes to `bad`.
 *   maker  its `value` is used
 */
int emit_value(struct import_reader *reader, struct indicator_maker *maker, const struct lines *lines, struct span text,
               const struct indicator_notes *notes, struct err *err);

/* What to call a list: "wannacry" of "trails/malware/wannacry.txt", "apt stuxnet" of "apt_stuxnet.txt". */
void source_label(struct span name, struct buf *out);

/* Without a comment behind the value (white space, then # or // or ;); *ret_comment is the comment's text. */
struct span strip_comment(struct span line, struct span *ret_comment);

/* ---- JSON objects out of a stream (read_split.c) ---- */

/*
 * Finds the objects of a stream without believing it: top-level objects one after another (JSON lines) or in an
 * array, and those inside an array named `member` of a top-level object (a bundle's "objects"). Braces are counted
 * outside of strings only; a newline ends a broken string. So one bad object does not take the next ones with it.
 */
enum split_kind {
    SPLIT_ELEMENT, /* an object inside the array */
    SPLIT_ALONE,   /* a top-level object without that array */
    SPLIT_FRAME,   /* a top-level object that had the array: its bytes with the array emptied; for its skeleton */
};

struct split {
    const char *member;
    size_t object_max;
    int (*object)(void *ctx, enum split_kind kind, struct span bytes, uint64_t line, uint64_t offset, struct err *err);
    int (*bad)(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err);
    void *ctx;
    bool cut; /* after the end: it came inside an object or a list */
    struct split_state *state;
};

int split_init(struct split *split, struct err *err); /* after the caller has set the fields above */
void split_done(struct split *split);
int split_feed(struct split *split, struct span bytes, struct err *err);
int split_end(struct split *split, struct err *err);

#endif
