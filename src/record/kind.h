/*
 * Kinds: which stand inline (constitutional, PROTOCOL.md's closed list), how each is checked, and where an
 * entry's meaning is decided once: every reader of logs classifies entries through here.
 */
#ifndef TONGZHOU_RECORD_KIND_H
#define TONGZHOU_RECORD_KIND_H

#include "record/record.h"

struct kind {
    const char *name;
    /* Body and header rules of this kind; NULL: anything. ERR_SYNTAX, ERR_LIMIT, ERR_VERIFY. */
    int (*check)(const struct record *record, struct err *err);
};

/* The entry of PROTOCOL.md's closed list, or NULL for content kinds. */
const struct kind *kind_find(struct span name);

/* Run the kind's check; 0 for kinds without one. */
int kind_check(const struct record *record, struct err *err);

/* On PROTOCOL.md's closed list? (Also kinds reserved there that this version does not fold.) */
bool kind_constitutional(struct span kind);

enum entry_class {
    ENTRY_SEAL,    /* a content record's commitment */
    ENTRY_INLINE,  /* a constitutional record that stands in full */
    ENTRY_UNKNOWN, /* anything else, misplaced kinds too: mirrored, shown raw, never folded */
};

/* Cheap: looks at the first line only (at all 89 bytes of a seal). Any bytes are some class. */
enum entry_class entry_classify(struct span entry);

/* First line's kind, or an empty span. */
struct span entry_kind(struct span entry);

/*
 * May a payload of this kind be folded? False for constitutional kinds (misplaced), "seal", or hold.
 * The mirror of it for inline entries is entry_classify() == ENTRY_INLINE and !hold.
 */
bool payload_foldable(const struct record *record);

#endif
