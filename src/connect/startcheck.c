#include "connect/startcheck.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "connect/sync_internal.h"
#include "state/author.h"
#include "tlog/checkpoint.h"

#define FACT "start-checked"
#define RESTORED "restored"  /* fact: when; "" once the check was passed after it */
#define CHECK_TOTAL_MS 20000 /* a person waits for the command; a peer that is slower has not answered */
#define CHECK_CONNECT_MS 5000
#define CHECK_STRAGGLE_MS 1500 /* once every log has an answer, the others get so much longer */
#define HEAL_TRIES 8           /* sources for one log */

/* ---- the fact: a running node has checked ---- */

static int read_small(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    if (len < 0)
        return -1;
    out[len] = '\0';
    return 0;
}

/* Field 22 of /proc/PID/stat: clock ticks after boot at which the process began. Fields follow the name's last ')'. */
static unsigned long long start_ticks(long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    if (read_small(path, text, sizeof(text)) < 0)
        return 0;
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

/* "BOOT PID TICKS DEVICE INODE BORN"; false where /proc is not as expected. A copy in the same place may get the inode
 * of what it replaces, so the file's time of birth belongs to it (0 where the file system has none). */
static bool fact_write(struct store *store, long pid, char *out, size_t size)
{
    char boot[64], path[4096];
    struct statx file;
    snprintf(path, sizeof(path), "%s/state.db", store_dir(store));
    unsigned long long ticks = start_ticks(pid);
    if (read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) < 0 || ticks == 0 ||
        statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &file) < 0)
        return false;
    bool has_birth = (file.stx_mask & STATX_BTIME) != 0;
    boot[strcspn(boot, "\n")] = '\0';
    int len = snprintf(out, size, "%s %ld %llu %u:%u %llu %lld.%u", boot, pid, ticks, file.stx_dev_major,
                       file.stx_dev_minor, (unsigned long long)file.stx_ino,
                       has_birth ? (long long)file.stx_btime.tv_sec : 0, has_birth ? file.stx_btime.tv_nsec : 0);
    return len > 0 && (size_t)len < size;
}

int start_check_note(struct store *store, struct err *err)
{
    char fact[256];
    if (!fact_write(store, (long)getpid(), fact, sizeof(fact)))
        return 0; /* then every command asks for itself */
    int code = store_begin(store, err);
    if (code < 0)
        return code;
    code = store_put(store, FACT, span_str(fact), err);
    if (code == 0)
        return store_commit(store, err);
    store_rollback(store);
    return code;
}

bool start_check_noted(struct store *store)
{
    struct buf fact;
    struct err missing = {0};
    char now[256];
    bool holds = false;
    buf_init(&fact, 256);
    if (store_get(store, FACT, &fact, &missing) == 0) {
        const char *text = buf_cstr(&fact), *space = strchr(text, ' ');
        long pid = space ? strtol(space + 1, NULL, 10) : 0;
        holds = pid > 0 && fact_write(store, pid, now, sizeof(now)) && strcmp(now, text) == 0;
    }
    buf_done(&fact);
    return holds;
}

/* ---- the fact: it comes out of a backup ---- */

static int restored_put(struct store *store, struct span value, struct err *err)
{
    int code = store_begin(store, err);
    if (code < 0)
        return code;
    code = store_put(store, RESTORED, value, err);
    if (code == 0)
        return store_commit(store, err);
    store_rollback(store);
    return code;
}

int start_check_restored(struct store *store, int64_t now_ms, struct err *err)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(now_ms, time);
    return restored_put(store, span_str(time), err);
}

/* When it was restored; "" if it was not, or if the check was passed since. */
static void restored_get(struct store *store, char out[WHEN_TEXT_LEN + 1])
{
    struct buf fact;
    struct err missing = {0};
    buf_init(&fact, WHEN_TEXT_LEN + 1);
    if (store_get(store, RESTORED, &fact, &missing) < 0)
        buf_clear(&fact);
    snprintf(out, WHEN_TEXT_LEN + 1, "%s", buf_cstr(&fact));
    buf_done(&fact);
}

/* The check was passed: from now on this node is like any other. */
static int allow(struct store *store, struct err *err)
{
    char restored[WHEN_TEXT_LEN + 1];
    restored_get(store, restored);
    int code = restored[0] ? restored_put(store, SPAN_LIT(""), err) : 0;
    if (code == 0)
        author_allow(store);
    return code;
}

/* ---- asking ---- */

static atomic_bool is_cancelled;

void start_check_cancel(void)
{
    atomic_store(&is_cancelled, true);
}

struct question;

struct log_check {
    struct log_info log;
    size_t answers;
    bool is_forked;
    struct source longer[HEAL_TRIES]; /* who has more */
    size_t longer_count;
    uint64_t signed_size; /* the largest of these sizes that a key of ours has signed for: we were there */
};

struct check {
    struct store *store;
    struct fetcher *fetcher;
    struct peer *peers;
    size_t peer_count, peer_cap;
    struct log_check *logs;
    size_t log_count, log_cap;
    char reason[ERR_TEXT_MAX]; /* of the last peer that did not answer */
    int64_t answered_ms;       /* when every log had an answer */
    int fatal;
    struct err err;
};

struct question {
    struct check *check;
    size_t peer, log;
};

static void unanswered(struct question *question, const char *why)
{
    struct check *check = question->check;
    snprintf(check->reason, sizeof(check->reason), "%.400s: %.500s", check->peers[question->peer].url, why);
}

/* Is there a signature of a key that we know to be this log's? Without one the checkpoint may be anything. */
static bool signed_by_us(struct store *store, const struct log_info *log, const struct note *note)
{
    struct arena arena;
    struct member member;
    struct err err = {0};
    bool is_signed = false;
    arena_init(&arena, 1u << 20);
    if (log->size > 0 && store_member(store, log->number, &arena, &member, &err) == 0) {
        struct note_key key;
        const struct log_key *now = &member.keys[member.key_count - 1];
        is_signed = note_key_make(&key, span_str(log->origin), NOTE_ED25519, now->public_key, &err) == 0 &&
                    note_verify(note, &key, NULL, &err) == 1;
    }
    arena_done(&arena);
    return is_signed;
}

static void answer_judge(struct question *question, struct span text)
{
    struct check *check = question->check;
    struct log_check *log = &check->logs[question->log];
    enum mirror_result result;
    struct note note;
    struct checkpoint checkpoint = {0};
    struct err err = {0};
    int code = mirror_judge(check->store, &log->log, text, &result, &err);
    if (code == 0)
        code = note_parse(text, &note, &err);
    if (code == 0)
        code = checkpoint_parse(note.text, &checkpoint, &err);
    if (sync_error_is_ours(code)) {
        check->fatal = code;
        check->err = err;
    } else if (code < 0) {
        unanswered(question, err.text);
    } else if (result == MIRROR_FORK_SAME || result == MIRROR_FORK_OLD) {
        log->is_forked = true;
        unanswered(question, "it holds another branch of this log, signed with its key");
    } else if (result == MIRROR_BEHIND) {
        log->answers++;
    } else {
        if (log->longer_count < HEAL_TRIES)
            log->longer[log->longer_count++] =
                (struct source){.peer = check->peers[question->peer].number, .size = checkpoint.size};
        if (checkpoint.size > log->signed_size && signed_by_us(check->store, &log->log, &note))
            log->signed_size = checkpoint.size;
    }
}

static void on_answer(void *ctx, struct fetch_reply *reply)
{
    struct question *question = ctx;
    struct log_check *log = &question->check->logs[question->log];
    char why[64];
    if (reply->code < 0) {
        unanswered(question, reply->err.text);
    } else if (reply->status == 404) {
        log->answers++; /* it has nothing of ours */
    } else if (reply->status == 200) {
        answer_judge(question, buf_view(&reply->body));
    } else {
        snprintf(why, sizeof(why), "status %d", reply->status);
        unanswered(question, why);
    }
}

static int grow(void **array, size_t count, size_t *cap, size_t size, struct err *err)
{
    if (count < *cap)
        return 0;
    size_t wanted = *cap ? *cap * 2 : 8;
    void *grown = realloc(*array, wanted * size);
    if (!grown)
        return err_memory(err);
    *array = grown;
    *cap = wanted;
    return 0;
}

static int take_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct check *check = ctx;
    if (log->role != LOG_OWN || log->standing != STANDING_GOOD)
        return 0;
    int code = grow((void **)&check->logs, check->log_count, &check->log_cap, sizeof(*check->logs), err);
    if (code == 0)
        check->logs[check->log_count++] = (struct log_check){.log = *log};
    return code;
}

static int take_peer(void *ctx, const struct peer *peer, struct err *err)
{
    struct check *check = ctx;
    if (peer->set_aside) {
        snprintf(check->reason, sizeof(check->reason), "%.400s: set aside: %.500s", peer->url, peer->reason);
        return 0;
    }
    int code = grow((void **)&check->peers, check->peer_count, &check->peer_cap, sizeof(*check->peers), err);
    if (code == 0)
        check->peers[check->peer_count++] = *peer;
    return code;
}

static bool is_answered(const struct check *check)
{
    for (size_t i = 0; i < check->log_count; i++)
        if (check->logs[i].answers == 0 && check->logs[i].longer_count == 0)
            return false;
    return true;
}

/* The largest answer counts, so all are waited for; but one dead peer must not cost every command its timeout. */
static bool is_settled(struct check *check)
{
    if (check->fatal != 0 || fetcher_active(check->fetcher) == 0)
        return true;
    if (!is_answered(check))
        return false;
    if (check->answered_ms == 0)
        check->answered_ms = sync_clock_ms();
    return sync_clock_ms() - check->answered_ms > CHECK_STRAGGLE_MS;
}

/* All peers for all own logs at once. */
static int ask_all(struct check *check, struct err *err)
{
    struct question *questions = calloc(check->peer_count * check->log_count + 1, sizeof(*questions)),
                    *next = questions;
    int code = questions ? 0 : err_memory(err);
    for (size_t p = 0; code == 0 && p < check->peer_count; p++)
        for (size_t l = 0; code == 0 && l < check->log_count; l++) {
            char url[PEER_URL_MAX + 128];
            snprintf(url, sizeof(url), "%s/logs/%s/checkpoint", check->peers[p].url, check->logs[l].log.hex);
            *next = (struct question){check, p, l};
            struct fetch_request request = {.url = url,
                                            .body_max = NOTE_MAX,
                                            .connect_timeout_ms = CHECK_CONNECT_MS,
                                            .total_ms = CHECK_TOTAL_MS,
                                            .done = on_answer,
                                            .ctx = next++};
            code = fetch_start(check->fetcher, &request, NULL, err);
        }
    while (code == 0 && !is_settled(check) && !atomic_load(&is_cancelled))
        code = fetcher_run(check->fetcher, 200, err);
    if (code == 0 && check->fatal != 0) {
        *err = check->err;
        code = check->fatal;
    }
    fetcher_free(check->fetcher); /* with its requests, before what they point to */
    check->fetcher = NULL;
    free(questions);
    return code;
}

/* ---- healing ---- */

static void heal_progress(void *ctx, const struct sync_report *report)
{
    struct sync *sync = ctx;
    (void)report;
    if (atomic_load(&is_cancelled))
        atomic_store(&sync->stop, true);
}

/* Pull one of our own logs back from those that have more of it. */
static int heal(struct check *check, struct log_check *log, struct err *err)
{
    struct sync_options options = {.connect_timeout_ms = CHECK_CONNECT_MS};
    struct sync *sync = malloc(sizeof(*sync));
    int code = sync ? sync_init(sync, check->store, &options, err) : err_memory(err);
    if (code < 0) {
        free(sync);
        return code;
    }
    sync->options.progress = heal_progress;
    sync->options.ctx = sync;
    sync->is_round = sync->own_only = sync->pull_only = true;
    sync->options.ignore_backoff = true;
    code = peers_load(sync, err);
    for (size_t i = 0; code == 0 && i < log->longer_count; i++) {
        struct sync_peer *peer = peer_by_number(sync, log->longer[i].peer);
        if (peer)
            job_add(sync, peer, &log->log, log->longer[i].size, false, false);
    }
    if (code == 0)
        code = sync_loop(sync, err);
    if (sync->report.failure_count > 0)
        snprintf(check->reason, sizeof(check->reason), "%.400s: %.500s", sync->report.failures[0].url,
                 sync->report.failures[0].reason);
    if (code == 0)
        code = store_log(check->store, log->log.number, &log->log, err);
    for (size_t i = 0; i < log->longer_count; i++) {
        struct sync_peer *peer = peer_by_number(sync, log->longer[i].peer);
        bool was_true = log->log.size >= log->longer[i].size;
        log->answers += was_true;
        if (!was_true && peer && !peer->row.set_aside && log->signed_size < log->longer[i].size)
            log->signed_size = log->longer[i].size; /* no lie has been shown: it may be so */
    }
    sync_done(sync);
    free(sync);
    return code;
}

static int conclude(struct check *check, struct err *err)
{
    for (size_t i = 0; i < check->log_count; i++) {
        struct log_check *log = &check->logs[i];
        if (log->is_forked)
            return err_set(
                err, ERR_FORK,
                "%s: a peer holds another branch of this log, signed with its own key (%s). Nothing more may "
                "be signed with it; go on in a new log: tongzhou init --succeeds",
                log->log.origin, check->reason);
        if (log->longer_count > 0) {
            int code = heal(check, log, err);
            if (code < 0)
                return err_in(err, "healing %s", log->log.origin);
        }
        if (log->log.size < log->signed_size)
            return err_set(
                err, ERR_STATE,
                "%s: a peer holds %llu entries of this log, here are %llu, and they could not be fetched back "
                "(%s). Nothing is signed before they are: try again, or `tongzhou sync`",
                log->log.origin, (unsigned long long)log->signed_size, (unsigned long long)log->log.size,
                check->reason);
        if (log->answers == 0)
            return err_set(
                err, ERR_STATE,
                "no peer could say how far our log %s goes, and signing from an older copy would fork it (%s). "
                "Try again when a peer can be reached, or give --alone if you are sure that this folder is the newest "
                "copy",
                log->log.origin, check->reason[0] ? check->reason : "no answer");
    }
    return 0;
}

static int check_peers(struct check *check, struct err *err)
{
    char restored[WHEN_TEXT_LEN + 1];
    int code = peer_each(check->store, take_peer, check, err);
    if (code < 0 || check->log_count == 0)
        return code;
    restored_get(check->store, restored);
    if (check->peer_count == 0 && check->reason[0] == '\0')
        return restored[0] ? err_set(err, ERR_STATE,
                                     "restored from a backup on %.10s: logs may have gone on after it was made, and "
                                     "signing from here would fork them. Add a peer that mirrors them (tongzhou peer "
                                     "add URL) and run `tongzhou sync`; or give --alone once if nothing was signed "
                                     "after the backup",
                                     restored)
                           : 0;
    code = fetcher_new(&check->fetcher, err);
    if (code == 0)
        code = ask_all(check, err);
    if (code == 0 && atomic_load(&is_cancelled))
        code = err_set(err, ERR_STATE, "stopped while peers were asked about our own logs");
    return code < 0 ? code : conclude(check, err);
}

/*
 * Nobody holds more of our logs, so what was once begun to be fetched back is not theirs: a claim that nobody could prove, or
 * a pull that was killed. As long as it is there nothing can be signed.
 */
static int leftovers_drop(struct check *check, struct err *err)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < check->log_count; i++) {
        struct log_info log;
        code = store_log(check->store, check->logs[i].log.number, &log, err);
        if (code < 0 || log.size == 0 || log.staged == log.size)
            continue;
        code = store_begin(check->store, err);
        if (code < 0)
            return code;
        code = store_unstage(check->store, log.number, err);
        if (code == 0)
            code = store_commit(check->store, err);
        else
            store_rollback(check->store);
    }
    return code;
}

int start_check_now(struct store *store, bool alone, struct err *err)
{
    struct check check = {.store = store};
    int code = store_logs(store, take_log, &check, err);
    if (code == 0 && !alone)
        code = check_peers(&check, err);
    if (code == 0)
        code = leftovers_drop(&check, err);
    free(check.peers);
    free(check.logs);
    return code < 0 ? code : allow(store, err);
}

int start_check(struct store *store, bool alone, struct err *err)
{
    if (!alone && start_check_noted(store)) {
        author_allow(store);
        return 0;
    }
    return start_check_now(store, alone, err);
}
