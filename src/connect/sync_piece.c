#include <stdlib.h>

#include "connect/sync_internal.h"
#include "tlog/tile.h"

#define PIECES_AHEAD 64 /* of one job, under way or arrived: a first one that is late does not let the rest pile up */

/* ---- pieces ---- */

void piece_free(struct piece *piece)
{
    struct job *job = piece->job;
    if (piece->fetch) {
        fetch_cancel(piece->fetch);
        job->peer->in_flight--;
    }
    room_keep(piece, 0);
    job->held -= piece->body.len;
    job->peer->held -= piece->body.len;
    job->sync->held -= piece->body.len;
    TAILQ_REMOVE(&job->pieces, piece, link);
    buf_done(&piece->body);
    free(piece);
}

void pieces_free(struct job *job)
{
    for (struct piece *piece = TAILQ_FIRST(&job->pieces), *next; piece; piece = next) {
        next = TAILQ_NEXT(piece, link);
        piece_free(piece);
    }
}

bool piece_is_here(const struct piece *piece)
{
    return piece && !piece->fetch && !piece->is_due;
}

bool piece_is_late(const struct job *job)
{
    const struct piece *first = TAILQ_FIRST(&job->pieces);
    return first && first->is_due;
}

static struct piece *piece_due(const struct job *job)
{
    struct piece *piece = TAILQ_FIRST(&job->pieces);
    while (piece && !piece->is_due)
        piece = TAILQ_NEXT(piece, link);
    return piece;
}

bool pieces_are_due(const struct job *job)
{
    return piece_due(job) != NULL;
}

struct piece *piece_new(struct job *job, uint64_t from, uint64_t to, struct err *err)
{
    struct piece *piece = calloc(1, sizeof(*piece));
    if (!piece) {
        err_memory(err);
        return NULL;
    }
    piece->job = job;
    piece->from = from;
    piece->to = to;
    buf_init(&piece->body, 0);
    return piece;
}

static bool job_is_ahead(const struct job *job)
{
    size_t count = 0;
    const struct piece *piece;
    TAILQ_FOREACH(piece, &job->pieces, link)
    count++;
    return count >= PIECES_AHEAD;
}

void piece_arrived(struct piece *piece)
{
    struct job *job = piece->job;
    job->held += piece->body.len;
    job->peer->held += piece->body.len;
    job->sync->held += piece->body.len;
    if (piece_is_here(TAILQ_FIRST(&job->pieces))) {
        job->sync->ready_bytes += piece->body.len;
        job_is_ready(job);
    }
}

/* What an answer that is not one means: for this request while others of the peer get on, else for the peer. */
static void piece_failed(struct piece *piece, struct fetch_reply *reply, const char *what)
{
    struct job *job = piece->job;
    struct sync_peer *peer = job->peer;
    struct err err = {0};
    char reason[ERR_TEXT_MAX];
    const char *origin = job->log.origin;
    unsigned long long from = piece->from;
    if (reply->code < 0)
        snprintf(reason, sizeof(reason), "log %.150s: %s from entry %llu: %.800s", origin, what, from, reply->err.text);
    else
        snprintf(reason, sizeof(reason), "log %.150s: %s from entry %llu: status %d", origin, what, from,
                 reply->status);
    piece->is_due = true; /* it has not arrived */
    if (reply->code == ERR_NET && piece_broke(piece, reply, &err) < 0)
        sync_fatal(job->sync, &err);
    else if (reply->code == ERR_LIMIT)
        peer_lied(peer, reason);
    else if (!peer_is_heard(peer, reply) || piece->stalls > SYNC_STALLS_MAX || peer->stalled > SYNC_STALLS_MAX)
        peer_failed(peer, reason, reply->retry_after_s);
}

/* ---- entries ---- */

static int entries_ask(struct piece *piece, struct err *err);

static void on_entries(void *ctx, struct fetch_reply *reply)
{
    struct piece *piece = ctx;
    struct job *job = piece->job;
    struct err err = {0};
    uint64_t first = piece->from & ~(uint64_t)(TILE_WIDTH - 1);
    if (!piece_answered(piece, reply))
        return;
    if (reply->code == 0 && reply->status == 404 && !piece->whole && piece->to - first < TILE_WIDTH) {
        piece->whole = true; /* the log has grown, the partial bundle went: its bytes begin the full one */
        if (entries_ask(piece, &err) < 0)
            sync_fatal(job->sync, &err);
        return;
    }
    if (reply->code < 0 || !entries_answered(piece, reply)) {
        piece_failed(piece, reply, "entries");
        return;
    }
    if (entries_cut(piece, reply, &err) < 0) {
        job_reject(job, &err);
        return;
    }
    piece_arrived(piece);
}

/* Where entry `from` stands in its bundle, by the entries that we hold in front of it. */
static int entries_offset(struct job *job, uint64_t first, uint64_t from, uint64_t *ret, struct err *err)
{
    struct buf held;
    buf_init(&held, (size_t)BUNDLE_MAX);
    int code = store_read_entries(job->sync->store, job->log.number, first, (size_t)(from - first), &held, err);
    *ret = held.len;
    buf_done(&held);
    return code;
}

static int entries_ask(struct piece *piece, struct err *err)
{
    struct job *job = piece->job;
    uint64_t first = piece->from & ~(uint64_t)(TILE_WIDTH - 1);
    struct tile tile = {.level = TILE_LEVEL_ENTRIES, .index = first / TILE_WIDTH};
    char path[192], name[TILE_PATH_MAX];
    tile.width = piece->whole ? TILE_WIDTH : (unsigned)(piece->to - first);
    tile_path(&tile, name);
    snprintf(path, sizeof(path), "/logs/%s/%s", job->log.hex, name);
    struct fetch_request request = {.done = on_entries};
    piece->asked_from = first;
    if (piece->offset > 0) {
        request.has_range = true;
        request.range_from = piece->offset;
        piece->asked_from = piece->from;
    }
    return piece_ask(piece, path, &request, err);
}

static int entries_next(struct job *job, struct err *err)
{
    uint64_t first = job->next & ~(uint64_t)(TILE_WIDTH - 1);
    uint64_t to = first + TILE_WIDTH < job->target ? first + TILE_WIDTH : job->target;
    struct piece *piece = piece_new(job, job->next, to, err);
    if (!piece)
        return err->code;
    TAILQ_INSERT_TAIL(&job->pieces, piece, link);
    int code = 0;
    /* What is staged beyond the head cannot be read yet: then the whole bundle is asked for. */
    if (job->next > first && job->next <= job->log.size)
        code = entries_offset(job, first, job->next, &piece->offset, err);
    if (code == 0)
        code = entries_ask(piece, err);
    if (code < 0) {
        piece_free(piece);
        return code;
    }
    job->next = to;
    return 0;
}

/* ---- payloads ---- */

void payloads_begin(struct job *job)
{
    struct err err = {0};
    uint64_t from = 0, announced = job_announced(job);
    int code = payloads_wanted(job->sync, job->peer->row.number, &job->log, job->again || job->asker > 0, &from, &err);
    if (code < 0) {
        sync_fatal(job->sync, &err);
        return;
    }
    job->target = job->log.size < announced ? job->log.size : announced; /* more it does not have */
    if (code == 0 || from >= job->target) {
        job_finished(job);
        return;
    }
    job->step = JOB_PAYLOADS;
    job->next = from;
    job_to(job, &job->peer->asking);
}

bool payloads_next_asker(struct job *job)
{
    for (size_t i = job->asker + 1; i < job->sync->asker_count; i++)
        if (asker_at(job->peer, i) != 0) {
            job->asker = i;
            return true;
        }
    return false;
}

/* The peer does not take our signature: the same again as anybody, and later once more in this name. */
static void payloads_unheard(struct piece *piece, const struct fetch_reply *reply)
{
    struct job *job = piece->job;
    int64_t due = asker_unheard(job->peer, piece->asker, reply);
    if (due > 0)
        later_add(job->sync, &(struct later){.due_ms = due,
                                             .peer = job->peer->row.number,
                                             .log = job->log.number,
                                             .size = job->target,
                                             .again = true});
    piece->is_due = true;
    job_to(job, &job->peer->asking);
}

static void on_payloads(void *ctx, struct fetch_reply *reply)
{
    struct piece *piece = ctx;
    struct job *job = piece->job;
    struct err err = {0};
    uint64_t count = 0;
    if (!piece_answered(piece, reply))
        return;
    if (asker_refused(reply, piece->asker)) {
        payloads_unheard(piece, reply);
        return;
    }
    bool is_gone = reply->code == 0 && reply->status == 404; /* serves no payloads: as good as holes */
    if (!is_gone && (reply->code < 0 || reply->status != 200)) {
        piece_failed(piece, reply, "payloads");
        return;
    }
    asker_heard(job->peer, piece->asker);
    if (!is_gone) {
        int code = payloads_cut(piece, &reply->body, &count, &err);
        if (code == 0 && (code = piece_rest(piece, count, 0, &err)) < 0) {
            sync_fatal(job->sync, &err);
            return;
        }
        if (code < 0) {
            err_in(&err, "payloads from entry %llu", (unsigned long long)piece->from);
            job_reject(job, &err);
            return;
        }
        piece->body = reply->body;
        buf_init(&reply->body, 0);
    }
    piece_arrived(piece);
}

static int payloads_ask(struct piece *piece, struct err *err)
{
    struct job *job = piece->job;
    char path[256];
    snprintf(path, sizeof(path), "/logs/%s/payload/%llu?from=%llu&to=%llu", job->log.hex,
             (unsigned long long)(piece->from / TILE_WIDTH), (unsigned long long)piece->from,
             (unsigned long long)piece->to);
    struct fetch_request request = {.done = on_payloads};
    piece->asker = asker_at(job->peer, job->asker);
    return piece_ask(piece, path, &request, err);
}

/* The last of [from, to) whose payload is wanted, plus one: most often found at once, when all or one are. */
static int payloads_end(struct job *job, uint64_t from, uint64_t *to, struct err *err)
{
    unsigned flags;
    int code = 0;
    while (code == 0 && *to > from + 1) {
        code = payload_flags(job->sync->store, job->log.number, *to - 1, &flags, err);
        if (code < 0 || (flags & (SLOT_HELD | SLOT_ERASED | SLOT_REFUSED)) == 0)
            break;
        --*to;
    }
    return code;
}

static int payloads_next(struct job *job, struct err *err)
{
    uint64_t from;
    int code = payload_next_wanted(job->sync->store, job->log.number, job->next, &from, err);
    if (code < 0)
        return code;
    if (from < job->target && !peer_quota_holds(job->sync, &job->log, job->held + 1)) {
        job->is_stinted = true; /* the rest is asked for when there is room */
        job->next = job->target;
        return 0;
    }
    if (from >= job->target) {
        job->next = job->target;
        return 0;
    }
    uint64_t end = (from | (TILE_WIDTH - 1)) + 1, to = end < job->target ? end : job->target;
    job->next = to;
    code = payloads_end(job, from, &to, err);
    if (code < 0)
        return code;
    struct piece *piece = piece_new(job, from, to, err);
    if (!piece)
        return err->code;
    TAILQ_INSERT_TAIL(&job->pieces, piece, link);
    code = payloads_ask(piece, err);
    if (code < 0)
        piece_free(piece);
    return code;
}

/* ---- both ---- */

int piece_ask_next(struct job *job, struct err *err)
{
    struct piece *due = piece_due(job);
    int code;
    if (due) {
        due->is_due = false;
        code = job->step == JOB_ENTRIES ? entries_ask(due, err) : payloads_ask(due, err);
    } else {
        code = job->step == JOB_ENTRIES ? entries_next(job, err) : payloads_next(job, err);
    }
    if (code < 0)
        return code;
    bool has_more = pieces_are_due(job) || (job->next < job->target && !job_is_ahead(job));
    job_to(job, has_more ? &job->peer->asking : &job->peer->settling);
    if (TAILQ_EMPTY(&job->pieces) && job->next >= job->target)
        job_is_ready(job); /* there was nothing more after all: the next commit writes that down */
    return 0;
}
