#include <stdlib.h>

#include "base/random.h"
#include "base/utf8.h"
#include "connect/mirroring.h"
#include "connect/sync_internal.h"

#define REWINDS_MAX 3 /* times that a peer's lines come again because it failed over them */

struct sync_peer *peer_by_number(struct sync *sync, int64_t number)
{
    for (size_t i = 0; i < sync->peer_count; i++)
        if (sync->peers[i]->row.number == number)
            return sync->peers[i];
    return NULL;
}

/* Who was tried in the future was tried before the clock was set back: what was written down then means nothing now. */
static bool may_retry(const struct peer *row)
{
    int64_t now_ms = sync_now_ms();
    return row->retry_ms <= now_ms || row->tried_ms > now_ms;
}

bool peer_usable(const struct sync_peer *peer)
{
    if (peer->row.set_aside || peer->failed)
        return false;
    return peer->sync->is_round || may_retry(&peer->row);
}

/* ---- the list ---- */

static int peer_new(struct sync *sync, const struct peer *row, struct sync_peer **ret, struct err *err)
{
    if (sync->peer_count == sync->peer_cap) {
        size_t cap = sync->peer_cap ? sync->peer_cap * 2 : 8;
        struct sync_peer **grown = realloc(sync->peers, cap * sizeof(struct sync_peer *));
        if (!grown)
            return err_memory(err);
        sync->peers = grown;
        sync->peer_cap = cap;
    }
    struct sync_peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return err_memory(err);
    peer->row = *row;
    peer->cursor_saved = row->cursor[0] != '\0';
    memcpy(peer->cursor_done, row->cursor, sizeof(row->cursor));
    peer->aside_saved = row->set_aside;
    peer->expects = PEER_ANSWER_ROOM;
    peer->window = SYNC_WINDOW;
    peer->sync = sync;
    SLIST_INIT(&peer->unheard);
    TAILQ_INIT(&peer->waiting);
    TAILQ_INIT(&peer->asking);
    TAILQ_INIT(&peer->settling);
    sync->peers[sync->peer_count++] = peer;
    *ret = peer;
    return 0;
}

/* A person wants all of its lines again (sync_follow), also those that the answer under way would leave out. */
static void cursor_forget(struct sync_peer *peer)
{
    if (peer->poll)
        fetch_cancel(peer->poll);
    peer->poll = NULL;
    peer->row.cursor[0] = peer->cursor_done[0] = '\0';
    peer->cursor_saved = peer->cursor_late = false;
    peer->poll_after_ms = 0;
    listing_done(&peer->listing);
}

void peer_cursor_done(struct sync_peer *peer)
{
    if (peer->owed > 0 || strcmp(peer->cursor_done, peer->row.cursor) == 0)
        return;
    memcpy(peer->cursor_done, peer->row.cursor, sizeof(peer->cursor_done));
    peer->cursor_late = true;
    peer->rewinds = 0;
}

void peer_owes(struct sync *sync, int64_t number, int more)
{
    struct sync_peer *peer = peer_by_number(sync, number);
    if (!peer)
        return;
    peer->owed += (size_t)more;
    peer_cursor_done(peer);
}

/* It fails: lines whose jobs end with it come again. Not for ever: one log that it cannot give must not keep the others. */
static void cursor_rewind(struct sync_peer *peer)
{
    if (peer->owed == 0 || peer->rewinds >= REWINDS_MAX || strcmp(peer->cursor_done, peer->row.cursor) == 0)
        return;
    memcpy(peer->row.cursor, peer->cursor_done, sizeof(peer->cursor_done));
    peer->rewinds++;
}

/* Leave its requests and jobs. */
static void peer_leave(struct sync_peer *peer, bool is_liar);

/* `tongzhou sync` beside us has seen it lie. */
static void aside_adopt(struct sync_peer *peer, const struct peer *row)
{
    if (!row->set_aside || peer->aside_saved)
        return;
    peer->aside_saved = peer->row.set_aside = true;
    peer->row.failures = row->failures;
    memcpy(peer->row.reason, row->reason, sizeof(row->reason));
    peer_leave(peer, true);
}

/* We wrote down that it lied, and that stands there no more: a person has taken it back. */
static bool is_taken_back(const struct sync_peer *peer, const struct peer *row)
{
    return peer->row.set_aside && peer->aside_saved && !row->set_aside;
}

static void blame_over(struct sync_peer *peer)
{
    peer->row.failures = 0;
    peer->row.set_aside = peer->aside_saved = false;
    peer->row.retry_ms = 0;
    peer->row.reason[0] = '\0';
}

/* What a person, or another process, may have changed since. */
static void peer_merge(struct sync_peer *peer, const struct peer *row)
{
    bool is_well = row->failures == 0 && !row->set_aside;
    bool is_over = peer->row.set_aside ? is_taken_back(peer, row) : is_well && peer->row.failures > 0;
    aside_adopt(peer, row);
    peer->row.quota_logs = row->quota_logs;
    peer->row.quota_bytes = row->quota_bytes;
    if (row->cursor[0] == '\0' && peer->cursor_saved)
        cursor_forget(peer);
    if (row->failures == 0 && row->reason[0] == '\0' && peer->row.failures == 0 && !peer->dirty)
        peer->row.reason[0] = '\0'; /* a remark that somebody has seen */
    if (is_over)
        blame_over(peer);
}

static int load_one(void *ctx, const struct peer *row, struct err *err)
{
    struct sync *sync = ctx;
    struct sync_peer *peer = peer_by_number(sync, row->number);
    const char *only = sync->options.only;
    bool is_named = only && (strcmp(row->url, only) == 0 || strcmp(row->origin, only) == 0);
    if (peer) {
        peer_merge(peer, row);
        peer->present = true;
        return 0;
    }
    int code = peer_new(sync, row, &peer, err);
    if (code == 0)
        code = unheard_load(peer, err);
    if (code < 0)
        return code;
    peer->present = true;
    if (!sync->is_round)
        return 0;
    if (only && !is_named) {
        peer->failed = true; /* not asked; what it brought counts against its quota all the same */
        return 0;
    }
    if (is_named)
        peer->row.set_aside = false; /* a person says so */
    if (peer->row.set_aside)
        sync_note_failure(sync, row->url, true, row->reason);
    else if (is_named || sync->options.ignore_backoff || may_retry(row))
        sync->report.peers++;
    else
        peer->failed = true;
    return 0;
}

static void peer_leave(struct sync_peer *peer, bool is_liar)
{
    if (peer->poll)
        fetch_cancel(peer->poll);
    if (peer->node) {
        fetch_cancel(peer->node);
        peer->in_flight--;
    }
    peer->poll = peer->node = NULL;
    struct job_list *lists[] = {&peer->waiting, &peer->asking, &peer->settling}, keep = TAILQ_HEAD_INITIALIZER(keep);
    struct job *job;
    for (size_t i = 0; i < 3; i++)
        while ((job = TAILQ_FIRST(lists[i])) != NULL) {
            bool is_complete = job->is_ready && job->do_finish;
            if (!is_liar && (is_complete || job_break(job))) /* it only waits for its commit */
                job_to(job, &keep);
            else
                job_leave_peer(job);
        }
    while ((job = TAILQ_FIRST(&keep)) != NULL)
        job_to(job, &peer->settling);
}

void peer_break(struct sync_peer *peer)
{
    struct job *job, *next;
    struct job_list *lists[] = {&peer->asking, &peer->settling};
    for (size_t i = 0; i < 2; i++)
        for (job = TAILQ_FIRST(lists[i]); job; job = next) {
            next = TAILQ_NEXT(job, link);
            job_break(job);
        }
}

static void peer_free(struct sync_peer *peer)
{
    peer->row.set_aside = true; /* no job may come back */
    peer_leave(peer, true);
    listing_done(&peer->listing);
    unheard_free(peer);
    free(peer);
}

void peers_free(struct sync *sync)
{
    for (size_t i = 0; i < sync->peer_count; i++)
        sync->peers[i]->row.set_aside = true;
    for (size_t i = 0; i < sync->peer_count; i++)
        peer_free(sync->peers[i]);
    free(sync->peers);
    sync->peers = NULL;
    sync->peer_count = 0;
}

int peers_load(struct sync *sync, struct err *err)
{
    sync->refreshed_ms = sync_clock_ms();
    peers_recount(sync); /* logs lose bytes, too, and get followed */
    for (size_t i = 0; i < sync->peer_count; i++)
        sync->peers[i]->present = false;
    int code = askers_load(sync, err);
    if (code == 0)
        code = peer_each(sync->store, load_one, sync, err);
    if (code < 0)
        return code;
    for (size_t i = 0; i < sync->peer_count;) {
        struct sync_peer *peer = sync->peers[i];
        if (peer->present) {
            i++;
            continue;
        }
        sync->peers[i] = sync->peers[--sync->peer_count];
        peer_free(peer);
    }
    if (sync->is_round)
        return 0;
    sync->report.peers = sync->peer_count;
    uint64_t before = sync->follows;
    code = sync_follows(sync->store, &sync->follows, err);
    return code == 0 && sync->follows != before ? peers_rescan(sync, NULL, err) : code;
}

int peer_save(struct sync_peer *peer, struct err *err)
{
    struct peer row;
    struct err gone = {0};
    int code = peer_find(peer->sync->store, span_str(peer->row.url), &row, &gone);
    if (code == ERR_NOTFOUND)
        return 0; /* removed meanwhile */
    if (code < 0)
        return err_set(err, code, "%s", gone.text);
    if (row.cursor[0] == '\0' && peer->cursor_saved)
        cursor_forget(peer);
    aside_adopt(peer, &row);
    if (is_taken_back(peer, &row))
        blame_over(peer);
    struct peer now = peer->row;
    now.quota_logs = row.quota_logs;
    now.quota_bytes = row.quota_bytes;
    now.bytes_in = row.bytes_in + peer->new_bytes;
    now.requests = row.requests + peer->new_requests;
    memcpy(now.cursor, peer->cursor_done, sizeof(now.cursor));
    code = peer_update(peer->sync->store, &now, err);
    if (code == 0) {
        peer->new_bytes = peer->new_requests = 0;
        peer->cursor_saved = now.cursor[0] != '\0';
        peer->cursor_late = false;
        peer->aside_saved = now.set_aside;
        peer->saved_ms = sync_now_ms();
    }
    return code;
}

/* ---- how it fares ---- */

static void reason_put(struct sync_peer *peer, const char *reason)
{
    char text[PEER_REASON_MAX + 1];
    text_escape_into(text, sizeof(text), span_str(reason));
    memcpy(peer->row.reason, text, sizeof(text));
}

static void peer_blame(struct sync_peer *peer, const char *reason, bool is_liar)
{
    struct sync *sync = peer->sync;
    struct err err = {0};
    reason_put(peer, reason);
    peer->row.tried_ms = sync_now_ms();
    peer->row.failures++;
    peer->failed = sync->is_round;
    sync_note_failure(sync, peer->row.url, is_liar, reason);
    peer_leave(peer, is_liar);
    listing_done(&peer->listing);
    int code = peer_save(peer, &err);
    peer->dirty |= code == ERR_STATE; /* another writer is busy: with the next commit */
    if (code < 0 && code != ERR_STATE)
        sync_fatal(sync, &err);
}

bool peer_is_heard(const struct sync_peer *peer, const struct fetch_reply *reply)
{
    unsigned patience_s = peer->sync->options.low_speed_s ? peer->sync->options.low_speed_s : PEER_LOW_SPEED_S;
    int64_t since = sync_clock_ms() - peer->heard_ms;
    return reply->is_slow && peer->heard_ms > reply->heard_ms && since < (int64_t)patience_s * 500;
}

void peer_failed(struct sync_peer *peer, const char *reason, unsigned retry_after_s)
{
    unsigned doublings = peer->row.failures < 16 ? peer->row.failures : 16;
    int64_t delay = (int64_t)SYNC_BACKOFF_MS << doublings;
    uint32_t chance;
    if (peer->row.set_aside) /* for a graver reason, which stays */
        return;
    if (delay > SYNC_BACKOFF_MAX_MS)
        delay = SYNC_BACKOFF_MAX_MS;
    random_bytes(&chance, sizeof(chance));
    delay = delay / 2 + (int64_t)(chance % (uint32_t)delay); /* so that not everybody comes back at once */
    if (delay < (int64_t)retry_after_s * 1000)
        delay = (int64_t)retry_after_s * 1000;
    peer->row.retry_ms = sync_now_ms() + delay;
    peer->stalled = 0;
    cursor_rewind(peer);
    peer_blame(peer, reason, false);
}

void peer_lied(struct sync_peer *peer, const char *reason)
{
    peer->row.set_aside = true;
    peer_blame(peer, reason, true);
}

void peer_reached(struct sync_peer *peer)
{
    struct sync *sync = peer->sync;
    struct err err = {0};
    bool was_away = peer->row.failures > 0;
    peer->row.reached_ms = peer->row.tried_ms = sync_now_ms();
    peer->row.failures = 0;
    peer->row.retry_ms = 0;
    if (was_away) /* else it is a remark */
        peer->row.reason[0] = '\0';
    if (was_away && !sync->is_round && peers_rescan(sync, peer, &err) < 0)
        sync_fatal(sync, &err);
}

void peer_remark(struct sync_peer *peer, const char *reason)
{
    sync_note_failure(peer->sync, peer->row.url, false, reason);
    if (peer->row.failures > 0)
        return;
    reason_put(peer, reason);
    peer->dirty = true;
}

void peer_remark_over(struct sync_peer *peer, const struct log_info *log)
{
    char begin[ORIGIN_MAX + 16], shown[PEER_REASON_MAX + 1];
    snprintf(begin, sizeof(begin), "log %.150s: ", log->origin);
    text_escape_into(shown, sizeof(shown), span_str(begin));
    if (peer->row.failures > 0 || strncmp(peer->row.reason, shown, strlen(shown)) != 0)
        return;
    peer->row.reason[0] = '\0';
    peer->dirty = true;
}

/* ---- quotas ---- */

void peers_recount(struct sync *sync)
{
    for (size_t i = 0; i < sync->peer_count; i++)
        sync->peers[i]->quota_known = false;
}

static int quota_add(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    struct sync_peer *peer = log->peer ? peer_by_number(ctx, log->peer) : NULL;
    if (!peer || log->followed)
        return 0;
    if (log->role == LOG_LISTED)
        peer->listed++;
    if (log->role != LOG_MIRROR)
        return 0;
    peer->used_logs++;
    peer->used_bytes += log->bytes;
    return 0;
}

int peer_quota_load(struct sync_peer *peer, struct err *err)
{
    if (peer->quota_known)
        return 0;
    for (size_t i = 0; i < peer->sync->peer_count; i++) {
        struct sync_peer *each = peer->sync->peers[i];
        each->used_logs = each->used_bytes = each->listed = 0;
        each->quota_known = true;
    }
    return store_logs(peer->sync->store, quota_add, peer->sync, err);
}

bool peer_quota_holds(struct sync *sync, const struct log_info *log, uint64_t more_bytes)
{
    struct err err = {0};
    struct sync_peer *peer = log->peer ? peer_by_number(sync, log->peer) : NULL;
    if (log->role != LOG_MIRROR || log->followed || !peer)
        return true;
    if (peer_quota_load(peer, &err) < 0) {
        sync_fatal(sync, &err);
        return false;
    }
    return peer->used_bytes + more_bytes <= peer->row.quota_bytes;
}

/* ---- what was announced before ---- */

struct rescan {
    struct sync *sync;
    struct sync_peer *only;
    const struct log_info *log;
};

static int rescan_source(void *ctx, int64_t number, uint64_t size, struct err *err)
{
    struct rescan *rescan = ctx;
    struct sync_peer *peer = peer_by_number(rescan->sync, number);
    (void)err;
    if (!peer || (rescan->only && rescan->only != peer) || !peer_usable(peer))
        return 0;
    bool has_more =
        size > rescan->log->size && log_grows(rescan->log) && peer_quota_holds(rescan->sync, rescan->log, 1);
    bool may_have_payloads = size == rescan->log->size && rescan->log->role != LOG_OWN;
    if (has_more || may_have_payloads)
        job_add(rescan->sync, peer, rescan->log, size, false, rescan->only && rescan->log->role != LOG_OWN);
    return 0;
}

static int rescan_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct rescan *rescan = ctx;
    struct policy_verdict verdict;
    rescan->log = log;
    if (!log_goes_on(log))
        return 0;
    if (!rescan->only && (size_t)log->number < rescan->sync->slot_count) /* what was in vain need not be now */
        paces_free(&rescan->sync->slots[log->number]);
    int code = mirroring_ask(rescan->sync->store, log, &verdict, err);
    if (code < 0 || verdict.act == POLICY_LEAVE)
        return code;
    return peer_log_each(rescan->sync->store, log->number, rescan_source, rescan, err);
}

int peers_rescan(struct sync *sync, struct sync_peer *peer, struct err *err)
{
    struct rescan rescan = {sync, peer, NULL};
    if (sync->peer_count == 0)
        return 0;
    return store_logs(sync->store, rescan_log, &rescan, err);
}
