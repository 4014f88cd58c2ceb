/* fuzz: state */
/* libfuzzer: -max_len=512 -detect_leaks=0 */
/*
 * A peer serves a log. The input is a script: steps that write the log (fuzz_made.h), that serve it as it is, and that
 * lie about it. Whatever is served right is taken over, whatever becomes a head is what was written, and no lie stands
 * in the way of the truth behind it.
 */
#include "fuzz_folder.h"
#include "fuzz_made.h"
#include "state/mirror.h"
#include "state/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SCRIPT_MAX 512 /* bytes of an input that count */
#define SERVES_MAX 24  /* steps of an input that ask the store */
#define INPUTS_MAX                                                                                                     \
    256 /* that one node takes, each with a log of its own: then comes a new one, so that it stays small */
#define BUNDLES_MAX (8u << 20)

static struct store *store;
static unsigned inputs;
static struct made_log witness, made;
static int64_t number;

static struct log_info look(void)
{
    struct log_info info;
    made_good(store_log(store, number, &info, &err));
    return info;
}

/* The head is a size of what was written, byte for byte, and its note the one that was signed. */
static void check_head(void)
{
    struct log_info info = look();
    struct buf bytes, note, wanted;
    made_check(info.staged == info.size && info.size <= made.count);
    if (info.size == 0)
        return;
    made_check(tlog_hash_eq(&info.root, &made.root[info.size]));
    buf_init(&bytes, BUNDLES_MAX);
    buf_init(&note, NOTE_MAX);
    buf_init(&wanted, NOTE_MAX);
    made_good(store_read_entries(store, number, 0, (size_t)info.size, &bytes, &err));
    made_check(span_eq(buf_view(&bytes), made_part(&made, 0, (size_t)info.size)));
    made_good(store_checkpoint(store, number, &note, &err));
    made_note(&made, (size_t)info.size, &wanted);
    made_check(span_starts(buf_view(&note), buf_view(&wanted)));
    buf_done(&bytes);
    buf_done(&note);
    buf_done(&wanted);
}

static enum mirror_result judge(struct span note)
{
    enum mirror_result result = MIRROR_BEHIND;
    struct log_info info = look();
    made_good(mirror_judge(store, &info, note, &result, &err));
    return result;
}

/* The cosignature of the witness along with the head's note: it is kept once, and one that does not hold never. */
static void serve_cosignature(struct span note, struct draw *draw)
{
    struct buf text;
    struct err none;
    size_t fresh = 0;
    bool wrong = draw_u8(draw) % 2;
    buf_init(&text, NOTE_MAX);
    buf_span(&text, note);
    made_cosign(&witness, note, 1795346066u + draw_u8(draw), &text);
    if (wrong) {
        draw_change(draw, text.data + note.len, text.len - note.len);
        made_check(mirror_collect(store, number, buf_view(&text), &fresh, &none) != 0 || fresh == 0);
    } else {
        made_good(mirror_collect(store, number, buf_view(&text), &fresh, &err));
        made_check(fresh == 1);
        made_good(mirror_collect(store, number, buf_view(&text), &fresh, &err));
        made_check(fresh == 0);
    }
    buf_done(&text);
}

/* Everything up to `end` as it is, in up to three pieces: it has to be taken. */
static void serve(size_t end, struct draw *draw)
{
    struct buf note;
    uint64_t count;
    size_t size = (size_t)look().size, from = size;
    buf_init(&note, NOTE_MAX);
    made_note(&made, end, &note);
    made_check(judge(buf_view(&note)) == (end > size ? MIRROR_ADVANCE : MIRROR_BEHIND));
    made_good(store_begin(store, &err));
    for (int piece = 0; piece < 3 && from < end; piece++) {
        size_t to = piece == 2 ? end : from + 1 + draw_below(draw, end - from);
        made_good(mirror_stage(store, number, made_part(&made, from, to), &count, &err));
        made_check(count == to - from);
        from = to;
    }
    if (end > size) {
        made_good(mirror_finish(store, number, buf_view(&note), &err));
        serve_cosignature(buf_view(&note), draw);
    }
    made_good(store_commit(store, &err));
    made_check(look().size == end);
    check_head();
    buf_done(&note);
}

/* ---- lies ---- */

#define LIES_SIGNED 5
#define LIES 11

/* Signed by one that may sign, about something else. */
static void lie_signed(size_t end, unsigned what, struct draw *draw, struct buf *note)
{
    struct tlog_hash root = made.root[end];
    uint64_t size = end;
    uint8_t signer = made.signer[end], also = made.also[end];
    const char *origin = made.origin;
    if (what == 0)
        draw_change(draw, root.b, sizeof(root.b));
    else if (what == 1)
        size = (size + draw_u8(draw) - 128u) & LOG_SIZE_MAX;
    else if (what == 2)
        signer = (uint8_t)(made.first_seed + draw_below(draw, MADE_SEEDS));
    else if (what == 3)
        also = 0;
    else
        origin = witness.origin;
    made_sign(origin, size, &root, signer, signer == also ? 0 : also, note);
}

/* The entries from the head on, and a note that goes with them but for one thing. */
static void lie(struct draw *draw)
{
    struct log_info info = look();
    struct buf note, bundle;
    struct err none;
    enum mirror_result result;
    uint64_t count;
    unsigned what = draw_u8(draw) % LIES;
    size_t from = (size_t)info.size, end = from + draw_below(draw, made.count - from + 1);
    if (end == 0)
        return;
    buf_init(&note, NOTE_MAX);
    buf_init(&bundle, BUNDLES_MAX);
    buf_span(&bundle, made_part(&made, from, end));
    if (what < LIES_SIGNED)
        lie_signed(end, what, draw, &note);
    else if (what == 5)
        buf_span(&note, draw_span(draw));
    else
        made_note(&made, end, &note);
    if (what == 6)
        draw_change(draw, note.data, note.len);
    if (what == 7 || what == 8)
        draw_change(draw, bundle.data, bundle.len);
    if (what == 9 && bundle.len > 0)
        buf_cut(&bundle, draw_below(draw, bundle.len));
    if (what == 10)
        buf_span(&bundle, draw_span(draw));
    (void)mirror_judge(store, &info, buf_view(&note), &result, &none);
    made_good(store_begin(store, &err));
    bool taken = mirror_stage(store, number, buf_view(&bundle), &count, &none) == 0 &&
                 mirror_finish(store, number, buf_view(&note), &none) == 0;
    bool rolls_back = !taken && draw_u8(draw) % 2;
    if (!taken && !rolls_back)
        made_good(store_unstage(store, number, &err));
    if (rolls_back)
        store_rollback(store);
    else
        made_good(store_commit(store, &err));
    check_head();
    buf_done(&note);
    buf_done(&bundle);
}

/* Another root under the log's own signature, at a size that is held: a fork, and seen as one. */
static void fork_off(struct draw *draw)
{
    size_t size = (size_t)look().size;
    struct buf note;
    if (size == 0)
        return;
    size_t at = 1 + draw_below(draw, size);
    struct tlog_hash root = made.root[at];
    draw_change(draw, root.b, sizeof(root.b));
    buf_init(&note, NOTE_MAX);
    made_sign(made.origin, at, &root, made.signer[at], made.also[at], &note);
    made_check(judge(buf_view(&note)) == (at == size ? MIRROR_FORK_SAME : MIRROR_FORK_OLD));
    buf_done(&note);
}

/* ---- payloads ---- */

/* Of sealed entries below the head, `first` and what follows it. */
static size_t gather(size_t first, struct payload_new items[TILE_WIDTH])
{
    size_t count = 0, end = (size_t)look().size;
    for (size_t i = first; i < end && count < TILE_WIDTH; i++)
        if (made.entry[i].sealed)
            items[count++] = (struct payload_new){.index = i,
                                                  .salt = span_of(made.entry[i].salt, SEAL_SALT),
                                                  .payload = made_payload(&made, i),
                                                  .clear = i % 2 == 0};
    return count;
}

/* Held as it was sealed, unless the log has withdrawn it. */
static void check_payload(const struct payload_new *item)
{
    struct buf bytes, wanted;
    unsigned flags;
    made_good(payload_flags(store, number, item->index, &flags, &err));
    if (flags & SLOT_ERASED) {
        made_check(made.entry[item->index].erased && !(flags & SLOT_HELD));
        return;
    }
    buf_init(&bytes, PAYLOAD_MAX);
    buf_init(&wanted, PAYLOAD_MAX);
    made_good(payload_read(store, number, item->index, &bytes, &flags, &err));
    payload_add(&wanted, item->salt, item->payload);
    made_check((flags & SLOT_HELD) && span_eq(buf_view(&bytes), buf_view(&wanted)));
    buf_done(&bytes);
    buf_done(&wanted);
}

static void serve_payloads(struct draw *draw)
{
    struct payload_new items[TILE_WIDTH];
    size_t kept = 0, count = gather(draw_below(draw, made.count), items);
    made_good(store_begin(store, &err));
    made_good(payload_put_many(store, number, items, count, &kept, &err));
    made_good(store_commit(store, &err));
    made_check(kept <= count);
    for (size_t i = 0; i < count; i++)
        check_payload(&items[i]);
}

/* One does not fit its seal: nothing is kept of any, unless that one was known before. */
static void lie_payload(struct draw *draw)
{
    struct payload_new items[TILE_WIDTH];
    struct buf bytes;
    struct err none;
    unsigned flags;
    size_t kept = 0, count = gather(draw_below(draw, made.count), items);
    if (count == 0)
        return;
    struct payload_new *item = &items[draw_below(draw, count)];
    made_good(payload_flags(store, number, item->index, &flags, &err));
    buf_init(&bytes, PAYLOAD_MAX);
    buf_span(&bytes, item->payload);
    if (draw_u8(draw) % 2)
        buf_byte(&bytes, draw_u8(draw));
    draw_change(draw, bytes.data, bytes.len);
    bool wrong = !span_eq(buf_view(&bytes), item->payload) && !(flags & (SLOT_HELD | SLOT_ERASED));
    item->payload = buf_view(&bytes);
    made_good(store_begin(store, &err));
    made_check(payload_put_many(store, number, items, count, &kept, &none) == (wrong ? ERR_VERIFY : 0));
    store_rollback(store);
    buf_done(&bytes);
}

/* What the entries up to the head withdraw is gone. */
static void erase(void)
{
    size_t done, end = (size_t)look().size;
    unsigned flags;
    made_good(mirror_erase_queued(store, &done, &err));
    for (size_t i = 0; end == made.count && i < end; i++) {
        made_good(payload_flags(store, number, i, &flags, &err));
        made_check(made.entry[i].erased == !!(flags & SLOT_ERASED));
    }
}

/* ---- the script ---- */

static void make_log(const char *origin)
{
    struct log_new log = {.origin = span_str(origin), .role = LOG_MIRROR, .mode = MODE_FULL};
    made_good(store_begin(store, &err));
    made_good(store_log_create(store, &log, &number, &err));
    made_good(store_commit(store, &err));
}

static void start(void)
{
    struct store_options options = {.create = true};
    struct draw nothing = {0};
    if (store)
        store_close(store);
    else
        fuzz_folder_make();
    fuzz_folder_empty();
    made_good(store_open(fuzz_folder, &options, &store, &err));
    made_begin(&witness, "witness.example", 1 + MADE_SEEDS);
    made_begin(&made, "witness.example", 1 + MADE_SEEDS);
    make_log(made.origin);
    serve(1, &nothing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {span_sub(span_of(data, size), 0, SCRIPT_MAX)};
    char name[32];
    if (inputs++ % INPUTS_MAX == 0)
        start();
    snprintf(name, sizeof(name), "peer%03u.example", inputs % INPUTS_MAX);
    made_begin(&made, name, 1);
    make_log(made.origin);
    for (int serves = 0; draw.rest.len > 0 && serves < SERVES_MAX;) {
        unsigned step = draw_u8(&draw) % (MADE_STEPS + 6);
        serves += step >= MADE_STEPS;
        if (step < MADE_STEPS)
            made_step(&made, step, &draw);
        else if (step == MADE_STEPS)
            serve(look().size + draw_below(&draw, made.count - look().size + 1), &draw);
        else if (step == MADE_STEPS + 1)
            lie(&draw);
        else if (step == MADE_STEPS + 2)
            fork_off(&draw);
        else if (step == MADE_STEPS + 3)
            serve_payloads(&draw);
        else if (step == MADE_STEPS + 4)
            lie_payload(&draw);
        else
            erase();
    }
    serve(made.count, &draw);
    erase();
    return 0;
}
