/*
 * PROTOCOL.md promises that its examples are true. Each is made here from the keys named there, checked by the
 * library's own verification, and must stand in the document byte for byte.
 */
#include "record/http_sig.h"
#include "record/sample.h"

#define DOCUMENT "PROTOCOL.md"
#define COSIGN_TIME 1795346070

static const char stix[] = "tongzhou/1 security/stix\n"
                           "time 2026-11-22T11:14:26.123Z\n"
                           "tlp clear\n"
                           "lang en\n"
                           "type application/stix+json;version=2.1\n"
                           "\n"
                           "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
                           "\"id\":\"indicator--6f9a0f3c-9d0c-5a34-8c39-2f1c5f5d6a10\","
                           "\"created\":\"2026-11-22T11:14:26.123Z\",\"modified\":\"2026-11-22T11:14:26.123Z\","
                           "\"pattern\":\"[domain-name:value = 'evil.example']\",\"pattern_type\":\"stix\","
                           "\"valid_from\":\"2026-11-22T11:14:26.123Z\"}";

static struct sample_log member_log, mirror_log;
static struct arena arena;
static struct err err;
static char *document;

static void expect_in_document(const char *what, struct span example)
{
    if (document && span_search(span_str(document), example) < strlen(document))
        return;
    print_error("%s lacks this example (%s):\n%.*s\n", DOCUMENT, what, SPAN_ARGS(example));
    fail();
}

static void expect_text(const char *what, const char *text)
{
    expect_in_document(what, span_str(text));
}

static void expect_hex(const char *what, const void *data, size_t len)
{
    struct buf hex;
    buf_init(&hex, 2 * len + 1);
    buf_hex(&hex, data, len);
    expect_in_document(what, buf_view(&hex));
    buf_done(&hex);
}

static void payload_hash(uint8_t out[32])
{
    seal_hash(span_str(member_log.origin), seed_of(SEED_SALT), span_str(stix), out);
}

/* Entries 0 to 3: profile, seal, rotation, erasure. And the log of the member that mirrors and cosigns. */
static int make_logs(void **state)
{
    (void)state;
    uint8_t hash[32], seal[SEAL_ENTRY_LEN];
    struct buf text;
    struct profile mirror;
    arena_init(&arena, 1u << 20);
    log_sample(&member_log);
    payload_hash(hash);
    seal_write(hash, seal);
    log_append(&member_log, span_of(seal, sizeof(seal)));
    log_rotate(&member_log, SEED_LOG, SEED_LOG_2, 0, SEED_RECOVERY);
    buf_init(&text, ENTRY_MAX);
    if (erase_write(1, SAMPLE_TIME, &text, &err) < 0)
        return -1;
    log_append(&member_log, buf_view(&text));
    buf_done(&text);

    sample_profile(&mirror);
    strcpy(mirror.name, "isac.example.net");
    mirror.class = CLASS_PRIVATE;
    public_of(SEED_OTHER, mirror.log_key);
    public_of(SEED_COSIGNER_2, mirror.cosigner_key);
    public_of(SEED_REQUEST_2, mirror.request_key);
    log_begin(&mirror_log, &mirror);
    return 0;
}

static int free_logs(void **state)
{
    (void)state;
    log_done(&member_log);
    log_done(&mirror_log);
    arena_done(&arena);
    return 0;
}

static void profile_and_origin(void **state)
{
    (void)state;
    char line[128];
    uint8_t hash[32];
    struct member member;
    assert_int_equal(member_begin(span_str(member_log.origin), log_entry(&member_log, 0), &arena, &member, &err), 0);
    expect_in_document("entry 0", log_entry(&member_log, 0));
    snprintf(line, sizeof(line), "%zu bytes", log_entry(&member_log, 0).len);
    expect_text("its length", line);
    expect_hex("its leaf hash", member_log.leaves[0].b, 32);
    expect_text("origin", member_log.origin);
    origin_hash(span_str(member_log.origin), hash);
    expect_hex("hash of the origin", hash, 32);
}

static void payload_and_seal(void **state)
{
    (void)state;
    struct buf bundle, head;
    struct span salt = span_of(seed_of(SEED_SALT), 32);
    char line[128];
    uint8_t hash[32];
    assert_int_equal(seal_check(span_str(member_log.origin), log_entry(&member_log, 1), salt, span_str(stix), &err), 0);
    expect_text("payload", stix);
    expect_in_document("seal", log_entry(&member_log, 1));

    buf_init(&bundle, 4096);
    payload_add_hole(&bundle);
    payload_add(&bundle, salt, span_str(stix));
    payload_add_hole(&bundle);
    payload_add_hole(&bundle);
    buf_init(&head, 4096);
    buf_hex(&head, bundle.data, 12);
    expect_text("head of the payload bundle", buf_cstr(&head));
    sha256_once(buf_view(&bundle), hash);
    expect_hex("hash of the payload bundle", hash, 32);
    snprintf(line, sizeof(line), "%zu bytes", bundle.len);
    expect_text("length of the payload bundle", line);
    buf_done(&head);
    buf_done(&bundle);
}

static void checkpoint_with_cosignature(void **state)
{
    (void)state;
    struct buf note, proof_file;
    struct note parsed;
    struct checkpoint checkpoint;
    struct note_signer cosigner;
    struct note_key key;
    struct member member, mirror;
    struct tlog_proof proof;
    char vkey[VKEY_MAX + 1];
    uint8_t public_key[32];
    uint64_t time = 0;
    buf_init(&note, NOTE_MAX);
    log_checkpoint(&member_log, 2, SEEDS(SEED_LOG), &note);
    size_t text_len = span_search(buf_view(&note), SPAN_LIT("\n\n")) + 1;
    assert_int_equal(
        note_signer_make(&cosigner, span_str(mirror_log.origin), NOTE_COSIGNATURE, seed_of(SEED_COSIGNER_2), &err), 0);
    struct buf text;
    buf_init(&text, NOTE_MAX);
    buf_add(&text, note.data, text_len);
    assert_int_equal(note_sign(buf_view(&text), &cosigner, COSIGN_TIME, &note, &err), 0);
    expect_in_document("checkpoint of size 2", buf_view(&note));

    log_fold(&member_log, &arena, &member, &err);
    log_fold(&mirror_log, &arena, &mirror, &err);
    assert_int_equal(note_parse(buf_view(&note), &parsed, &err), 0);
    assert_int_equal(checkpoint_parse(parsed.text, &checkpoint, &err), 0);
    assert_int_equal(member_verify_checkpoint(&member, &parsed, &checkpoint, &err), 0);
    assert_int_equal(member_cosigner(&mirror, &key, &err), 0);
    assert_int_equal(note_verify(&parsed, &key, &time, &err), 1);
    assert_int_equal(time, COSIGN_TIME);
    note_vkey_format(&key, vkey);
    expect_text("verifier key of the cosigner", vkey);
    public_of(SEED_LOG, public_key);
    assert_int_equal(note_key_make(&key, span_str(member_log.origin), NOTE_ED25519, public_key, &err), 0);
    note_vkey_format(&key, vkey);
    expect_text("verifier key of the log", vkey);

    buf_init(&proof_file, NOTE_MAX);
    log_prove(&member_log, 1, 2, &proof);
    assert_int_equal(proof_file_write(1, &proof, buf_view(&note), &proof_file, &err), 0);
    size_t head = span_search(buf_view(&proof_file), SPAN_LIT("\n\n")) + 2;
    expect_in_document("head of the proof file", span_sub(buf_view(&proof_file), 0, head));
    buf_done(&proof_file);
    buf_done(&text);
    buf_done(&note);
}

static void rotation_and_its_checkpoint(void **state)
{
    (void)state;
    struct buf text, note;
    struct note parsed;
    struct checkpoint checkpoint;
    struct member member;
    uint8_t old_key[32], new_key[32], hash[32];
    public_of(SEED_LOG, old_key);
    public_of(SEED_LOG_2, new_key);
    recovery_hash_of(SEED_RECOVERY, hash);
    buf_init(&text, 4096);
    rotate_text(span_str(member_log.origin), 2, old_key, new_key, hash, &text);
    expect_in_document("signed text of a rotation", buf_view(&text));
    expect_in_document("rotation", log_entry(&member_log, 2));
    buf_init(&note, NOTE_MAX);
    log_checkpoint(&member_log, 3, SEEDS(SEED_LOG, SEED_LOG_2), &note);
    expect_in_document("checkpoint of size 3", buf_view(&note));
    log_fold(&member_log, &arena, &member, &err);
    assert_int_equal(member.key_count, 2);
    assert_int_equal(note_parse(buf_view(&note), &parsed, &err), 0);
    assert_int_equal(checkpoint_parse(parsed.text, &checkpoint, &err), 0);
    assert_int_equal(member_verify_checkpoint(&member, &parsed, &checkpoint, &err), 0);
    buf_done(&note);
    buf_done(&text);
}

static void erasure_and_succession(void **state)
{
    (void)state;
    struct buf text;
    struct member old;
    struct profile profile;
    expect_in_document("erasure", log_entry(&member_log, 3));

    log_fold(&member_log, &arena, &old, &err);
    sample_profile(&profile);
    strcpy(profile.name, "cert2.example.org");
    public_of(SEED_LOG_3, profile.log_key);
    profile.has_succeeds = true;
    strcpy(profile.succeeds_origin, member_log.origin);
    public_of(SEED_RECOVERY, profile.succeeds_recovery_key);
    buf_init(&text, 4096);
    succeeds_text(span_str(member_log.origin), span_str(profile.name), profile.log_key, &text);
    expect_in_document("signed text of a succession", buf_view(&text));
    ed25519_sign(buf_view(&text), seed_of(SEED_RECOVERY), profile.succeeds_signature);
    assert_int_equal(succeeds_verify(&profile, &old, &err), 0);
    buf_clear(&text);
    buf_base64(&text, profile.succeeds_signature, 64);
    expect_in_document("its signature", buf_view(&text));
    buf_done(&text);
}

/* The member's log forks at entry 1: in branch b another payload was sealed, the least possible one. */
static void fork_proof(void **state)
{
    (void)state;
    static struct sample_log other;
    struct fork_proof proof = {.entry_count = 1, .has_index = true, .index = 1};
    struct tlog_proof first_a, first_b;
    struct span entry = log_entry(&member_log, 0);
    const uint64_t zero = 0;
    struct buf note_a, note_b, text;
    struct record record;
    enum fork_verdict verdict;
    uint8_t hash[32], seal[SEAL_ENTRY_LEN];
    seal_hash(span_str(member_log.origin), seed_of(SEED_SALT), SPAN_LIT("tongzhou/1 a/b\n\n"), hash);
    seal_write(hash, seal);
    strcpy(other.origin, member_log.origin);
    log_append(&other, entry);
    log_append(&other, span_of(seal, sizeof(seal)));
    buf_init(&note_a, NOTE_MAX);
    buf_init(&note_b, NOTE_MAX);
    buf_init(&text, ENTRY_MAX);
    log_checkpoint(&member_log, 2, SEEDS(SEED_LOG), &note_a);
    log_checkpoint(&other, 2, SEEDS(SEED_LOG), &note_b);
    log_prove(&member_log, 0, 2, &first_a);
    log_prove(&other, 0, 2, &first_b);
    strcpy(proof.origin, member_log.origin);
    proof.entries = &entry;
    proof.entry_indices = &zero;
    proof.a = (struct fork_branch){.checkpoint = buf_view(&note_a), .proofs = &first_a, .leaf = member_log.leaves[1]};
    proof.b = (struct fork_branch){.checkpoint = buf_view(&note_b), .proofs = &first_b, .leaf = other.leaves[1]};
    log_prove(&member_log, 1, 2, &proof.a.leaf_proof);
    log_prove(&other, 1, 2, &proof.b.leaf_proof);
    assert_int_equal(fork_write(&proof, SAMPLE_TIME, &text, &err), 0);
    expect_in_document("fork proof", buf_view(&text));
    assert_int_equal(record_parse(buf_view(&text), &arena, &record, &err), 0);
    assert_int_equal(fork_parse(&record, &arena, &proof, &err), 0);
    assert_int_equal(fork_verify(&proof, &verdict, &err), 0);
    assert_int_equal(verdict, FORK_FREEZES);
    buf_done(&text);
    buf_done(&note_b);
    buf_done(&note_a);
    log_done(&other);
}

/* The document stands in the top folder, where the tests are started from. */
static char *read_document(void)
{
    static char text[1u << 18];
    FILE *file = fopen(DOCUMENT, "rb");
    if (!file)
        return NULL;
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

static bool field_to(void *ctx, struct span name, struct buf *out)
{
    (void)ctx;
    buf_str(out, mirror_log.origin);
    return span_is(name, "tongzhou-to");
}

/* The example member asks the mirror's node for a content. */
static void signed_request(void **state)
{
    (void)state;
    struct http_sig_draft draft = {span_str(member_log.origin), SAMPLE_TIME / 1000, SAMPLE_TIME / 1000 + 120,
                                   SPAN_LIT("5c2v0dFq"), false};
    struct http_sig_message message = {.method = SPAN_LIT("GET"), .field = field_to};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], url[256], line[256], hex[65], text[BASE64_LEN(64) + 1];
    uint8_t hash[32], bytes[64];
    struct buf input, base;
    buf_init(&input, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    origin_hash(span_str(mirror_log.origin), hash);
    hex_encode(hash, 32, hex);
    snprintf(url, sizeof(url), "http://isac.example.net:8440/logs/%s/payload/0?from=1&to=2", hex);
    assert_true(http_sig_url(span_str(url), authority, &message));
    assert_int_equal(http_sig_prepare(&draft, &message, &input, &base, &err), 0);
    expect_in_document("signature base", buf_view(&base));
    expect_in_document("Signature-Input", buf_view(&input));
    ed25519_sign(buf_view(&base), seed_of(SEED_REQUEST), bytes);
    base64_encode(bytes, 64, text);
    snprintf(line, sizeof(line), "Signature: tongzhou=:%s:", text);
    expect_text("Signature", line);
    buf_done(&input);
    buf_done(&base);
}

static bool field_of_hook(void *ctx, struct span name, struct buf *out)
{
    buf_str(out, span_is(name, "content-type") ? "application/json" : ctx);
    return span_is(name, "content-type") || span_is(name, "content-digest");
}

/* The example member's node tells a hook that the mirror's member has withdrawn something. */
static void hook(void **state)
{
    (void)state;
    struct http_sig_draft draft = {span_str(member_log.origin), SAMPLE_TIME / 1000, SAMPLE_TIME / 1000 + 300,
                                   SPAN_LIT("7h3k9sQz"), true};
    struct http_sig_message message = {.method = SPAN_LIT("POST"), .field = field_of_hook};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], line[256], text[BASE64_LEN(64) + 1];
    uint8_t bytes[64];
    struct buf body, digest, input, base;
    buf_init(&body, 4096);
    buf_init(&digest, 128);
    buf_init(&input, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    buf_fmt(
        &body,
        "{\"tongzhou\":\"notices/1\",\"node\":\"%s\",\"time\":\"2026-11-22T11:14:26.123Z\",\"test\":false,\"missed\":0,"
        "\"notices\":[\n{\"id\":\"0c4e8a5d1f7b3926e0d4c8b2a6f19537\",\"topic\":\"erasure\",\"what\":\"content-erased\","
        "\"time\":\"2026-11-22T11:14:25.000Z\",\"first\":\"2026-11-22T11:14:25.000Z\",\"count\":1,\"origin\":\"%s\","
        "\"record\":\"%s/1\"}\n]}\n",
        member_log.origin, mirror_log.origin, mirror_log.origin);
    http_digest_write(buf_view(&body), &digest);
    assert_true(http_digest_holds(buf_view(&digest), buf_view(&body)));
    message.ctx = (void *)(uintptr_t)buf_cstr(&digest);
    assert_true(http_sig_url(SPAN_LIT("https://soar.example.org/hook"), authority, &message));
    assert_int_equal(http_sig_prepare(&draft, &message, &input, &base, &err), 0);
    expect_in_document("body", buf_view(&body));
    snprintf(line, sizeof(line), "Content-Digest: %s", buf_cstr(&digest));
    expect_text("Content-Digest", line);
    expect_in_document("signature base", buf_view(&base));
    expect_in_document("Signature-Input", buf_view(&input));
    ed25519_sign(buf_view(&base), seed_of(SEED_REQUEST), bytes);
    base64_encode(bytes, 64, text);
    snprintf(line, sizeof(line), "Signature: tongzhou=:%s:", text);
    expect_text("Signature", line);
    buf_done(&body);
    buf_done(&digest);
    buf_done(&input);
    buf_done(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_and_origin),
        cmocka_unit_test(payload_and_seal),
        cmocka_unit_test(checkpoint_with_cosignature),
        cmocka_unit_test(rotation_and_its_checkpoint),
        cmocka_unit_test(erasure_and_succession),
        cmocka_unit_test(fork_proof),
        cmocka_unit_test(signed_request),
        cmocka_unit_test(hook),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    document = read_document();
    return cmocka_run_group_tests(tests, make_logs, free_logs);
}
