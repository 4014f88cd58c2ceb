/* Users, sessions, tokens and the trail, as state.db holds them. */
#include "base/sha256.h"
#include "state/node.h"
#include "state/password.h"
#include "state/totp.h"
#include "state/users.h"

#define PASSWORD "correct horse battery"
#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_MS (24 * HOUR_MS)

static struct node node;
static struct user li;

static int start(void **state)
{
    (void)state;
    node_start(&node);
    struct err err;
    return user_add(node.store, SPAN_LIT("li.wei"), ROLE_READER, SPAN_LIT(PASSWORD), TIME_MS, &li, &err);
}

static int stop(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

static enum user_verdict verify(const char *name, const char *password, const char *code, int64_t now_ms)
{
    enum user_verdict verdict = USER_GOOD;
    struct user user;
    good(user_verify(node.store, span_str(name), span_str(password), span_str(code), now_ms, &verdict, &user, &err));
    if (verdict == USER_GOOD)
        assert_string_equal(user.name, name);
    return verdict;
}

/* As a server does it: what is due is said anew. */
static int session_found(struct span token, int64_t now_ms, struct user *user, struct err *err)
{
    bool due = false;
    int rc = session_find(node.store, token, now_ms, user, &due, err);
    return rc == 0 && due ? session_touch(node.store, token, now_ms, err) : rc;
}

static int token_found(struct span token, int64_t now_ms, struct user *user, unsigned *scopes, struct err *err)
{
    bool due = false;
    int rc = token_find(node.store, token, now_ms, user, scopes, &due, err);
    return rc == 0 && due ? token_touch(node.store, token, now_ms, err) : rc;
}

static void names_and_passwords(void **state)
{
    (void)state;
    struct user user;
    static const char *const wrong[] = {"", "Li", "li wei", "-li", "l\xc4\xb0", "li/wei", "li\n", "\xe6\x9d\x8e"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        bad(user_add(node.store, span_str(wrong[i]), ROLE_READER, SPAN_LIT(PASSWORD), TIME_MS, &user, &err), ERR_SYNTAX,
            "a-z");
    char long_name[USER_NAME_MAX + 2];
    memset(long_name, 'a', sizeof long_name);
    assert_false(user_name_valid(span_of(long_name, USER_NAME_MAX + 1)));
    assert_true(user_name_valid(span_of(long_name, USER_NAME_MAX)));
    assert_false(user_name_valid(span_of("a\0", 2)));
    bad(user_add(node.store, SPAN_LIT("wang"), ROLE_READER, SPAN_LIT("short"), TIME_MS, &user, &err), ERR_LIMIT,
        "10 to 1024");
    bad(user_add(node.store, SPAN_LIT("wang"), ROLE_READER, SPAN_LIT("with\x01 control"), TIME_MS, &user, &err),
        ERR_SYNTAX, "control");
    bad(user_add(node.store, SPAN_LIT("wang"), ROLE_READER, SPAN_LIT("not \xff utf-8 at all"), TIME_MS, &user, &err),
        ERR_SYNTAX, "UTF-8");
    bad(user_add(node.store, SPAN_LIT("li.wei"), ROLE_READER, SPAN_LIT(PASSWORD), TIME_MS, &user, &err), ERR_EXISTS,
        "li.wei");
    bad(user_find(node.store, SPAN_LIT("nobody"), &user, &err), ERR_NOTFOUND, "user list");
    good(user_find(node.store, SPAN_LIT("li.wei"), &user, &err));
    assert_int_equal(user.role, ROLE_READER);
    assert_false(user.locked || user.has_totp);
    /* The password itself stands nowhere in the folder. */
    char command[256];
    snprintf(command, sizeof command, "! grep -rqaF '%s' %s", PASSWORD, node.dir);
    shell(command);
}

/* Whoever asks pays the same: one pass of Argon2id, whatever is wrong. */
static void same_work_for_all(void **state)
{
    (void)state;
    static const struct {
        const char *name, *password;
        enum user_verdict verdict;
    } tries[] = {{"li.wei", PASSWORD, USER_GOOD},
                 {"li.wei", "wrong password", USER_PASSWORD},
                 {"li.wei", "", USER_PASSWORD},
                 {"nobody", PASSWORD, USER_UNKNOWN},
                 {"nobody", "password", USER_UNKNOWN}, /* what the hash for nobody is of */
                 {"", "", USER_UNKNOWN},
                 {"LI.WEI", PASSWORD, USER_UNKNOWN},
                 {"li.wei' OR 1=1 --", PASSWORD, USER_UNKNOWN}};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        uint64_t before = password_work();
        assert_int_equal(verify(tries[i].name, tries[i].password, "", TIME_MS), tries[i].verdict);
        assert_int_equal(password_work() - before, 1);
    }
    good(user_set_locked(node.store, li.number, true, &err));
    uint64_t before = password_work();
    assert_int_equal(verify("li.wei", PASSWORD, "", TIME_MS), USER_LOCKED);
    assert_int_equal(verify("li.wei", "wrong password", "", TIME_MS), USER_PASSWORD);
    assert_int_equal(password_work() - before, 2);
    good(user_set_locked(node.store, li.number, false, &err));
    assert_int_equal(verify("li.wei", PASSWORD, "", TIME_MS), USER_GOOD);
}

static void codes(void **state)
{
    (void)state;
    char code[9];
    struct span secret = SPAN_LIT("12345678901234567890");
    uint64_t step = (uint64_t)TIME_MS / 1000 / TOTP_STEP_S;
    good(user_set_totp(node.store, li.number, secret, &err));
    good(user_find(node.store, SPAN_LIT("li.wei"), &li, &err));
    assert_true(li.has_totp);
    totp_code(secret, step, 6, code);
    assert_int_equal(verify("li.wei", PASSWORD, "", TIME_MS), USER_CODE);
    assert_int_equal(verify("li.wei", PASSWORD, "000000", TIME_MS), USER_CODE);
    /* A wrong password does not use the code up. */
    assert_int_equal(verify("li.wei", "wrong password", code, TIME_MS), USER_PASSWORD);
    assert_int_equal(verify("li.wei", PASSWORD, code, TIME_MS), USER_GOOD);
    assert_int_equal(verify("li.wei", PASSWORD, code, TIME_MS), USER_CODE);
    totp_code(secret, step - 1, 6, code);
    assert_int_equal(verify("li.wei", PASSWORD, code, TIME_MS), USER_CODE);
    totp_code(secret, step + 1, 6, code);
    assert_int_equal(verify("li.wei", PASSWORD, code, TIME_MS), USER_GOOD);
    good(user_set_totp(node.store, li.number, SPAN_LIT(""), &err));
    assert_int_equal(verify("li.wei", PASSWORD, "", TIME_MS), USER_GOOD);
}

static void sessions(void **state)
{
    (void)state;
    char token[SESSION_TEXT + 1], other[SESSION_TEXT + 1];
    struct user user;
    good(session_begin(node.store, li.number, "192.0.2.1", TIME_MS, token, &err));
    good(session_begin(node.store, li.number, "192.0.2.2", TIME_MS, other, &err));
    assert_string_not_equal(token, other);
    good(session_found(span_str(token), TIME_MS + 1, &user, &err));
    assert_int_equal(user.number, li.number);
    static const char *const wrong[] = {"", "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        bad(session_found(span_str(wrong[i]), TIME_MS, &user, &err), ERR_NOTFOUND, "no such session");
    /* Idle: each use keeps it for a while, but not beyond its life. */
    int64_t now_ms = TIME_MS;
    for (; now_ms < TIME_MS + SESSION_LIFE_MS; now_ms += SESSION_IDLE_MS - 1)
        good(session_found(span_str(token), now_ms, &user, &err));
    bad(session_found(span_str(token), now_ms, &user, &err), ERR_NOTFOUND, "");
    bad(session_found(span_str(other), TIME_MS + SESSION_IDLE_MS, &user, &err), ERR_NOTFOUND, "");
    /* Ended; a copy of the file before it says nothing now. */
    good(session_begin(node.store, li.number, "192.0.2.1", TIME_MS, token, &err));
    good(session_end(node.store, span_str(token), &err));
    bad(session_found(span_str(token), TIME_MS, &user, &err), ERR_NOTFOUND, "");
    good(session_end(node.store, span_str(token), &err));
    char command[256];
    snprintf(command, sizeof command, "! grep -rqaF '%s' %s", other, node.dir);
    shell(command);
}

static int count_session(void *ctx, const struct session_info *session, struct err *err)
{
    (void)err;
    assert_true(session->expires_ms == session->made_ms + SESSION_LIFE_MS && session->address[0]);
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned session_count(int64_t now_ms)
{
    unsigned count = 0;
    good(session_each(node.store, li.number, now_ms, count_session, &count, &err));
    return count;
}

static void sessions_are_bounded_and_end(void **state)
{
    (void)state;
    char first[SESSION_TEXT + 1], last[SESSION_TEXT + 1];
    struct user user;
    int64_t now_ms = TIME_MS + 10 * DAY_MS;
    good(session_begin(node.store, li.number, "192.0.2.1", now_ms, first, &err));
    for (int i = 1; i <= SESSIONS_MAX; i++)
        good(session_begin(node.store, li.number, "192.0.2.1", now_ms + i, last, &err));
    assert_int_equal(session_count(now_ms + 100), SESSIONS_MAX);
    bad(session_found(span_str(first), now_ms + 100, &user, &err), ERR_NOTFOUND, "");
    good(session_end_others(node.store, li.number, span_str(last), &err));
    assert_int_equal(session_count(now_ms + 100), 1);
    good(session_found(span_str(last), now_ms + 100, &user, &err));
    good(user_set_password(node.store, li.number, SPAN_LIT("another " PASSWORD), &err));
    bad(session_found(span_str(last), now_ms + 100, &user, &err), ERR_NOTFOUND, "");
    assert_int_equal(verify("li.wei", PASSWORD, "", now_ms), USER_PASSWORD);
    good(user_set_password(node.store, li.number, SPAN_LIT(PASSWORD), &err));
    good(session_begin(node.store, li.number, "192.0.2.1", now_ms, last, &err));
    good(user_set_role(node.store, li.number, ROLE_PUBLISHER, &err));
    good(session_found(span_str(last), now_ms, &user, &err));
    assert_int_equal(user.role, ROLE_PUBLISHER); /* at once, in the session that is open */
    good(user_set_locked(node.store, li.number, true, &err));
    bad(session_found(span_str(last), now_ms, &user, &err), ERR_NOTFOUND, "");
    good(user_set_locked(node.store, li.number, false, &err));
    bad(session_found(span_str(last), now_ms, &user, &err), ERR_NOTFOUND, "");
}

static int keep_token(void *ctx, const struct token_info *token, struct err *err)
{
    (void)err;
    *(struct token_info *)ctx = *token;
    return 0;
}

static void tokens(void **state)
{
    (void)state;
    char token[TOKEN_TEXT + 1], other[TOKEN_TEXT + 1];
    struct user user;
    struct token_info info = {.used_ms = -1};
    unsigned scopes = 0;
    int64_t until_ms = TIME_MS + DAY_MS;
    good(user_find(node.store, SPAN_LIT("li.wei"), &li, &err));
    good(token_add(node.store, &li, SPAN_LIT("SIEM"), SCOPE_READ, until_ms, TIME_MS, token, &err));
    assert_int_equal(strlen(token), TOKEN_TEXT);
    good(token_each(node.store, 0, keep_token, &info, &err));
    assert_int_equal(info.used_ms, 0);
    good(token_found(span_str(token), TIME_MS, &user, &scopes, &err));
    assert_string_equal(user.name, "li.wei");
    assert_int_equal(scopes, SCOPE_READ);
    good(token_each(node.store, li.number, keep_token, &info, &err));
    assert_true(info.used_ms == TIME_MS && info.scopes == SCOPE_READ && strcmp(info.name, "SIEM") == 0);
    bad(token_add(node.store, &li, SPAN_LIT("SIEM"), SCOPE_READ, until_ms, TIME_MS, other, &err), ERR_EXISTS,
        "already");
    bad(token_add(node.store, &li, SPAN_LIT("two\nlines"), SCOPE_READ, until_ms, TIME_MS, other, &err), ERR_SYNTAX, "");
    bad(token_add(node.store, &li, SPAN_LIT("b"), SCOPE_READ, TIME_MS, TIME_MS, other, &err), ERR_LIMIT, "366");
    bad(token_add(node.store, &li, SPAN_LIT("b"), SCOPE_READ, TIME_MS + 367 * DAY_MS, TIME_MS, other, &err), ERR_LIMIT,
        "366");
    bad(token_add(node.store, &li, SPAN_LIT("b"), SCOPE_ADMIN, until_ms, TIME_MS, other, &err), ERR_REFUSED, "admin");
    bad(token_add(node.store, &li, SPAN_LIT("b"), 0, until_ms, TIME_MS, other, &err), ERR_SYNTAX, "one thing");
    /* A session's secret is no token, nor the other way round; nor is one that expired, was revoked or whose user is locked. */
    bad(token_found(span_str(token + 3), TIME_MS, &user, &scopes, &err), ERR_NOTFOUND, "");
    bad(session_found(span_str(token + 3), TIME_MS, &user, &err), ERR_NOTFOUND, "");
    bad(token_found(span_str(token), until_ms, &user, &scopes, &err), ERR_NOTFOUND, "");
    good(user_set_locked(node.store, li.number, true, &err));
    bad(token_found(span_str(token), TIME_MS, &user, &scopes, &err), ERR_NOTFOUND, "");
    good(user_set_locked(node.store, li.number, false, &err));
    good(token_found(span_str(token), TIME_MS, &user, &scopes, &err));
    good(token_remove(node.store, li.number, SPAN_LIT("SIEM"), &err));
    bad(token_found(span_str(token), TIME_MS, &user, &scopes, &err), ERR_NOTFOUND, "");
    bad(token_remove(node.store, li.number, SPAN_LIT("SIEM"), &err), ERR_NOTFOUND, "token list");
    for (int i = 0; i < TOKENS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        good(token_add(node.store, &li, span_str(name), SCOPE_READ, until_ms, TIME_MS, token, &err));
    }
    bad(token_add(node.store, &li, SPAN_LIT("more"), SCOPE_READ, until_ms, TIME_MS, other, &err), ERR_LIMIT, "32");
    char command[256];
    snprintf(command, sizeof command, "! grep -rqaF '%s' %s", token + 3, node.dir);
    shell(command);
}

static int count_entry(void *ctx, const struct audit_entry *entry, struct err *err)
{
    (void)err;
    assert_string_equal(entry->what, AUDIT_SIGN_IN);
    ++*(unsigned *)ctx;
    return 0;
}

static void trail(void **state)
{
    (void)state;
    bool knows = true;
    struct audit_entry entry = {TIME_MS, "li.wei", "192.0.2.1", AUDIT_SIGN_IN, "wrong password"};
    good(audit_add(node.store, &entry, &err));
    good(audit_knows(node.store, SPAN_LIT("li.wei"), "192.0.2.1", &knows, &err));
    assert_false(knows);
    entry.result = AUDIT_DONE;
    good(audit_add(node.store, &entry, &err));
    good(audit_knows(node.store, SPAN_LIT("li.wei"), "192.0.2.1", &knows, &err));
    assert_true(knows);
    good(audit_knows(node.store, SPAN_LIT("li.wei"), "192.0.2.9", &knows, &err));
    assert_false(knows);
    unsigned count = 0;
    good(audit_each(node.store, TIME_MS, count_entry, &count, &err));
    assert_int_equal(count, 2);
    good(audit_each(node.store, TIME_MS + 1, count_entry, &count, &err));
    assert_int_equal(count, 2);
    good(store_begin(node.store, &err));
    for (int i = 0; i < AUDIT_MAX + AUDIT_TRIM; i++)
        good(audit_add(node.store, &entry, &err));
    good(store_commit(node.store, &err));
    count = 0;
    good(audit_each(node.store, 0, count_entry, &count, &err));
    assert_in_range(count, AUDIT_MAX, AUDIT_MAX + AUDIT_TRIM);
}

/* Who fails from a thousand addresses pushes nothing out but what failed before. */
static void strangers_do_not_empty_the_trail(void **state)
{
    (void)state;
    bool knows = false;
    struct audit_entry entry = {TIME_MS, "wang.fang", "192.0.2.7", AUDIT_SIGN_IN, AUDIT_DONE};
    good(audit_add(node.store, &entry, &err));
    entry = (struct audit_entry){TIME_MS + 1, "", "192.0.2.66", AUDIT_SIGN_IN, "no such user"};
    good(store_begin(node.store, &err));
    for (int i = 0; i < AUDIT_FAILED_MAX + 4 * AUDIT_TRIM; i++)
        good(audit_add(node.store, &entry, &err));
    good(store_commit(node.store, &err));
    good(audit_knows(node.store, SPAN_LIT("wang.fang"), "192.0.2.7", &knows, &err));
    assert_true(knows);
    unsigned count = 0;
    good(audit_each(node.store, TIME_MS + 1, count_entry, &count, &err));
    assert_in_range(count, AUDIT_FAILED_MAX, AUDIT_FAILED_MAX + AUDIT_TRIM);
}

/* Of the operator unless it is said otherwise; only of members that live here, and sessions of before are ended. */
static void whose_person(void **state)
{
    (void)state;
    char session[SESSION_TEXT + 1], token[TOKEN_TEXT + 1];
    struct log_info operator, guest, far = {0};
    struct user user, found;
    unsigned scopes;
    bool due;
    node_member(&node, "host.example", true, &operator);
    node_member(&node, "guest.example", false, &guest);
    good(user_add(node.store, SPAN_LIT("of.one"), ROLE_READER, SPAN_LIT(PASSWORD), TIME_MS, &user, &err));
    assert_string_equal(user.member, operator.origin);
    good(session_begin(node.store, user.number, "192.0.2.1", TIME_MS, session, &err));
    good(token_add(node.store, &user, SPAN_LIT("x"), SCOPE_READ, TIME_MS + DAY_MS, TIME_MS, token, &err));
    good(user_set_member(node.store, user.number, span_str(guest.origin), &err));
    bad(session_found(span_str(session), TIME_MS, &found, &err), ERR_NOTFOUND, "");
    good(session_begin(node.store, user.number, "192.0.2.1", TIME_MS, session, &err));
    good(session_find(node.store, span_str(session), TIME_MS, &found, &due, &err));
    assert_string_equal(found.member, guest.origin);
    good(token_find(node.store, span_str(token), TIME_MS, &found, &scopes, &due, &err));
    assert_string_equal(found.member, guest.origin);
    assert_int_equal(scopes, SCOPE_READ);
    good(user_find(node.store, SPAN_LIT("of.one"), &found, &err));
    assert_string_equal(found.member, guest.origin);
    struct log_new listed = {.origin = SPAN_LIT("far.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                             .role = LOG_LISTED,
                             .mode = MODE_HEADS};
    good(store_begin(node.store, &err));
    good(store_log_create(node.store, &listed, &far.number, &err));
    good(store_commit(node.store, &err));
    bad(user_set_member(node.store, user.number, listed.origin, &err), ERR_REFUSED, "does not live on this node");
    bad(user_set_member(node.store, user.number, SPAN_LIT("nobody"), &err), ERR_NOTFOUND, "");
    good(user_set_member(node.store, user.number, span_str(operator.origin), &err));
    good(user_find(node.store, SPAN_LIT("of.one"), &found, &err));
    assert_string_equal(found.member, operator.origin);
}

static void removed(void **state)
{
    (void)state;
    char session[SESSION_TEXT + 1], token[TOKEN_TEXT + 1];
    struct user user, again;
    unsigned scopes;
    good(user_add(node.store, SPAN_LIT("gone"), ROLE_READER, SPAN_LIT(PASSWORD), TIME_MS, &user, &err));
    good(session_begin(node.store, user.number, "192.0.2.1", TIME_MS, session, &err));
    good(token_add(node.store, &user, SPAN_LIT("x"), SCOPE_READ, TIME_MS + DAY_MS, TIME_MS, token, &err));
    good(user_remove(node.store, user.number, &err));
    bad(session_found(span_str(session), TIME_MS, &again, &err), ERR_NOTFOUND, "");
    bad(token_found(span_str(token), TIME_MS, &again, &scopes, &err), ERR_NOTFOUND, "");
    bad(user_remove(node.store, user.number, &err), ERR_NOTFOUND, "no user with number");
    bad(user_set_role(node.store, user.number, ROLE_READER, &err), ERR_NOTFOUND, "");
    /* Who comes later under the same name is somebody else. */
    good(user_add(node.store, SPAN_LIT("gone"), ROLE_READER, SPAN_LIT(PASSWORD), TIME_MS, &again, &err));
    assert_true(again.number > user.number);
}

static void generated_passwords(void **state)
{
    (void)state;
    char a[PASSWORD_GENERATED_MAX], b[PASSWORD_GENERATED_MAX], hash[PASSWORD_HASH_MAX];
    bool fits = false;
    password_generate(a);
    password_generate(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 23);
    good(password_hash(span_str(a), hash, &err));
    assert_true(strncmp(hash, "$argon2id$v=19$m=32768,t=3,p=1$", 31) == 0);
    good(password_check(hash, span_str(a), &fits, &err));
    assert_true(fits);
    good(password_check(hash, span_str(b), &fits, &err));
    assert_false(fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_passwords),
        cmocka_unit_test(same_work_for_all),
        cmocka_unit_test(codes),
        cmocka_unit_test(sessions),
        cmocka_unit_test(sessions_are_bounded_and_end),
        cmocka_unit_test(tokens),
        cmocka_unit_test(trail),
        cmocka_unit_test(strangers_do_not_empty_the_trail),
        cmocka_unit_test(whose_person),
        cmocka_unit_test(removed),
        cmocka_unit_test(generated_passwords),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
