/*
 * What the security capability knows of STIX objects and indicators, and how the rest asks it.
 * Tables:
 *   security_object  one row a STIX object version: hash of its id, version, revoked, valid_until, score, hash of its bytes
 *   security_ioc     one row an observable value and record, keyed by type and value
 *   security_label   one row a label and record: the family that a list's line belongs to
 *   security_text    FTS5 over names, descriptions, aliases and external ids of objects that are not made from lists,
 *                    for what the public may see; security_text_held for what it may not
 * Texts and names themselves are read from the payloads: what is erased there is gone from every answer.
 */
#ifndef TONGZHOU_SECURITY_INTEL_H
#define TONGZHOU_SECURITY_INTEL_H

#include "base/json.h"
#include "index/view.h"
#include "sweep/sweep.h"

extern const struct capability security_capability;

#define STIX_TYPE "application/stix+json;version=2.1"
#define STIX_KIND "security/stix"

/* ---- reading one STIX object: pure ---- */

struct stix_object {
    /* .data NULL: absent; unescaped, in the arena or the source */
    struct span type, id, name, description, pattern, pattern_type;
    bool has_created, has_modified, revoked, has_valid_until, has_confidence;
    unsigned confidence; /* 0..100 */
    int64_t created_ms, modified_ms, valid_until_ms;
    const struct span *markings; /* object_marking_refs and granular ones */
    size_t marking_count;
    const struct span *labels, *aliases, *external_ids; /* external_ids: of external_references, e.g. T0806 */
    size_t label_count, alias_count, external_id_count;
    enum tlp marking_tlp; /* for marking-definition objects: what it defines; TLP_NONE: no TLP */
    bool is_statement;    /* marking-definition of type statement */
};

/* `tree` is of json_scan. ERR_SYNTAX names what a STIX 2.1 (or 2.0) object must have and lacks. */
int stix_read(const struct json_tree *tree, struct arena *arena, struct stix_object *out, struct err *err);

/* Predefined TLP marking (TLP 1 and 2 ids); TLP_NONE if it is none of them. */
enum tlp stix_predefined_tlp(struct span marking_id);

/*
 * May the object in `body` be said to this circle? Only predefined markings are understood: the import knows those that
 * a file or a log defines.
 * Errors: ERR_SYNTAX, ERR_LIMIT no STIX object; ERR_USAGE marked narrower, or by something that cannot be resolved.
 */
int stix_check_said(struct span body, enum tlp tlp, struct err *err);

/*
 * Values that alone make the pattern match: comparisons with =, IN or ISSUBSET, joined to others by OR only, in
 * observation expressions joined by OR only. A value that counts only together with a second fact (AND, FOLLOWEDBY,
 * NOT, qualifiers) is no indicator and is not given. Two ANDs make no second fact: `..._ref.type = 'ipv4-addr'` beside
 * an address only repeats what it is, and `dst_port = 443` beside a `dst_ref` address makes the two one IOC_IPV4_PORT.
 *   each  canonical value (ioc_canonical); called after the whole pattern has been read
 * 0 also for patterns that give none; ERR_SYNTAX for what is no pattern, ERR_LIMIT for one too deep or with too many
 * values.
 */
int stix_pattern_values(struct span pattern,
                        int (*each)(void *ctx, enum ioc_type type, struct span value, struct err *err), void *ctx,
                        struct err *err);

/* "indicator--...": UUIDv5 over "TYPE:VALUE" in the namespace UUIDv5(URL namespace, ORIGIN). Duplicates are duplicates
 * everywhere. */
#define STIX_ID_MAX 128
void stix_indicator_id(struct span origin, enum ioc_type type, struct span value, char out[STIX_ID_MAX]);

/* "bundle--...": UUIDv5 over a hash of all that is in it. */
void stix_bundle_id(const uint8_t content_hash[32], char out[STIX_ID_MAX]);

/* ---- asking ---- */

struct intel_row {
    int64_t ref, time_ms, modified_ms;
    const char *origin; /* reporter */
    const char *stix_type, *stix_id;
    const char *name;       /* of the object, or the indicator's value */
    enum ioc_type ioc_type; /* IOC_NONE for objects found by text */
    const char *value;
    bool current;    /* newest version of its id in its log, not revoked, valid */
    bool superseded; /* its log has a newer version of this id */
};

/*
 * Search as one types: exact values and what stands above them (parent domains, networks, a URL's host), STIX ids,
 * values by prefix, labels by prefix, words of names and descriptions. Of a value a row for each reporter.
 * Visible rows only, at most `max` and SEARCH_RESULTS_MAX; in that order, each part in canonical order. Once a question
 * has read 128 MiB, records longer than VIEW_BRIEF_MAX are passed over, and *ret_passed_over says so.
 */
int intel_search(const struct view *view, struct span text, size_t max,
                 int (*each)(void *ctx, const struct intel_row *row, struct err *err), void *ctx, bool *ret_passed_over,
                 struct err *err);

/* What visible records say of one canonical value, in canonical order (time, origin, index): provenance. At most the
 * 4,096 that came first here; long records as in intel_search. */
int intel_value(const struct view *view, enum ioc_type type, struct span value,
                int (*each)(void *ctx, const struct intel_row *row, struct err *err), void *ctx, bool *ret_passed_over,
                struct err *err);

/* The name of an object that is known here, copied into the arena; .len 0: of none, or only long records have it. */
int intel_name(const struct view *view, struct span stix_id, struct arena *arena, struct span *ret, struct err *err);

struct intel_counts {
    uint64_t objects, indicators, values; /* STIX objects; those that are indicators; distinct observable values */
    uint64_t by_type[IOC_TYPES];
};
int intel_counts(const struct view *view, struct intel_counts *ret, struct err *err);

/* Is there a record in log `number` with this STIX id? Newest modified and its ref; ERR_NOTFOUND. For import. */
int intel_by_id(struct index *index, int64_t number, struct span stix_id, int64_t *ret_ref, int64_t *ret_modified_ms,
                uint8_t ret_body_hash[8], struct err *err);

/* ---- the sweep set ---- */

struct intel_set_options {
    struct store *store; /* for the policy in force; NULL: all takes effect */
    int64_t now_ms;
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* values, now and then while it is made; may be NULL */
    void *ctx;
};

/* DIR/sweep.set, mapped: made or brought up to date first if indicators or the policy changed (written aside, renamed).
 * Holds values of current, unexpired indicators of every log here that policy lets take effect; hits are filtered by the
 * view of whoever sweeps. */
struct intel_set;
int intel_set_open(struct index *index, const struct intel_set_options *options, struct intel_set **ret,
                   struct err *err);
void intel_set_close(struct intel_set *set);
const struct sweep_set *intel_set_sweep(const struct intel_set *set);

/* A hit's reporters that the view may see and whose word still holds, in canonical order. *ret_count is 0 if there are
 * none: the hit must not be shown. */
int intel_hit_rows(const struct view *view, const struct sweep_hit *hit, size_t max,
                   int (*each)(void *ctx, const struct intel_row *row, struct err *err), void *ctx, size_t *ret_count,
                   struct err *err);

/* ---- export ---- */

/*
 * Formats: "list" a value a line; "hosts"; "rpz" a response policy zone of domains and addresses; "csv" type, value,
 * first reporter, time, record; "stix" a bundle of all objects, not only indicators, in their reporters' bytes. Public
 * view: what leaves as a file is TLP:CLEAR, unless the command line asked as operator for its own use. Only what holds
 * at `now_ms` and what policy lets take effect; each value (each object's newest version) once; the same bytes on every node that holds the same.
 *   write  called with pieces of about 256 kB
 *   ret_count  values, or objects
 * ERR_USAGE unknown format (lists them).
 */
int intel_export(const struct view *view, const char *format, int64_t now_ms,
                 int (*write)(void *ctx, struct span bytes, struct err *err), void *ctx, uint64_t *ret_count,
                 struct err *err);
extern const char *const intel_export_formats[]; /* NULL at the end */

#endif
