#include "connect/entering.h"
#include "connect/pack_internal.h"
#include "connect/sync_internal.h"

/* To be kept? Of what is not marked CLEAR only a member's own luggage speaks. Without a record nobody can tell. */
static int choose(struct unpacking *u, struct entering *entering, const struct log_info *log, struct arena *arena,
                  struct payload_new *io, bool *ret, struct err *err)
{
    struct record record;
    struct err unread = {0};
    arena_clear(arena);
    *ret = false;
    int rc = record_parse(io->payload, arena, &record, &unread);
    if (sync_error_is_ours(rc))
        return err_set(err, rc, "%s", unread.text);
    if (rc)
        return entering_no_record(entering, log, io, err);
    io->clear = record.tlp == TLP_CLEAR;
    return io->clear || u->options->luggage ? entering_judge(entering, log, &record, io, ret, err) : 0;
}

static int put_payloads(struct unpacking *u, const struct log_info *log, uint64_t first, struct span bytes,
                        struct err *err)
{
    struct payload_reader reader = {.bundle = bytes};
    struct payload_item item;
    struct payload_new items[TILE_WIDTH];
    struct arena arena;
    uint64_t index = first, end = (first | (TILE_WIDTH - 1)) + 1;
    size_t count = 0, kept = 0;
    int more = 0, rc = 0;
    if (end > u->checkpoint.size)
        end = u->checkpoint.size;
    struct entering entering;
    arena_init(&arena, 1u << 20);
    rc = entering_begin(&entering, u->store, (int64_t)u->options->now_s * 1000, err);
    for (; !rc && (more = payload_next(&reader, &item, err)) > 0; index++) {
        bool keep = false;
        if (index >= end)
            rc = err_set(err, ERR_SYNTAX, "payload of entry %llu, behind entry %llu where its file ends",
                         (unsigned long long)index, (unsigned long long)end - 1);
        if (rc || item.hole || index < payloads_start(log))
            continue;
        items[count] = (struct payload_new){index, item.salt, item.payload, false, false};
        rc = choose(u, &entering, log, &arena, &items[count], &keep, err);
        count += keep;
    }
    arena_done(&arena);
    if (!rc && more < 0)
        rc = more;
    if (!rc && count > 0)
        rc = payload_put_many(u->store, u->number, items, count, &kept, err);
    u->result->payloads += kept;
    u->open_payloads += kept;
    u->open_bytes += bytes.len;
    return rc;
}

int unpack_payloads(struct unpacking *u, uint64_t first, struct span bytes, struct err *err)
{
    struct log_info log;
    int rc = unpacking_finish(u, err);
    if (rc || u->refused)
        return rc;
    if (first >= u->checkpoint.size)
        return err_set(err, ERR_SYNTAX, "payload of entry %llu, the checkpoint covers %llu", (unsigned long long)first,
                       (unsigned long long)u->checkpoint.size);
    rc = unpacking_begin(u, err);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    if (!rc)
        rc = put_payloads(u, &log, first, bytes, err);
    return rc || u->open_bytes < UNPACK_COMMIT_BYTES ? rc : unpacking_commit(u, err);
}
