/* Peers that lie, stall or send too much: each gets its reason, nothing is lost, the others go on. */
#include "fake.h"

#include "connect/heads.h"

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

/* A truthful author, a victim that has it as a peer, and the hostile one. */
struct scene {
    struct node a, b;
    struct raw *raw;
};

static void scene_start(struct scene *s)
{
    node_start(&s->a, "a.example");
    node_start(&s->b, "b.example");
    node_say_many(&s->a, "note", 20);
    node_serve(&s->a);
    s->raw = raw_start();
}

static void scene_stop(struct scene *s)
{
    raw_stop(s->raw);
    node_stop(&s->b);
    node_stop(&s->a);
}

/* One round of the victim with both peers. The truth arrives in every case. */
static void expect(struct scene *s, bool set_aside, const char *part)
{
    raw_run(s->raw);
    node_peer_url(&s->b, s->raw->url);
    node_peer(&s->b, &s->a);
    struct sync_report *report = node_sync_with(&s->b, (struct sync_options){.low_speed_s = 1});
    assert_mirrored(&s->b, &s->a.own);
    assert_true(has_payload(&s->b, s->a.own.origin, 20, "note 19"));
    struct peer peer = peer_of(&s->b, s->raw->url);
    if (!part) {
        assert_int_equal(report->failure_count, 0);
        assert_false(peer.set_aside);
        return;
    }
    if (report->failure_count != 1 || !strstr(report->failures[0].reason, part) || peer.set_aside != set_aside ||
        !strstr(peer.reason, part))
        fail_msg("%zu failures, set aside %d, \"%s\", expected \"%s\"", report->failure_count, peer.set_aside,
                 peer.reason, part);
    assert_string_equal(report->failures[0].url, s->raw->url);
    if (set_aside)
        assert_int_equal(node_sync(&s->b)->peers, 1); /* not asked again */
    else
        assert_true(peer.retry_ms > 0);
}

/* ---- /heads ---- */

static void heads_case(enum raw_manner manner, const char *bytes, bool set_aside, const char *part)
{
    struct scene s;
    scene_start(&s);
    raw_bytes(s.raw, "/heads", manner, bytes);
    expect(&s, set_aside, part);
    scene_stop(&s);
}

static void test_endless_heads(void **state)
{
    (void)state;
    heads_case(RAW_ENDLESS, OK "\r\n", true, "longer than");
}

static void test_byte_now_and_then(void **state)
{
    (void)state;
    heads_case(RAW_DRIP, OK "\r\n", false, "too slow");
}

static void test_silence(void **state)
{
    (void)state;
    heads_case(RAW_SILENT, "", false, "too slow");
}

static void test_redirect(void **state)
{
    (void)state;
    heads_case(RAW_WHOLE, "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nConnection: close\r\n\r\n", false,
               "redirect to http://169.254.169.254/");
}

static void test_gzip_unasked(void **state)
{
    (void)state;
    heads_case(RAW_WHOLE, OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxxx", false, "compressed");
}

static void test_garbage_heads(void **state)
{
    (void)state;
    heads_case(RAW_WHOLE, OK "Content-Length: 7\r\n\r\n<html>\n", true, "heads line 1");
}

static void test_error_status(void **state)
{
    (void)state;
    heads_case(RAW_WHOLE, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false, "status 500");
}

/* A reason is text of others: it does not command a terminal. */
static void test_reason_is_escaped(void **state)
{
    (void)state;
    heads_case(RAW_WHOLE, "HTTP/1.1 302 Found\r\nLocation: http://x/\x1b[31m\xe2\x80\xae\r\nConnection: close\r\n\r\n",
               false, "redirect to");
}

/* Always more to come, and never anything new. */
static void test_endless_lines(void **state)
{
    struct scene s;
    struct buf body;
    (void)state;
    scene_start(&s);
    buf_init(&body, 4096);
    heads_write_line(&body, s.a.own.hex, span_str(s.a.own.origin), s.a.own.size);
    heads_write_end(&body, true, "0123456789abcdef", 1);
    struct raw_page *page = raw_body(s.raw, "/heads", buf_view(&body));
    expect(&s, true, "its cursor stays");
    assert_int_equal(atomic_load(&page->asked), 2);
    buf_done(&body);
    scene_stop(&s);
}

/* The same, with a cursor that goes on for ever. */
static void more_case(bool has_line, unsigned requests)
{
    struct scene s;
    char line[HEADS_LINE_MAX + 2] = "";
    scene_start(&s);
    if (has_line)
        snprintf(line, sizeof(line), "%s %s %d\n", s.a.own.hex, s.a.own.origin, (int)s.a.own.size);
    struct raw_page *page = raw_bytes(s.raw, "/heads", RAW_MORE, line);
    expect(&s, true, "says there is more and gives nothing new");
    assert_int_equal(atomic_load(&page->asked), requests);
    scene_stop(&s);
}

static void test_endless_cursors(void **state)
{
    (void)state;
    more_case(false, 1);
    more_case(true, 3); /* once it might have lost our cursor and begun anew */
}

/* ---- a whole log, with one lie ---- */

/* A second log, which only the hostile peer serves. */
static void other_start(struct node *other, struct fake *fake)
{
    node_start(other, "other.example");
    node_say_many(other, "other", 5);
    fake_start(fake, other);
}

static void test_true_copy_is_no_crime(void **state)
{
    struct scene s;
    struct node other;
    struct fake fake;
    (void)state;
    scene_start(&s);
    other_start(&other, &fake);
    fake_serve(&fake, s.raw, &other.own);
    expect(&s, false, NULL);
    assert_mirrored(&s.b, &other.own);
    assert_true(has_payload(&s.b, other.own.origin, 5, "other 4"));
    node_stop(&other);
    scene_stop(&s);
}

static void lie(void (*twist)(struct fake *fake), const char *part)
{
    struct scene s;
    struct node other;
    struct fake fake;
    scene_start(&s);
    other_start(&other, &fake);
    twist(&fake);
    fake_serve(&fake, s.raw, &other.own);
    expect(&s, true, part);
    node_stop(&other);
    scene_stop(&s);
}

static void twist_last_byte(struct fake *fake)
{
    fake->bundle.data[fake->bundle.len - 3] ^= 1;
}

static void twist_entry0(struct fake *fake)
{
    fake->bundle.data[100] ^= 1;
}

static void twist_length(struct fake *fake)
{
    fake->bundle.data[0] = 0xff;
}

static void twist_short(struct fake *fake)
{
    buf_cut(&fake->bundle, fake->bundle.len - 1);
}

static void twist_more(struct fake *fake)
{
    buf_str(&fake->bundle, "more");
}

static void twist_signature(struct fake *fake)
{
    uint8_t *end = fake->note.data + fake->note.len - 10;
    *end = *end == 'A' ? 'B' : 'A';
}

static void twist_root(struct fake *fake)
{
    const char *text = buf_cstr(&fake->note);
    size_t at = (size_t)(strchr(strchr(text, '\n') + 1, '\n') + 1 - text);
    fake->note.data[at] = fake->note.data[at] == 'A' ? 'B' : 'A';
}

static void twist_note(struct fake *fake)
{
    buf_clear(&fake->note);
    buf_str(&fake->note, "this is no checkpoint\n");
}

static void twist_payload(struct fake *fake)
{
    fake->payloads.data[fake->payloads.len - 1] ^= 1;
}

static void twist_payload_length(struct fake *fake)
{
    fake->payloads.data[0] = 0xff;
}

static void twist_payload_count(struct fake *fake)
{
    buf_add(&fake->payloads, "\0\0\0\0\0\0\0\0", 8);
}

static void twist_payload_many(struct fake *fake)
{
    for (int i = 0; i < TILE_WIDTH; i++)
        payload_add_hole(&fake->payloads);
}

static void test_altered_entry(void **state)
{
    (void)state;
    lie(twist_last_byte, "root");
}

static void test_wrong_entry0(void **state)
{
    (void)state;
    lie(twist_entry0, "entry 0");
}

static void test_lying_lengths(void **state)
{
    (void)state;
    lie(twist_length, "bundle");
    lie(twist_short, "bundle");
    lie(twist_more, "bundle goes on");
}

static void test_forged_checkpoints(void **state)
{
    (void)state;
    lie(twist_signature, "other.example");
    lie(twist_root, "other.example");
    lie(twist_note, "checkpoint");
}

static void test_wrong_payloads(void **state)
{
    (void)state;
    lie(twist_payload, "payload of entry 5");
    lie(twist_payload_length, "payloads from entry 1");
    lie(twist_payload_count, "payload of entry 1");
    lie(twist_payload_many, "payloads from entry 1");
}

/* The log grew past the bundle's end, and the partial bundle went: the full one begins with the same bytes. */
static void test_partial_bundle_gone(void **state)
{
    struct scene s;
    struct node other;
    struct fake fake;
    char path[200];
    (void)state;
    scene_start(&s);
    other_start(&other, &fake);
    struct log_info then = other.own;
    node_say_many(&other, "later", 300);
    buf_clear(&fake.bundle);
    good(store_read_entries(other.store, other.own.number, 0, TILE_WIDTH, &fake.bundle, &err));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000.p/", then.hex);
    struct raw_page *gone =
        raw_bytes(s.raw, path, RAW_WHOLE, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/000", then.hex);
    raw_body(s.raw, path, buf_view(&fake.bundle));
    buf_clear(&fake.bundle);
    fake_serve(&fake, s.raw, &then);
    expect(&s, false, NULL);
    assert_int_equal(atomic_load(&gone->asked), 1);
    assert_mirrored(&s.b, &then);
    node_stop(&other);
    scene_stop(&s);
}

/* ---- a plain file server: it knows no ?from=, and is no liar ---- */

/* Payload bundle `n` of `from` as a file, with `more` holes behind it: the tree has grown since its heads were written. */
static void serve_file(struct raw *raw, struct node *from, uint64_t n, size_t more)
{
    struct buf body;
    char path[200];
    uint64_t first = n * TILE_WIDTH, left = from->own.size - first;
    size_t count, wanted = left < TILE_WIDTH ? (size_t)left : TILE_WIDTH;
    buf_init(&body, PAYLOAD_BUNDLE_MAX);
    good(payload_read_bundle(from->store, from->own.number, first, wanted, true, &body, &count, &err));
    assert_int_equal(count, wanted);
    while (more-- > 0)
        payload_add_hole(&body);
    snprintf(path, sizeof(path), "/logs/%s/payload/%llu", from->own.hex, (unsigned long long)n);
    raw_body(raw, path, buf_view(&body));
    buf_done(&body);
}

static void serve_bundle(struct raw *raw, struct node *from, const char *name, uint64_t first, size_t count)
{
    struct buf body;
    char path[200];
    buf_init(&body, BUNDLE_MAX);
    good(store_read_entries(from->store, from->own.number, first, count, &body, &err));
    snprintf(path, sizeof(path), "/logs/%s/tile/entries/%s", from->own.hex, name);
    raw_body(raw, path, buf_view(&body));
    buf_done(&body);
}

static void serve_tree(struct raw *raw, struct node *from, size_t more)
{
    struct buf note;
    buf_init(&note, NOTE_MAX);
    good(store_checkpoint(from->store, from->own.number, &note, &err));
    raw_heads(raw, &from->own, from->own.size);
    raw_checkpoint(raw, &from->own, buf_view(&note));
    serve_bundle(raw, from, "000", 0, TILE_WIDTH);
    serve_bundle(raw, from, "001.p/", TILE_WIDTH, (size_t)from->own.size - TILE_WIDTH);
    serve_file(raw, from, 0, 0);
    serve_file(raw, from, 1, more);
    raw_run(raw);
    buf_done(&note);
}

static void plain_files(size_t held, size_t more)
{
    struct node a, b;
    struct raw *raw = raw_start();
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    node_say_many(&a, "note", held);
    node_serve(&a);
    int64_t number = node_peer(&b, &a);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    good(peer_remove(b.store, number, &err));
    node_say_many(&a, "later", 299 - held); /* 300 entries: two bundles, each asked for from somewhere within */
    serve_tree(raw, &a, more);
    node_peer_url(&b, raw->url);
    struct sync_report *report = node_sync_well(&b);
    assert_int_equal(report->payloads, 299 - held);
    assert_mirrored(&b, &a.own);
    assert_true(has_payload(&b, a.own.origin, held + 1, "later 0"));
    assert_int_equal(log_of(&b, a.own.origin).payloads, 299);
    report = node_sync_well(&b);
    assert_int_equal(report->requests, 2); /* the same lines again are no news; and who is it? */
    node_stop(&b);
    node_stop(&a);
    raw_stop(raw);
}

static void test_plain_file_server(void **state)
{
    (void)state;
    plain_files(5, 0);
    plain_files(270, 0);
    plain_files(270, 7);
    plain_files(298, 0);
}

/* A payload whose seal holds but that is no record: not kept, since nothing tells whom it is for, and not asked for again. */
static void test_payload_that_is_no_record(void **state)
{
    struct scene s;
    struct node other;
    struct fake fake;
    struct buf note;
    uint8_t salt[SEAL_SALT] = {1}, hash[32], seal[SEAL_ENTRY_LEN];
    struct tlog_hash root;
    struct keys keys;
    struct note_signer signer;
    uint64_t size;
    (void)state;
    scene_start(&s);
    node_start(&other, "other.example");
    seal_hash(span_str(other.own.origin), salt, SPAN_LIT("no record"), hash);
    seal_write(hash, seal);
    struct store_entry entry = {span_of(seal, sizeof(seal)), span_of(salt, sizeof(salt)), SPAN_LIT("no record"), true};
    buf_init(&note, NOTE_MAX);
    good(keys_load(other.dir, span_str(other.own.origin), &keys, &err));
    good(note_signer_make(&signer, span_str(other.own.origin), NOTE_ED25519, keys.log_seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(store_begin(other.store, &err));
    good(store_add(other.store, other.own.number, &entry, 1, &err));
    good(store_staged_root(other.store, other.own.number, &size, &root, &err));
    good(checkpoint_sign(span_str(other.own.origin), size, &root, signers, 1, &note, &err));
    good(store_set_head(other.store, other.own.number, buf_view(&note), &err));
    good(store_commit(other.store, &err));
    keys_wipe(&keys);
    node_refresh(&other);
    fake_start(&fake, &other);
    fake_serve(&fake, s.raw, &other.own);
    expect(&s, false, NULL);
    unsigned flags = 0;
    good(payload_flags(s.b.store, log_of(&s.b, other.own.origin).number, 1, &flags, &err));
    assert_int_equal(flags, SLOT_REFUSED);
    buf_done(&note);
    node_stop(&other);
    scene_stop(&s);
}

/* ---- about a log that the victim knows ---- */

/* Behind is no crime, nor is announcing more than it has. */
static void test_shorter_log(void **state)
{
    struct scene s;
    struct fake fake;
    (void)state;
    scene_start(&s);
    fake_start(&fake, &s.a);
    node_peer(&s.b, &s.a);
    node_say(&s.a, "later");
    node_sync_well(&s.b);
    fake.size = s.a.own.size + 10; /* announced; its checkpoint stands where the log was before */
    raw_heads(s.raw, &s.a.own, fake.size);
    raw_checkpoint(s.raw, &s.a.own, buf_view(&fake.note));
    raw_run(s.raw);
    node_peer_url(&s.b, s.raw->url);
    assert_int_equal(node_sync(&s.b)->failure_count, 0);
    assert_mirrored(&s.b, &s.a.own);
    assert_int_equal(log_of(&s.b, s.a.own.origin).standing, STANDING_GOOD);
    fake_done(&fake);
    scene_stop(&s);
}

static int largest_seen(void *ctx, int64_t peer, uint64_t size, struct err *err)
{
    uint64_t *largest = ctx;
    (void)peer, (void)err;
    *largest = size > *largest ? size : *largest;
    return 0;
}

/* It announces more than its checkpoint covers, which is as far as ours: it is asked once, and not for ever. */
static void test_announces_too_much(void **state)
{
    struct scene s;
    struct fake fake;
    (void)state;
    scene_start(&s);
    node_peer(&s.b, &s.a);
    node_sync_well(&s.b);
    fake_start(&fake, &s.a);
    raw_heads(s.raw, &s.a.own, s.a.own.size + 10);
    raw_checkpoint(s.raw, &s.a.own, buf_view(&fake.note));
    raw_run(s.raw);
    node_peer_url(&s.b, s.raw->url);
    for (int round = 0; round < 2; round++)
        assert_int_equal(node_sync(&s.b)->failure_count, 0);
    assert_true(atomic_load(&s.raw->pages[1].asked) <= 4);
    uint64_t largest = 0; /* nor does `status` say for ever that we are behind */
    good(peer_log_each(s.b.store, log_of(&s.b, s.a.own.origin).number, largest_seen, &largest, &err));
    assert_int_equal(largest, s.a.own.size);
    fake_done(&fake);
    scene_stop(&s);
}

/* The true log in which one old entry was rewritten, under a checkpoint signed by somebody else. */
static void test_rewritten_log(void **state)
{
    struct scene s;
    struct fake fake;
    struct note_signer signer;
    struct tlog_hash root = {{7}};
    uint8_t seed[32] = {1};
    (void)state;
    scene_start(&s);
    node_peer(&s.b, &s.a);
    node_sync_well(&s.b);
    fake_start(&fake, &s.a);
    buf_clear(&fake.note);
    good(note_signer_make(&signer, span_str(s.a.own.origin), NOTE_ED25519, seed, &err));
    const struct note_signer *signers[] = {&signer};
    good(checkpoint_sign(span_str(s.a.own.origin), fake.size, &root, signers, 1, &fake.note, &err));
    fake_serve(&fake, s.raw, &s.a.own);
    raw_run(s.raw);
    node_peer_url(&s.b, s.raw->url);
    struct sync_report *report = node_sync(&s.b);
    assert_int_equal(report->failure_count, 1);
    assert_true(report->failures[0].set_aside);
    assert_mirrored(&s.b, &s.a.own);
    assert_int_equal(log_of(&s.b, s.a.own.origin).standing, STANDING_GOOD);
    scene_stop(&s);
}

/* A good checkpoint of a longer log, and entries that are not its: no fork is made of it, and the true peer's serve. */
static void test_wrong_entries_of_a_true_checkpoint(void **state)
{
    struct scene s;
    struct fake fake;
    char path[200];
    (void)state;
    scene_start(&s);
    node_peer(&s.b, &s.a);
    node_sync_well(&s.b);
    node_say(&s.a, "new");
    fake_start(&fake, &s.a);
    twist_last_byte(&fake);
    snprintf(path, sizeof(path), "/logs/%s/tile/0/", s.a.own.hex); /* its tiles are ours: no difference */
    struct buf tile;
    buf_init(&tile, 8192);
    struct tlog_source source;
    struct tlog_hash hashes[22];
    good(store_source(s.a.store, s.a.own.number, &source, &err));
    good(source.read(source.ctx, 0, 0, 22, hashes, &err));
    buf_add(&tile, hashes, sizeof(hashes));
    raw_body(s.raw, path, buf_view(&tile));
    buf_done(&tile);
    fake_serve(&fake, s.raw, &s.a.own);
    raw_run(s.raw);
    node_peer_url(&s.b, s.raw->url);
    struct sync_options options = {.only = s.raw->url};
    struct sync_report *report = node_sync_with(&s.b, options);
    assert_int_equal(report->forks, 0);
    assert_int_equal(report->failure_count, 1);
    assert_true(report->failures[0].set_aside);
    assert_int_equal(log_of(&s.b, s.a.own.origin).size, s.a.own.size - 1);
    node_sync(&s.b); /* the true one */
    assert_mirrored(&s.b, &s.a.own);
    scene_stop(&s);
}

/* Somebody staged wrong entries and went away; who completes the log truthfully is not blamed for them. */
static void test_leftovers_of_a_liar(void **state)
{
    struct scene s;
    uint64_t count;
    (void)state;
    scene_start(&s);
    node_peer(&s.b, &s.a);
    node_sync_well(&s.b);
    node_say_many(&s.a, "new", 3);
    struct log_info log = log_of(&s.b, s.a.own.origin);
    struct buf bundle;
    buf_init(&bundle, 4096);
    good(bundle_add(&bundle, SPAN_LIT("rubbish"), &err));
    good(store_begin(s.b.store, &err));
    good(mirror_stage(s.b.store, log.number, buf_view(&bundle), &count, &err));
    good(store_commit(s.b.store, &err));
    buf_done(&bundle);
    node_sync_well(&s.b);
    assert_mirrored(&s.b, &s.a.own);
    raw_run(s.raw);
    scene_stop(&s);
}

/* A person takes it back. */
static void test_forgiven(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    raw_bytes(s.raw, "/heads", RAW_WHOLE, OK "Content-Length: 7\r\n\r\n<html>\n");
    raw_run(s.raw);
    int64_t number = node_peer_url(&s.b, s.raw->url);
    node_sync(&s.b);
    assert_true(peer_of(&s.b, s.raw->url).set_aside);
    struct sync_report *report = node_sync(&s.b);
    assert_int_equal(report->peers, 0);
    assert_int_equal(report->failure_count, 1); /* shown still */
    assert_true(report->failures[0].set_aside);
    good(sync_forgive(s.b.store, number, &err));
    assert_false(peer_of(&s.b, s.raw->url).set_aside);
    assert_int_equal(node_sync(&s.b)->peers, 1);
    bad(sync_forgive(s.b.store, 99, &err), ERR_NOTFOUND, "no such peer");
    scene_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endless_heads),
        cmocka_unit_test(test_byte_now_and_then),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_gzip_unasked),
        cmocka_unit_test(test_garbage_heads),
        cmocka_unit_test(test_error_status),
        cmocka_unit_test(test_reason_is_escaped),
        cmocka_unit_test(test_true_copy_is_no_crime),
        cmocka_unit_test(test_altered_entry),
        cmocka_unit_test(test_wrong_entry0),
        cmocka_unit_test(test_lying_lengths),
        cmocka_unit_test(test_forged_checkpoints),
        cmocka_unit_test(test_wrong_payloads),
        cmocka_unit_test(test_partial_bundle_gone),
        cmocka_unit_test(test_plain_file_server),
        cmocka_unit_test(test_endless_lines),
        cmocka_unit_test(test_endless_cursors),
        cmocka_unit_test(test_payload_that_is_no_record),
        cmocka_unit_test(test_shorter_log),
        cmocka_unit_test(test_announces_too_much),
        cmocka_unit_test(test_rewritten_log),
        cmocka_unit_test(test_wrong_entries_of_a_true_checkpoint),
        cmocka_unit_test(test_leftovers_of_a_liar),
        cmocka_unit_test(test_forgiven),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
