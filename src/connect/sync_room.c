#include "connect/sync_internal.h"

#define PAYLOAD_ANSWER_MAX (PAYLOAD_BUNDLE_MAX + 65536) /* bytes: the answer stops at the first, item headers aside */

#define ANSWER_LATE_MS 15000 /* one that took longer had too little of the link; */
#define ANSWER_SOON_MS 8000  /* one that took less leaves room for more */

static size_t answer_max(const struct job *job)
{
    return job->step == JOB_ENTRIES ? (size_t)BUNDLE_MAX : PAYLOAD_ANSWER_MAX;
}

static size_t room_wanted(const struct job *job)
{
    size_t max = answer_max(job);
    return job->peer->expects < max ? job->peer->expects : max;
}

void room_keep(struct piece *piece, size_t bytes)
{
    struct job *job = piece->job;
    job->peer->room += bytes - piece->room;
    job->sync->room += bytes - piece->room;
    piece->room = bytes;
}

/* Whose first piece is lacking may go on when nothing else is under way: what is held waits for it. */
bool piece_has_room(const struct job *job)
{
    const struct sync *sync = job->sync;
    const struct sync_peer *peer = job->peer;
    size_t wanted = room_wanted(job);
    if (peer->held + peer->room + wanted <= PEER_MEMORY_MAX && sync->held + sync->room + wanted <= PEERS_MEMORY_MAX)
        return true;
    return sync->room == 0 && piece_is_late(job);
}

static void room_learn(struct sync_peer *peer, size_t came)
{
    size_t wanted = 2 * came > PEER_ANSWER_ROOM ? 2 * came : PEER_ANSWER_ROOM;
    if (wanted > PAYLOAD_ANSWER_MAX)
        wanted = PAYLOAD_ANSWER_MAX;
    peer->expects = wanted > peer->expects ? wanted : peer->expects - (peer->expects - wanted) / 4;
}

/* On a bad link many answers at a time come all late, stall, and are lost together when it is cut. */
static void window_learn(struct sync_peer *peer, const struct fetch_reply *reply)
{
    unsigned window = peer->window;
    if (reply->is_slow)
        peer->stalled++;
    else if (reply->code == 0 && peer->stalled > 0)
        peer->stalled--;
    if (reply->is_slow)
        window /= 2;
    else if (reply->code == 0 && reply->took_ms > ANSWER_LATE_MS)
        window--;
    else if (reply->code == 0 && reply->took_ms < ANSWER_SOON_MS)
        window++;
    window = window > SYNC_WINDOW ? SYNC_WINDOW : window;
    peer->window = window < SYNC_WINDOW_MIN ? SYNC_WINDOW_MIN : window;
}

int piece_ask(struct piece *piece, const char *path, struct fetch_request *request, struct err *err)
{
    room_keep(piece, room_wanted(piece->job));
    request->body_max = piece->room;
    request->ctx = piece;
    int code = sync_ask_as(piece->job->peer, piece->asker, path, request, &piece->fetch, err);
    if (code < 0)
        room_keep(piece, 0);
    return code;
}

bool piece_answered(struct piece *piece, const struct fetch_reply *reply)
{
    struct job *job = piece->job;
    struct sync_peer *peer = job->peer;
    bool is_over = reply->code == ERR_LIMIT && piece->room < answer_max(job);
    piece->fetch = NULL;
    room_keep(piece, 0);
    job->came += reply->body.len;
    sync_account(peer, reply);
    window_learn(peer, reply);
    room_learn(peer, is_over ? PAYLOAD_ANSWER_MAX : reply->body.len);
    if (is_over) {
        piece->is_due = true;
        job_to(job, &peer->asking);
    }
    return !is_over;
}
