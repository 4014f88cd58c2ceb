/* The tables of connect: members as their logs say, key changes, withdrawals, forks; and forgetting. */
#include "net.h"

#include "index/index.h"

static void expect_text(struct index *index, const char *sql, const char *expected)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(index_db(index), sql, -1, &statement, NULL), SQLITE_OK);
    const char *got = "(none)";
    if (sqlite3_step(statement) == SQLITE_ROW)
        got = (const char *)sqlite3_column_text(statement, 0);
    if (strcmp(got ? got : "(null)", expected) != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", sql, got ? got : "(null)", expected);
    sqlite3_finalize(statement);
}

static void fold(struct node *node, struct index *index)
{
    uint64_t folded;
    good(index_update(index, node->store, 0, &folded, &err));
}

/* A later profile of node's own log. */
static void change_jurisdiction(struct node *node, const char *jurisdiction)
{
    struct arena arena;
    struct member member;
    struct buf text;
    uint64_t index;
    arena_init(&arena, 1u << 20);
    buf_init(&text, INLINE_MAX);
    good(store_member(node->store, node->own.number, &arena, &member, &err));
    snprintf(member.profile.jurisdiction, sizeof(member.profile.jurisdiction), "%s", jurisdiction);
    good(profile_write(&member.profile, TIME_MS, &text, &err));
    struct author_item item = {buf_view(&text), true};
    good(author_append(node->store, node->own.number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    arena_done(&arena);
    node_refresh(node);
}

static void test_member(void **state)
{
    struct node a;
    struct index *index;
    (void)state;
    node_start(&a, "a.example");
    good(index_open(a.dir, &index, &err));
    fold(&a, index);
    expect_text(index, "SELECT name || ' ' || class || ' ' || jurisdiction FROM connect_member", "a.example civil ");
    change_jurisdiction(&a, "CH");
    fold(&a, index);
    expect_text(index, "SELECT jurisdiction || ' ' || profile || ' ' || rotations FROM connect_member", "CH 1 0");
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    change_jurisdiction(&a, "FR");
    fold(&a, index);
    expect_text(index, "SELECT jurisdiction || ' ' || profile || ' ' || rotations FROM connect_member", "FR 3 1");
    expect_text(index, "SELECT count(*) || ' ' || sum(by_recovery) FROM connect_rotation", "1 0");
    uint64_t at = node_say(&a, "soon gone");
    good(author_erase(a.store, a.own.number, at, TIME_MS, &err));
    fold(&a, index);
    expect_text(index, "SELECT target FROM connect_erase", "4");
    index_close(index);
    node_stop(&a);
}

/* Frozen from an index on: what stood behind it is forgotten, and the member is as it was before. */
static void test_forgets_what_is_frozen(void **state)
{
    struct node a;
    struct index *index;
    (void)state;
    node_start(&a, "a.example");
    change_jurisdiction(&a, "CH");
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    change_jurisdiction(&a, "FR");
    good(index_open(a.dir, &index, &err));
    fold(&a, index);
    expect_text(index, "SELECT jurisdiction || rotations FROM connect_member", "FR1");
    good(store_begin(a.store, &err));
    good(mirror_fork(a.store, a.own.number, true, 2, SPAN_LIT("proof"), &err));
    good(store_commit(a.store, &err));
    fold(&a, index);
    expect_text(index, "SELECT jurisdiction || rotations FROM connect_member", "CH0");
    expect_text(index, "SELECT count(*) FROM connect_rotation", "0");
    index_close(index);
    node_stop(&a);
}

/* Only valid identity records count: a profile that renames the member is without effect, here as in the fold of keys. */
static void test_invalid_profile(void **state)
{
    struct node a;
    struct index *index;
    struct arena arena;
    struct member member;
    struct buf text;
    uint64_t at;
    (void)state;
    node_start(&a, "a.example");
    arena_init(&arena, 1u << 20);
    buf_init(&text, INLINE_MAX);
    good(store_member(a.store, a.own.number, &arena, &member, &err));
    snprintf(member.profile.name, sizeof(member.profile.name), "somebody.else");
    good(profile_write(&member.profile, TIME_MS, &text, &err));
    struct author_item item = {buf_view(&text), true};
    struct err err = {0};
    int code = author_append(a.store, a.own.number, &item, 1, TIME_MS, &at, &err);
    if (index_open(a.dir, &index, &err) < 0)
        fail_msg("%s", err.text);
    uint64_t folded;
    assert_int_equal(index_update(index, a.store, 0, &folded, &err), 0);
    assert_true(code == 0 || code == ERR_VERIFY || code == ERR_SYNTAX);
    expect_text(index, "SELECT name FROM connect_member", "a.example");
    index_close(index);
    buf_done(&text);
    arena_done(&arena);
    node_stop(&a);
}

static void expect_title(struct node *node, uint64_t index, const char *expected)
{
    struct arena arena;
    struct record record;
    struct buf entry, title;
    arena_init(&arena, 1u << 20);
    buf_init(&entry, ENTRY_MAX);
    buf_init(&title, 1024);
    good(store_read_entry(node->store, node->own.number, index, &entry, &err));
    good(record_parse(buf_view(&entry), &arena, &record, &err));
    connect_capability.title(&record, &arena, &title);
    assert_string_equal(buf_cstr(&title), expected);
    buf_done(&entry);
    buf_done(&title);
    arena_done(&arena);
}

static void test_titles(void **state)
{
    struct node a;
    char recovery[160], next[160];
    (void)state;
    node_start(&a, "a.example");
    uint64_t at = node_say(&a, "soon gone");
    good(author_rotate(a.store, a.own.number, NULL, NULL, TIME_MS, &err));
    good(author_erase(a.store, a.own.number, at, TIME_MS, &err));
    snprintf(recovery, sizeof(recovery), "%s/a.example.recovery", a.root);
    snprintf(next, sizeof(next), "%s/next.recovery", a.root);
    good(author_rotate(a.store, a.own.number, recovery, next, TIME_MS, &err));
    expect_title(&a, 0, "a.example");
    expect_title(&a, 2, "new log key");
    expect_title(&a, 3, "content of entry 1 withdrawn");
    expect_title(&a, 4, "new log key, by the recovery key");
    node_stop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member),
        cmocka_unit_test(test_forgets_what_is_frozen),
        cmocka_unit_test(test_invalid_profile),
        cmocka_unit_test(test_titles),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
