#include "connect/sync_internal.h"

/* ---- more than was asked for ---- */

static bool range_is(const struct fetch_reply *reply, uint64_t from)
{
    char expected[48];
    snprintf(expected, sizeof(expected), "bytes %llu-", (unsigned long long)from);
    return strncmp(reply->content_range, expected, strlen(expected)) == 0;
}

bool entries_answered(struct piece *piece, const struct fetch_reply *reply)
{
    uint64_t first = piece->from & ~(uint64_t)(TILE_WIDTH - 1);
    if (reply->status == 206)
        return piece->asked_from > first && range_is(reply, piece->offset);
    piece->asked_from = first; /* all of it comes */
    return reply->status == 200;
}

/* Cut the answer, which begins with entry `asked_from`, down to [from, to). */
int entries_cut(struct piece *piece, struct fetch_reply *reply, struct err *err)
{
    struct bundle_reader reader = {buf_view(&reply->body), 0};
    struct span entry;
    uint64_t index = piece->asked_from;
    size_t begin = 0;
    int code = 1;
    for (; index < piece->to && code > 0; index++) {
        if (index == piece->from)
            begin = reader.pos;
        code = bundle_next(&reader, &entry, err);
    }
    if (code < 0)
        return code;
    if (code == 0)
        return err_set(err, ERR_SYNTAX, "bundle ends in front of entry %llu, %llu were promised",
                       (unsigned long long)(index - 1), (unsigned long long)piece->to);
    if (reader.pos != reply->body.len && !piece->whole)
        return err_set(err, ERR_SYNTAX, "bundle goes on behind entry %llu", (unsigned long long)piece->to - 1);
    piece->body = reply->body;
    buf_init(&reply->body, 0);
    buf_cut(&piece->body, reader.pos);
    if (begin > 0) {
        memmove(piece->body.data, piece->body.data + begin, piece->body.len - begin);
        buf_cut(&piece->body, piece->body.len - begin);
    }
    return 0;
}

/*
 * What an answer holds of [from, to): as many items as asked for, or fewer when it was cut at its maximum. A plain file
 * server knows no ?from=: it answers the whole bundle, as far as its log goes, from which our part is cut out. Which of
 * the two it is the number of items tells, since nothing is asked for that the peer did not announce.
 */
int payloads_cut(const struct piece *piece, struct buf *answer, uint64_t *ret_count, struct err *err)
{
    struct payload_reader reader = {buf_view(answer), 0};
    struct payload_item item;
    uint64_t asked = piece->to - piece->from, skip = piece->from % TILE_WIDTH, count = 0;
    size_t begin = 0, end = 0; /* of our part, if it is the whole bundle */
    int code;
    while ((code = payload_next(&reader, &item, err)) > 0 && ++count <= TILE_WIDTH) {
        begin = count == skip ? reader.pos : begin;
        end = count == skip + asked ? reader.pos : end;
    }
    if (code < 0)
        return code;
    if (count == 0)
        return err_set(err, ERR_SYNTAX, "an empty answer");
    *ret_count = count < asked ? count : asked;
    if (count <= asked) {
        piece->job->peer->takes_from |= skip > 0;
        return 0;
    }
    if (count > TILE_WIDTH || end == 0)
        return err_set(err, ERR_SYNTAX, "%s%llu items where %llu were asked for",
                       count > TILE_WIDTH ? "more than " : "",
                       (unsigned long long)(count > TILE_WIDTH ? TILE_WIDTH : count), (unsigned long long)asked);
    buf_cut(answer, end);
    memmove(answer->data, answer->data + begin, end - begin);
    buf_cut(answer, end - begin);
    return 0;
}

/* ---- less ---- */

/*
 * The rest of an answer gets a piece of its own. It is asked for in its turn: a peer that cuts each answer behind a large
 * item would otherwise put as many of them into our memory as a bundle has.
 */
int piece_rest(struct piece *piece, uint64_t count, uint64_t offset, struct err *err)
{
    struct job *job = piece->job;
    if (piece->from + count == piece->to)
        return 0;
    struct piece *rest = piece_new(job, piece->from + count, piece->to, err);
    if (!rest)
        return err->code;
    TAILQ_INSERT_AFTER(&job->pieces, piece, rest, link);
    piece->to = rest->from;
    rest->offset = offset;
    rest->whole = piece->whole;
    rest->stalls = piece->stalls;
    rest->is_due = true;
    job_to(job, &job->peer->asking);
    return 0;
}

/* How many whole entries of [from, to) an answer begins with; they are bytes [*ret_begin, *ret_end) of it. */
static uint64_t entries_begun(struct piece *piece, const struct fetch_reply *reply, size_t *ret_begin, size_t *ret_end)
{
    struct bundle_reader reader = {buf_view(&reply->body), 0};
    struct span entry;
    struct err broken;
    if (!entries_answered(piece, reply))
        return 0;
    uint64_t index = piece->asked_from;
    while (index < piece->to && bundle_next(&reader, &entry, &broken) > 0) {
        if (++index == piece->from)
            *ret_begin = reader.pos;
        *ret_end = reader.pos;
    }
    return index > piece->from ? index - piece->from : 0;
}

/* The same of payloads: where the bundle begins, or from a peer of which we know that it answers from `from` on. */
static uint64_t payloads_begun(const struct piece *piece, const struct fetch_reply *reply, size_t *ret_end)
{
    struct payload_reader reader = {buf_view(&reply->body), 0};
    struct payload_item item;
    struct err broken;
    uint64_t count = 0;
    if (reply->status != 200 || (piece->from % TILE_WIDTH != 0 && !piece->job->peer->takes_from))
        return 0;
    for (; count < piece->to - piece->from && payload_next(&reader, &item, &broken) > 0; count++)
        *ret_end = reader.pos;
    return count;
}

/* Where entry `to` of its bundle begins, when bytes up to `end` of the answer are those in front of it. */
static uint64_t entries_reach(const struct piece *piece, size_t end)
{
    bool is_ranged = piece->asked_from > (piece->from & ~(uint64_t)(TILE_WIDTH - 1));
    return (is_ranged ? piece->offset : 0) + end;
}

int piece_broke(struct piece *piece, struct fetch_reply *reply, struct err *err)
{
    struct job *job = piece->job;
    size_t begin = 0, end = 0;
    bool is_entries = job->step == JOB_ENTRIES;
    uint64_t count = is_entries ? entries_begun(piece, reply, &begin, &end) : payloads_begun(piece, reply, &end);
    piece->stalls++;
    piece->is_due = count == 0;
    if (piece->is_due) {
        job_to(job, &job->peer->asking);
        return 0;
    }
    int code = piece_rest(piece, count, is_entries ? entries_reach(piece, end) : 0, err);
    if (code < 0)
        return code;
    piece->body = reply->body;
    buf_init(&reply->body, 0);
    buf_cut(&piece->body, end);
    if (begin > 0) {
        memmove(piece->body.data, piece->body.data + begin, end - begin);
        buf_cut(&piece->body, end - begin);
    }
    piece_arrived(piece);
    return 0;
}

/* All requests of the job end; what has come whole has arrived. */
static int pieces_break(struct job *job, struct err *err)
{
    int code = 0;
    for (struct piece *piece = TAILQ_FIRST(&job->pieces); piece && code == 0; piece = TAILQ_NEXT(piece, link)) {
        struct fetch_reply reply;
        if (!piece->fetch)
            continue;
        fetch_break(piece->fetch, &reply);
        if (piece_answered(piece, &reply))
            code = piece_broke(piece, &reply, err);
        fetch_reply_done(&reply);
    }
    return code;
}

/* Entries are staged one behind the other: those behind a gap are of no use. */
bool job_break(struct job *job)
{
    bool is_entries = job->step == JOB_ENTRIES, has_gap = false;
    struct err err = {0};
    if (!is_entries && job->step != JOB_PAYLOADS)
        return false;
    if (pieces_break(job, &err) < 0) {
        sync_fatal(job->sync, &err);
        return false;
    }
    for (struct piece *piece = TAILQ_FIRST(&job->pieces), *next; piece; piece = next) {
        next = TAILQ_NEXT(piece, link);
        has_gap |= !piece_is_here(piece);
        if (!piece_is_here(piece) || (is_entries && has_gap))
            piece_free(piece);
        else
            job->next = is_entries ? piece->to : job->target;
    }
    if (TAILQ_EMPTY(&job->pieces))
        return false;
    job->is_broken = true;
    job_is_ready(job);
    return true;
}
