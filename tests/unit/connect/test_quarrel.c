/* One of several peers lies or stalls: the others are not blamed for it, nothing waits for ever, our own log stays ours. */
#include "fake.h"

#include "connect/startcheck.h"

/* `cosigner`'s line in `note`, signed over something else. */
static void forge_cosignature(struct node *cosigner, struct buf *note)
{
    struct keys keys;
    struct note_signer signer;
    struct span origin = span_str(cosigner->own.origin);
    good(keys_load(cosigner->dir, origin, &keys, &err));
    good(note_signer_make(&signer, origin, NOTE_COSIGNATURE, keys.cosigner_seed, &err));
    good(note_sign(SPAN_LIT("another text\n"), &signer, 1795000000, note, &err));
    keys_wipe(&keys);
}

static struct sync_report *round_of(struct node *node)
{
    return node_sync_with(node, (struct sync_options){.low_speed_s = 1});
}

/* The first has a forged cosignature, the second a good copy of the same log. */
static void test_honest_one_is_not_blamed(void **state)
{
    struct node a, b, c;
    struct fake fake;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_say_many(&a, "note", 20);
    node_serve(&c);
    node_meets(&b, &c); /* b knows the key that is forged */
    fake_start(&fake, &a);
    forge_cosignature(&c, &fake.note);
    fake_serve(&fake, raw, &a.own);
    raw_run(raw);
    node_serve(&a);
    int64_t liar = node_peer_url(&b, raw->url), honest = node_peer(&b, &a), log;
    struct log_new make = {
        .origin = span_str(a.own.origin), .role = LOG_MIRROR, .mode = MODE_FULL, .peer = liar, .followed = true};
    good(store_begin(b.store, &err)); /* both are known to have it: the liar is asked first */
    good(store_log_create(b.store, &make, &log, &err));
    good(peer_log_seen(b.store, liar, log, a.own.size, &err));
    good(peer_log_seen(b.store, honest, log, a.own.size, &err));
    good(store_commit(b.store, &err));
    struct sync_report *report = round_of(&b);
    assert_int_equal(report->failure_count, 1);
    struct peer peer = peer_of(&b, raw->url);
    assert_true(peer.set_aside);
    assert_non_null(strstr(peer.reason, "cosignature"));
    assert_non_null(strstr(peer.reason, "a.example"));
    peer = peer_of(&b, http_server_url(a.server));
    assert_false(peer.set_aside);
    assert_int_equal(peer.failures, 0);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, 20, "note 19"));
    raw_stop(raw);
    node_stop(&c);
    node_stop(&b);
    node_stop(&a);
}

static void announce(struct raw *raw, const struct log_info *first, const struct log_info *second)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_fmt(&body, "%s %s %llu\n%s %s %llu\nnext 0123456789abcdef-1\n", first->hex, first->origin,
            (unsigned long long)first->size, second->hex, second->origin, (unsigned long long)second->size);
    raw_body(raw, "/heads", buf_view(&body));
    buf_done(&body);
}

/* It lies about one log in the very commit behind which another one of it has contents to ask for. */
static void test_nothing_waits_for_a_liar(void **state)
{
    struct node a, b, other;
    struct fake one, two;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_start(&other, "other.example");
    node_say_many(&a, "note", 20);
    node_say_many(&other, "other", 20);
    node_serve(&other);
    node_peer(&b, &other);
    node_sync_with(&b, (struct sync_options){.mode = MODE_HEADS}); /* all entries, no contents */
    good(sync_follow(b.store, span_str(other.own.origin), MODE_FULL, 0, &err));
    good(peer_remove(b.store, peer_of(&b, http_server_url(other.server)).number, &err));
    fake_start(&one, &a);
    forge_cosignature(&other, &one.note);
    fake_start(&two, &other);
    announce(raw, &a.own, &other.own);
    fake_log(&one, raw, &a.own);
    fake_log(&two, raw, &other.own);
    raw_run(raw);
    node_peer_url(&b, raw->url);
    struct sync_report *report = round_of(&b); /* comes to its end */
    assert_int_equal(report->failure_count, 1);
    assert_true(peer_of(&b, raw->url).set_aside);
    assert_non_null(strstr(peer_of(&b, raw->url).reason, "cosignature"));
    assert_int_equal(node_sync(&b)->peers, 0);
    raw_stop(raw);
    node_stop(&other);
    node_stop(&b);
    node_stop(&a);
}

/* ---- memory ---- */

#define LARGE (2u << 20)

/* Contents of the first bundle never come; each answer about the second is cut behind one large item. */
static void test_cut_answers_are_bounded(void **state)
{
    struct node a, b;
    struct raw *raw = raw_start();
    struct buf item;
    char path[200];
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", 500);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_with(&b, (struct sync_options){.mode = MODE_HEADS});
    good(sync_follow(b.store, span_str(a.own.origin), MODE_FULL, 0, &err));
    good(peer_remove(b.store, peer_of(&b, http_server_url(a.server)).number, &err));
    struct buf note;
    buf_init(&note, NOTE_MAX);
    good(store_checkpoint(a.store, a.own.number, &note, &err));
    raw_heads(raw, &a.own, a.own.size);
    raw_checkpoint(raw, &a.own, buf_view(&note));
    snprintf(path, sizeof(path), "/logs/%s/payload/0", a.own.hex);
    raw_bytes(raw, path, RAW_SILENT, "");
    snprintf(path, sizeof(path), "/logs/%s/payload/1", a.own.hex);
    buf_init(&item, LARGE + 64);
    buf_u32(&item, LARGE);
    uint8_t *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    buf_add(&item, bytes, LARGE);
    free(bytes);
    struct raw_page *page = raw_body(raw, path, buf_view(&item));
    raw_run(raw);
    node_peer_url(&b, raw->url);
    struct sync_report *report = round_of(&b);
    unsigned asked = atomic_load(&page->asked);
    print_message("# %u answers of 2 MiB were taken in\n", asked);
    assert_true(asked >= 2 && asked <= PEER_MEMORY_MAX / LARGE + 1);
    assert_int_equal(report->failure_count, 2);
    assert_non_null(strstr(report->failures[0].reason, "too slow"));
    assert_true(peer_of(&b, raw->url).set_aside); /* what had come is looked at all the same, and is false */
    assert_mirrored(&b, &a.own);
    buf_done(&item);
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/* ---- our own log ---- */

/* A longer version of `own`, signed by whoever has this seed, of which the second bundle never comes. */
static void longer_own(struct raw *raw, struct node *b, const uint8_t seed[32])
{
    struct buf note, bundle;
    struct note_signer signer;
    struct tlog_hash root = {{7}};
    char path[200];
    uint64_t size = b->own.size + 600;
    buf_init(&note, NOTE_MAX);
    buf_init(&bundle, BUNDLE_MAX);
    good(note_signer_make(&signer, span_str(b->own.origin), NOTE_ED25519, seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(checkpoint_sign(span_str(b->own.origin), size, &root, signers, 1, &note, &err));
    good(store_read_entries(b->store, b->own.number, 0, (size_t)b->own.size, &bundle, &err));
    for (uint64_t i = b->own.size; i < TILE_WIDTH; i++)
        good(bundle_add(&bundle, SPAN_LIT("rubbish"), &err));
    raw_heads(raw, &b->own, size);
    raw_checkpoint(raw, &b->own, buf_view(&note));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000", b->own.hex);
    raw_body(raw, path, buf_view(&bundle));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/", b->own.hex);
    raw_bytes(raw, path, RAW_LATE, ""); /* until then the first has been committed */
    buf_done(&note);
    buf_done(&bundle);
    raw_run(raw);
}

/* Whatever a stranger claims about our own log, we can go on writing it. */
static void test_own_log_is_not_silenced(void **state)
{
    struct node b;
    struct raw *raw = raw_start();
    uint8_t seed[32] = {9};
    (void)state;
    node_start(&b, "b.example");
    node_say_many(&b, "note", 20);
    longer_own(raw, &b, seed);
    node_peer_url(&b, raw->url);
    struct sync_report *report = round_of(&b);
    assert_int_equal(report->failure_count, 1);
    assert_non_null(strstr(report->failures[0].reason, "a key that is not ours"));
    assert_int_equal(b.own.staged, b.own.size);
    assert_non_null(strstr(peer_of(&b, raw->url).reason, "a key that is not ours"));
    node_say(&b, "and on it goes");
    raw_stop(raw);
    node_stop(&b);
}

/* Nor after the start check, which has to look at such a claim more closely: when that peer is gone nothing is left of it. */
static void test_start_check_leaves_nothing_behind(void **state)
{
    struct node b, c;
    struct raw *raw = raw_start();
    uint8_t seed[32] = {9};
    (void)state;
    node_start(&b, "b.example");
    node_start(&c, "c.example");
    node_say_many(&b, "note", 20);
    node_serve(&c);
    longer_own(raw, &b, seed);
    int64_t number = node_peer_url(&b, raw->url);
    bad(start_check_now(b.store, false, &err), ERR_STATE, "could not be fetched back");
    good(peer_remove(b.store, number, &err));
    node_peer(&b, &c);
    good(start_check_now(b.store, false, &err));
    node_say(&b, "and on it goes");
    raw_stop(raw);
    node_stop(&c);
    node_stop(&b);
}

/* ---- two roots at one size, and no tiles ---- */

/* Suspended: not advanced, and found out once however often it is shown. */
static void test_suspended_stays(void **state)
{
    struct node a, b;
    struct keys keys;
    struct note_signer signer;
    struct tlog_hash root = {{7}};
    struct buf note;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", 20);
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    buf_init(&note, NOTE_MAX);
    good(keys_load(a.dir, span_str(a.own.origin), &keys, &err));
    good(note_signer_make(&signer, span_str(a.own.origin), NOTE_ED25519, keys.log_seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(checkpoint_sign(span_str(a.own.origin), a.own.size, &root, signers, 1, &note, &err));
    keys_wipe(&keys);
    raw_heads(raw, &a.own, a.own.size);
    raw_checkpoint(raw, &a.own, buf_view(&note));
    raw_run(raw);
    int64_t number = node_peer_url(&b, raw->url);
    struct sync_report *report = node_sync(&b);
    assert_int_equal(report->forks, 1);
    assert_non_null(strstr(report->failures[0].reason, "suspended"));
    struct log_info before = log_of(&b, a.own.origin);
    assert_int_equal(before.standing, STANDING_SUSPENDED);
    uint64_t size = b.own.size;
    node_say_many(&a, "as if nothing had been", 300);
    good(sync_forgive(b.store, number, &err));
    struct peer peer = peer_of(&b, raw->url);
    peer.cursor[0] = '\0';
    good(peer_update(b.store, &peer, &err)); /* its lines are news again */
    assert_int_equal(node_sync(&b)->forks, 0);
    assert_int_equal(log_of(&b, a.own.origin).size, before.size);
    assert_int_equal(log_of(&b, a.own.origin).staged, before.size);
    assert_int_equal(b.own.size, size); /* nothing is said again */
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

/*
 * The link breaks between a peer's line and the checkpoint that the line is about: the line counts as not heard. Nothing else
 * would bring the cosignature, or show a fork of this size, before the log grows.
 */
static void test_cut_behind_a_line(void **state)
{
    struct node a, b;
    struct buf note;
    struct raw *raw = raw_start();
    (void)state;
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_serve(&b);
    node_meets(&a, &b);
    buf_init(&note, NOTE_MAX);
    good(store_checkpoint(a.store, a.own.number, &note, &err));
    fake_cosign(&note, &b);
    raw_heads(raw, &a.own, a.own.size);
    raw_checkpoint(raw, &a.own, buf_view(&note));
    struct raw_page *page = &raw->pages[1];
    page->manner = RAW_CUT;
    raw_run(raw);
    node_peer_url(&a, raw->url);
    assert_int_equal(round_of(&a)->failure_count, 1);
    assert_int_equal(peer_of(&a, raw->url).failures, 1);
    assert_int_equal(cosignatures(&a, a.own.origin), 0);
    page->manner = RAW_WHOLE;
    assert_int_equal(round_of(&a)->failure_count, 0);
    assert_int_equal(cosignatures(&a, a.own.origin), 1);
    unsigned asked = atomic_load(&page->asked);
    round_of(&a);
    assert_int_equal(atomic_load(&page->asked), asked); /* now it has been heard */
    buf_done(&note);
    raw_stop(raw);
    node_stop(&b);
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_one_is_not_blamed),
        cmocka_unit_test(test_nothing_waits_for_a_liar),
        cmocka_unit_test(test_cut_answers_are_bounded),
        cmocka_unit_test(test_own_log_is_not_silenced),
        cmocka_unit_test(test_start_check_leaves_nothing_behind),
        cmocka_unit_test(test_suspended_stays),
        cmocka_unit_test(test_cut_behind_a_line),
    };
    alarm(120); /* a round that never ends is what some of these look for */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
