#include "connect/fork_hunt.h"
#include "state/mirror.h"

#define SCAN_ARENA_MAX (24u << 20) /* bytes: ROTATIONS_MAX proofs of 4 kB a branch, and the entries */
#define SCAN_PART 256              /* entries looked up at once */
#define ACCUSED_MAX 10000          /* logs that are listed only since somebody proved their fork */

static int count_accused(void *ctx, const struct log_info *log, struct err *err)
{
    (void)err;
    *(size_t *)ctx += log->role == LOG_LISTED && log->peer == 0;
    return 0;
}

/* The accused log's number: 1 and *ret, or 0 if there are too many strangers already. Within the transaction. */
static int accused(struct store *store, const char *origin, struct log_info *ret, struct err *err)
{
    struct err missing = {0};
    size_t strangers = 0;
    int code = store_log_by_origin(store, span_str(origin), ret, &missing);
    if (code == 0)
        return 1;
    if (code != ERR_NOTFOUND)
        return err_set(err, code, "%s", missing.text);
    code = store_logs(store, count_accused, &strangers, err);
    if (code < 0 || strangers >= ACCUSED_MAX)
        return code;
    struct log_new make = {.origin = span_str(origin), .role = LOG_LISTED, .mode = MODE_FULL};
    int64_t number;
    code = store_log_create(store, &make, &number, err);
    if (code == 0)
        code = store_log(store, number, ret, err);
    return code < 0 ? code : 1;
}

static bool is_frozen_already(struct store *store, const struct fork_proof *proof)
{
    struct log_info log;
    struct err missing = {0};
    return store_log_by_origin(store, span_str(proof->origin), &log, &missing) == 0 &&
           log.standing == STANDING_FROZEN && (!proof->has_index || log.frozen_from <= proof->index);
}

static int scan_freeze(struct store *store, const struct fork_proof *proof, enum fork_verdict verdict, struct span text,
                       struct err *err)
{
    struct log_info log;
    int code = store_begin(store, err);
    if (code < 0)
        return code;
    code = accused(store, proof->origin, &log, err);
    if (code > 0)
        code = mirror_fork(store, log.number, verdict == FORK_FREEZES, proof->index, text, err);
    if (code >= 0)
        return store_commit(store, err);
    store_rollback(store);
    return code;
}

/* Where we know the accused, its retired keys convict nobody: a thief may have left the rotation out of both branches. */
static int check_standing(struct store *store, const struct fork_proof *proof, struct arena *arena, struct err *err)
{
    struct log_info log;
    struct member member;
    struct err unknown = {0};
    if (store_log_by_origin(store, span_str(proof->origin), &log, &unknown) < 0 || log.size == 0)
        return 0;
    int code = store_member(store, log.number, arena, &member, err);
    return code < 0 ? code : fork_stands(proof, &member, err);
}

/* One entry: 1 a proof that holds, 0 anything else. */
static int scan_entry(struct store *store, struct span entry, struct arena *arena, struct err *err)
{
    struct record record;
    struct fork_proof proof;
    enum fork_verdict verdict = FORK_SUSPENDS;
    struct err reason = {0};
    int code = record_parse(entry, arena, &record, &reason);
    if (code == 0 && record.hold)
        return 0;
    if (code == 0)
        code = fork_parse(&record, arena, &proof, &reason);
    if (code == 0 && is_frozen_already(store, &proof))
        return 0;
    if (code == 0)
        code = fork_verify(&proof, &verdict, &reason);
    if (code == 0)
        code = check_standing(store, &proof, arena, &reason);
    if (code == ERR_MEMORY)
        return err_memory(err);
    if (code < 0)
        return 0; /* proves nothing: everybody ignores it alike */
    code = scan_freeze(store, &proof, verdict, entry, err);
    return code < 0 ? code : 1;
}

int fork_scan(struct store *store, int64_t number, uint64_t from, size_t *ret_forks, struct err *err)
{
    struct arena scratch;
    struct buf entry;
    uint64_t indices[SCAN_PART];
    size_t count = SCAN_PART;
    int code = 0;
    *ret_forks = 0;
    arena_init(&scratch, SCAN_ARENA_MAX);
    buf_init(&entry, ENTRY_MAX);
    while (code >= 0 && count == SCAN_PART) {
        code = store_constitution(store, number, from, indices, SCAN_PART, &count, err);
        for (size_t i = 0; code >= 0 && i < count; i++) {
            buf_clear(&entry);
            arena_clear(&scratch);
            code = store_read_entry(store, number, indices[i], &entry, err);
            if (code == 0 && span_is(entry_kind(buf_view(&entry)), "connect/fork"))
                code = scan_entry(store, buf_view(&entry), &scratch, err);
            *ret_forks += code > 0;
            from = indices[i] + 1;
        }
    }
    buf_done(&entry);
    arena_done(&scratch);
    return code < 0 ? code : 0;
}
