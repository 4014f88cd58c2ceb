/* PROTOCOL.md's section on communities: each example is made here and must stand in the document byte for byte. */
#include "plain.h"

#define DOCUMENT "PROTOCOL.md"
#define CERT "cert.example.org/332ywbahbnhhvlqxl63i3bqjued4b6mamojpmcmr3rehsxar25xa"
#define ISAC "isac.example.net/4l252ttzcxlgtwmraaglk4iomqvpzzo24uej7qwzdzn72vadceeq"
#define SAMPLE_MS INT64_C(1795346066123) /* 2026-11-22T11:14:26.123Z */

static char document[1 << 17];

static int read_document(void **state)
{
    (void)state;
    FILE *file = fopen(DOCUMENT, "r");
    if (!file)
        return -1;
    size_t len = fread(document, 1, sizeof(document) - 1, file);
    document[len] = '\0';
    fclose(file);
    return len > 0 && len < sizeof(document) - 1 ? 0 : -1;
}

static void expect(const char *text)
{
    if (!strstr(document, text))
        fail_msg("%s lacks this:\n%s", DOCUMENT, text);
}

static void expect_hash(const uint8_t hash[32])
{
    char hex[65];
    hex_encode(hash, 32, hex);
    expect(hex);
}

static void expect_record(const struct buf *text, uint8_t ret_hash[32])
{
    char fenced[8192];
    snprintf(fenced, sizeof(fenced), "```\n%.*s```\n", (int)text->len, (const char *)text->data);
    expect(fenced);
    sha256_once(buf_view(text), ret_hash);
}

static void examples(void **state)
{
    (void)state;
    static struct charter charter;
    struct plain_world *world = plain_world_new();
    struct plain_log *cert = plain_log_new(world, "cert.example.org"), *isac = plain_log_new(world, "isac.example.net");
    struct roster_addition founders[] = {{.origin = CERT, .operator= CERT, .class = CLASS_STATE},
                                         {.origin = ISAC, .operator= ISAC, .class = CLASS_PRIVATE}};
    struct roster_version version = {.version = 1, .additions = founders, .addition_count = 2};
    struct statement said = {.type = STATEMENT_ENDORSE};
    struct buf text;
    uint8_t hash[32], digest[32];
    snprintf(cert->origin, sizeof(cert->origin), "%s", CERT);
    snprintf(isac->origin, sizeof(isac->origin), "%s", ISAC);
    charter_default("Harbour", &charter);
    charter.article_count = 1;
    charter.articles[0] = (struct charter_article){"Good order", "Reasons are given.", "burden for power"};
    buf_init(&text, INLINE_MAX);
    good(charter_write(&charter, SAMPLE_MS, &text, &err));
    expect_record(&text, version.charter);
    expect_hash(version.charter);
    plain_text(world, cert, 0, buf_view(&text), hash);
    buf_clear(&text);
    good(roster_write(&version, SAMPLE_MS, &text, &err));
    expect_record(&text, said.target);
    expect_hash(said.target);
    plain_text(world, cert, 0, buf_view(&text), hash);
    buf_clear(&text);
    good(statement_write(&said, SAMPLE_MS, &text, &err));
    expect_record(&text, hash);
    buf_done(&text);
    plain_say(cert, 0, STATEMENT_ENDORSE, said.target, NULL);
    plain_say(isac, 0, STATEMENT_ENDORSE, said.target, NULL);
    struct plain_view all = plain_all(world);
    struct arena arena;
    struct community now;
    arena_init(&arena, 16u << 20);
    plain_walk(&all, said.target, &arena, &now);
    assert_true(now.founded);
    community_digest(&now, digest);
    expect_hash(digest);
    arena_done(&arena);
    plain_world_free(world);
}

/* The table of n, f, q. */
static void numbers(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 10; n++) {
        char row[64];
        snprintf(row, sizeof(row), "| %llu | %llu | %llu |", (unsigned long long)n,
                 (unsigned long long)community_faults(n), (unsigned long long)community_quorum(n));
        expect(row);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(examples, read_document),
                                       cmocka_unit_test_setup(numbers, read_document)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
