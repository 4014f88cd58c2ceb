/* Store and index handles for the server's threads: each belongs to one thread at a time. */
#ifndef TONGZHOU_HTTP_POOL_H
#define TONGZHOU_HTTP_POOL_H

#include "index/view.h"

struct pool;

struct pool_handle {
    struct store *store;
    struct index *index;
};

/* At most `count` handles on DIR, opened when first needed; the first now, so that a wrong DIR is noticed at once. */
int pool_new(const char *dir, unsigned count, struct pool **ret, struct err *err);
void pool_free(struct pool *pool); /* all handles must be back */

/* Wait for one. On failure to open it nothing is taken. */
int pool_take(struct pool *pool, struct pool_handle **ret, struct err *err);
void pool_give(struct pool *pool, struct pool_handle *handle);

#endif
