#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "connect/backup.h"
#include "rng.h"
#include "tape.h"

/* What is being done, for the message when it breaks. */
static void doing(struct ledger *ledger, const char *what)
{
    snprintf(ledger->doing, sizeof(ledger->doing), "step %llu, %s", (unsigned long long)ledger->step, what);
    ledger->step++;
}

static struct store *current;

void must_failed(struct ledger *ledger, const char *call, const struct err *err)
{
    if (!tape_failed())
        broken(ledger, "%s: %s", call, err->text);
    if (!err->text[0])
        broken(ledger, "%s: refused without a word", call);
    store_close(current);
    _exit(TAPE_STOPPED);
}

void record_text(struct ledger *ledger, struct buf *out, size_t len)
{
    struct buf body;
    char mark[MARK_LEN + 1];
    snprintf(mark, sizeof(mark), "MARK-%024llx", (unsigned long long)rng_next(&ledger->rng));
    buf_init(&body, PAYLOAD_MAX);
    do
        buf_fmt(&body, "%s.", mark);
    while (body.len < len);
    struct record_draft draft = {.kind = "test/text", .time_ms = TIME_MS, .tlp = TLP_CLEAR, .body = buf_view(&body)};
    must(ledger, record_write(&draft, out, &err));
    buf_done(&body);
}

/* ---- logs ---- */

static const struct {
    const char *name;
    enum log_role role;
} members[] = {
    [LOG_FIRST] = {"first.example.org", LOG_OWN},
    [LOG_SECOND] = {"second.example.org", LOG_OWN},
    [LOG_HIDDEN] = {"hidden.example.org", LOG_LOCAL},
};

static void recovery_path(const struct ledger *ledger, int which, unsigned number, char out[256])
{
    snprintf(out, 256, "%s/safe/%s.recovery.%u", ledger->root, members[which].name, number);
}

static void log_made(struct ledger *ledger, struct store *store, int which, const struct log_info *info)
{
    struct told_log *log = &ledger->logs[which];
    memcpy(log->origin, info->origin, sizeof(log->origin));
    log->number = info->number;
    inspect_shown(ledger, store, which);
}

static void make_log(struct ledger *ledger, struct store *store, int which)
{
    struct told_log *log = &ledger->logs[which];
    struct log_info info;
    char path[256];
    doing(ledger, "make a log");
    recovery_path(ledger, which, ++log->recovery_tried, path);
    struct author_new make = {.time_ms = TIME_MS,
                              .role = members[which].role,
                              .is_operator = which == LOG_FIRST,
                              .recovery_path = which == LOG_HIDDEN ? NULL : path};
    snprintf(make.profile.name, sizeof(make.profile.name), "%s", members[which].name);
    make.profile.class = CLASS_CIVIL;
    must(ledger, author_create(store, &make, &info, &err));
    log_made(ledger, store, which, &info);
    log->recovery = log->recovery_tried;
}

static int adopt_one(void *ctx, const struct log_info *info, struct err *err)
{
    (void)err;
    struct {
        struct ledger *ledger;
        struct log_info found[TOLD_LOGS];
    } *adopting = ctx;
    for (int which = 0; which <= LOG_HIDDEN; which++) {
        size_t len = strlen(members[which].name);
        if (strncmp(info->origin, members[which].name, len) == 0 && info->origin[len] == '/' && info->size > 0)
            adopting->found[which] = *info;
    }
    return 0;
}

/* Logs whose making was not acknowledged, and that are there. */
static void adopt(struct ledger *ledger, struct store *store)
{
    struct {
        struct ledger *ledger;
        struct log_info found[TOLD_LOGS];
    } adopting = {.ledger = ledger};
    must(ledger, store_logs(store, adopt_one, &adopting, &err));
    for (int which = 0; which <= LOG_HIDDEN; which++)
        if (!ledger->logs[which].origin[0] && adopting.found[which].number)
            log_made(ledger, store, which, &adopting.found[which]);
}

struct store *work_open(struct ledger *ledger)
{
    struct store_options options = {.create = !ledger->made};
    struct store *store;
    char dir[256];
    snprintf(dir, sizeof(dir), "%s/node", ledger->root);
    doing(ledger, "open");
    must(ledger, store_open(dir, &options, &store, &err));
    author_allow(store);
    current = store;
    size_t erased;
    doing(ledger, "complete erasures");
    must(ledger, mirror_erase_queued(store, &erased, &err));
    doing(ledger, "look at everything");
    adopt(ledger, store);
    inspect(ledger, store);
    inspect_erased(ledger);
    if (!ledger->logs[LOG_FIRST].origin[0])
        make_log(ledger, store, LOG_FIRST);
    ledger->made = true;
    return store;
}

/* ---- one's own logs ---- */

static void append(struct ledger *ledger, struct store *store, int which)
{
    static const size_t most[] = {1, 3, 20, 300, 700};
    struct told_log *log = &ledger->logs[which];
    size_t count = 1 + rng_below(&ledger->rng, most[rng_below(&ledger->rng, 5)]);
    if (!log->origin[0] || log->size + count > TOLD_ENTRIES - 100)
        return;
    doing(ledger, "append");
    struct author_item *items = calloc(count, sizeof(*items));
    struct buf *texts = calloc(count, sizeof(*texts));
    if (!items || !texts)
        broken(ledger, "no memory");
    bool large = rng_one_in(&ledger->rng, 6);
    for (size_t i = 0; i < count; i++) {
        buf_init(&texts[i], PAYLOAD_MAX);
        size_t len = large && i == 0 ? PAYLOAD_TAIL_MAX + 900 : rng_below(&ledger->rng, count < 30 ? 3000 : 200);
        record_text(ledger, &texts[i], len);
        items[i] = (struct author_item){buf_view(&texts[i]), rng_one_in(&ledger->rng, 2)};
    }
    uint64_t first;
    must(ledger, author_append(store, log->number, items, count, TIME_MS, &first, &err));
    ledger->records += count;
    inspect_shown(ledger, store, which);
    if (log->size != first + count)
        broken(ledger, "log %s: %zu appended at %llu, size %llu", log->origin, count, (unsigned long long)first,
               (unsigned long long)log->size);
    for (size_t i = 0; i < count; i++)
        buf_done(&texts[i]);
    free(items);
    free(texts);
}

static void erase(struct ledger *ledger, struct store *store, int which)
{
    struct told_log *log = &ledger->logs[which];
    if (!log->origin[0] || log->size > TOLD_ENTRIES - 10)
        return;
    uint64_t index = rng_below(&ledger->rng, log->size);
    if (log->entries[index].state != TOLD_HELD)
        return;
    doing(ledger, "erase");
    log->entries[index].state = TOLD_ERASING;
    must(ledger, author_erase(store, log->number, index, TIME_MS, &err));
    log->entries[index].state = TOLD_ERASED;
    inspect_shown(ledger, store, which);
    inspect_erased(ledger);
}

static void rotate(struct ledger *ledger, struct store *store, int which)
{
    struct told_log *log = &ledger->logs[which];
    if (!log->origin[0] || which == LOG_HIDDEN || log->size > TOLD_ENTRIES - 10)
        return;
    char old[256], next[256];
    recovery_path(ledger, which, log->recovery, old);
    if (rng_one_in(&ledger->rng, 2)) {
        doing(ledger, "rotate by the recovery key");
        recovery_path(ledger, which, ++log->recovery_tried, next);
        must(ledger, author_rotate(store, log->number, old, next, TIME_MS, &err));
        log->recovery = log->recovery_tried;
    } else {
        doing(ledger, "rotate");
        must(ledger, author_rotate(store, log->number, NULL, NULL, TIME_MS, &err));
    }
    inspect_shown(ledger, store, which);
}

static void new_profile(struct ledger *ledger, struct store *store, int which)
{
    struct told_log *log = &ledger->logs[which];
    if (!log->origin[0] || which == LOG_HIDDEN || log->size > TOLD_ENTRIES - 10)
        return;
    doing(ledger, "new profile");
    must(ledger, author_new_profile(store, log->number, SPAN_LIT(""), TIME_MS, &err));
    inspect_shown(ledger, store, which);
}

/* ---- the mirror ---- */

static bool theirs(struct ledger *ledger, struct store *store, const struct source *source, struct log_info *ret)
{
    struct told_log *log = &ledger->logs[LOG_THEIRS];
    struct err none;
    if (!log->origin[0]) {
        doing(ledger, "follow");
        struct log_new new = {.origin = span_str(source->origin), .role = LOG_MIRROR, .mode = MODE_FULL};
        if (store_log_by_origin(store, span_str(source->origin), ret, &none) == 0) {
            log->number = ret->number; /* not acknowledged, and there */
        } else {
            must(ledger, store_begin(store, &err));
            must(ledger, store_log_create(store, &new, &log->number, &err));
            must(ledger, store_commit(store, &err));
        }
        snprintf(log->origin, sizeof(log->origin), "%s", source->origin);
    }
    must(ledger, store_log(store, log->number, ret, &err));
    return true;
}

static size_t stage_of(const struct source *source, uint64_t size)
{
    size_t stage = 0;
    while (stage < SOURCE_STAGES && source->stages[stage] <= size)
        stage++;
    return stage;
}

static void mirror_pull(struct ledger *ledger, struct store *store, const struct source *source)
{
    struct told_log *log = &ledger->logs[LOG_THEIRS];
    struct log_info info;
    uint64_t count;
    theirs(ledger, store, source, &info);
    size_t stage = stage_of(source, info.size);
    if (stage == SOURCE_STAGES)
        return;
    if (log->lied) {
        doing(ledger, "throw away what an earlier life staged");
        log->staged = info.size;
        must(ledger, store_begin(store, &err));
        must(ledger, store_unstage(store, info.number, &err));
        must(ledger, store_commit(store, &err));
        must(ledger, store_log(store, info.number, &info, &err));
        log->lied = false;
    }
    doing(ledger, "stage");
    /* In pieces with commits of their own, as on a bad link. */
    while (info.staged < source->stages[stage]) {
        uint64_t left = source->stages[stage] - info.staged, part = 1 + rng_below(&ledger->rng, left);
        must(ledger, store_begin(store, &err));
        must(ledger, mirror_stage(store, info.number,
                                  span_of(source->entries + source->ends[info.staged],
                                          source->ends[info.staged + part] - source->ends[info.staged]),
                                  &count, &err));
        must(ledger, store_commit(store, &err));
        info.staged += part;
        log->staged = info.staged;
    }
    doing(ledger, "take over a head");
    must(ledger, store_begin(store, &err));
    must(ledger, mirror_finish(store, info.number, span_of(source->notes[stage], source->notes_len[stage]), &err));
    must(ledger, store_commit(store, &err));
    inspect_shown(ledger, store, LOG_THEIRS);
    doing(ledger, "cosign");
    must(ledger, mirror_cosign(store, info.number, 1795000000, &err));
    size_t erased;
    doing(ledger, "erase as asked");
    must(ledger, mirror_erase_queued(store, &erased, &err));
    inspect(ledger, store);
}

/* A peer lies: what is staged is thrown away again. */
static void mirror_lie(struct ledger *ledger, struct store *store, const struct source *source)
{
    struct told_log *log = &ledger->logs[LOG_THEIRS];
    struct log_info info;
    uint64_t count, part = 1 + rng_below(&ledger->rng, 400);
    theirs(ledger, store, source, &info);
    if (info.size == 0 || info.staged + part > source->size || part < 2)
        return;
    log->lied = true;
    doing(ledger, "stage what is wrong");
    struct buf wrong;
    buf_init(&wrong, 1u << 20);
    buf_add(&wrong, source->entries + source->ends[info.staged],
            source->ends[info.staged + part] - source->ends[info.staged]);
    wrong.data[wrong.len - 3] ^= 1;
    must(ledger, store_begin(store, &err));
    must(ledger, mirror_stage(store, info.number, buf_view(&wrong), &count, &err));
    must(ledger, store_commit(store, &err));
    doing(ledger, "throw it away");
    log->staged = info.size;
    must(ledger, store_begin(store, &err));
    must(ledger, store_unstage(store, info.number, &err));
    must(ledger, store_commit(store, &err));
    log->lied = false;
    buf_done(&wrong);
}

static void mirror_payloads(struct ledger *ledger, struct store *store, const struct source *source)
{
    struct told_log *log = &ledger->logs[LOG_THEIRS];
    struct payload_new list[300];
    struct log_info info;
    struct payload_item item;
    theirs(ledger, store, source, &info);
    if (info.size == 0)
        return;
    struct payload_reader reader = {span_of(source->items, source->items_len), 0};
    uint64_t from = rng_below(&ledger->rng, info.size), most = 1 + rng_below(&ledger->rng, 300);
    size_t count = 0, kept = 0;
    doing(ledger, "keep payloads");
    for (uint64_t i = 0; i < info.size && i < from + most; i++) {
        struct err end;
        if (payload_next(&reader, &item, &end) != 1)
            break;
        if (i >= from && !item.hole)
            list[count++] = (struct payload_new){i, item.salt, item.payload, true, false};
    }
    if (count == 0)
        return;
    must(ledger, store_begin(store, &err));
    for (size_t i = 0; i < count; i++)
        if (log->entries[list[i].index].state == TOLD_DROPPED)
            log->entries[list[i].index].state = TOLD_NOTHING;
    must(ledger, payload_put_many(store, info.number, list, count, &kept, &err));
    must(ledger, store_commit(store, &err));
    for (size_t i = 0; i < count; i++)
        if (log->entries[list[i].index].state == TOLD_NOTHING)
            log->entries[list[i].index].state = TOLD_HELD;
    inspect(ledger, store);
}

static void mirror_drop(struct ledger *ledger, struct store *store, const struct source *source)
{
    struct told_log *log = &ledger->logs[LOG_THEIRS];
    struct log_info info;
    theirs(ledger, store, source, &info);
    if (info.size == 0)
        return;
    uint64_t before = rng_below(&ledger->rng, info.size);
    doing(ledger, "drop payloads that are old");
    for (uint64_t i = info.payloads_from; i < before; i++)
        if (log->entries[i].state == TOLD_HELD || log->entries[i].state == TOLD_NOTHING)
            log->entries[i].state = TOLD_DROPPING;
    must(ledger, payload_drop_before(store, info.number, before, &err));
    for (uint64_t i = info.payloads_from; i < before; i++)
        if (log->entries[i].state == TOLD_DROPPING)
            log->entries[i].state = TOLD_DROPPED;
    inspect(ledger, store);
}

/* An attempt that is given up leaves nothing. */
static void give_up(struct ledger *ledger, struct store *store, const struct source *source)
{
    struct log_info info;
    uint64_t count;
    theirs(ledger, store, source, &info);
    uint64_t left = source->size - info.staged, part = left ? 1 + rng_below(&ledger->rng, left) : 0;
    if (part == 0)
        return;
    doing(ledger, "stage and give up");
    must(ledger, store_begin(store, &err));
    must(ledger, mirror_stage(store, info.number,
                              span_of(source->entries + source->ends[info.staged],
                                      source->ends[info.staged + part] - source->ends[info.staged]),
                              &count, &err));
    store_rollback(store);
}

/* ---- backups ---- */

static void backup(struct ledger *ledger, struct store *store)
{
    struct told_backup *told = &ledger->backup;
    struct backup_options options = {.now_ms = TIME_MS};
    struct backup_result result;
    char path[256];
    doing(ledger, "backup");
    snprintf(path, sizeof(path), "%s/safe/backup.%u", ledger->root, told->number + 1);
    must(ledger, backup_write(store, path, &options, &result, &err));
    told->number++;
    told->restored = told->tried = false;
    for (int which = 0; which < TOLD_LOGS; which++)
        told->sizes[which] = ledger->logs[which].size;
}

static void restore(struct ledger *ledger)
{
    struct told_backup *told = &ledger->backup;
    struct backup_options options = {.now_ms = TIME_MS};
    struct backup_result result;
    char path[256], dir[256];
    if (told->number == 0 || told->tried)
        return;
    doing(ledger, "restore");
    snprintf(path, sizeof(path), "%s/safe/backup.%u", ledger->root, told->number);
    snprintf(dir, sizeof(dir), "%s/restored.%u", ledger->root, told->number);
    told->tried = true;
    must(ledger, backup_restore(path, dir, &options, &result, &err));
    told->restored = true;
}

/* A restoration either happened or did not; one that was acknowledged did. */
static void look_at_restored(struct ledger *ledger)
{
    struct told_backup *told = &ledger->backup;
    struct store_options options = {.read_only = true};
    struct store *store;
    struct err err;
    char dir[256];
    if (!told->tried)
        return;
    doing(ledger, "look at the restored node");
    snprintf(dir, sizeof(dir), "%s/restored.%u", ledger->root, told->number);
    int rc = store_open(dir, &options, &store, &err);
    if (rc == 0)
        store_close(store);
    else if (rc != ERR_NOTFOUND || told->restored)
        must_failed(ledger, "restored", &err);
    if (rc == 0)
        inspect_restored(ledger, dir);
}

/* ---- any of it ---- */

enum work { MAKE, APPEND, ROTATE, PROFILE, ERASE, PULL, PAYLOADS, LIE, DROP, GIVE_UP, BACKUP, RESTORE, AGAIN };

/* Half of what a life does is drawn from its seed's theme, so that some seeds dwell on what is rare otherwise. */
static const uint8_t themes[][8] = {
    {APPEND, APPEND, APPEND, MAKE, ROTATE, PROFILE, ERASE, AGAIN},
    {APPEND, ERASE, ERASE, ERASE, PULL, PAYLOADS, BACKUP, AGAIN},
    {PULL, PAYLOADS, PAYLOADS, LIE, DROP, GIVE_UP, APPEND, AGAIN},
    {BACKUP, BACKUP, RESTORE, RESTORE, RESTORE, APPEND, ERASE, AGAIN},
    {ROTATE, ROTATE, PROFILE, PROFILE, APPEND, MAKE, BACKUP, AGAIN},
};
#define THEMES (sizeof(themes) / sizeof(*themes))

static enum work draw(struct ledger *ledger)
{
    if (rng_one_in(&ledger->rng, 2))
        return themes[ledger->theme % THEMES][rng_below(&ledger->rng, 8)];
    return (enum work)rng_below(&ledger->rng, AGAIN + 1);
}

static void work_one(struct ledger *ledger, struct store **store, const struct source *source)
{
    int which = (int)rng_below(&ledger->rng, 3);
    switch (draw(ledger)) {
    case MAKE:
        if (!ledger->logs[which].origin[0])
            make_log(ledger, *store, which);
        break;
    case APPEND:
        append(ledger, *store, ledger->logs[which].origin[0] ? which : LOG_FIRST);
        break;
    case ROTATE:
        rotate(ledger, *store, which);
        break;
    case PROFILE:
        new_profile(ledger, *store, which);
        break;
    case ERASE:
        erase(ledger, *store, which);
        break;
    case PULL:
        mirror_pull(ledger, *store, source);
        break;
    case PAYLOADS:
        mirror_payloads(ledger, *store, source);
        break;
    case LIE:
        mirror_lie(ledger, *store, source);
        break;
    case DROP:
        mirror_drop(ledger, *store, source);
        break;
    case GIVE_UP:
        give_up(ledger, *store, source);
        break;
    case BACKUP:
        backup(ledger, *store);
        break;
    case RESTORE:
        restore(ledger);
        break;
    case AGAIN:
        current = NULL;
        store_close(*store);
        *store = work_open(ledger);
        break;
    }
}

void work_some(struct ledger *ledger, struct store **store, const struct source *source, unsigned operations)
{
    look_at_restored(ledger);
    while (operations-- > 0) {
        work_one(ledger, store, source);
        ledger->acknowledged++;
    }
}
