/* Folding of governance's records into rows, and of rows into what holds. Private to this module. */
#ifndef TONGZHOU_GOVERNANCE_FOLD_H
#define TONGZHOU_GOVERNANCE_FOLD_H

#include "governance/governance.h"

int governance_apply(struct fold *fold, const struct fold_record *record, struct err *err);
int governance_forget(struct fold *fold, int64_t ref, struct err *err);
int governance_flush(struct fold *fold, struct err *err);

/* Bring what holds in this community up to date: on from the version that is in force by its rows, or anew from version 1. */
int governance_refold(struct index *index, const uint8_t community[32], bool anew, struct err *err);

/* Empty them, and make them again for all. */
int governance_refold_all(struct index *index, struct err *err);

/* ---- SQL in a line ---- */

enum sql_type { SQL_END, SQL_INT, SQL_TEXT, SQL_HASH, SQL_BLOB };
struct sql_value {
    enum sql_type type;
    int64_t number;
    struct span bytes;
};
#define SQL_I(n) ((struct sql_value){.type = SQL_INT, .number = (int64_t)(n)})
#define SQL_T(text) ((struct sql_value){.type = SQL_TEXT, .bytes = (text)})
#define SQL_H(hash) ((struct sql_value){.type = SQL_HASH, .bytes = span_of(hash, 32)})
#define SQL_B(blob) ((struct sql_value){.type = SQL_BLOB, .bytes = (blob)})
#define SQL_VALUES(...) ((const struct sql_value[]){__VA_ARGS__, {SQL_END, 0, {NULL, 0}}})

/* A statement with its values bound; borrowed values must live until it was stepped. NULL and *err. */
sqlite3_stmt *governance_sql(struct index *index, const char *sql, const struct sql_value *values, struct err *err);

/* The first column of each row, as text. */
int governance_each_text(struct index *index, const char *sql, const struct sql_value *values,
                         int (*each)(void *ctx, struct span text, struct err *err), void *ctx, struct err *err);

/* One number, or `fallback` if there is no row or the database failed. */
int64_t governance_number(struct index *index, const char *sql, const struct sql_value *values, int64_t fallback);

/* One without rows. */
int governance_run(struct index *index, const char *sql, const struct sql_value *values, struct err *err);

#endif
