/* Parcels: what we write is read; how many are meant is not told; what is out of form, of another log, too much. */
#include "record/parcel.h"

#include "record/age.h"
#include "record/sample.h"

#define ORIGIN "a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DAY_MS INT64_C(86400000)

static struct err err;
static const uint8_t salt[SEAL_SALT] = {7};

static void key_pair(uint8_t fill, uint8_t secret[32], uint8_t public_key[32])
{
    memset(secret, fill, 32);
    crypto_scalarmult_curve25519_base(public_key, secret);
}

static struct parcel_item item_of(uint64_t index, const char *text)
{
    return (struct parcel_item){index, span_of(salt, SEAL_SALT), span_str(text)};
}

static void contents_of_two(struct buf *out)
{
    struct parcel_item first = item_of(3, "one"), second = item_of(9, "two");
    buf_init(out, 1u << 16);
    parcel_begin(out, span_str(ORIGIN));
    parcel_add(out, &first);
    parcel_add(out, &second);
}

static size_t count_stanzas(struct span text)
{
    size_t count = 0;
    for (size_t at; (at = span_search(text, SPAN_LIT("-> X25519 "))) < text.len; count++)
        text = span_sub(text, at + 1, SIZE_MAX);
    return count;
}

static void what_we_write_is_read(void **state)
{
    (void)state;
    uint8_t secrets[5][32], keys[5][32];
    struct buf contents, text, plain;
    struct arena arena;
    for (uint8_t i = 0; i < 5; i++)
        key_pair((uint8_t)(i + 1), secrets[i], keys[i]);
    contents_of_two(&contents);
    buf_init(&text, PAYLOAD_MAX);
    buf_init(&plain, PARCEL_PLAIN_MAX);
    arena_init(&arena, 1u << 16);
    struct parcel_draft draft = {SAMPLE_TIME, SAMPLE_TIME + 30 * DAY_MS, (const uint8_t(*)[32])keys, 5,
                                 buf_view(&contents)};
    assert_int_equal(parcel_write(&draft, &text, &err), 0);
    assert_int_equal(count_stanzas(buf_view(&text)), 8);
    struct record record;
    struct parcel parcel;
    assert_int_equal(record_parse(buf_view(&text), &arena, &record, &err), 0);
    assert_true(span_is(record.kind, PARCEL_KIND) && record.tlp == TLP_CLEAR && payload_foldable(&record));
    assert_int_equal(parcel_check(&record, &err), 0);
    assert_int_equal(parcel_parse(&record, &parcel, &err), 0);
    assert_true(parcel.expires_ms == SAMPLE_TIME + 30 * DAY_MS);
    for (size_t i = 0; i < 5; i++) {
        struct parcel_reader reader;
        struct parcel_item item;
        buf_clear(&plain);
        assert_int_equal(age_decrypt(parcel.age, (const uint8_t(*)[32]) & secrets[i], 1, &plain, &err), 0);
        assert_int_equal(parcel_open(buf_view(&plain), span_str(ORIGIN), 10, &reader, &err), 0);
        assert_int_equal(parcel_next(&reader, &item, &err), 1);
        assert_true(item.index == 3 && span_is(item.payload, "one"));
        assert_int_equal(parcel_next(&reader, &item, &err), 1);
        assert_true(item.index == 9 && span_is(item.payload, "two") && span_eq(item.salt, span_of(salt, SEAL_SALT)));
        assert_int_equal(parcel_next(&reader, &item, &err), 0);
    }
    arena_done(&arena);
    buf_done(&contents);
    buf_done(&text);
    buf_done(&plain);
}

/* The one recipient's stanza stands anywhere among four, and the record is as long as for four. */
static void how_many_is_not_told(void **state)
{
    (void)state;
    static const size_t recipients[] = {1, 2, 4, 5, 8, 9, 64, 65, 128}, stanzas[] = {4, 4, 4, 8, 8, 16, 64, 128, 128};
    uint8_t keys[PARCEL_RECIPIENTS_MAX][32], secret[32];
    struct buf contents, text;
    size_t length_of_one = 0;
    contents_of_two(&contents);
    buf_init(&text, PAYLOAD_MAX);
    for (uint8_t i = 0; i < PARCEL_RECIPIENTS_MAX; i++)
        key_pair((uint8_t)(i + 1), secret, keys[i]);
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        struct parcel_draft draft = {SAMPLE_TIME, SAMPLE_TIME + DAY_MS, (const uint8_t(*)[32])keys, recipients[i],
                                     buf_view(&contents)};
        buf_clear(&text);
        assert_int_equal(parcel_write(&draft, &text, &err), 0);
        assert_int_equal(parcel_stanzas(recipients[i]), stanzas[i]);
        assert_int_equal(count_stanzas(buf_view(&text)), stanzas[i]);
        if (i == 0)
            length_of_one = text.len;
        if (i == 2)
            assert_int_equal(text.len, length_of_one);
    }
    buf_done(&contents);
    buf_done(&text);
}

static int parse_body(const char *header, const char *body)
{
    char text[1024];
    struct arena arena;
    struct record record;
    struct parcel parcel;
    snprintf(text, sizeof text, "tongzhou/1 connect/parcel\n%s\n%s", header, body);
    arena_init(&arena, 1u << 16);
    assert_int_equal(record_parse(span_str(text), &arena, &record, &err), 0);
    int rc = parcel_parse(&record, &parcel, &err);
    arena_done(&arena);
    return rc;
}

static void records_out_of_form(void **state)
{
    (void)state;
    static const char head[] = "time 2026-11-22T11:14:26.123Z\ntlp clear\n";
    assert_int_equal(parse_body(head, "expires 2026-11-23T00:00:00.000Z\nage"), 0);
    assert_int_equal(parse_body(head, "expires 2026-11-23T00:00:00Z\nage"), ERR_SYNTAX);
    assert_int_equal(parse_body(head, "expires 2026-11-23T00:00:00.000Z"), ERR_SYNTAX);
    assert_int_equal(parse_body(head, "Expires 2026-11-23T00:00:00.000Z\nage"), ERR_SYNTAX);
    assert_int_equal(parse_body(head, ""), ERR_SYNTAX);
    assert_int_equal(parse_body(head, "expires 2026-11-22T11:14:26.123Z\nage"), ERR_LIMIT);
    assert_int_equal(parse_body(head, "expires 2027-05-25T11:14:26.123Z\nage"), 0);
    assert_int_equal(parse_body(head, "expires 2027-05-25T11:14:26.124Z\nage"), ERR_LIMIT);
    assert_int_equal(parse_body("tlp clear\n", "expires 2026-11-23T00:00:00.000Z\nage"), ERR_SYNTAX);
    assert_int_equal(parse_body("time 2026-11-22T11:14:26.123Z\ntlp amber\n", "expires 2026-11-23T00:00:00.000Z\nage"),
                     ERR_SYNTAX);
}

static int read_all(struct span plain, const char *origin, uint64_t index)
{
    struct parcel_reader reader;
    struct parcel_item item;
    int rc = parcel_open(plain, span_str(origin), index, &reader, &err);
    if (rc)
        return rc;
    while ((rc = parcel_next(&reader, &item, &err)) > 0)
        ;
    return rc;
}

static void contents_out_of_form(void **state)
{
    (void)state;
    struct buf contents;
    contents_of_two(&contents);
    assert_int_equal(read_all(buf_view(&contents), ORIGIN, 10), 0);
    assert_int_equal(read_all(buf_view(&contents), ORIGIN, 9), ERR_SYNTAX); /* the second is not in front of it */
    assert_int_equal(read_all(buf_view(&contents), "b.example/x", 10), ERR_SYNTAX);
    size_t first = strlen("tongzhou/1 parcel\n") + 2 + strlen(ORIGIN);
    size_t second = first + parcel_item_size(3);
    for (size_t len = 0; len < contents.len; len++)
        if (len != first && len != second)
            assert_int_equal(read_all(span_of(contents.data, len), ORIGIN, 10), ERR_SYNTAX);
    struct parcel_item again = item_of(9, "again");
    parcel_add(&contents, &again);
    assert_int_equal(read_all(buf_view(&contents), ORIGIN, 10), ERR_SYNTAX); /* twice */
    buf_cut(&contents, first);
    buf_u64(&contents, 1);
    payload_add_hole(&contents);
    assert_int_equal(read_all(buf_view(&contents), ORIGIN, 10), ERR_SYNTAX);
    buf_cut(&contents, first);
    buf_u64(&contents, 1);
    buf_u32(&contents, UINT32_MAX);
    assert_int_equal(read_all(buf_view(&contents), ORIGIN, 10), ERR_LIMIT);
    buf_done(&contents);
    struct buf many;
    buf_init(&many, PARCEL_PLAIN_MAX);
    parcel_begin(&many, span_str(ORIGIN));
    for (uint64_t i = 0; i <= PARCEL_ITEMS_MAX; i++) {
        struct parcel_item item = item_of(i, "");
        parcel_add(&many, &item);
    }
    assert_int_equal(read_all(buf_view(&many), ORIGIN, UINT64_MAX), ERR_LIMIT);
    buf_done(&many);
}

static void drafts_that_are_refused(void **state)
{
    (void)state;
    uint8_t keys[PARCEL_RECIPIENTS_MAX + 1][32], secret[32];
    struct buf contents, text;
    contents_of_two(&contents);
    buf_init(&text, PAYLOAD_MAX);
    for (size_t i = 0; i <= PARCEL_RECIPIENTS_MAX; i++)
        key_pair(1, secret, keys[i]);
    struct parcel_draft good = {SAMPLE_TIME, SAMPLE_TIME + DAY_MS, (const uint8_t(*)[32])keys, 1, buf_view(&contents)};
    struct parcel_draft draft = good;
    draft.recipient_count = 0;
    assert_int_equal(parcel_write(&draft, &text, &err), ERR_LIMIT);
    draft.recipient_count = PARCEL_RECIPIENTS_MAX + 1;
    assert_int_equal(parcel_write(&draft, &text, &err), ERR_LIMIT);
    draft = good;
    draft.expires_ms = SAMPLE_TIME;
    assert_int_equal(parcel_write(&draft, &text, &err), ERR_LIMIT);
    draft.expires_ms = SAMPLE_TIME + PARCEL_LIFE_MAX_MS + 1;
    assert_int_equal(parcel_write(&draft, &text, &err), ERR_LIMIT);
    draft = good;
    memset(keys[0], 0, 32);
    assert_int_equal(parcel_write(&draft, &text, &err), ERR_VERIFY);
    assert_int_equal(text.len, 0);
    buf_done(&contents);
    buf_done(&text);
}

/* The largest that a parcel may hold becomes a record that a log may hold. */
static void the_largest_fits(void **state)
{
    (void)state;
    uint8_t(*keys)[32] = test_calloc(PARCEL_RECIPIENTS_MAX, 32), secret[32];
    struct buf contents, text;
    for (size_t i = 0; i < PARCEL_RECIPIENTS_MAX; i++)
        key_pair(1, secret, keys[i]);
    buf_init(&contents, PARCEL_PLAIN_MAX);
    buf_init(&text, PAYLOAD_MAX);
    memset(buf_room(&contents, PARCEL_PLAIN_MAX), 'x', PARCEL_PLAIN_MAX);
    struct parcel_draft draft = {SAMPLE_TIME, SAMPLE_TIME + DAY_MS, (const uint8_t(*)[32])keys, PARCEL_RECIPIENTS_MAX,
                                 buf_view(&contents)};
    assert_int_equal(parcel_write(&draft, &text, &err), 0);
    buf_done(&contents);
    buf_done(&text);
    test_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_write_is_read),   cmocka_unit_test(how_many_is_not_told),
        cmocka_unit_test(records_out_of_form),     cmocka_unit_test(contents_out_of_form),
        cmocka_unit_test(drafts_that_are_refused), cmocka_unit_test(the_largest_fits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
