/* Nodes with threat intelligence for the tests of queries, sets and exports. */
#ifndef TONGZHOU_TESTS_SECURITY_INTEL_HELP_H
#define TONGZHOU_TESTS_SECURITY_INTEL_HELP_H

#include "index/dump.h"
#include "index/made_log.h"
#include "security/intel.h"

const struct capability *const capabilities[] = {&security_capability, NULL};

static inline struct index *index_of(const struct node *node)
{
    struct index *index = NULL;
    good(index_open(node->dir, &index, &err));
    return index;
}

static inline uint64_t update(struct index *index, struct store *store)
{
    uint64_t folded;
    good(index_update(index, store, 0, &folded, &err));
    return folded;
}

static inline int64_t sql_number(struct index *index, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(index_db(index), sql, -1, &statement, NULL), SQLITE_OK);
    int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return number;
}

static inline struct view public_view(struct store *store, struct index *index)
{
    struct view view;
    good(view_open(store, index, (struct viewer){.class = VIEWER_PUBLIC}, OUTLET_EXPORT, &view, &err));
    return view;
}

static inline struct view operator_view(struct store *store, struct index *index)
{
    struct view view;
    good(view_open(store, index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_EXPORT, &view, &err));
    return view;
}

/* ---- objects ---- */

/* A UUID that tells `number` and has this version. */
static inline void make_uuid(char out[40], char version, unsigned number)
{
    snprintf(out, 40, "%08x-0000-%c000-8000-000000000000", number, version);
}

struct sample {
    unsigned id;         /* makes the object's id */
    unsigned version;    /* minutes: makes `modified` */
    const char *name;    /* NULL: the pattern's */
    const char *pattern; /* of indicators */
    const char *more;    /* members, each with a comma in front */
    char uuid_version;   /* '4' unless set */
};

static inline void sample_json(const struct sample *sample, char *out, size_t size)
{
    char uuid[40];
    make_uuid(uuid, sample->uuid_version ? sample->uuid_version : '4', sample->id);
    snprintf(out, size,
             "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--%s\","
             "\"created\":\"2026-11-22T11:00:00.000Z\",\"modified\":\"2026-11-22T11:%02u:00.000Z\",\"name\":\"%s\","
             "\"pattern\":\"%s\",\"pattern_type\":\"stix\",\"valid_from\":\"2026-11-22T11:00:00Z\"%s}",
             uuid, sample->version, sample->name ? sample->name : "", sample->pattern ? sample->pattern : "",
             sample->more ? sample->more : "");
}

static inline uint64_t made_sample(struct made_log *log, enum tlp tlp, int64_t time_ms, const struct sample *sample)
{
    char body[4096];
    sample_json(sample, body, sizeof(body));
    return made_record(log, STIX_KIND, tlp, time_ms, STIX_TYPE, body);
}

/* An indicator of one domain. */
static inline uint64_t made_domain(struct made_log *log, enum tlp tlp, int64_t time_ms, unsigned id, unsigned version,
                                   const char *domain, const char *more)
{
    char pattern[512];
    snprintf(pattern, sizeof(pattern), "[domain-name:value = '%s']", domain);
    struct sample sample = {.id = id, .version = version, .name = domain, .pattern = pattern, .more = more};
    return made_sample(log, tlp, time_ms, &sample);
}

/* ---- what the queries give, as text ---- */

struct rows_text {
    char text[16384];
    unsigned count;
};

/* "ORIGIN'S FIRST LETTER/INDEX VALUE NAME" and "!" if it does not hold. */
static inline int rows_add_text(void *ctx, const struct intel_row *row, struct err *err)
{
    (void)err;
    struct rows_text *rows = ctx;
    size_t len = strlen(rows->text);
    snprintf(rows->text + len, sizeof(rows->text) - len, "%c/%llu %s%s|", row->origin[0],
             (unsigned long long)RECORD_REF_INDEX(row->ref), row->ioc_type == IOC_NONE ? row->name : row->value,
             row->current ? "" : "!");
    rows->count++;
    return 0;
}

#endif
