#include "http/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct pool {
    char *dir;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    unsigned count;
    bool *taken;
    struct pool_handle *handles;
};

static int open_handle(const char *dir, struct pool_handle *handle, struct err *err)
{
    struct store_options options = {.read_only = true};
    struct pool_handle fresh = {0};
    int rc = store_open(dir, &options, &fresh.store, err);
    if (rc < 0)
        return rc;
    rc = index_open(dir, &fresh.index, err);
    if (rc < 0) {
        store_close(fresh.store);
        return rc;
    }
    *handle = fresh;
    return 0;
}

int pool_new(const char *dir, unsigned count, struct pool **ret, struct err *err)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return err_memory(err);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->returned, NULL);
    pool->count = count;
    pool->dir = strdup(dir);
    pool->taken = calloc(count, sizeof(*pool->taken));
    pool->handles = calloc(count, sizeof(*pool->handles));
    int rc = pool->dir && pool->taken && pool->handles ? 0 : err_memory(err);
    if (rc == 0)
        rc = open_handle(dir, &pool->handles[0], err);
    if (rc < 0)
        pool_free(pool);
    else
        *ret = pool;
    return rc;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; pool->handles && i < pool->count; i++) {
        if (!pool->handles[i].store)
            continue;
        index_close(pool->handles[i].index);
        store_close(pool->handles[i].store);
    }
    free(pool->handles);
    free(pool->taken);
    free(pool->dir);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* A free handle's number, opened ones first; `count` if all are taken. */
static unsigned find_free(const struct pool *pool)
{
    unsigned found = pool->count;
    for (unsigned i = 0; i < pool->count; i++) {
        if (pool->taken[i])
            continue;
        if (pool->handles[i].store)
            return i;
        if (found == pool->count)
            found = i;
    }
    return found;
}

int pool_take(struct pool *pool, struct pool_handle **ret, struct err *err)
{
    pthread_mutex_lock(&pool->lock);
    unsigned found;
    while ((found = find_free(pool)) == pool->count)
        pthread_cond_wait(&pool->returned, &pool->lock);
    pool->taken[found] = true;
    pthread_mutex_unlock(&pool->lock);
    struct pool_handle *handle = &pool->handles[found];
    int rc = handle->store ? 0 : open_handle(pool->dir, handle, err);
    if (rc < 0)
        pool_give(pool, handle);
    else
        *ret = handle;
    return rc;
}

void pool_give(struct pool *pool, struct pool_handle *handle)
{
    pthread_mutex_lock(&pool->lock);
    pool->taken[handle - pool->handles] = false;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
}
