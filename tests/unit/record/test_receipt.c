/* Receipts: what we write is read; a proof is one member's, for one content; what is out of form, too much, for others. */
#include "record/receipt.h"

#include "record/member.h"
#include "record/sample.h"

#define AUTHOR "a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MEMBER "b.example/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PROOF "AQIDBAUGBwgJCgsMDQ4PEA=="
#define BODY(held) "{\"log\":\"" AUTHOR "\",\"held\":" held "}"

static struct err err;
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const struct span to_author = SPAN_LIT(AUTHOR);

static struct record record_of(const char *body)
{
    return (struct record){.kind = SPAN_LIT(RECEIPT_KIND),
                           .has_time = true,
                           .time_ms = SAMPLE_TIME,
                           .tlp = TLP_AMBER_STRICT,
                           .to = &to_author,
                           .to_count = 1,
                           .body = span_str(body)};
}

static void refused(const char *body, int code, const char *why)
{
    struct record record = record_of(body);
    struct receipt receipt;
    err = (struct err){0};
    if (receipt_parse(&record, &arena, &receipt, &err) != code || !strstr(err.text, why))
        fail_msg("%.60s: %d \"%s\", expected %d \"%s\"", body, err.code, err.text, code, why);
}

static void what_we_write_is_read(void **state)
{
    (void)state;
    static struct receipt_item items[RECEIPT_ITEMS_MAX];
    struct buf text;
    struct record record;
    struct receipt read;
    for (size_t i = 0; i < RECEIPT_ITEMS_MAX; i++) {
        items[i].index = LOG_SIZE_MAX - RECEIPT_ITEMS_MAX + i;
        memset(items[i].proof, (int)(i * 7), RECEIPT_PROOF);
    }
    struct receipt receipt = {to_author, RECEIPT_ITEMS_MAX, items};
    buf_init(&text, PAYLOAD_MAX);
    assert_int_equal(receipt_write(&receipt, SAMPLE_TIME, &text, &err), 0);
    assert_true(text.len < INLINE_MAX);
    assert_int_equal(record_parse(buf_view(&text), &arena, &record, &err), 0);
    assert_true(span_is(record.kind, RECEIPT_KIND) && record.tlp == TLP_AMBER_STRICT && record.to_count == 1);
    assert_int_equal(receipt_parse(&record, &arena, &read, &err), 0);
    assert_true(span_is(read.author, AUTHOR));
    assert_int_equal(read.count, RECEIPT_ITEMS_MAX);
    assert_memory_equal(read.items, items, sizeof(items));
    buf_done(&text);
}

/* The vector of PROTOCOL.md, section 5. */
static void a_proof_is_for_one_member_and_one_content(void **state)
{
    (void)state;
    static const uint8_t expected[RECEIPT_PROOF] = {0x17, 0x3e, 0x22, 0x10, 0x85, 0x55, 0xbf, 0x75,
                                                    0x5c, 0x6e, 0x54, 0xf0, 0xd9, 0x08, 0xa8, 0xcc};
    uint8_t salt[SEAL_SALT] = {1}, other_salt[SEAL_SALT] = {2}, proof[RECEIPT_PROOF], other[RECEIPT_PROOF];
    struct span member = SPAN_LIT(MEMBER), text = SPAN_LIT("yes");
    receipt_prove(member, salt, text, proof);
    assert_memory_equal(proof, expected, RECEIPT_PROOF);
    receipt_prove(to_author, salt, text, other); /* copied by somebody else it does not hold */
    assert_memory_not_equal(proof, other, RECEIPT_PROOF);
    receipt_prove(member, other_salt, text, other); /* a guessed text is not enough */
    assert_memory_not_equal(proof, other, RECEIPT_PROOF);
    receipt_prove(member, salt, SPAN_LIT("no"), other);
    assert_memory_not_equal(proof, other, RECEIPT_PROOF);
}

static void out_of_form(void **state)
{
    (void)state;
    refused("", ERR_SYNTAX, "");
    refused("[]", ERR_SYNTAX, "");
    refused("{\"held\":[[1,\"" PROOF "\"]]}", ERR_SYNTAX, "log");
    refused("{\"log\":\"" MEMBER "\",\"held\":[[1,\"" PROOF "\"]]}", ERR_SYNTAX, "not whom it is for");
    refused(BODY("7"), ERR_SYNTAX, "held");
    refused(BODY("[]"), ERR_SYNTAX, "held");
    refused(BODY("[1]"), ERR_SYNTAX, "place 0");
    refused(BODY("[[1]]"), ERR_SYNTAX, "pair");
    refused(BODY("[[1,\"" PROOF "\",1]]"), ERR_SYNTAX, "pair");
    refused(BODY("[[\"1\",\"" PROOF "\"]]"), ERR_SYNTAX, "pair");
    refused(BODY("[[-1,\"" PROOF "\"]]"), ERR_SYNTAX, "index -1");
    refused(BODY("[[1099511627776,\"" PROOF "\"]]"), ERR_SYNTAX, "index 1099511627776");
    refused(BODY("[[2,\"" PROOF "\"],[2,\"" PROOF "\"]]"), ERR_SYNTAX, "place 1");
    refused(BODY("[[2,\"" PROOF "\"],[1,\"" PROOF "\"]]"), ERR_SYNTAX, "place 1");
    refused(BODY("[[2,\"AQID\"]]"), ERR_SYNTAX, "16 bytes");
    refused(BODY("[[2,\"AQIDBAUGBwgJCgsMDQ4PEB==\"]]"), ERR_SYNTAX, "16 bytes"); /* unused bits */
}

static void too_much(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1u << 17);
    buf_str(&body, "{\"log\":\"" AUTHOR "\",\"held\":[");
    for (int i = 0; i <= RECEIPT_ITEMS_MAX; i++)
        buf_fmt(&body, "%s[%d,\"" PROOF "\"]", i > 0 ? "," : "", i);
    buf_str(&body, "]}");
    refused(buf_cstr(&body), ERR_LIMIT, "1 to 1024");
    buf_clear(&body);
    buf_fmt(&body, "{\"log\":\"" AUTHOR "\",\"x\":\"%070000d\",\"held\":[[1,\"" PROOF "\"]]}", 0);
    refused(buf_cstr(&body), ERR_LIMIT, "");
    buf_done(&body);
}

/* For everybody, for several, without a time: that would tell third parties, or be no receipt. */
static void for_its_author_alone(void **state)
{
    (void)state;
    const struct span two[] = {SPAN_LIT(AUTHOR), SPAN_LIT(MEMBER)};
    struct receipt receipt;
    struct record record = record_of(BODY("[[1,\"" PROOF "\"]]"));
    assert_int_equal(receipt_parse(&record, &arena, &receipt, &err), 0);
    for (int tlp = TLP_NONE; tlp <= TLP_RED; tlp++) {
        record.tlp = (enum tlp)tlp;
        assert_int_equal(receipt_parse(&record, &arena, &receipt, &err), tlp == TLP_AMBER_STRICT ? 0 : ERR_SYNTAX);
    }
    record.tlp = TLP_AMBER_STRICT;
    record.to = two;
    record.to_count = 2;
    assert_int_equal(receipt_parse(&record, &arena, &receipt, &err), ERR_SYNTAX);
    record.to_count = 0;
    assert_int_equal(receipt_parse(&record, &arena, &receipt, &err), ERR_SYNTAX);
    record.to_count = 1;
    record.has_time = false;
    assert_int_equal(receipt_parse(&record, &arena, &receipt, &err), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_we_write_is_read, begin, end),
        cmocka_unit_test(a_proof_is_for_one_member_and_one_content),
        cmocka_unit_test_setup_teardown(out_of_form, begin, end),
        cmocka_unit_test_setup_teardown(too_much, begin, end),
        cmocka_unit_test_setup_teardown(for_its_author_alone, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
