#include "http/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct pool {
    char *dir;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    unsigned count;
    struct slot {
        bool taken;
        bool owned;      /* some thread had it: */
        pthread_t owner; /* the last one; its caches (counts, statements) are warm for this handle */
        struct pool_handle handle;
    } * slots;
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
    pool->slots = calloc(count, sizeof(*pool->slots));
    int rc = pool->dir && pool->slots ? 0 : err_memory(err);
    if (rc == 0)
        rc = open_handle(dir, &pool->slots[0].handle, err);
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
    for (unsigned i = 0; pool->slots && i < pool->count; i++) {
        if (!pool->slots[i].handle.store)
            continue;
        index_close(pool->slots[i].handle.index);
        store_close(pool->slots[i].handle.store);
    }
    free(pool->slots);
    free(pool->dir);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* A free slot: this thread's own, else nobody's, else somebody else's; NULL if all are taken. */
static struct slot *find_free(const struct pool *pool)
{
    struct slot *found = NULL;
    for (unsigned i = 0; i < pool->count; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot->taken)
            continue;
        if (slot->owned && pthread_equal(slot->owner, pthread_self()))
            return slot;
        if (!found || (found->owned && !slot->owned))
            found = slot;
    }
    return found;
}

int pool_take(struct pool *pool, struct pool_handle **ret, struct err *err)
{
    struct slot *slot;
    pthread_mutex_lock(&pool->lock);
    while (!(slot = find_free(pool)))
        pthread_cond_wait(&pool->returned, &pool->lock);
    slot->taken = slot->owned = true;
    slot->owner = pthread_self();
    pthread_mutex_unlock(&pool->lock);
    int rc = slot->handle.store ? 0 : open_handle(pool->dir, &slot->handle, err);
    if (rc < 0)
        pool_give(pool, &slot->handle);
    else
        *ret = &slot->handle;
    return rc;
}

void pool_give(struct pool *pool, struct pool_handle *handle)
{
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++) {
        if (&pool->slots[i].handle == handle)
            pool->slots[i].taken = false;
    }
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
}
