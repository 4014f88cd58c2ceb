/* From records to the tables of security; private to security. */
#ifndef TONGZHOU_SECURITY_FOLD_H
#define TONGZHOU_SECURITY_FOLD_H

#include "security/intel.h"

#define HASH_STIX_ID 'i' /* type byte of index_hash for security_object.id_hash */

/* meta counter that changes with security_object and security_ioc: a compiled set is of one value of it. */
#define INDICATOR_COUNTER "indicators"

/* security_object.type, as STIX 2.1 names them; 0 any other. Stored: never reuse a number. */
enum stix_type_code { STIX_OTHER = 0, STIX_INDICATOR = 1 };

/* Hash of a body as security_object keeps it and intel_by_id gives it: first 8 bytes of its SHA-256. */
int64_t security_body_hash(struct span body);

/* Append text in which each character of a script without spaces stands alone: Han, kana, Hangul. So a phrase query
 * finds any part of a Chinese sentence (measured: 100 % of two-character words; trigrams found none). */
void security_split_text(struct span text, struct buf *out);

int security_apply(struct fold *fold, const struct fold_record *record, struct err *err);
int security_forget(struct fold *fold, int64_t ref, struct err *err);
int security_flush(struct fold *fold, struct err *err);
void security_discard(struct fold *fold);
int security_scrub(struct index *index, struct err *err);
void security_title(const struct record *record, struct arena *arena, struct buf *out);
uint64_t security_score(const struct record *record);
int security_check(const struct record *record, struct err *err);

extern const char *const security_schema;
extern const char *const security_tables[];

/* ---- collected in one batch, written by security_flush ---- */

struct object_row {
    int64_t id_hash, ref, version_ms, valid_until_ms, body_hash;
    uint8_t type, score;
    bool revoked, has_valid_until, has_score, shown;
};

struct ioc_row {
    uint64_t head;     /* the value's first 8 bytes as a number, zeros behind it: sorts as the value does */
    struct span value; /* in the batch's arena */
    int64_t ref;
    uint8_t type;
    bool shown;
};

struct label_row {
    struct span label;
    int64_t ref;
};

struct text_row {
    struct span name, words;
    int64_t ref;
    bool shown;
};

struct rows {
    void *data;
    size_t count, cap, size; /* size: of one row */
};

struct security_fold {
    struct json_scanner *scanner;
    struct rows objects, iocs, labels, texts, forgotten; /* forgotten: int64_t refs */
};

/* Write all that is collected, sorted by primary key. */
int security_write(struct fold *fold, struct security_fold *state, struct err *err);

#endif
