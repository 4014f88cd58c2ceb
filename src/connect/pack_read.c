#include "connect/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/utf8.h"

/* The log whose files are coming by. A log is taken in as it arrives and committed when the next begins. */
struct unpacking {
    struct store *store;
    const struct unpack_options *options;
    struct pack_result *result;
    struct buf bytes; /* of the present file */
    char hex[65];     /* of the log at hand, "" none */
    char origin[ORIGIN_MAX + 1];
    struct keys keys;
    bool has_keys;
    struct buf note;
    int64_t number;
    bool advance;  /* entries are to be staged */
    bool finished; /* the head stands (or stood before): payloads may come */
    bool refused;  /* the rest of this log is passed over */
    bool open;     /* a transaction is open */
};

/* What is wrong with one log turns that log away; only these end the whole. */
static bool is_fatal(int rc)
{
    return rc == ERR_IO || rc == ERR_MEMORY;
}

static int refuse(struct unpacking *u, struct err *err)
{
    if (is_fatal(err->code))
        return err->code;
    if (u->open)
        store_rollback(u->store);
    u->open = false;
    u->refused = true;
    u->result->refused++;
    if (u->options->report)
        u->options->report(u->options->ctx, u->origin[0] ? u->origin : u->hex, err->text);
    *err = (struct err){0};
    return 0;
}

static int begin(struct unpacking *u, struct err *err)
{
    if (u->open)
        return 0;
    int rc = store_begin(u->store, err);
    u->open = rc == 0;
    return rc;
}

static int commit(struct unpacking *u, struct err *err)
{
    if (!u->open)
        return 0;
    u->open = false;
    return store_commit(u->store, err);
}

/* All entries were given: make the head stand, durably, and cosign it. */
static int finish(struct unpacking *u, struct err *err)
{
    struct log_info log;
    if (!u->advance || u->finished || u->refused)
        return 0;
    int rc = mirror_finish(u->store, u->number, buf_view(&u->note), err);
    if (rc)
        return refuse(u, err);
    rc = commit(u, err);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    if (!rc && !u->options->luggage)
        rc = mirror_cosign(u->store, u->number, (uint64_t)u->options->now_s, err);
    u->finished = true;
    u->result->logs++;
    return rc;
}

/* Keys arrive with a log that verified: from now on it is ours. */
static int adopt(struct unpacking *u, struct err *err)
{
    struct log_info log;
    if (!u->options->luggage || !u->has_keys || u->refused || !u->hex[0])
        return 0;
    int rc = keys_save(store_dir(u->store), &u->keys, err);
    if (!rc)
        rc = begin(u, err);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    if (!rc) {
        log.role = LOG_OWN;
        log.mode = MODE_FULL;
        rc = store_log_update(u->store, &log, err);
    }
    return rc ? rc : commit(u, err);
}

static int end_log(struct unpacking *u, struct err *err)
{
    int rc = finish(u, err);
    if (!rc && u->open)
        rc = commit(u, err);
    if (!rc)
        rc = adopt(u, err);
    keys_wipe(&u->keys);
    u->has_keys = u->advance = u->finished = u->refused = false;
    u->hex[0] = u->origin[0] = '\0';
    return rc;
}

static int take_origin(struct unpacking *u, struct span bytes, struct err *err)
{
    uint8_t hash[32];
    char hex[65], shown[256];
    struct span origin = span_sub(bytes, 0, span_find(bytes, '\n'));
    if (!origin_valid(origin) || origin.len + 1 != bytes.len)
        return err_set(err, ERR_SYNTAX, "logs/%s/origin: %s is no origin", u->hex,
                       text_escape_into(shown, sizeof(shown), origin));
    origin_hash(origin, hash);
    hex_encode(hash, 32, hex);
    if (strcmp(hex, u->hex) != 0)
        return err_set(err, ERR_VERIFY, "logs/%s/origin: hashes to %s", u->hex, hex);
    memcpy(u->origin, origin.data, origin.len);
    u->origin[origin.len] = '\0';
    return 0;
}

static int take_keys(struct unpacking *u, struct span bytes, struct err *err)
{
    if (!u->options->luggage)
        return err_set(err, ERR_REFUSED,
                       "holds secret keys: it is a member's luggage; take it in with `tongzhou member move`");
    int rc = keys_parse(bytes, &u->keys, err);
    if (!rc && strcmp(u->keys.origin, u->origin) != 0)
        rc = err_set(err, ERR_VERIFY, "the keys are those of %s", u->keys.origin);
    u->has_keys = rc == 0;
    return rc;
}

static int find_or_make_log(struct unpacking *u, struct log_info *log, struct err *err)
{
    struct err missing = {0};
    int rc = store_log_by_origin(u->store, span_str(u->origin), log, &missing);
    if (rc == 0 && log->role != LOG_LISTED)
        return 0;
    if (rc == 0) {
        log->role = LOG_MIRROR;
        return store_log_update(u->store, log, err);
    }
    if (rc != ERR_NOTFOUND) {
        *err = missing;
        return rc;
    }
    struct log_new made = {.origin = span_str(u->origin), .role = LOG_MIRROR, .mode = MODE_FULL};
    rc = store_log_create(u->store, &made, &u->number, err);
    return rc ? rc : store_log(u->store, u->number, log, err);
}

static int take_checkpoint(struct unpacking *u, struct span bytes, struct err *err)
{
    struct log_info log;
    enum mirror_result result;
    if (!u->origin[0])
        return err_set(err, ERR_SYNTAX, "logs/%s/checkpoint stands before its origin", u->hex);
    buf_clear(&u->note);
    buf_span(&u->note, bytes);
    int rc = begin(u, err);
    if (!rc)
        rc = find_or_make_log(u, &log, err);
    if (!rc)
        rc = mirror_judge(u->store, &log, bytes, &result, err);
    if (rc)
        return rc;
    u->number = log.number;
    if (result == MIRROR_FORK_SAME || result == MIRROR_FORK_OLD)
        return err_set(err, ERR_FORK,
                       "its checkpoint contradicts the one that we hold: both are signed by this log; a peer that "
                       "serves this branch lets `tongzhou sync` prove it");
    u->advance = result == MIRROR_ADVANCE;
    u->finished = !u->advance;
    u->result->behind += u->finished;
    return 0;
}

static int take_bundle(struct unpacking *u, const struct tile *tile, struct span bytes, struct err *err)
{
    struct log_info log;
    uint64_t staged;
    if (!u->advance || u->finished)
        return 0;
    int rc = store_log(u->store, u->number, &log, err);
    if (rc)
        return rc;
    uint64_t first = tile->index * TILE_WIDTH, skip = log.staged > first ? log.staged - first : 0;
    if (skip >= tile->width)
        return 0;
    if (log.staged < first)
        return err_set(err, ERR_SYNTAX, "bundle %llu is missing", (unsigned long long)(log.staged / TILE_WIDTH));
    struct bundle_reader reader = {.bundle = bytes};
    for (struct span entry; skip > 0; skip--) {
        rc = bundle_next(&reader, &entry, err);
        if (rc <= 0)
            return rc < 0 ? rc : err_set(err, ERR_SYNTAX, "bundle %llu is cut short", (unsigned long long)tile->index);
    }
    rc = mirror_stage(u->store, u->number, span_sub(bytes, reader.pos, SIZE_MAX), &staged, err);
    u->result->entries += rc ? 0 : staged;
    return rc;
}

static int take_payload(struct unpacking *u, uint64_t index, const struct payload_item *item, struct err *err)
{
    struct record record;
    struct arena arena;
    struct err ignored = {0};
    unsigned flags;
    int rc = payload_flags(u->store, u->number, index, &flags, err);
    if (rc || (flags & (SLOT_HELD | SLOT_ERASED | SLOT_REFUSED)))
        return rc;
    arena_init(&arena, 1 << 20);
    bool clear = record_parse(item->payload, &arena, &record, &ignored) == 0 && record.tlp == TLP_CLEAR;
    arena_done(&arena);
    rc = payload_put(u->store, u->number, index, item->salt, item->payload, clear, err);
    u->result->payloads += rc == 0;
    return rc;
}

static int take_payloads(struct unpacking *u, uint64_t first, struct span bytes, struct err *err)
{
    struct payload_reader reader = {.bundle = bytes};
    struct payload_item item;
    struct log_info log;
    int more, rc = finish(u, err);
    if (rc || u->refused)
        return rc;
    rc = begin(u, err);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    for (uint64_t index = first; !rc && (more = payload_next(&reader, &item, err)) != 0; index++) {
        if (more < 0)
            return more;
        if (index >= log.size)
            return err_set(err, ERR_SYNTAX, "payload of entry %llu, beyond the log's %llu entries",
                           (unsigned long long)index, (unsigned long long)log.size);
        if (!item.hole)
            rc = take_payload(u, index, &item, err);
    }
    return rc ? rc : commit(u, err);
}

/* One file of a log, by the rest of its path. */
static int take_part(struct unpacking *u, struct span part, struct span bytes, struct err *err)
{
    struct tile tile;
    uint64_t first;
    char shown[128];
    if (span_is(part, "origin"))
        return take_origin(u, bytes, err);
    if (span_is(part, "keys"))
        return take_keys(u, bytes, err);
    if (span_is(part, "checkpoint"))
        return take_checkpoint(u, bytes, err);
    if (!u->number || (!u->advance && !u->finished))
        return err_set(err, ERR_SYNTAX, "logs/%s: its checkpoint is missing", u->hex);
    if (tile_parse(part, &tile) && tile.level == TILE_LEVEL_ENTRIES)
        return take_bundle(u, &tile, bytes, err);
    if (span_starts(part, SPAN_LIT("payload/")) && span_u64(span_sub(part, 8, SIZE_MAX), LOG_SIZE_MAX, &first))
        return take_payloads(u, first, bytes, err);
    return err_set(err, ERR_SYNTAX, "%s has no place in a pack", text_escape_into(shown, sizeof(shown), part));
}

static int take_file(struct unpacking *u, struct span path, struct span bytes, struct err *err)
{
    char shown[256];
    if (!span_starts(path, SPAN_LIT("logs/")) || path.len < 5 + 64 + 2 || path.data[5 + 64] != '/')
        return err_set(err, ERR_SYNTAX, "%s has no place in a pack", text_escape_into(shown, sizeof(shown), path));
    struct span hex = span_sub(path, 5, 64);
    if (!span_is(hex, u->hex)) {
        uint8_t hash[32];
        int rc = end_log(u, err);
        if (rc)
            return rc;
        if (!hex_decode(hex, hash, 32))
            return err_set(err, ERR_SYNTAX, "%s has no place in a pack", text_escape_into(shown, sizeof(shown), path));
        memcpy(u->hex, hex.data, 64);
        u->number = 0;
    }
    if (u->refused)
        return 0;
    int rc = take_part(u, span_sub(path, 5 + 64 + 1, SIZE_MAX), bytes, err);
    return rc ? refuse(u, err) : 0;
}

/* pack.json comes first and names a format that we know. */
static int take_manifest(struct span path, struct span bytes, struct err *err)
{
    if (!span_is(path, "pack.json"))
        return err_set(err, ERR_SYNTAX, "is no pack: it does not begin with pack.json");
    json_t *manifest = json_small_load(bytes, err);
    if (!manifest)
        return err_in(err, "pack.json");
    json_int_t format = json_integer_value(json_object_get(manifest, "format"));
    json_decref(manifest);
    if (format != PACK_FORMAT)
        return err_set(err, ERR_STATE, "pack format %lld, this program reads %d: use a newer one", (long long)format,
                       PACK_FORMAT);
    return 0;
}

static int read_file(struct unpacking *u, struct archive *archive, struct archive_entry *entry, struct err *err)
{
    if (archive_entry_filetype(entry) != AE_IFREG)
        return err_set(err, ERR_SYNTAX, "holds something that is no plain file");
    buf_clear(&u->bytes);
    for (;;) {
        uint8_t *room = buf_room(&u->bytes, 65536);
        if (!room)
            return buf_check(&u->bytes, "a file of the pack", err);
        la_ssize_t got = archive_read_data(archive, room, 65536);
        if (got < 0)
            return err_set(err, ERR_SYNTAX, "cut short or damaged: %s", archive_error_string(archive));
        buf_cut(&u->bytes, u->bytes.len - 65536 + (size_t)got);
        if (got == 0)
            return 0;
    }
}

static int read_all(struct unpacking *u, struct archive *archive, struct err *err)
{
    struct archive_entry *entry;
    bool first = true;
    for (;;) {
        int rc = archive_read_next_header(archive, &entry);
        if (rc == ARCHIVE_EOF)
            break;
        if (rc != ARCHIVE_OK)
            return err_set(err, ERR_SYNTAX, "cut short or damaged: %s", archive_error_string(archive));
        const char *name = archive_entry_pathname(entry);
        struct span path = name ? span_str(name) : (struct span){0};
        rc = read_file(u, archive, entry, err);
        if (!rc)
            rc = first ? take_manifest(path, buf_view(&u->bytes), err) : take_file(u, path, buf_view(&u->bytes), err);
        if (rc)
            return rc;
        u->result->bytes += u->bytes.len;
        first = false;
    }
    if (first)
        return err_set(err, ERR_SYNTAX, "is empty");
    return end_log(u, err);
}

static int run(struct unpacking *u, const char *path, struct err *err)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        return err_memory(err);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    int rc = 0;
    if (archive_read_open_filename(archive, path, 1 << 18) != ARCHIVE_OK)
        rc = err_set(err, ERR_SYNTAX, "%s", archive_error_string(archive));
    if (!rc)
        rc = read_all(u, archive, err);
    if (u->open)
        store_rollback(u->store);
    archive_read_free(archive);
    return rc;
}

int pack_read(struct store *store, const char *path, const struct unpack_options *options, struct pack_result *ret,
              struct err *err)
{
    struct unpacking u = {.store = store, .options = options, .result = ret};
    size_t erased;
    *ret = (struct pack_result){0};
    buf_init(&u.bytes, PACK_FILE_MAX);
    buf_init(&u.note, NOTE_MAX);
    int rc = run(&u, path, err);
    keys_wipe(&u.keys);
    buf_done(&u.bytes);
    buf_done(&u.note);
    if (rc)
        return err_in(err, "%s", path);
    return mirror_erase_queued(store, &erased, err);
}
