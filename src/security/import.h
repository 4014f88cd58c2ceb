/*
 * Import: text of others → security/stix records. Readers are pure (bytes in, items out); one writer turns items
 * into records in batches.
 */
#ifndef TONGZHOU_SECURITY_IMPORT_H
#define TONGZHOU_SECURITY_IMPORT_H

#include "security/intel.h"
#include "state/author.h"

enum import_format { IMPORT_AUTO, IMPORT_STIX, IMPORT_LIST, IMPORT_MALTRAIL, IMPORT_MISP };
enum import_format import_format_parse(struct span word, bool *ret_known); /* "auto","stix","list","maltrail","misp" */

/* Recognise by the first bytes (up to 64 kB given) and the file's name. */
enum import_format import_guess(struct span head, struct span filename);

/* ---- readers ---- */

/* One thing read. Spans are valid for the call. */
struct import_item {
    struct span object;   /* STIX object: original bytes (STIX) or generated (lists, MISP) */
    bool generated;       /* made by us: its id is deterministic */
    struct span type, id; /* of the STIX object */
    bool has_modified;
    int64_t modified_ms;
    enum tlp marking; /* narrowest marking that it carries; TLP_NONE: none, TLP_RED also for what cannot be resolved */
    const char *marking_why; /* for the refusal: "object_marking_refs: marking-definition--... cannot be resolved" */
    enum ioc_type ioc_type;  /* for generated indicators of one value; IOC_NONE otherwise */
    struct span value;
    uint64_t line, offset; /* position in the source: of an object's first byte, of a line's first byte */
};

struct import_sink {
    int (*item)(void *ctx, const struct import_item *item, struct err *err);
    /* A line or object that is wrong; the reader goes on. Position as above, reason escaped. */
    int (*bad)(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err);
    void *ctx;
};

struct import_source {
    struct span origin; /* of the reporting member: namespace of deterministic ids */
    int64_t now_ms;     /* created/modified of generated objects */
    struct span name;   /* file name for messages and as the source's name */
    /*
     * What a marking definition that is not in this source restricts to, as known elsewhere (the log): TLP_NONE for a
     * statement. ERR_NOTFOUND if unknown there, too. NULL: nothing is known elsewhere.
     */
    int (*marking)(void *ctx, struct span id, enum tlp *ret, struct err *err);
    void *marking_ctx;
};

/*
 * A reader takes input in pieces of any size, cut anywhere; the items are the same for every cut. `source` and `sink`
 * are copied, the spans in `source` are borrowed until the reader is freed. Memory: one line (IMPORT_LINE_MAX), one
 * object (IMPORT_OBJECT_MAX; a MISP event: JSON_TEXT_MAX), and for STIX the objects that wait for a marking
 * definition that comes behind them (IMPORT_WAITING_BYTES).
 * Errors of feed and end are those of the sink, ERR_MEMORY, or the source's `marking`: never of the input.
 */
struct import_reader;
struct import_reader *
import_reader_new(enum import_format format, const struct import_source *source,
                  const struct import_sink *sink); /* format is not IMPORT_AUTO; NULL: no memory */
int import_reader_feed(struct import_reader *reader, struct span bytes, struct err *err);
int import_reader_end(struct import_reader *reader, struct err *err);
bool import_reader_cut(const struct import_reader *reader); /* after the end: it came inside an object or a list */
void import_reader_free(struct import_reader *reader);

#define IMPORT_WAITING_BYTES (64u << 20) /* bytes of STIX objects whose marking is not known yet: one commit */

/* ---- the writer ---- */

struct import_options {
    int64_t number;        /* log to write to (own or local); 0 in a dry run: a local log that is still to be made */
    enum tlp tlp;          /* what was asked; TLP_NONE with a local log: keeps each object's own marking */
    const struct span *to; /* whom it is for, beside what `tlp` says */
    size_t to_count;
    bool dry_run;
    bool fold_beside; /* a large import is folded by a thread of its own meanwhile: for who has no other that does */
    int64_t now_ms;
    /*
     * Called for each refused, bad, conflicting item, also in dry runs; may be NULL. `what` is "refused", "bad" or
     * "conflict"; `source` names the member of an archive, empty for a plain source; line 0 is a whole file's.
     * A negative result (an errcode) ends the run with it.
     */
    int (*report)(void *ctx, const char *what, struct span source, uint64_t line, uint64_t offset, const char *reason);
    /* Called behind every commit with the records that are in the log now; an error ends the run with it. May be NULL. */
    int (*written)(void *ctx, uint64_t first, size_t count, struct err *err);
    /* Called now and then with bytes done; may be NULL. */
    void (*progress)(void *ctx, uint64_t bytes, uint64_t records);
    void *ctx;
    uint64_t text_max; /* bytes of text in it, unpacked, more is ERR_LIMIT; 0: what an archive may unpack to */
    /* Asked for every 256 kB of text: a negative result ends the run with it; may be NULL. */
    int (*go_on)(void *ctx, struct err *err);
    /*
     * Feed number, 0: none. Items are remembered, and what vanished is marked. What cannot be read to its end, cut off or
     * damaged, is then an error: what would have come behind has not vanished.
     */
    int64_t feed;
};

struct import_result {
    uint64_t bytes;   /* read, before unpacking */
    uint64_t items;   /* well-formed things found: added + duplicates + refused */
    uint64_t added;   /* records written for them; after an error only those that are in the log */
    uint64_t updated; /* of those: new versions, or for a wider circle, of what the log said already */
    uint64_t duplicates;
    uint64_t refused;     /* marked narrower than asked, or in conflict with what the log says */
    uint64_t bad;         /* lines and objects that could not be read */
    uint64_t vanished;    /* of a feed: gone since the last fetch, marked so by a record each */
    uint64_t first_index; /* of the first record written; UINT64_MAX: none */
};

/*
 * Import one source. `read` fills a buffer: bytes read, 0 at the end, or a negative errcode.
 * Batches of IMPORT_BATCH_RECORDS, each one commit; what was acknowledged stays when a later batch fails.
 * Compressed files (gzip, xz, zstd, bzip2) and archives (tar, zip) are unpacked on the way, each member read as a file
 * of its own; members that are no data (programs, licences, read-me files) are passed over.
 * The index must be up to date for duplicates: the caller runs index_update before; this runs it after.
 *
 * What counts as known: the same id with the same bytes is a duplicate, and so is what we made ourselves from the same
 * value (unless it was marked as vanished or revoked: then a new version). What only a narrower circle than asked was
 * told, or others than those who are named now, is no duplicate: it is added once more. The same id with a newer `modified` is an
 * update; an older one is a duplicate. The same id and `modified` with other bytes is refused as a conflict.
 * Errors: of `read`, of `go_on`, of the store, ERR_USAGE for tlp TLP_NONE with a log that is not local, ERR_SYNTAX for a source
 * in no format that we know, ERR_LIMIT for more than 67 million things in one source.
 */
int import_run(struct store *store, struct index *index, enum import_format format, struct span name,
               int64_t (*read)(void *ctx, uint8_t *out, size_t max, struct err *err), void *read_ctx,
               const struct import_options *options, struct import_result *ret, struct err *err);

#endif
