/*
 * What the files of pulling share. Nobody else includes this.
 *
 * One thread, one store handle, one fetcher. Answers come in callbacks of fetcher_run, which change only what is in
 * memory here; everything that is written goes through sync_flush, which makes one commit of whatever is ready.
 *
 *   sync.c             the loop, the round, the running node
 *   sync_peer.c        the list of peers, failures and back-off, quotas
 *   sync_poll.c        long polls and the lines they answer (listing.h bounds them)
 *   sync_job.c         one log being pulled: which peer, what to ask next
 *   sync_turn.c        a slow peer does not keep a log from others that have it
 *   sync_checkpoint.c  what a peer's checkpoint of it means
 *   sync_later.c       what is asked for again after a while
 *   sync_piece.c       bundles of entries and of payloads as they arrive
 *   sync_cut.c         answers with more than was asked for, and those that broke off: what has come of them is kept
 *   sync_room.c        no more is asked for at a time than memory and the link have room for
 *   sync_wanted.c      which payloads a log wants, and which peers were asked for them
 *   sync_flush.c       commits
 *   sync_ask.c         requests: whom to ask, and in whose name
 *   sync_hunt.c        fork hunts, each in a thread of its own since they wait for their peer
 */
#ifndef TONGZHOU_CONNECT_SYNC_INTERNAL_H
#define TONGZHOU_CONNECT_SYNC_INTERNAL_H

#include <stdatomic.h>
#include <stdio.h>
#include <sys/queue.h>

#include "connect/fetch.h"
#include "connect/heads.h"
#include "connect/listing.h"
#include "connect/sync.h"
#include "index/view.h"
#include "state/mirror.h"
#include "state/payload.h"

#define SYNC_WINDOW 8               /* requests under way a peer at most, its long poll aside; */
#define SYNC_WINDOW_MIN 2           /* so few where answers take long: each then has more of the link */
#define SYNC_STALLS_MAX 8           /* times that one request is made again because it stalled while others got on; */
                                    /* a peer's may stall so often, and once more for each that was answered */
#define SYNC_FLUSH_BYTES (8u << 20) /* what is ready is committed at the latest when it is so large, */
#define SYNC_FLUSH_MS 400           /* or so old; at once when nothing else is under way */
#define SYNC_SOURCES_MAX 8          /* peers remembered for one log under way */
#define SYNC_LISTED_MAX 10000       /* logs beyond its quota that one peer can make us list */
#define SYNC_SEEN_MAX 20000         /* lines taken and not yet committed: two full pages */
#define SYNC_HUNTS_MAX 64           /* waiting; more are dropped and come again with the next line */
#define SYNC_REFRESH_MS 3000        /* how often the list of peers is read again */
#define SYNC_SLOW 10                /* times the slowest speed that is bearable for long: 2 kB a second */
#define SYNC_BACKOFF_MS 2000        /* after the first failure, doubled up to */
#define SYNC_BACKOFF_MAX_MS INT64_C(900000)

struct sync;
struct job;

/* A member that lives here, in whose name we ask. */
struct asker {
    int64_t number; /* of its log */
    char origin[ORIGIN_MAX + 1];
};

/* One whose signed requests a peer did not take. */
struct unheard {
    SLIST_ENTRY(unheard) link;
    int64_t number, after_ms; /* until then it asks as anybody */
    unsigned times;           /* in a row */
};

TAILQ_HEAD(job_list, job);

struct sync_peer {
    struct peer row; /* as in state.db; counters there are added to, see peer_save */
    struct sync *sync;
    struct fetch *poll, *node;
    unsigned in_flight; /* requests but the poll; */
    unsigned window;    /* not more than these */
    int64_t heard_ms;   /* monotonic: anything of any answer came last */
    unsigned stalls;    /* of its poll, in a row */
    unsigned stalled;   /* of its requests with pieces, less those that were answered since */
    bool takes_from;    /* it has answered from the entry that was asked for on, not from the begin of the bundle */
    size_t held;        /* bytes of its answers that wait for a commit */
    size_t room;        /* bytes kept for answers with pieces that are under way */
    size_t expects;     /* bytes to keep for the next one, by those that came */
    int64_t poll_asker; /* in whose name the poll under way asks; 0: nobody's */
    bool node_asked;    /* who it is, for the next poll */
    SLIST_HEAD(unheard_list, unheard) unheard;
    bool unheard_saved; /* state.db knows that there are some */
    bool was_unheard;   /* the operator here, in this process or in one before it, and not heard since */
    bool ask_anew;      /* it is heard again: these lines may be of contents that were not given before */
    bool polled;        /* a round: all lines have come */
    bool failed;        /* a round: not asked again */
    bool counted;       /* in report.reached */
    bool dirty;         /* to be saved with the next commit */
    int64_t saved_ms;
    bool present;                     /* while the list is read again */
    int64_t poll_after_ms;            /* monotonic; in a round 0 but for who is to hear us in a second */
    unsigned empty_polls;             /* answered at once with nothing, in a row */
    unsigned quick_polls;             /* answered at once, in a row */
    struct listing listing;           /* while answers say that there is more */
    uint64_t new_bytes, new_requests; /* not yet in state.db */
    bool quota_known;
    uint64_t used_logs, used_bytes, listed;
    bool aside_saved;  /* it is set aside in state.db */
    bool cursor_saved; /* the cursor in state.db is not empty */
    /*
     * What stands in state.db, and is gone back to when the peer fails: all that lines in front of it asked for has been
     * done. Else a cut between a line and the checkpoint that it is about would lose a fork at our size, a cosignature or
     * contents until that log changes again.
     */
    char cursor_done[sizeof(((struct peer *)0)->cursor)];
    bool cursor_late; /* state.db has an older one */
    size_t owed;      /* what lines asked for and is not done: sources of jobs, checks that come later, hunts */
    unsigned rewinds; /* in a row, without getting on */
    size_t waiting_count;
    struct job_list waiting;  /* not begun */
    struct job_list asking;   /* have something to ask */
    struct job_list settling; /* all is asked; answers or a commit are awaited */
};

enum job_step {
    JOB_WAITING,
    JOB_CHECKPOINT,
    JOB_ENTRIES,
    JOB_PAYLOADS,
};

/* A bundle, or part of one, under way or arrived. */
struct piece {
    TAILQ_ENTRY(piece) link;
    struct job *job;
    struct fetch *fetch; /* NULL: arrived */
    uint64_t from, to;   /* entries */
    uint64_t
        asked_from;  /* the bundle bytes begin with this entry: `from` when asked by range, else the bundle's first */
    uint64_t offset; /* by range from this byte of its bundle on; 0: all */
    bool whole;      /* the partial bundle was gone, the full one is asked for */
    size_t room;     /* bytes kept for the answer under way */
    bool is_due;     /* not asked for yet: the rest of an answer that was cut, or broke off */
    unsigned stalls; /* times that it, or what it is the rest of, broke off */
    int64_t asker;   /* in whose name it was asked for; 0: nobody's */
    struct buf body; /* arrived: exactly [from, to) */
};

struct source {
    int64_t peer;
    uint64_t size;
    bool check; /* its checkpoint is to be looked at even if we have come as far meanwhile */
    bool again; /* its line came again at our size: it may have contents now that it had not when it was asked */
};

struct job {
    TAILQ_ENTRY(job) link, ready_link;
    struct job_list *list; /* where `link` is */
    struct sync *sync;
    struct sync_peer *peer;
    struct log_info log;
    enum job_step step;
    struct source sources[SYNC_SOURCES_MAX];
    size_t source_count;
    bool collect; /* fetch the checkpoint for its cosignatures though the size is ours */
    bool again;   /* the peer's line came again at our size: ask for all wanted payloads again */
    size_t asker; /* of sync->askers: in whose name payloads are asked for; one after the other */
    bool mixed;   /* something staged came from elsewhere */
    bool retried;
    bool is_ready;
    bool bad_note;              /* a cosignature in the note does not hold */
    bool is_stinted;            /* not all payloads were asked for: the quota is used up */
    bool is_broken;             /* its peer failed: what has come is committed, and then the job goes on elsewhere */
    bool is_yielded;            /* with is_broken: its peer was only slow, and may be asked again after others */
    unsigned stalls;            /* of its checkpoint */
    uint64_t came;              /* bytes of answers that ended, of its peer's turn; */
    uint64_t turn_came;         /* and how many had come, with those under way, when it was looked at last, */
    int64_t turn_ms;            /* monotonic */
    unsigned turns;             /* that ended since a peer was slow: each is longer */
    bool do_collect, do_finish; /* at the next commit */
    size_t held;                /* bytes that wait for a commit */
    struct fetch *fetch;        /* the checkpoint */
    struct buf note;
    uint64_t promised; /* what its peer had announced when the checkpoint was asked for */
    uint64_t target;   /* size of the checkpoint */
    uint64_t next;     /* entry from which on nothing has been asked for */
    uint64_t old_size;
    uint64_t gained; /* payloads */
    unsigned waits;  /* for the peer's cosignature */
    int64_t ready_ms;
    TAILQ_HEAD(piece_list, piece) pieces; /* ascending */
};

struct seen {
    int64_t peer, log;
    uint64_t size;
};

/* When a peer is asked next for all payloads of a log that are lacking: by its own answers, not by those of others. */
struct pace {
    SLIST_ENTRY(pace) link;
    int64_t peer, after_ms;
    unsigned fruitless; /* times that it was asked in vain, in a row */
};

/* Per log number: the job on it, and the pacing of repeated asking for payloads. */
struct log_slot {
    struct job *job;
    int64_t head_from;    /* the peer that gave us the head, 0: not known */
    uint64_t head_size;   /* at that time */
    uint64_t wanted_from; /* no payload below is wanted any more */
    SLIST_HEAD(pace_list, pace) paces;
};

struct later {
    int64_t due_ms, peer, log;
    uint64_t size;
    bool collect, again;
    unsigned waits;
};

#define SYNC_IGNORED_MAX 256

struct ignored {
    int64_t peer, log; /* a branch that is neither proof nor lie: not asked for again */
    uint64_t size;     /* until the peer announces more than this */
};

struct hunt;

struct sync {
    struct store *store;
    struct sync_options options;
    struct fetcher *fetcher;
    struct index *index; /* opened when first needed: groups, communities */
    struct view meant;   /* of one flush: what is asked of each content is looked up once */
    bool is_meant_ready;
    struct asker *askers; /* the operator first */
    size_t asker_count, asker_cap;
    struct sync_report report, published;
    bool is_round;
    bool own_only;  /* pull nothing but our own logs back */
    bool pull_only; /* no polls: only jobs that were put in */
    atomic_bool stop, look;
    struct sync_peer **peers;
    size_t peer_count, peer_cap;
    struct log_slot *slots;
    size_t slot_count;
    size_t job_count, held, room; /* of all peers */
    TAILQ_HEAD(ready_list, job) ready;
    size_t ready_bytes;
    struct seen *seen;
    size_t seen_count, seen_cap;
    struct later *later;
    size_t later_count, later_cap;
    struct ignored ignored[SYNC_IGNORED_MAX];
    size_t ignored_count;
    struct hunt *hunts[SYNC_HUNTS_MAX]; /* the first may be running */
    size_t hunt_count;
    int64_t refreshed_ms, told_ms, turns_ms;
    uint64_t follows; /* as sync_follow counts them */
    bool is_changed;  /* since `changed` was called */
    int fatal;        /* the store failed: everything ends */
    struct err fatal_err;
};

/* ---- sync.c ---- */

/* Remember with the next commit at which size this peer announced the log. */
int sync_seen(struct sync *sync, int64_t peer, int64_t log, uint64_t size, struct err *err);

int sync_init(struct sync *sync, struct store *store, const struct sync_options *options, struct err *err);
void sync_done(struct sync *sync);
int sync_loop(struct sync *sync, struct err *err);
int64_t sync_clock_ms(void); /* monotonic */
int64_t sync_now_ms(void);   /* of the world */
void sync_fatal(struct sync *sync, const struct err *err);

/* store_begin, but another writer that holds the lock for minutes (an import) ends no node: only being stopped does. */
int sync_begin(struct sync *sync, struct err *err);

/* Is a call that failed with `code` to be made again, since another writer was in the way? */
bool sync_again(struct sync *sync, int code);
void sync_note_failure(struct sync *sync, const char *url, bool set_aside, const char *reason);
bool sync_error_is_ours(int code); /* disk, memory: not the peer's doing */

/* ---- sync_ask.c ---- */

/* Start a GET of PEER/path. Counts in in_flight. */
int sync_ask(struct sync_peer *peer, const char *path, struct fetch_request *request, struct fetch **ret,
             struct err *err);
/* The same, signed in the name of a member that lives here; 0: in nobody's. */
int sync_ask_as(struct sync_peer *peer, int64_t asker, const char *path, struct fetch_request *request,
                struct fetch **ret, struct err *err);
void sync_account(struct sync_peer *peer, const struct fetch_reply *reply);

int askers_load(struct sync *sync, struct err *err);
void askers_free(struct sync *sync);

/* The number of the asker at `place` of the list if this peer may hear it now; 0: it is to be asked in nobody's name. */
int64_t asker_at(const struct sync_peer *peer, size_t place);

/* The peer did not take its signature: it is asked without one, and with one again after a while, ever later. */
bool asker_refused(const struct fetch_reply *reply, int64_t asker);
/* When it is worth trying again, 0: not in this round, or hardly ever. */
int64_t asker_unheard(struct sync_peer *peer, int64_t asker, const struct fetch_reply *reply);
void asker_heard(struct sync_peer *peer, int64_t asker);
void unheard_free(struct sync_peer *peer);
int unheard_load(struct sync_peer *peer, struct err *err);
int unheard_save(struct sync_peer *peer, struct err *err); /* within a transaction */

/* Is this content of `author` for anybody who lives here? */
int asker_is_meant(struct sync *sync, struct span author, const struct record *record, bool *ret, struct err *err);

/* ---- sync_peer.c ---- */

int peers_load(struct sync *sync, struct err *err); /* first time and again */
void peers_free(struct sync *sync);
struct sync_peer *peer_by_number(struct sync *sync, int64_t number);
bool peer_usable(const struct sync_peer *peer);
int peer_save(struct sync_peer *peer, struct err *err);

/* So much more, or less, is owed to lines of this peer, if it is one still. */
void peer_owes(struct sync *sync, int64_t number, int more);
void peer_cursor_done(struct sync_peer *peer); /* if nothing is */

/* Did a request of this peer stall while others of its answers come? Then it is made again, and the peer is well. */
bool peer_is_heard(const struct sync_peer *peer, const struct fetch_reply *reply);

/* All ends here: what has come of its answers is ready to be committed. */
void peer_break(struct sync_peer *peer);

/* It could not be reached, stalled, answered with an error: later again. */
void peer_failed(struct sync_peer *peer, const char *reason, unsigned retry_after_s);
/* It said something that cannot be true: set aside. */
void peer_lied(struct sync_peer *peer, const char *reason);
void peer_reached(struct sync_peer *peer);

/*
 * Something about one log is odd that is no proof of a lie: written into `reason`, which begins with "log ORIGIN: ",
 * for people to see while everything else goes on. Over when the peer's checkpoint of that log is a good one.
 */
void peer_remark(struct sync_peer *peer, const char *reason);
void peer_remark_over(struct sync_peer *peer, const struct log_info *log);

/* Is there something to pull of this log at all? Of a frozen one: its entries in front of the fork, nothing behind. */
bool log_goes_on(const struct log_info *log);

/* May it become longer here? A suspended one may not; its checkpoints are looked at still, for they may prove a fork. */
bool log_grows(const struct log_info *log);

/* Put jobs in for all that peers have announced before and that is not here yet. peer NULL: of all. */
int peers_rescan(struct sync *sync, struct sync_peer *peer, struct err *err);
/* Count what its peer has made us mirror and list, once. */
int peer_quota_load(struct sync_peer *peer, struct err *err);

/* Logs lost bytes: what they count is looked up again when it matters. */
void peers_recount(struct sync *sync);

/* May this log take so many more bytes? */
bool peer_quota_holds(struct sync *sync, const struct log_info *log, uint64_t more_bytes);

/* ---- sync_poll.c ---- */

void peers_poll(struct sync *sync); /* start what is due */

/* ---- sync_job.c ---- */

/*
 * Pull this log from this peer, or remember it as another source; NULL if nothing is wanted or it must wait.
 *   again  it may have contents that it had not when it was asked for them: with more entries than ours, too, for one line
 *          tells of both
 */
struct job *job_add(struct sync *sync, struct sync_peer *peer, const struct log_info *log, uint64_t size, bool collect,
                    bool again);
bool job_head_came_from(struct sync *sync, const struct log_info *log, int64_t peer);
uint64_t job_announced(struct job *job);          /* the size at which its peer announced the log */
void job_correct(struct job *job, uint64_t size); /* it has no more than that: nobody goes on believing its line */
void job_to(struct job *job, struct job_list *list);
void job_free(struct job *job);
void job_go_on(struct job *job);      /* with the next source that is worth it, or to the end */
bool job_has_other(struct job *job);  /* another source that is worth it */
void job_yield(struct job *job);      /* others first: its peer is slow; what has come and is not staged is forgotten */
void job_leave_peer(struct job *job); /* forget what came from its peer; another source, or the end */
bool job_unstage(struct job *job);    /* nothing of it beyond the head is kept; false: the store failed */
void job_restart(struct job *job);    /* from the beginning, at the same peer */
void job_reject(struct job *job, const struct err *why); /* what its peer sent does not hold; frees or restarts */
void job_finished(struct job *job);                      /* another source has more, or the end */
void job_is_ready(struct job *job);
void peer_pump(struct sync_peer *peer); /* start requests as the window allows */

/* ---- sync_turn.c ---- */

void turn_begin(struct job *job); /* its peer has the job from now on */
void turns_end(struct sync *sync);

/* ---- sync_checkpoint.c ---- */

int checkpoint_ask(struct job *job, struct err *err); /* and go on by what it says */

/* ---- sync_later.c ---- */

/* One a peer and log, up to the largest size; without memory none. */
void later_add(struct sync *sync, const struct later *later);
void later_due(struct sync *sync);

int64_t pace_due(const struct log_slot *slot, int64_t peer); /* when it may be asked again for all payloads that lack */
void pace_done(struct log_slot *slot, int64_t peer);         /* it was, in vain */
void paces_free(struct log_slot *slot);                      /* something new is here: everybody may be asked at once */

/* ---- sync_piece.c ---- */

/* Ask for the next piece of entries or payloads; moves the job to `settling` when there is no more. */
int piece_ask_next(struct job *job, struct err *err);
struct piece *piece_new(struct job *job, uint64_t from, uint64_t to, struct err *err); /* in no list yet */
void piece_arrived(struct piece *piece);
void piece_free(struct piece *piece);
bool piece_is_here(const struct piece *piece); /* has arrived; NULL: no */
bool piece_is_late(const struct job *job);     /* the first, which all others wait for, is to be asked for */
bool pieces_are_due(const struct job *job);    /* any is */
void pieces_free(struct job *job);
void payloads_begin(struct job *job);
bool payloads_next_asker(struct job *job); /* in whose name nothing was asked for yet; false: there is none */

/* ---- sync_cut.c ---- */

/* Is it an answer to what was asked for? It begins with entry `asked_from`, which is set. */
bool entries_answered(struct piece *piece, const struct fetch_reply *reply);
/* Cut it down to [from, to). */
int entries_cut(struct piece *piece, struct fetch_reply *reply, struct err *err);
int payloads_cut(const struct piece *piece, struct buf *answer, uint64_t *ret_count, struct err *err);

/* The piece ends after `count` entries; what is behind them, from this byte of its bundle on, is a piece that is due. */
int piece_rest(struct piece *piece, uint64_t count, uint64_t offset, struct err *err);

/* An answer broke off: what has come whole of it has arrived, the rest is due. */
int piece_broke(struct piece *piece, struct fetch_reply *reply, struct err *err);

/*
 * All requests of a job end, since its peer failed; what has come is to be committed before it leaves. False: nothing
 * has.
 */
bool job_break(struct job *job);

/* ---- sync_room.c ---- */

bool piece_has_room(const struct job *job); /* may its next one be asked for? */
void room_keep(struct piece *piece, size_t bytes);

/* Start a GET of PEER/path for this piece, in its asker's name, with room kept for the answer. */
int piece_ask(struct piece *piece, const char *path, struct fetch_request *request, struct err *err);

/* The answer has come, or none. False: it was larger than the room kept for it, and is asked for again. */
bool piece_answered(struct piece *piece, const struct fetch_reply *reply);

/* ---- sync_wanted.c ---- */

uint64_t payloads_start(const struct log_info *log); /* first entry whose payload the log's mode keeps */

/*
 * Is there a payload that this log wants and that this peer was not asked for at its present head?
 *   again  whether it was asked for or not
 * 1 and *ret_from, 0, or the store's failure.
 */
int payloads_wanted(struct sync *sync, int64_t peer, const struct log_info *log, bool again, uint64_t *ret_from,
                    struct err *err);
/* Is any payload wanted, whoever was asked for it? */
bool payloads_lacking(struct sync *sync, const struct log_info *log);
/* The fact that remembers for a log which peers were asked at which head. */
#define PAYLOADS_ASKED_NAME_MAX 80
void payloads_asked_name(const struct log_info *log, char out[PAYLOADS_ASKED_NAME_MAX]);

/* Within a transaction: this peer was asked for all that was wanted below `size`; what is lacking there is not asked again. */
int payloads_asked(struct sync *sync, int64_t peer, int64_t number, uint64_t size, struct err *err);

/* ---- sync_flush.c ---- */

int sync_flush(struct sync *sync, struct err *err);

/* ---- sync_follow.c ---- */

/* A transaction of its own: what lacks of the log is wanted from every peer again, whatever it said before. */
int sync_ask_anew(struct store *store, const struct log_info *log, struct err *err);

/* How often a person has changed what is followed: by the store's own count, for other processes to notice. */
int sync_follows(struct store *store, uint64_t *ret, struct err *err);

/* Within a transaction: every peer is asked for all its lines again, and what they announced is looked at. */
int sync_look_again(struct store *store, struct err *err);

/* Within a transaction: contents of this log that were not wanted are again; a running node asks for them. */
int sync_want_again(struct store *store, struct log_info *log, struct err *err);

/* ---- sync_hunt.c ---- */

bool hunt_worth(struct job *job); /* is the note signed by a key of the log that we know? */
void hunt_add(struct sync *sync, struct job *job, const char *reason); /* frees the job */
int hunts_run(struct sync *sync, struct err *err);
void hunts_done(struct sync *sync);
bool hunts_idle(const struct sync *sync);
void hunt_ignore(struct sync *sync, int64_t peer, int64_t log, uint64_t size);
bool hunt_ignores(const struct sync *sync, int64_t peer, int64_t log, uint64_t size);

#endif
