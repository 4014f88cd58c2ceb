#include "state/heal.h"
#include "state/node.h"

/* A log as somebody offers it: entries and a checkpoint, ours to bend. */
struct offer {
    struct buf bundle, note;
    struct log_info info;
};

static void offer_make(struct node *node, int64_t number, uint64_t first, struct offer *out)
{
    buf_init(&out->bundle, 64u << 20);
    buf_init(&out->note, NOTE_MAX);
    good(store_log(node->store, number, &out->info, &err));
    good(store_read_entries(node->store, number, first, (size_t)(out->info.size - first), &out->bundle, &err));
    good(store_checkpoint(node->store, number, &out->note, &err));
}

static void offer_done(struct offer *offer)
{
    buf_done(&offer->bundle);
    buf_done(&offer->note);
}

static int64_t listed(struct node *node, const char *origin, enum log_role role)
{
    struct log_new log = {.origin = span_str(origin), .role = role, .mode = MODE_FULL};
    int64_t number = 0;
    good(store_begin(node->store, &err));
    good(store_log_create(node->store, &log, &number, &err));
    good(store_commit(node->store, &err));
    return number;
}

static void take(struct node *node, int64_t number, struct offer *offer)
{
    uint64_t count;
    good(store_begin(node->store, &err));
    good(mirror_stage(node->store, number, buf_view(&offer->bundle), &count, &err));
    good(store_commit(node->store, &err));
    good(store_begin(node->store, &err));
    good(mirror_finish(node->store, number, buf_view(&offer->note), &err));
    good(store_commit(node->store, &err));
}

static enum mirror_result judged(struct node *node, int64_t number, struct buf *note)
{
    struct log_info info;
    enum mirror_result result = MIRROR_ADVANCE;
    good(store_log(node->store, number, &info, &err));
    good(mirror_judge(node->store, &info, buf_view(note), &result, &err));
    return result;
}

/* A checkpoint over whatever, by this key of the key file. */
static void note_forge(struct node *node, const struct log_info *info, uint64_t size, uint8_t fill, struct buf *out)
{
    struct keys keys;
    struct note_signer signer;
    struct tlog_hash root;
    memset(root.b, fill, 32);
    good(keys_load(node->dir, span_str(info->origin), &keys, &err));
    good(note_signer_make(&signer, span_str(info->origin), NOTE_ED25519, keys.log_seed, &err));
    const struct note_signer *signers[] = {&signer};
    buf_clear(out);
    good(checkpoint_sign(span_str(info->origin), size, &root, signers, 1, out, &err));
}

static void going_along(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror;
    struct offer offer;
    node_start(&a);
    node_start(&b);
    node_member(&a, "a.example.org", true, &own);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    uint64_t have = 0;
    static const size_t counts[] = {1, 3, 300, 255, 700, 1};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        append_many(a.store, own.number, "g", counts[i], 60, true);
        if (i == 3)
            good(author_rotate(a.store, own.number, NULL, NULL, TIME_MS, &err));
        offer_make(&a, own.number, have, &offer);
        assert_int_equal(judged(&b, here, &offer.note), MIRROR_ADVANCE);
        take(&b, here, &offer);
        assert_int_equal(judged(&b, here, &offer.note), MIRROR_BEHIND);
        have = offer.info.size;
        log_verify(b.store, here);
        good(store_log(b.store, here, &mirror, &err));
        assert_int_equal(mirror.size, have);
        assert_memory_equal(mirror.root.b, offer.info.root.b, 32);
        offer_done(&offer);
    }
    node_again(&b);
    log_verify(b.store, here);
    node_stop(&a);
    node_stop(&b);
}

static void old_checkpoint(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own;
    struct offer early, late;
    node_start(&a);
    node_start(&b);
    node_member(&a, "a.example.org", true, &own);
    append_many(a.store, own.number, "o", 10, 60, true);
    offer_make(&a, own.number, 0, &early);
    append_many(a.store, own.number, "o", 300, 60, true);
    offer_make(&a, own.number, 0, &late);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    take(&b, here, &late);
    assert_int_equal(judged(&b, here, &early.note), MIRROR_BEHIND);
    offer_done(&early);
    offer_done(&late);
    node_stop(&a);
    node_stop(&b);
}

static void refusing(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, other, mirror;
    struct offer offer, strange;
    struct buf forged;
    uint64_t count;
    enum mirror_result result;
    node_start(&a);
    node_start(&b);
    buf_init(&forged, NOTE_MAX);
    node_member(&a, "a.example.org", true, &own);
    node_member(&a, "z.example.org", false, &other);
    append_many(a.store, own.number, "f", 20, 60, true);
    append_many(a.store, other.number, "f", 20, 60, true);
    offer_make(&a, own.number, 0, &offer);
    offer_make(&a, other.number, 0, &strange);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    good(store_log(b.store, here, &mirror, &err));
    bad(mirror_judge(b.store, &mirror, SPAN_LIT("rubbish"), &result, &err), ERR_SYNTAX, "log a.example.org");
    bad(mirror_judge(b.store, &mirror, buf_view(&strange.note), &result, &err), ERR_VERIFY, "another log");
    /* Entry 0 of somebody else. */
    good(store_begin(b.store, &err));
    bad(mirror_stage(b.store, here, buf_view(&strange.bundle), &count, &err), ERR_VERIFY, "does not fit the origin");
    /* Lengths that lie, entries without bytes: nothing is staged. */
    struct span cut = span_sub(buf_view(&offer.bundle), 0, offer.bundle.len - 1);
    bad(mirror_stage(b.store, here, cut, &count, &err), ERR_SYNTAX, "");
    bad(mirror_stage(b.store, here, span_of("\0\0", 2), &count, &err), ERR_SYNTAX, "");
    good(store_log(b.store, here, &mirror, &err));
    assert_int_equal(mirror.staged, 0);
    /* The right entries, a wrong root; the right root, a wrong signature; a wrong size. */
    good(mirror_stage(b.store, here, buf_view(&offer.bundle), &count, &err));
    assert_int_equal(count, 21);
    note_forge(&a, &own, 21, 1, &forged);
    bad(mirror_finish(b.store, here, buf_view(&forged), &err), ERR_VERIFY, "do not hash");
    note_forge(&a, &own, 22, 1, &forged);
    bad(mirror_finish(b.store, here, buf_view(&forged), &err), ERR_VERIFY, "size 22");
    buf_clear(&forged);
    buf_span(&forged, buf_view(&offer.note));
    forged.data[forged.len - 10] ^= 1;
    struct err err;
    assert_true(mirror_finish(b.store, here, buf_view(&forged), &err) < 0);
    buf_clear(&forged);
    struct keys other_keys;
    struct note_signer signer;
    assert_int_equal(keys_load(a.dir, span_str(other.origin), &other_keys, &err), 0);
    assert_int_equal(note_signer_make(&signer, span_str(own.origin), NOTE_ED25519, other_keys.log_seed, &err), 0);
    const struct note_signer *signers[] = {&signer};
    assert_int_equal(checkpoint_sign(span_str(own.origin), 21, &offer.info.root, signers, 1, &forged, &err), 0);
    assert_int_equal(mirror_finish(b.store, here, buf_view(&forged), &err), ERR_VERIFY);
    assert_non_null(strstr(err.text, "no signature by the log's key"));
    assert_int_equal(mirror_finish(b.store, here, buf_view(&offer.note), &err), 0);
    assert_int_equal(store_commit(b.store, &err), 0);
    log_verify(b.store, here);
    /* Now that the key is known: a stranger's signature on something longer may be a rotation to come, or a lie. */
    buf_clear(&forged);
    assert_int_equal(checkpoint_sign(span_str(own.origin), 30, &offer.info.root, signers, 1, &forged, &err), 0);
    assert_int_equal(judged(&b, here, &forged), MIRROR_ADVANCE);
    buf_clear(&forged);
    assert_int_equal(checkpoint_sign(span_str(own.origin), 20, &offer.info.root, signers, 1, &forged, &err), 0);
    assert_int_equal(store_log(b.store, here, &mirror, &err), 0);
    assert_int_equal(mirror_judge(b.store, &mirror, buf_view(&forged), &result, &err), ERR_VERIFY);
    buf_done(&forged);
    offer_done(&offer);
    offer_done(&strange);
    node_stop(&a);
    node_stop(&b);
}

static void forks(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own;
    struct offer offer;
    struct buf forged;
    node_start(&a);
    node_start(&b);
    buf_init(&forged, NOTE_MAX);
    node_member(&a, "a.example.org", true, &own);
    append_many(a.store, own.number, "f", 299, 60, true);
    offer_make(&a, own.number, 0, &offer);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    take(&b, here, &offer);
    note_forge(&a, &own, 300, 5, &forged);
    assert_int_equal(judged(&b, here, &forged), MIRROR_FORK_SAME);
    note_forge(&a, &own, 260, 5, &forged);
    assert_int_equal(judged(&b, here, &forged), MIRROR_FORK_OLD);
    note_forge(&a, &own, 301, 5, &forged);
    assert_int_equal(judged(&b, here, &forged), MIRROR_ADVANCE);
    buf_done(&forged);
    offer_done(&offer);
    node_stop(&a);
    node_stop(&b);
}

/* A key that a rotation has retired signs nothing any more, neither longer nor shorter than the rotation. */
static void retired_key(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, mirror;
    struct offer before, after;
    struct keys old_keys;
    struct note_signer signer;
    struct buf forged;
    enum mirror_result result;
    node_start(&a);
    node_start(&b);
    buf_init(&forged, NOTE_MAX);
    node_member(&a, "a.example.org", true, &own);
    append_many(a.store, own.number, "k", 9, 60, true);
    good(keys_load(a.dir, span_str(own.origin), &old_keys, &err));
    offer_make(&a, own.number, 0, &before);
    good(author_rotate(a.store, own.number, NULL, NULL, TIME_MS, &err));
    append_many(a.store, own.number, "k", 5, 60, true);
    offer_make(&a, own.number, 10, &after);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    take(&b, here, &before);
    /* The new key is not known yet, and is among the entries to come. */
    assert_int_equal(judged(&b, here, &after.note), MIRROR_ADVANCE);
    take(&b, here, &after);
    log_verify(b.store, here);
    good(note_signer_make(&signer, span_str(own.origin), NOTE_ED25519, old_keys.log_seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(store_log(b.store, here, &mirror, &err));
    for (uint64_t size = 15; size <= 17; size++) {
        buf_clear(&forged);
        good(checkpoint_sign(span_str(own.origin), size, &after.info.root, signers, 1, &forged, &err));
        bad(mirror_judge(b.store, &mirror, buf_view(&forged), &result, &err), ERR_VERIFY, "retired");
    }
    /* Before the rotation it was the key. */
    assert_int_equal(judged(&b, here, &before.note), MIRROR_BEHIND);
    offer_done(&before);
    offer_done(&after);
    buf_done(&forged);
    node_stop(&a);
    node_stop(&b);
}

static int cosig_count(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line, struct err *err)
{
    (void)name;
    (void)key_id;
    (void)err;
    assert_int_equal(time, 1795000123);
    assert_true(line.len > 90 && line.data[line.len - 1] == '\n');
    ++*(int *)ctx;
    return 0;
}

/* B mirrors and cosigns A's log; A collects the line from what B serves; strangers' and forged lines stay outside. */
static void cosigning(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own_a, own_b;
    struct offer log_a, log_b;
    struct buf served;
    size_t fresh;
    int count = 0;
    node_start(&a);
    node_start(&b);
    buf_init(&served, NOTE_MAX);
    node_member(&a, "a.example.org", true, &own_a);
    node_member(&b, "b.example.org", true, &own_b);
    append_many(a.store, own_a.number, "c", 5, 60, true);
    offer_make(&a, own_a.number, 0, &log_a);
    offer_make(&b, own_b.number, 0, &log_b);
    int64_t a_at_b = listed(&b, own_a.origin, LOG_MIRROR);
    take(&b, a_at_b, &log_a);
    good(mirror_cosign(b.store, a_at_b, 1795000123, &err));
    good(mirror_cosign(b.store, a_at_b, 1795000123, &err));
    good(store_checkpoint(b.store, a_at_b, &served, &err));
    assert_true(served.len > log_a.note.len);
    /* A does not know B yet. */
    good(store_begin(a.store, &err));
    good(mirror_collect(a.store, own_a.number, buf_view(&served), &fresh, &err));
    assert_int_equal(fresh, 0);
    good(store_commit(a.store, &err));
    int64_t b_at_a = listed(&a, own_b.origin, LOG_MIRROR);
    take(&a, b_at_a, &log_b);
    good(store_begin(a.store, &err));
    good(mirror_collect(a.store, own_a.number, buf_view(&served), &fresh, &err));
    assert_int_equal(fresh, 1);
    good(mirror_collect(a.store, own_a.number, buf_view(&served), &fresh, &err));
    assert_int_equal(fresh, 0);
    good(store_commit(a.store, &err));
    good(store_cosignatures(a.store, own_a.number, cosig_count, &count, &err));
    assert_int_equal(count, 1);
    struct buf ours;
    buf_init(&ours, NOTE_MAX);
    good(store_checkpoint(a.store, own_a.number, &ours, &err));
    assert_true(span_eq(buf_view(&ours), buf_view(&served)));
    /* One bit of the cosignature. */
    served.data[served.len - 20] ^= 1;
    good(store_begin(a.store, &err));
    struct err err;
    assert_true(mirror_collect(a.store, own_a.number, buf_view(&served), &fresh, &err) < 0);
    store_rollback(a.store);
    /* A new head has none, and lines over the old one do not fit it. */
    append_many(a.store, own_a.number, "c", 1, 60, true);
    count = 0;
    assert_int_equal(store_cosignatures(a.store, own_a.number, cosig_count, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_begin(a.store, &err), 0);
    assert_int_equal(mirror_collect(a.store, own_a.number, buf_view(&ours), &fresh, &err), ERR_STATE);
    store_rollback(a.store);
    buf_done(&ours);
    buf_done(&served);
    offer_done(&log_a);
    offer_done(&log_b);
    node_stop(&a);
    node_stop(&b);
}

/* What the author withdrew goes here too, and is not fetched if it never was here. */
static void erasures_travel(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own;
    struct offer first, second;
    struct buf item;
    size_t erased;
    unsigned flags;
    node_start(&a);
    node_start(&b);
    buf_init(&item, PAYLOAD_MAX + 64);
    node_member(&a, "a.example.org", true, &own);
    append_many(a.store, own.number, "e", 10, 60, true);
    offer_make(&a, own.number, 0, &first);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    take(&b, here, &first);
    good(payload_read(a.store, own.number, 4, &item, NULL, &err));
    good(store_begin(b.store, &err));
    good(payload_put(b.store, here, 4, span_of(item.data + 4, 32), span_of(item.data + 36, item.len - 36), true, &err));
    good(store_commit(b.store, &err));
    good(author_erase(a.store, own.number, 4, TIME_MS, &err));
    good(author_erase(a.store, own.number, 7, TIME_MS, &err));
    offer_make(&a, own.number, 11, &second);
    take(&b, here, &second);
    good(mirror_erase_queued(b.store, &erased, &err));
    assert_int_equal(erased, 2);
    good(mirror_erase_queued(b.store, &erased, &err));
    assert_int_equal(erased, 0);
    assert_null(payload_text(b.store, here, 4));
    good(payload_flags(b.store, here, 4, &flags, &err));
    assert_int_equal(flags, SLOT_ERASED);
    good(payload_flags(b.store, here, 7, &flags, &err));
    assert_int_equal(flags, SLOT_ERASED);
    store_close(b.store);
    assert_int_equal(files_with(&b, item.data + 4, 32), 0);
    b.store = node_handle(&b);
    log_verify(b.store, here);
    buf_done(&item);
    offer_done(&first);
    offer_done(&second);
    node_stop(&a);
    node_stop(&b);
}

/* A backup put back is behind its own log: it heals by mirroring it, and then goes on signing. */
static void healing(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own;
    struct offer offer, tail;
    char command[256];
    uint64_t count, first;
    node_start(&a);
    node_start(&b);
    node_member(&a, "a.example.org", true, &own);
    append_many(a.store, own.number, "h", 280, 60, true);
    store_close(a.store);
    snprintf(command, sizeof command, "cp -r %s %s/backup", a.dir, a.root);
    shell(command);
    a.store = node_handle(&a);
    author_allow(a.store);
    append_many(a.store, own.number, "h", 300, 60, true);
    offer_make(&a, own.number, 0, &offer);
    offer_make(&a, own.number, 281, &tail);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    take(&b, here, &offer);
    store_close(a.store);
    snprintf(command, sizeof command, "rm -rf %s && mv %s/backup %s", a.dir, a.root, a.dir);
    shell(command);
    a.store = node_handle(&a);
    author_allow(a.store);
    assert_int_equal(judged(&a, own.number, &offer.note), MIRROR_ADVANCE);
    good(store_begin(a.store, &err));
    good(mirror_stage(a.store, own.number, buf_view(&tail.bundle), &count, &err));
    good(store_commit(a.store, &err));
    /* Half healed it does not sign. */
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    record_make(&text, "x", 10);
    struct author_item item = {buf_view(&text), true};
    bad(author_append(a.store, own.number, &item, 1, TIME_MS, &first, &err), ERR_STATE, "fetched back");
    good(store_begin(a.store, &err));
    good(mirror_finish(a.store, own.number, buf_view(&tail.note), &err));
    good(store_commit(a.store, &err));
    good(store_log(a.store, own.number, &own, &err));
    assert_int_equal(own.role, LOG_OWN);
    assert_int_equal(own.size, 581);
    log_verify(a.store, own.number);
    good(author_append(a.store, own.number, &item, 1, TIME_MS, &first, &err));
    log_verify(a.store, own.number);
    buf_done(&text);
    offer_done(&offer);
    offer_done(&tail);
    node_stop(&a);
    node_stop(&b);
}

static size_t cosignatures(struct store *store, int64_t number)
{
    struct buf text;
    struct note note;
    buf_init(&text, NOTE_MAX);
    good(store_checkpoint(store, number, &text, &err));
    good(note_parse(buf_view(&text), &note, &err));
    buf_done(&text);
    return note.sig_count - 1;
}

/*
 * A mirror whose copy is damaged, emptied and fetched again takes no other history than the one it has cosigned, and
 * cosigns nothing before it is as long again.
 */
static void healed_to_another_history(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own, own_b, log;
    struct offer early, one, tail, other;
    struct store_options heal = {.heal = true};
    char command[256], path[256];
    uint64_t count;
    node_start(&a);
    node_start(&b);
    node_member(&a, "a.example.org", true, &own);
    node_member(&b, "b.example.org", true, &own_b);
    append_many(a.store, own.number, "h", 280, 60, true);
    offer_make(&a, own.number, 0, &early);
    store_close(a.store);
    snprintf(command, sizeof command, "cp -r %s %s/backup", a.dir, a.root);
    shell(command);
    a.store = node_handle(&a);
    author_allow(a.store);
    append_many(a.store, own.number, "h", 300, 60, true);
    offer_make(&a, own.number, 0, &one);
    offer_make(&a, own.number, 281, &tail);
    store_close(a.store);
    snprintf(command, sizeof command, "rm -rf %s && mv %s/backup %s", a.dir, a.root, a.dir);
    shell(command);
    a.store = node_handle(&a);
    author_allow(a.store);
    append_many(a.store, own.number, "i", 310, 60, true);
    offer_make(&a, own.number, 0, &other);
    int64_t here = listed(&b, own.origin, LOG_MIRROR);
    take(&b, here, &one);
    good(mirror_cosign(b.store, here, 1795000123, &err));
    assert_int_equal(cosignatures(b.store, here), 1);
    good(store_log(b.store, here, &log, &err));
    for (int i = 0; i < 2; i++) {
        store_close(b.store);
        snprintf(path, sizeof path, "%s/logs/%s/entries", b.dir, log.hex);
        assert_int_equal(truncate(path, 100), 0);
        good(store_open(b.dir, &heal, &b.store, &err));
        good(log_begin_anew(b.store, here, &err));
        good(store_log(b.store, here, &log, &err));
        assert_int_equal(log.size, 0);
        if (i == 0)
            take(&b, here, &early);
    }
    good(store_begin(b.store, &err));
    good(mirror_stage(b.store, here, buf_view(&other.bundle), &count, &err));
    bad(mirror_finish(b.store, here, buf_view(&other.note), &err), ERR_VERIFY, "first 581 entries are others");
    store_rollback(b.store);
    take(&b, here, &early);
    good(mirror_cosign(b.store, here, 1795000123, &err));
    assert_int_equal(cosignatures(b.store, here), 0);
    take(&b, here, &tail);
    good(mirror_cosign(b.store, here, 1795000124, &err));
    assert_int_equal(cosignatures(b.store, here), 1);
    log_verify(b.store, here);
    offer_done(&early);
    offer_done(&one);
    offer_done(&tail);
    offer_done(&other);
    node_stop(&a);
    node_stop(&b);
}

static void roles(void **state)
{
    (void)state;
    struct node a, b;
    struct log_info own;
    struct offer offer;
    uint64_t count;
    node_start(&a);
    node_start(&b);
    node_member(&a, "a.example.org", true, &own);
    offer_make(&a, own.number, 0, &offer);
    int64_t here = listed(&b, own.origin, LOG_LISTED);
    good(store_begin(b.store, &err));
    bad(mirror_stage(b.store, here, buf_view(&offer.bundle), &count, &err), ERR_STATE, "quota");
    bad(mirror_finish(b.store, here, buf_view(&offer.note), &err), ERR_STATE, "not a mirrored log");
    struct log_info info;
    good(store_log(b.store, here, &info, &err));
    info.role = LOG_MIRROR;
    good(store_log_update(b.store, &info, &err));
    good(mirror_stage(b.store, here, buf_view(&offer.bundle), &count, &err));
    good(mirror_finish(b.store, here, buf_view(&offer.note), &err));
    good(store_commit(b.store, &err));
    bad(mirror_cosign(b.store, here, 1795000000, &err), ERR_NOTFOUND, "no member lives here");
    offer_done(&offer);
    node_stop(&a);
    node_stop(&b);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(going_along), cmocka_unit_test(old_checkpoint),
        cmocka_unit_test(refusing),    cmocka_unit_test(forks),
        cmocka_unit_test(retired_key), cmocka_unit_test(cosigning),
        cmocka_unit_test(roles),       cmocka_unit_test(erasures_travel),
        cmocka_unit_test(healing),     cmocka_unit_test(healed_to_another_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
