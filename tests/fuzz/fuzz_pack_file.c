/* fuzz: connect */
/* libfuzzer: -max_len=512 -detect_leaks=0 */
/*
 * Whole packs. The input is a script that writes a log (fuzz_made.h) and packs it, as it is, with its end in another
 * version, or spoilt; the node unpacks one after the other. What is packed right is taken in, what becomes a head is a
 * size of what was written, and two versions under one key are a fork.
 */
#include "base/codec.h"
#include "connect/capability.h"
#include "connect/pack_internal.h"
#include "fuzz_folder.h"
#include "fuzz_parts.h"
#include "state/author.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct capability *const capabilities[] = {&connect_capability, NULL};

#define SCRIPT_MAX 512 /* bytes of an input that count */
#define PACKS_MAX 5    /* of an input */
#define INPUTS_MAX                                                                                                     \
    256 /* that one node takes, each with a log of its own: then comes a new one, so that it stays small */

static struct store *store;
static unsigned inputs;
static struct made_log made;
static struct parts parts;

static int find(struct log_info *ret)
{
    struct err none;
    int rc = store_log_by_origin(store, span_str(made.origin), ret, &none);
    made_check(rc == 0 || rc == ERR_NOTFOUND);
    return rc;
}

/* ---- packing ---- */

static void add_payloads(const char *hex, size_t first, size_t end)
{
    char name[160];
    snprintf(name, sizeof(name), "logs/%s/payload/%zu", hex, first);
    struct buf *out = parts_add(&parts, name);
    for (size_t i = first; i < end; i++) {
        if (made.entry[i].sealed)
            payload_add(out, span_of(made.entry[i].salt, SEAL_SALT), made_payload(&made, i));
        else
            payload_add_hole(out);
    }
}

/* The first `size` entries, and their payloads. */
static void pack(size_t size)
{
    uint8_t hash[32];
    char hex[65], path[TILE_PATH_MAX], name[256];
    origin_hash(span_str(made.origin), hash);
    hex_encode(hash, sizeof(hash), hex);
    parts.count = 0;
    buf_str(parts_add(&parts, "pack.json"), "{\"created\":\"2026-11-22T11:14:26.123Z\",\"format\":1,\"logs\":1}\n");
    snprintf(name, sizeof(name), "logs/%s/origin", hex);
    buf_fmt(parts_add(&parts, name), "%s\n", made.origin);
    snprintf(name, sizeof(name), "logs/%s/checkpoint", hex);
    made_note(&made, size, parts_add(&parts, name));
    for (size_t at = 0; at < size; at += TILE_WIDTH) {
        struct tile tile = {TILE_LEVEL_ENTRIES, at / TILE_WIDTH, tile_width(TILE_LEVEL_ENTRIES, at / TILE_WIDTH, size)};
        tile_path(&tile, path);
        snprintf(name, sizeof(name), "logs/%s/%s", hex, path);
        buf_span(parts_add(&parts, name), made_part(&made, at, at + tile.width));
    }
    for (size_t at = 0; at < size; at += TILE_WIDTH)
        add_payloads(hex, at, at + TILE_WIDTH < size ? at + TILE_WIDTH : size);
}

/* Why a log was turned away: shown where it should not have been. */
static char reason[ERR_TEXT_MAX];

static void on_report(void *ctx, const char *origin, const char *why)
{
    (void)ctx;
    (void)origin;
    snprintf(reason, sizeof(reason), "%s", why);
}

static void check_told(bool holds)
{
    if (!holds)
        fprintf(stderr, "turned away: %s\n", reason);
    made_check(holds);
}

static int unpack(struct span bytes, struct pack_result *result)
{
    char path[PATH_MAX];
    struct unpack_options options = {.now_s = MADE_TIME / 1000, .report = on_report};
    struct err err = {0};
    fuzz_folder_path("pack", path);
    fuzz_folder_write(path, bytes, 0600);
    int rc = pack_read(store, path, &options, result, &err);
    made_check(rc == 0 || err.text[0]);
    return rc;
}

/* ---- what must hold afterwards ---- */

/* The head is a size of this version, byte for byte. */
static void check_log(const struct log_info *info)
{
    struct buf bytes;
    made_check(info->staged == info->size && info->size <= made.count);
    made_check(info->size == 0 || tlog_hash_eq(&info->root, &made.root[info->size]));
    buf_init(&bytes, 8u << 20);
    if (info->size > 0)
        made_good(store_read_entries(store, info->number, 0, (size_t)info->size, &bytes, &err));
    made_check(span_eq(buf_view(&bytes), made_part(&made, 0, (size_t)info->size)));
    buf_done(&bytes);
}

/* What anybody may see is held as it was sealed, unless it is withdrawn below `size`. */
static void check_payloads(const struct log_info *info)
{
    struct buf item, wanted;
    struct err none;
    unsigned flags = 0;
    buf_init(&item, PAYLOAD_MAX);
    buf_init(&wanted, PAYLOAD_MAX);
    made_good(store_begin(store, &err)); /* reads in one transaction, which is faster */
    for (size_t i = 0; i < info->size; i++) {
        if (!made.entry[i].sealed)
            continue;
        buf_clear(&item);
        buf_clear(&wanted);
        int rc = payload_read(store, info->number, i, &item, &flags, &none);
        made_check((rc == 0) == !!(flags & SLOT_HELD) && (rc == 0 || rc == ERR_NOTFOUND));
        if (rc == 0) {
            payload_add(&wanted, span_of(made.entry[i].salt, SEAL_SALT), made_payload(&made, i));
            made_check(span_eq(buf_view(&item), buf_view(&wanted)));
        }
        if (info->size == made.count && made.entry[i].erased)
            made_check(rc == ERR_NOTFOUND && (flags & SLOT_ERASED));
    }
    store_rollback(store);
    buf_done(&item);
    buf_done(&wanted);
}

/* ---- the script ---- */

/* As it is: taken, unless the log is frozen or suspended. */
static void give(size_t size, int filter)
{
    struct log_info before = {0}, after;
    struct pack_result result;
    struct buf bytes;
    bool known = find(&before) == 0;
    pack(size);
    buf_init(&bytes, 4u << 20);
    parts_write(&parts, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, filter, &bytes);
    made_check(unpack(buf_view(&bytes), &result) == 0);
    buf_done(&bytes);
    made_check(find(&after) == 0);
    if (known && before.standing != STANDING_GOOD)
        return;
    check_told(result.refused == 0 && result.logs + result.behind == 1 && after.standing == STANDING_GOOD);
    made_check(after.size == (before.size > size ? before.size : size));
    check_log(&after);
    check_payloads(&after);
}

static void give_spoilt(struct draw *draw)
{
    struct log_info info;
    struct pack_result result;
    struct buf bytes;
    pack(1 + draw_below(draw, made.count));
    for (int changes = 1 + draw_u8(draw) % 4; changes > 0; changes--)
        parts_spoil(&parts, draw);
    buf_init(&bytes, 4u << 20);
    parts_write(&parts, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE, &bytes);
    if (draw_u8(draw) % 4 == 0)
        draw_change(draw, bytes.data, bytes.len);
    (void)unpack(buf_view(&bytes), &result);
    buf_done(&bytes);
    if (find(&info) != 0 || info.standing != STANDING_GOOD)
        return;
    check_log(&info);
    check_payloads(&info);
}

/* The bytes of the input as they are. */
static void give_raw(struct draw *draw)
{
    struct pack_result result;
    (void)unpack(draw->rest, &result);
}

/*
 * Another version of this log from some entry on, signed by its keys. Where both reach it is turned away, and a fork; that
 * can be proven unless a version has rotated its keys (PROTOCOL.md, section 13).
 */
static void fork_off(struct draw *draw)
{
    struct log_info before, after;
    struct pack_result result;
    struct buf bytes;
    struct tlog_hash roots[2];
    bool known = find(&before) == 0 && before.size > 0 && before.standing == STANDING_GOOD;
    char name[ORIGIN_NAME_MAX + 1];
    snprintf(name, sizeof(name), "%s", made.profile.name);
    roots[0] = made.root[known ? before.size : 0];
    bool rotates = made.rotations > 0;
    made_begin(&made, name, 1);
    for (int steps = 1 + draw_u8(draw) % 8; steps > 0; steps--)
        made_step(&made, draw_u8(draw) % MADE_STEPS, draw);
    if (!known)
        return;
    pack(made.count);
    buf_init(&bytes, 4u << 20);
    parts_write(&parts, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE, &bytes);
    made_check(unpack(buf_view(&bytes), &result) == 0);
    buf_done(&bytes);
    made_check(find(&after) == 0);
    roots[1] = made.root[before.size < made.count ? before.size : 0];
    bool contradicts = before.size <= made.count && !tlog_hash_eq(&roots[0], &roots[1]);
    check_told(!contradicts || result.refused == 1);
    if (contradicts && !rotates && made.rotations == 0)
        check_told(result.forks == 1 && after.standing != STANDING_GOOD);
    /* Whether or not, what was held stays. */
    made_check(after.size >= before.size && (after.size > before.size || tlog_hash_eq(&after.root, &before.root)));
}

static void start(void)
{
    struct store_options options = {.create = true};
    char node[PATH_MAX], recovery[PATH_MAX];
    struct log_info operator_log;
    if (store)
        store_close(store);
    else
        fuzz_folder_make();
    fuzz_folder_empty();
    fuzz_folder_path("node", node);
    fuzz_folder_path("recovery", recovery);
    made_good(store_open(node, &options, &store, &err));
    struct author_new make = {.time_ms = MADE_TIME, .role = LOG_OWN, .is_operator = true, .recovery_path = recovery};
    strcpy(make.profile.name, "node.example");
    make.profile.class = CLASS_CIVIL;
    made_good(author_create(store, &make, &operator_log, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {span_sub(span_of(data, size), 0, SCRIPT_MAX)};
    char name[32];
    bool forked = false;
    if (inputs++ % INPUTS_MAX == 0)
        start();
    snprintf(name, sizeof(name), "peer%03u.example", inputs % INPUTS_MAX);
    made_begin(&made, name, 1);
    for (int packs = 0; draw.rest.len > 0 && packs < PACKS_MAX && !forked;) {
        unsigned step = draw_u8(&draw) % (MADE_STEPS + 5);
        packs += step >= MADE_STEPS;
        if (step < MADE_STEPS)
            made_step(&made, step, &draw);
        else if (step == MADE_STEPS)
            give(1 + draw_below(&draw, made.count), ARCHIVE_FILTER_NONE);
        else if (step == MADE_STEPS + 1)
            give(made.count, ARCHIVE_FILTER_ZSTD);
        else if (step == MADE_STEPS + 2)
            give_spoilt(&draw);
        else if (step == MADE_STEPS + 3)
            give_raw(&draw);
        else
            fork_off(&draw);
        forked = step == MADE_STEPS + 4;
    }
    if (!forked)
        give(made.count, ARCHIVE_FILTER_NONE);
    return 0;
}
