/* Parcels between nodes: what is opened and kept, what is refused and how often, what expires, what may be sent. */
#include "net.h"

#include <sodium.h>

#include "connect/parcels.h"
#include "index/index.h"
#include "record/age.h"

#define SECRET "for one member only"
#define DAY_MS INT64_C(86400000)
#define NOW_MS (TIME_MS + 1000)
#define EXPIRES_MS (TIME_MS + 30 * DAY_MS)

/* `author` says something to `reader`, who pulls from `relay` alone; all of them start anew in each test. */
static struct node author, relay, reader;
static struct index *at_author, *at_relay, *at_reader;
static uint64_t secret;
static char told[4096];

static uint64_t say(const char *body, size_t len, enum tlp tlp, const char *to)
{
    struct buf text;
    uint64_t index = 0;
    struct span name = span_str(to);
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {.kind = KIND,
                                 .time_ms = TIME_MS,
                                 .tlp = tlp,
                                 .to = &name,
                                 .to_count = to[0] != '\0',
                                 .body = span_of(body, len)};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), tlp == TLP_CLEAR};
    good(author_append(author.store, author.own.number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    node_refresh(&author);
    return index;
}

static void pull(void)
{
    uint64_t folded;
    node_sync(&relay);
    node_sync(&reader);
    good(index_update(at_author, author.store, 0, &folded, &err));
    good(index_update(at_relay, relay.store, 0, &folded, &err));
    good(index_update(at_reader, reader.store, 0, &folded, &err));
}

static int begin(void **state)
{
    (void)state;
    node_start(&author, "author.example");
    node_start(&relay, "relay.example");
    node_start(&reader, "reader.example");
    node_serve(&author);
    node_serve(&relay);
    node_serve(&reader);
    node_peer(&author, &reader); /* its profile, and nothing else of it */
    node_sync(&author);
    node_peer(&relay, &author);
    node_peer(&reader, &relay);
    good(index_open(author.dir, &at_author, &err));
    good(index_open(relay.dir, &at_relay, &err));
    good(index_open(reader.dir, &at_reader, &err));
    secret = say(SECRET, strlen(SECRET), TLP_AMBER_STRICT, reader.own.origin);
    told[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    index_close(at_author);
    index_close(at_relay);
    index_close(at_reader);
    node_stop(&author);
    node_stop(&relay);
    node_stop(&reader);
    return 0;
}

static void tell(void *ctx, const char *line)
{
    (void)ctx;
    size_t len = strlen(told);
    snprintf(told + len, sizeof(told) - len, "%s\n", line);
}

static struct parcel_counts tend(struct node *node, struct index *index, int64_t now_ms)
{
    struct parcel_options options = {.now_ms = now_ms, .tell = tell};
    struct parcel_counts done;
    uint64_t folded;
    good(parcels_tend(node->store, index, &options, &done, &err));
    good(index_update(index, node->store, 0, &folded, &err));
    return done;
}

static struct parcel_sent send_to(const char *to, uint64_t first, uint64_t count, int64_t expires_ms)
{
    struct view view;
    struct span name = span_str(to);
    struct parcel_range range = {first, count};
    struct parcel_sent sent;
    struct parcel_order order = {author.own.number, &name, 1, TIME_MS, expires_ms, &range, 1};
    good(view_open(author.store, at_author, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_CLI_LOG, &view, &err));
    good(parcels_send(&view, &order, &sent, &err));
    node_refresh(&author);
    return sent;
}

static unsigned flags_of(struct node *node, uint64_t index)
{
    struct log_info log;
    unsigned flags = 0;
    good(store_log_by_origin(node->store, span_str(author.own.origin), &log, &err));
    good(payload_flags(node->store, log.number, index, &flags, &err));
    return flags;
}

static int64_t number(struct index *index, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(index_db(index), sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

/* ---- parcels that the program would not make ---- */

static void reader_key(uint8_t out[32])
{
    struct arena arena;
    struct member member;
    arena_init(&arena, 1u << 20);
    good(store_member(reader.store, reader.own.number, &arena, &member, &err));
    memcpy(out, member.profile.encryption_key, 32);
    arena_done(&arena);
}

/* The item of an entry of the author's, as it stands there. */
static void add_entry(struct buf *contents, uint64_t at, uint64_t called, bool other_salt)
{
    struct buf item;
    buf_init(&item, PAYLOAD_MAX + 64);
    good(payload_read(author.store, author.own.number, at, &item, NULL, &err));
    if (other_salt)
        item.data[4] ^= 1;
    struct parcel_item next = {called, span_sub(buf_view(&item), 4, 32), span_sub(buf_view(&item), 36, SIZE_MAX)};
    parcel_add(contents, &next);
    buf_done(&item);
}

/* Into `node`'s own log: these contents for the reader, of which byte `change` counted from the end is changed. */
static uint64_t post(struct node *node, struct span contents, size_t change)
{
    struct buf text;
    uint8_t key[1][32];
    uint64_t index;
    reader_key(key[0]);
    buf_init(&text, PAYLOAD_MAX);
    struct parcel_draft draft = {TIME_MS, EXPIRES_MS, (const uint8_t(*)[32])key, 1, contents};
    good(parcel_write(&draft, &text, &err));
    if (change)
        text.data[text.len - change] ^= 1;
    struct author_item item = {buf_view(&text), true};
    good(author_append(node->store, node->own.number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    return index;
}

static void expect_refused(uint64_t refused, uint64_t kept, const char *why)
{
    pull();
    struct parcel_counts done = tend(&reader, at_reader, NOW_MS);
    if (done.refused != refused || done.kept != kept || !strstr(told, why) || strstr(told, SECRET))
        fail_msg("%llu refused, %llu kept, told \"%s\"; expected %llu, %llu, \"%s\"", (unsigned long long)done.refused,
                 (unsigned long long)done.kept, told, (unsigned long long)refused, (unsigned long long)kept, why);
    done = tend(&reader, at_reader, NOW_MS); /* not for ever */
    assert_int_equal(done.looked_at, 0);
    told[0] = '\0';
}

/* ---- tests ---- */

static void over_a_relay(void **state)
{
    (void)state;
    struct parcel_sent sent = send_to(reader.own.origin, secret, 1, EXPIRES_MS);
    assert_true(sent.parcels == 1 && sent.items == 1 && sent.recipients == 1 && sent.first == secret + 1);
    pull();
    struct parcel_counts done = tend(&relay, at_relay, NOW_MS);
    assert_true(done.looked_at == 1 && done.opened == 0 && done.kept == 0 && done.refused == 0);
    assert_int_equal(flags_of(&relay, secret), 0);
    assert_int_equal(flags_of(&relay, sent.first), SLOT_HELD | SLOT_CLEAR);
    assert_int_equal(flags_of(&reader, secret), 0);
    done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.looked_at == 1 && done.opened == 1 && done.kept == 1 && done.refused == 0);
    assert_int_equal(flags_of(&reader, secret), SLOT_HELD); /* and never CLEAR */
    assert_int_equal(number(at_reader, "SELECT count(*) FROM record WHERE tlp = 4 AND NOT shown"), 1);
    done = tend(&reader, at_reader, NOW_MS);
    assert_int_equal(done.looked_at, 0);
    done = tend(&author, at_author, NOW_MS); /* its own it can open, and knows what is in it */
    assert_true(done.opened == 1 && done.kept == 0 && done.refused == 0);
    assert_int_equal(number(at_author, "SELECT count(*) FROM connect_parcel_item"), 1);
    struct parcel_counts ever;
    good(parcel_counts_get(reader.store, &ever, &err));
    assert_true(ever.opened == 1 && ever.kept == 1);
}

/* The process ended when the contents were kept, and the index had not yet said so; or the index was made again. */
static void tried_again_after_a_crash(void **state)
{
    (void)state;
    uint64_t folded;
    send_to(reader.own.origin, secret, 1, EXPIRES_MS);
    pull();
    tend(&reader, at_reader, NOW_MS);
    assert_int_equal(sqlite3_exec(index_db(at_reader), "UPDATE connect_parcel SET arrival_keys = 0", NULL, NULL, NULL),
                     SQLITE_OK);
    struct parcel_counts done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.opened == 1 && done.kept == 0 && done.refused == 0);
    good(index_rebuild(at_reader, reader.store, &err));
    good(index_update(at_reader, reader.store, 0, &folded, &err));
    done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.opened == 1 && done.kept == 0 && done.refused == 0);
}

static void what_does_not_fit(void **state)
{
    (void)state;
    struct buf contents;
    uint64_t clear = say("public", 6, TLP_CLEAR, ""), other = say("others", 6, TLP_AMBER, relay.own.origin);
    buf_init(&contents, 1u << 20);
    parcel_begin(&contents, span_str(author.own.origin));
    add_entry(&contents, secret, secret, true);
    post(&author, buf_view(&contents), 0);
    expect_refused(1, 0, "seal");
    buf_clear(&contents);
    parcel_begin(&contents, span_str(author.own.origin));
    add_entry(&contents, clear, secret, false); /* another entry's content */
    post(&author, buf_view(&contents), 0);
    expect_refused(1, 0, "seal");
    buf_clear(&contents);
    parcel_begin(&contents, span_str(author.own.origin));
    add_entry(&contents, other, other, false);
    post(&author, buf_view(&contents), 0);
    expect_refused(1, 0, "does not name a member that lives here");
    buf_clear(&contents);
    parcel_begin(&contents, span_str(author.own.origin));
    add_entry(&contents, secret, 500, false); /* behind the parcel */
    post(&author, buf_view(&contents), 0);
    expect_refused(1, 0, "entry 500");
    assert_int_equal(flags_of(&reader, secret), 0);
    buf_done(&contents);
}

/* A content for everybody is never taken out of a parcel: marked so it would be served as what it is not. */
static void what_is_clear(void **state)
{
    (void)state;
    struct buf contents;
    struct log_info log;
    uint64_t clear = say("public", 6, TLP_CLEAR, "");
    buf_init(&contents, 1u << 20);
    parcel_begin(&contents, span_str(author.own.origin));
    add_entry(&contents, secret, secret, false);
    add_entry(&contents, clear, clear, false);
    post(&author, buf_view(&contents), 0);
    pull();
    good(store_log_by_origin(reader.store, span_str(author.own.origin), &log, &err));
    good(payload_erase(reader.store, log.number, secret, &err)); /* and what was erased here does not come back */
    struct parcel_counts done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.opened == 1 && done.kept == 0 && done.refused == 1 && strstr(told, "was withdrawn"));
    assert_int_equal(flags_of(&reader, clear), SLOT_HELD | SLOT_CLEAR);
    good(payload_drop_before(reader.store, log.number, clear + 1, &err));
    assert_int_equal(sqlite3_exec(index_db(at_reader), "UPDATE connect_parcel SET arrival_keys = 0", NULL, NULL, NULL),
                     SQLITE_OK);
    done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.kept == 0 && done.refused == 2 && strstr(told, "is for everybody"));
    assert_int_equal(flags_of(&reader, clear) & SLOT_HELD, 0);
    buf_done(&contents);
}

static void altered_or_copied(void **state)
{
    (void)state;
    struct buf contents;
    buf_init(&contents, 1u << 20);
    parcel_begin(&contents, span_str(author.own.origin));
    add_entry(&contents, secret, secret, false);
    post(&author, buf_view(&contents), 1);
    expect_refused(1, 0, "altered");
    post(&relay, buf_view(&contents), 0); /* in another log */
    expect_refused(1, 0, "of another log");
    assert_int_equal(flags_of(&reader, secret), 0);
    post(&author, buf_view(&contents), 0);
    pull();
    assert_int_equal(tend(&reader, at_reader, NOW_MS).kept, 1);
    buf_done(&contents);
}

static void expired(void **state)
{
    (void)state;
    uint64_t parcel = send_to(reader.own.origin, secret, 1, EXPIRES_MS).first;
    pull();
    struct parcel_counts done = tend(&reader, at_reader, EXPIRES_MS);
    assert_true(done.expired == 1 && done.opened == 0 && done.kept == 0);
    done = tend(&relay, at_relay, EXPIRES_MS - 1);
    assert_true(done.expired == 0 && done.looked_at == 1);
    done = tend(&relay, at_relay, EXPIRES_MS);
    assert_int_equal(done.expired, 1);
    assert_int_equal(tend(&author, at_author, EXPIRES_MS).expired, 1);
    assert_int_equal(flags_of(&reader, parcel), SLOT_ERASED);
    assert_int_equal(flags_of(&relay, parcel), SLOT_ERASED);
    assert_int_equal(flags_of(&author, parcel), SLOT_ERASED);
    assert_int_equal(flags_of(&author, secret), SLOT_HELD); /* what it carried is not the parcel's to end */
    assert_int_equal(number(at_relay, "SELECT count(*) FROM connect_parcel"), 0);
    good(index_rebuild(at_relay, relay.store, &err));
    assert_int_equal(number(at_relay, "SELECT count(*) FROM connect_parcel"), 0);
    done = tend(&relay, at_relay, EXPIRES_MS);
    assert_int_equal(done.expired, 0);
}

/* Whose clock is far ahead keeps nothing alive for longer than anybody else. */
static void from_the_future(void **state)
{
    (void)state;
    send_to(reader.own.origin, secret, 1, TIME_MS + PARCEL_LIFE_MAX_MS);
    pull();
    struct parcel_counts done = tend(&reader, at_reader, TIME_MS - 2 * DAY_MS);
    assert_int_equal(done.looked_at, 0);
    done = tend(&reader, at_reader, NOW_MS);
    assert_int_equal(done.kept, 1);
}

static void other_keys(void **state)
{
    (void)state;
    send_to(reader.own.origin, secret, 1, EXPIRES_MS);
    node_refresh(&reader);
    good(author_new_profile(reader.store, reader.own.number, (struct span){0}, TIME_MS, &err));
    pull();
    struct parcel_counts done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.looked_at == 1 && done.opened == 0 && done.kept == 0);
    /* A member that comes to live there may be one that it is for: all are tried once more. */
    struct log_info guest;
    node_member(&reader, "guest.example", false, &guest);
    done = tend(&reader, at_reader, NOW_MS);
    assert_int_equal(done.looked_at, 1);
    /* The author hears of the new key, and sends once more. */
    node_sync(&author);
    send_to(reader.own.origin, secret, 1, EXPIRES_MS);
    pull();
    assert_int_equal(tend(&reader, at_reader, NOW_MS).kept, 1);
}

static void withdrawn_together(void **state)
{
    (void)state;
    struct buf refs;
    uint64_t second = say("second", 6, TLP_AMBER_STRICT, reader.own.origin);
    uint64_t both = send_to(reader.own.origin, secret, 2, EXPIRES_MS).first;
    uint64_t one = send_to(reader.own.origin, second, 1, EXPIRES_MS).first, found[3];
    pull();
    tend(&author, at_author, NOW_MS);
    tend(&reader, at_reader, NOW_MS);
    buf_init(&refs, 1024);
    good(parcels_carrying(at_author, author.own.number, secret, &refs, &err));
    assert_int_equal(refs.len, sizeof(uint64_t));
    memcpy(found, refs.data, refs.len);
    assert_int_equal(found[0], both);
    buf_clear(&refs);
    good(parcels_carrying(at_author, author.own.number, second, &refs, &err));
    assert_int_equal(refs.len, 2 * sizeof(uint64_t));
    memcpy(found, refs.data, refs.len);
    assert_true(found[0] == both && found[1] == one);
    found[2] = second;
    good(author_erase_all(author.store, author.own.number, found, 3, TIME_MS, &err));
    pull();
    uint64_t gone[] = {second, both, one};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(flags_of(&author, gone[i]), SLOT_ERASED);
        assert_int_equal(flags_of(&relay, gone[i]), SLOT_ERASED);
        assert_int_equal(flags_of(&reader, gone[i]), SLOT_ERASED);
    }
    assert_int_equal(flags_of(&reader, secret), SLOT_HELD); /* was not taken back */
    /* What can not be opened any more may carry anything that was said before. */
    uint64_t third = send_to(reader.own.origin, secret, 1, EXPIRES_MS).first;
    buf_clear(&refs);
    good(index_update(at_author, author.store, 0, NULL, &err));
    good(parcels_carrying(at_author, author.own.number, secret, &refs, &err));
    assert_int_equal(refs.len, sizeof(uint64_t));
    memcpy(found, refs.data, refs.len);
    assert_int_equal(found[0], third);
    buf_done(&refs);
}

static void as_few_as_hold_them(void **state)
{
    (void)state;
    size_t len = 7u << 20;
    char *body = calloc(1, len);
    assert_non_null(body);
    memset(body, 'x', len);
    uint64_t first = say(body, len, TLP_AMBER_STRICT, reader.own.origin);
    for (int i = 0; i < 2; i++)
        say(body, len, TLP_AMBER_STRICT, reader.own.origin);
    free(body);
    struct parcel_sent sent = send_to(reader.own.origin, first, 3, EXPIRES_MS);
    assert_true(sent.parcels == 2 && sent.items == 3 && sent.last == sent.first + 1);
    pull();
    struct parcel_counts done = tend(&reader, at_reader, NOW_MS);
    assert_true(done.opened == 2 && done.kept == 3);
}

static void what_may_not_be_sent(void **state)
{
    (void)state;
    struct view view;
    struct parcel_sent sent;
    uint64_t clear = say("public", 6, TLP_CLEAR, ""), size = author.own.size;
    struct span to[2] = {span_str(reader.own.origin), span_str(relay.own.origin)};
    struct parcel_range range = {secret, 1};
    struct parcel_order order = {author.own.number, to, 1, TIME_MS, EXPIRES_MS, &range, 1};
    good(view_open(author.store, at_author, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_CLI_LOG, &view, &err));
    good(parcels_check(&view, &order, &sent, &err));
    order.to_count = 2;
    bad(parcels_check(&view, &order, &sent, &err), ERR_NOTFOUND, relay.own.origin); /* nothing of it is here */
    node_peer(&author, &relay);
    node_sync(&author);
    bad(parcels_check(&view, &order, &sent, &err), ERR_REFUSED, "is not for relay.example");
    order.to_count = 0;
    bad(parcels_check(&view, &order, &sent, &err), ERR_REFUSED, "author alone");
    order.to_count = 1;
    range.first = clear;
    bad(parcels_send(&view, &order, &sent, &err), ERR_REFUSED, "TLP:CLEAR");
    range.first = 0;
    bad(parcels_send(&view, &order, &sent, &err), ERR_NOTFOUND, "has none");
    range.first = secret;
    order.expires_ms = TIME_MS + PARCEL_LIFE_MAX_MS + 1;
    bad(parcels_check(&view, &order, &sent, &err), ERR_LIMIT, "days");
    order.number = reader.own.number + 1; /* the reader's log, which does not live here */
    struct log_info other;
    good(store_log_by_origin(author.store, to[0], &other, &err));
    order.number = other.number;
    bad(parcels_check(&view, &order, &sent, &err), ERR_REFUSED, "does not live on this node");
    node_refresh(&author);
    assert_int_equal(author.own.size, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(over_a_relay, begin, end),
        cmocka_unit_test_setup_teardown(tried_again_after_a_crash, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit, begin, end),
        cmocka_unit_test_setup_teardown(what_is_clear, begin, end),
        cmocka_unit_test_setup_teardown(altered_or_copied, begin, end),
        cmocka_unit_test_setup_teardown(expired, begin, end),
        cmocka_unit_test_setup_teardown(from_the_future, begin, end),
        cmocka_unit_test_setup_teardown(other_keys, begin, end),
        cmocka_unit_test_setup_teardown(withdrawn_together, begin, end),
        cmocka_unit_test_setup_teardown(as_few_as_hold_them, begin, end),
        cmocka_unit_test_setup_teardown(what_may_not_be_sent, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
