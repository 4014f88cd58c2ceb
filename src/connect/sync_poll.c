#include <stdlib.h>

#include "connect/mirroring.h"
#include "connect/peering.h"
#include "connect/sync_internal.h"

#define POLL_PAUSE_MS 50   /* between two polls of one peer, so that a talkative one does not keep us busy */
#define POLL_EMPTY_MS 1000 /* after an answer that came at once and said nothing, doubled up to */
#define POLL_EMPTY_MAX_MS 30000
#define POLL_QUICK_MS 1000 /* an answer that came sooner came at once; */
#define POLL_QUICK_MAX 200 /* after so many in a row a peer waits as long between two polls */
#define PEER_SAVE_MS 20000 /* a peer that has nothing new is written down as reached so often */
#define POLL_WAITING_MAX (2 * (size_t)HEADS_PAGE_MAX) /* jobs; with more a peer is not asked for further lines */

/* ---- lines ---- */

static bool quota_has_room(const struct sync_peer *peer)
{
    return peer->used_logs < peer->row.quota_logs && peer->used_bytes < peer->row.quota_bytes;
}

static int log_make(struct sync_peer *peer, struct span origin, const struct policy_verdict *verdict,
                    struct log_info *ret, struct err *err)
{
    struct sync *sync = peer->sync;
    struct log_info wanted = {.mode = sync->options.mode, .recent = sync->options.recent};
    bool has_room = quota_has_room(peer) && verdict->act != POLICY_LEAVE;
    mirroring_mode(verdict, &wanted);
    if (!has_room && peer->listed >= SYNC_LISTED_MAX)
        return 0;
    struct log_new make = {.origin = origin,
                           .role = has_room ? LOG_MIRROR : LOG_LISTED,
                           .mode = wanted.mode,
                           .recent = wanted.recent,
                           .peer = peer->row.number};
    int64_t number;
    int code = store_log_create(sync->store, &make, &number, err);
    if (code < 0)
        return code;
    if (has_room) {
        peer->used_logs++;
    } else {
        peer->listed++;
        sync->report.listed++;
    }
    code = store_log(sync->store, number, ret, err);
    return code < 0 ? code : 1;
}

/*
 * Whoever brings more of a log answers for it when the peer that brought it first does not any more: it was removed, which
 * would leave the log without any quota, or set aside, or has used its quota up, which must not keep others from it.
 */
static bool log_is_orphan(const struct sync_peer *peer, const struct log_info *log)
{
    if (log->role != LOG_MIRROR || log->followed || log->peer == 0 || log->peer == peer->row.number)
        return false;
    const struct sync_peer *owner = peer_by_number(peer->sync, log->peer);
    return !owner || owner->row.set_aside || owner->used_bytes >= owner->row.quota_bytes;
}

/* From now on it is this peer whose quota the log counts against. */
static int log_promote(struct sync_peer *peer, const struct policy_verdict *verdict, struct log_info *log,
                       struct err *err)
{
    struct sync_peer *before = log->peer ? peer_by_number(peer->sync, log->peer) : NULL;
    if (before && log->role == LOG_LISTED)
        before->listed -= before->listed > 0;
    else if (before)
        before->quota_known = false; /* counted anew when it matters */
    if (log->role == LOG_LISTED) {
        log->role = LOG_MIRROR;
        log->mode = peer->sync->options.mode;
        log->recent = peer->sync->options.recent;
        mirroring_mode(verdict, log);
    }
    log->peer = peer->row.number;
    peer->used_logs++;
    peer->used_bytes += log->bytes;
    return store_log_update(peer->sync->store, log, err);
}

/* What policy says of the log of a line; `log` NULL: it is not here yet. */
static int line_ask(struct sync *sync, const struct heads_line *line, const struct log_info *log,
                    struct policy_verdict *ret, struct err *err)
{
    struct log_info unknown = {.role = LOG_MIRROR};
    snprintf(unknown.origin, sizeof(unknown.origin), "%.*s", SPAN_ARGS(line->origin));
    return mirroring_ask(sync->store, log ? log : &unknown, ret, err);
}

/* The log of a line: 1 and *ret; 0 if nothing is to be done for it. `begun`: a transaction is open, or is opened here. */
static int line_log(struct sync_peer *peer, const struct heads_line *line, bool *begun, struct log_info *ret,
                    struct err *err)
{
    struct sync *sync = peer->sync;
    struct err missing = {0};
    int code = store_log_by_hash(sync->store, line->hash, ret, &missing);
    if (code < 0 && code != ERR_NOTFOUND)
        return err_set(err, code, "%s", missing.text);
    bool is_new = code == ERR_NOTFOUND, is_listed = !is_new && ret->role == LOG_LISTED;
    if (!is_new && ret->role == LOG_LOCAL)
        return 0;
    struct policy_verdict verdict;
    code = line_ask(sync, line, is_new ? NULL : ret, &verdict, err);
    if (code == 0)
        code = peer_quota_load(peer, err);
    if (code < 0 || (is_listed && !quota_has_room(peer)) || (!is_new && verdict.act == POLICY_LEAVE))
        return code;
    bool is_other =
        !is_new && !is_listed && mirroring_mode(&verdict, ret); /* its profile has come, or another policy */
    if (!is_new && !is_listed && !is_other && (!log_is_orphan(peer, ret) || !quota_has_room(peer)))
        return 1;
    if (!*begun) { /* and looked at again: a command beside us may have made or followed it since */
        code = sync_begin(sync, err);
        if (code < 0)
            return code;
        *begun = true;
        return line_log(peer, line, begun, ret, err);
    }
    if (is_new)
        return log_make(peer, line->origin, &verdict, ret, err);
    if (is_listed || (log_is_orphan(peer, ret) && quota_has_room(peer)))
        code = log_promote(peer, &verdict, ret, err);
    if (code == 0 && is_other)
        code = store_log_update(sync->store, ret, err);
    if (code == 0 && is_other)
        code = sync_want_again(sync->store, ret, err);
    return code < 0 ? code : 1;
}

int sync_seen(struct sync *sync, int64_t peer, int64_t log, uint64_t size, struct err *err)
{
    if (sync->seen_count == sync->seen_cap) {
        size_t cap = sync->seen_cap ? sync->seen_cap * 2 : 64;
        struct seen *grown = realloc(sync->seen, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        sync->seen = grown;
        sync->seen_cap = cap;
    }
    sync->seen[sync->seen_count++] = (struct seen){peer, log, size};
    return 0;
}

bool log_goes_on(const struct log_info *log)
{
    if (log->role != LOG_OWN && log->role != LOG_MIRROR && log->role != LOG_MOVED)
        return false;
    return log->standing != STANDING_FROZEN || log->size <= log->frozen_from;
}

bool log_grows(const struct log_info *log)
{
    return log_goes_on(log) && log->standing != STANDING_SUSPENDED;
}

/*
 * One line tells of new entries and of contents of older ones that came to the peer meanwhile. What the author of a log did
 * not give, nobody waits for there: it is not for us.
 */
static bool may_have_older(const struct sync_peer *peer, const struct log_info *log)
{
    return log->role != LOG_OWN && (peer->ask_anew || strcmp(peer->row.origin, log->origin) != 0) &&
           payloads_lacking(peer->sync, log);
}

/*
 * More than we have: pull it. Else its checkpoint is looked at once, though nothing new is in it: it may contradict ours
 * (only so are forks of one size found), and brings cosignatures. Not from the peer that gave us this very head.
 */
static void line_want(struct sync_peer *peer, const struct log_info *log, uint64_t size)
{
    if (!log_goes_on(log))
        return;
    if (size > log->size && log_grows(log)) {
        if (peer_quota_holds(peer->sync, log, 1))
            job_add(peer->sync, peer, log, size, false, may_have_older(peer, log));
        return;
    }
    bool is_known = size == log->size && job_head_came_from(peer->sync, log, peer->row.number);
    job_add(peer->sync, peer, log, size, !is_known, size == log->size && log->role != LOG_OWN);
}

static int lines_take(struct sync_peer *peer, struct span answer, struct err *err)
{
    struct sync *sync = peer->sync;
    struct heads_reader reader;
    struct heads_line line;
    struct log_info log;
    bool begun = false;
    int code;
    heads_reader_init(&reader, answer);
    while ((code = heads_next(&reader, &line, err)) > 0) {
        code = line_log(peer, &line, &begun, &log, err);
        if (code > 0) {
            code = sync_seen(sync, peer->row.number, log.number, line.size, err);
            if (code == 0)
                line_want(peer, &log, line.size);
        }
        if (code < 0)
            break;
    }
    if (code == 0 && begun)
        code = store_commit(sync->store, err);
    else if (begun)
        store_rollback(sync->store);
    return code;
}

/* All lines well-formed? Nothing is taken from an answer that is not. Returns as heads_next's end. */
static int lines_check(struct span answer, struct heads_reader *reader, struct err *err)
{
    struct heads_line line;
    int code;
    heads_reader_init(reader, answer);
    do
        code = heads_next(reader, &line, err);
    while (code > 0);
    return code;
}

static void pace(struct sync_peer *peer, bool is_more, bool has_moved, int64_t took_ms)
{
    int64_t now = sync_clock_ms(), wait_ms = (int64_t)peer->sync->options.wait_s * 1000;
    int64_t delay = is_more ? 0 : POLL_PAUSE_MS;
    peer->quick_polls = took_ms < POLL_QUICK_MS ? peer->quick_polls + 1 : 0;
    if (!has_moved && took_ms < wait_ms / 2) {
        delay = (int64_t)POLL_EMPTY_MS << (peer->empty_polls < 5 ? peer->empty_polls : 5);
        peer->empty_polls++;
        if (delay > POLL_EMPTY_MAX_MS)
            delay = POLL_EMPTY_MAX_MS;
    } else {
        peer->empty_polls = 0;
        if (peer->quick_polls > POLL_QUICK_MAX)
            delay = POLL_QUICK_MS;
    }
    peer->poll_after_ms = peer->sync->is_round ? 0 : now + delay;
}

/* ---- polls ---- */

static void answer_take(struct sync_peer *peer, const struct fetch_reply *reply)
{
    struct sync *sync = peer->sync;
    struct heads_reader reader;
    struct err err = {0};
    if (lines_check(buf_view(&reply->body), &reader, &err) < 0) {
        peer_lied(peer, err.text);
        return;
    }
    /* Where it has not moved nothing is new, though a plain file server says all its lines each time. */
    bool has_moved = !span_is(reader.cursor, peer->row.cursor);
    if (reader.more && !has_moved) {
        peer_lied(peer, "GET /heads: says that there is more, and its cursor stays where it was");
        return;
    }
    int goes_on = reader.more ? listing_page(&peer->listing, buf_view(&reply->body), &err) : 0;
    if (goes_on < 0) {
        if (goes_on == ERR_MEMORY)
            sync_fatal(sync, &err);
        else
            peer_lied(peer, err.text);
        return;
    }
    if (goes_on == 0)
        listing_done(&peer->listing);
    peer_reached(peer);
    if (has_moved && lines_take(peer, buf_view(&reply->body), &err) < 0) {
        sync_fatal(sync, &err);
        return;
    }
    if (goes_on == 0 && peer->ask_anew) { /* jobs are made of all its lines */
        peer->ask_anew = false;
        peer->dirty = true;
    }
    memcpy(peer->row.cursor, reader.cursor.data, reader.cursor.len);
    peer->row.cursor[reader.cursor.len] = '\0';
    peer_cursor_done(peer);
    if (has_moved || peer->row.reached_ms - peer->saved_ms > PEER_SAVE_MS)
        peer->dirty = true;
    if (!peer->counted)
        sync->report.reached++;
    peer->counted = true;
    peer->polled = goes_on == 0;
    pace(peer, reader.more, has_moved, reply->took_ms);
    if (reader.more && goes_on == 0) /* enough of it for now: the next listing goes on from the cursor */
        peer->poll_after_ms = sync_clock_ms() + POLL_EMPTY_MAX_MS;
}

static void on_heads(void *ctx, struct fetch_reply *reply)
{
    struct sync_peer *peer = ctx;
    char reason[ERR_TEXT_MAX + 32];
    int64_t asker = peer->poll_asker;
    peer->poll = NULL;
    peer->in_flight++; /* sync_account counts it out */
    sync_account(peer, reply);
    if (asker_refused(reply,
                      asker)) { /* then as anybody, but a round waits a second for a node that was just started */
        int64_t due = asker_unheard(peer, asker, reply);
        if (peer->sync->is_round)
            peer->poll_after_ms = due;
        return;
    }
    if (peer_is_heard(peer, reply) && ++peer->stalls <= SYNC_STALLS_MAX)
        return; /* it is asked again */
    peer->stalls = 0;
    if (reply->code == 0 && reply->status == 200)
        asker_heard(peer, asker);
    if (reply->code == ERR_LIMIT) {
        snprintf(reason, sizeof(reason), "GET /heads: %s", reply->err.text);
        peer_lied(peer, reason);
    } else if (reply->code < 0) {
        snprintf(reason, sizeof(reason), "GET /heads: %s", reply->err.text);
        peer_failed(peer, reason, 0);
    } else if (reply->status != 200) {
        snprintf(reason, sizeof(reason), "GET /heads: status %d", reply->status);
        peer_failed(peer, reason, reply->retry_after_s);
    } else {
        answer_take(peer, reply);
    }
}

static void on_node(void *ctx, struct fetch_reply *reply)
{
    struct sync_peer *peer = ctx;
    struct node_facts facts;
    struct err err = {0};
    peer->node = NULL;
    peer->node_asked = true;
    sync_account(peer, reply);
    if (reply->code == 0 && reply->status == 200 && node_facts_parse(buf_view(&reply->body), &facts, &err) == 0)
        memcpy(peer->row.origin, facts.origin, sizeof(facts.origin));
}

/* Who it is, before anything else: what is signed says for whom it is meant. */
static int node_start(struct sync_peer *peer, struct err *err)
{
    struct fetch_request node = {.body_max = NODE_FACTS_MAX, .done = on_node, .ctx = peer};
    return sync_ask(peer, "/node", &node, &peer->node, err);
}

static int poll_start(struct sync_peer *peer, struct err *err)
{
    struct sync *sync = peer->sync;
    char path[128];
    if (peer->row.origin[0] == '\0' && !peer->node_asked)
        return peer->node ? 0 : node_start(peer, err);
    if (peer->row.cursor[0] == '\0')
        listing_done(&peer->listing); /* from the beginning */
    snprintf(path, sizeof(path), "/heads%s%s", peer->row.cursor[0] ? "?since=" : "", peer->row.cursor);
    struct fetch_request request = {.body_max = HEADS_ANSWER_MAX,
                                    .wait_s = sync->is_round ? 0 : sync->options.wait_s,
                                    .done = on_heads,
                                    .ctx = peer};
    peer->poll_asker = asker_at(peer, 0);
    int code = sync_ask_as(peer, peer->poll_asker, path, &request, &peer->poll, err);
    if (code < 0)
        return code;
    peer->in_flight--;        /* a poll is under way all the time */
    peer->node_asked = false; /* with the next one again, if it did not say */
    return 0;
}

void peers_poll(struct sync *sync)
{
    int64_t now = sync_clock_ms();
    for (size_t i = 0; i < sync->peer_count; i++) {
        struct sync_peer *peer = sync->peers[i];
        struct err err = {0};
        bool is_due = now >= peer->poll_after_ms && !(sync->is_round && peer->polled);
        if (peer->poll || !is_due || !peer_usable(peer) || peer->waiting_count > POLL_WAITING_MAX)
            continue;
        if (poll_start(peer, &err) < 0)
            sync_fatal(sync, &err);
    }
}
