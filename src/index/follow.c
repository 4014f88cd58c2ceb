#include "index/follow.h"

#include <pthread.h>
#include <stdlib.h>

#include "index/index.h"
#include "state/store.h"

struct index_follow {
    struct store *store;
    struct index *index;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the two below */
    pthread_cond_t changed;
    uint64_t wakes;
    bool ended;
    struct err failure; /* the thread's; read after it was joined */
};

/* False when it is time to end. */
static bool wait_for_news(struct index_follow *follow, uint64_t *seen)
{
    pthread_mutex_lock(&follow->lock);
    while (!follow->ended && follow->wakes == *seen)
        pthread_cond_wait(&follow->changed, &follow->lock);
    *seen = follow->wakes;
    bool goes_on = !follow->ended;
    pthread_mutex_unlock(&follow->lock);
    return goes_on;
}

static bool is_ended(struct index_follow *follow)
{
    pthread_mutex_lock(&follow->lock);
    bool ended = follow->ended;
    pthread_mutex_unlock(&follow->lock);
    return ended;
}

static void *run(void *ctx)
{
    struct index_follow *follow = ctx;
    uint64_t seen = 0, folded;
    int rc = 0;
    do {
        do
            rc = index_update(follow->index, follow->store, INDEX_ONE_BATCH, &folded, &follow->failure);
        while (rc == 0 && folded > 0 && !is_ended(follow));
    } while (rc == 0 && wait_for_news(follow, &seen));
    return NULL;
}

static void follow_free(struct index_follow *follow)
{
    if (follow->index)
        index_close(follow->index);
    if (follow->store)
        store_close(follow->store);
    pthread_cond_destroy(&follow->changed);
    pthread_mutex_destroy(&follow->lock);
    free(follow);
}

int index_follow_start(const char *dir, struct index_follow **ret, struct err *err)
{
    struct index_follow *follow = calloc(1, sizeof(*follow));
    struct store_options options = {0};
    if (!follow)
        return err_memory(err);
    pthread_mutex_init(&follow->lock, NULL);
    pthread_cond_init(&follow->changed, NULL);
    int rc = store_open(dir, &options, &follow->store, err);
    if (rc == 0)
        rc = index_open(dir, &follow->index, err);
    if (rc == 0 && pthread_create(&follow->thread, NULL, run, follow) != 0)
        rc = err_set(err, ERR_MEMORY, "no thread for the index");
    if (rc < 0)
        follow_free(follow);
    else
        *ret = follow;
    return rc;
}

void index_follow_wake(struct index_follow *follow)
{
    pthread_mutex_lock(&follow->lock);
    follow->wakes++;
    pthread_cond_signal(&follow->changed);
    pthread_mutex_unlock(&follow->lock);
}

int index_follow_end(struct index_follow *follow, struct err *err)
{
    if (!follow)
        return 0;
    pthread_mutex_lock(&follow->lock);
    follow->ended = true;
    pthread_cond_signal(&follow->changed);
    pthread_mutex_unlock(&follow->lock);
    pthread_join(follow->thread, NULL);
    int rc = follow->failure.code;
    if (rc < 0)
        *err = follow->failure;
    follow_free(follow);
    return rc;
}
