#include <pthread.h>
#include <stdlib.h>

#include "connect/fork_hunt.h"
#include "connect/sync_internal.h"
#include "state/author.h"
#include "tlog/checkpoint.h"

#define HUNT_AGAIN_MS 5000
#define HUNT_RETRY_MS 60000

struct hunt {
    struct sync *sync;
    pthread_t thread;
    bool running;
    atomic_bool done, stop;
    char *dir;
    char url[PEER_URL_MAX + 1], origin[ORIGIN_MAX + 1];
    int64_t peer, log;
    uint64_t size; /* announced */
    struct buf note;
    char reason[ERR_TEXT_MAX]; /* for which the peer is set aside if there is no fork */
    struct fork_hunt what;
    struct fork_found found;
    int code;
    struct err err;
};

bool hunt_ignores(const struct sync *sync, int64_t peer, int64_t log, uint64_t size)
{
    for (size_t i = 0; i < sync->ignored_count; i++)
        if (sync->ignored[i].peer == peer && sync->ignored[i].log == log)
            return size <= sync->ignored[i].size;
    return false;
}

void hunt_ignore(struct sync *sync, int64_t peer, int64_t log, uint64_t size)
{
    size_t i = 0;
    while (i < sync->ignored_count && (sync->ignored[i].peer != peer || sync->ignored[i].log != log))
        i++;
    if (i == SYNC_IGNORED_MAX)
        return;
    sync->ignored[i] = (struct ignored){peer, log, size};
    if (i == sync->ignored_count)
        sync->ignored_count++;
}

bool hunts_idle(const struct sync *sync)
{
    return sync->hunt_count == 0;
}

bool hunt_worth(struct job *job)
{
    struct arena arena;
    struct member member;
    struct note note;
    struct err err = {0};
    bool is_signed = false;
    if (job->log.size == 0 || note_parse(buf_view(&job->note), &note, &err) < 0)
        return false;
    arena_init(&arena, 1u << 20);
    int code = store_member(job->sync->store, job->log.number, &arena, &member, &err);
    for (size_t i = 0; code == 0 && !is_signed && i < member.key_count; i++) {
        struct note_key key;
        const uint8_t *public_key = member.keys[i].public_key;
        is_signed = note_key_make(&key, span_str(job->log.origin), NOTE_ED25519, public_key, &err) == 0 &&
                    note_verify(&note, &key, NULL, &err) == 1;
    }
    arena_done(&arena);
    return is_signed;
}

static void hunt_free(struct hunt *hunt)
{
    buf_done(&hunt->note);
    buf_done(&hunt->found.record);
    free(hunt->dir);
    free(hunt);
}

static bool hunt_is_known(const struct sync *sync, int64_t peer, int64_t log)
{
    for (size_t i = 0; i < sync->hunt_count; i++)
        if (sync->hunts[i]->peer == peer && sync->hunts[i]->log == log)
            return true;
    return false;
}

void hunt_add(struct sync *sync, struct job *job, const char *reason)
{
    struct sync_peer *peer = job->peer;
    struct hunt *hunt = NULL;
    if (sync->hunt_count < SYNC_HUNTS_MAX && !hunt_is_known(sync, peer->row.number, job->log.number))
        hunt = calloc(1, sizeof(*hunt));
    if (hunt) {
        hunt->sync = sync;
        hunt->dir = strdup(store_dir(sync->store));
        hunt->peer = peer->row.number;
        hunt->log = job->log.number;
        hunt->size = job_announced(job);
        snprintf(hunt->url, sizeof(hunt->url), "%s", peer->row.url);
        snprintf(hunt->origin, sizeof(hunt->origin), "%s", job->log.origin);
        snprintf(hunt->reason, sizeof(hunt->reason), "%s", reason);
        hunt->note = job->note;
        buf_init(&job->note, NOTE_MAX);
        buf_init(&hunt->found.record, 0);
        sync->hunts[sync->hunt_count++] = hunt;
        peer_owes(sync, hunt->peer, 1);
    }
    job_leave_peer(job);
}

static void hunt_do(struct hunt *hunt)
{
    struct store_options options = {0};
    struct store *store;
    struct fetcher *fetcher;
    struct err *err = &hunt->err;
    hunt->code = hunt->dir ? store_open(hunt->dir, &options, &store, err) : err_memory(err);
    if (hunt->code < 0)
        return;
    if (hunt->what.may_sign)
        author_allow(store);
    hunt->code = fetcher_new(&fetcher, err);
    if (hunt->code == 0) {
        hunt->code = fork_hunt(store, fetcher, hunt->log, &hunt->what, &hunt->found, err);
        fetcher_free(fetcher);
    }
    store_close(store);
}

static void *hunt_thread(void *ctx)
{
    struct hunt *hunt = ctx;
    struct fetcher *waiting = hunt->sync->fetcher;
    hunt_do(hunt);
    atomic_store(&hunt->done, true);
    fetcher_wake(waiting);
    return NULL;
}

static int hunt_start(struct hunt *hunt, struct err *err)
{
    const struct sync_options *options = &hunt->sync->options;
    hunt->what = (struct fork_hunt){.url = hunt->url,
                                    .note = buf_view(&hunt->note),
                                    .may_sign = options->may_sign,
                                    .now_ms = sync_now_ms(),
                                    .low_speed_bps = options->low_speed_bps,
                                    .low_speed_s = options->low_speed_s,
                                    .connect_timeout_ms = options->connect_timeout_ms,
                                    .stop = &hunt->stop};
    if (pthread_create(&hunt->thread, NULL, hunt_thread, hunt) != 0)
        return err_set(err, ERR_MEMORY, "no thread for a fork hunt");
    hunt->running = true;
    return 0;
}

static void hunt_again(const struct hunt *hunt, int64_t in_ms)
{
    struct later later = {
        .due_ms = sync_clock_ms() + in_ms, .peer = hunt->peer, .log = hunt->log, .size = hunt->size, .collect = true};
    later_add(hunt->sync, &later);
}

static void hunt_told(struct hunt *hunt)
{
    struct sync *sync = hunt->sync;
    const struct fork_found *found = &hunt->found;
    const char *untold = found->told ? "" : "; not told to others yet";
    char text[ERR_TEXT_MAX];
    if (found->outcome == FORK_SUSPECT && found->is_new && !sync->is_round)
        hunt_again(hunt, HUNT_RETRY_MS); /* perhaps its tiles are to be had then */
    else if (found->outcome == FORK_SUSPECT)
        hunt_ignore(sync, hunt->peer, hunt->log, hunt->size); /* the same again brings no proof */
    if (!found->is_new)
        return;
    sync->report.forks++;
    sync->is_changed = true;
    if (found->outcome == FORK_PROVEN)
        snprintf(text, sizeof(text), "log %.150s: forked at entry %llu: frozen from there%s", hunt->origin,
                 (unsigned long long)found->index, untold);
    else
        snprintf(text, sizeof(text), "log %.150s: two signed roots at one size: suspended%s", hunt->origin, untold);
    sync_note_failure(sync, hunt->url, false, text);
}

/* What a hunt found, told to everybody concerned. */
static void hunt_end(struct hunt *hunt)
{
    struct sync *sync = hunt->sync;
    struct sync_peer *peer = peer_by_number(sync, hunt->peer);
    char text[ERR_TEXT_MAX * 2];
    if (hunt->code == 0 && hunt->found.outcome != FORK_NONE) {
        hunt_told(hunt);
    } else if (sync_error_is_ours(hunt->code)) {
        sync_fatal(sync, &hunt->err);
    } else if (!peer) {
        return;
    } else if (hunt->code == ERR_STATE) { /* our own store was busy */
        hunt_again(hunt, HUNT_AGAIN_MS);
    } else if (hunt->code == 0) {
        peer_lied(peer, hunt->reason);
    } else if (hunt->code == ERR_REFUSED) {
        snprintf(text, sizeof(text), "%.500s: no proof can be made: %.500s", hunt->reason, hunt->err.text);
        peer_remark(peer, text);
        hunt_ignore(sync, hunt->peer, hunt->log, LOG_SIZE_MAX);
    } else {
        snprintf(text, sizeof(text), "%.500s: hunting for a fork: %.500s", hunt->reason, hunt->err.text);
        if (hunt->code == ERR_VERIFY || hunt->code == ERR_SYNTAX || hunt->code == ERR_LIMIT)
            peer_lied(peer, text);
        else
            peer_failed(peer, text, 0);
    }
}

static void hunt_pop(struct sync *sync)
{
    struct hunt *hunt = sync->hunts[0];
    memmove(sync->hunts, sync->hunts + 1, --sync->hunt_count * sizeof(struct hunt *));
    peer_owes(sync, hunt->peer, -1);
    hunt_free(hunt);
}

int hunts_run(struct sync *sync, struct err *err)
{
    struct hunt *hunt = sync->hunt_count > 0 ? sync->hunts[0] : NULL;
    if (!hunt)
        return 0;
    if (!hunt->running)
        return hunt_start(hunt, err);
    if (!atomic_load(&hunt->done))
        return 0;
    pthread_join(hunt->thread, NULL);
    hunt_end(hunt);
    hunt_pop(sync);
    return 0;
}

void hunts_done(struct sync *sync)
{
    while (sync->hunt_count > 0) {
        struct hunt *hunt = sync->hunts[0];
        atomic_store(&hunt->stop, true);
        if (hunt->running)
            pthread_join(hunt->thread, NULL);
        hunt_pop(sync);
    }
}
