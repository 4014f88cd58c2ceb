/* The table of roles and actions, all of it, and the words of both. */
#include "state/node.h"
#include "state/role.h"

static void every_cell(void **state)
{
    (void)state;
    static const struct {
        enum role_action action;
        unsigned scope;
        const char *roles; /* '+' or '-': none, reader, analyst, publisher, administrator */
    } cells[] = {
        {ACTION_NONE, 0, "-----"},
        {ACTION_READ, SCOPE_READ, "-++++"},
        {ACTION_SEARCH, SCOPE_READ, "--+++"},
        {ACTION_SWEEP, SCOPE_READ, "--+++"},
        {ACTION_PUBLISH, SCOPE_PUBLISH, "---++"},
        {ACTION_USERS, SCOPE_ADMIN, "----+"},
        {ACTION_DECIDE, SCOPE_PUBLISH, "---++"},
        {ACTION_INBOX, SCOPE_READ, "-++++"},
        {ACTION_METRICS, SCOPE_METRICS, "----+"},
    };
    assert_int_equal(sizeof cells / sizeof *cells, ACTIONS);
    for (size_t i = 0; i < ACTIONS; i++) {
        assert_int_equal(cells[i].action, i);
        assert_int_equal(strlen(cells[i].roles), ROLES);
        for (int role = ROLE_NONE; role < ROLES; role++)
            for (unsigned scopes = 0; scopes <= SCOPES_ALL; scopes++) {
                bool wanted = cells[i].roles[role] == '+' && (scopes & cells[i].scope) != 0;
                if (role_may((enum role)role, scopes, cells[i].action) != wanted)
                    fail_msg("role %d, scopes %u, action %zu", role, scopes, i);
            }
    }
}

static void words(void **state)
{
    (void)state;
    for (int role = ROLE_READER; role < ROLES; role++)
        assert_int_equal(role_parse(span_str(role_word((enum role)role))), role);
    static const char *const wrong[] = {"", "Reader", "reader ", "root", "readerx"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(role_parse(span_str(wrong[i])), ROLE_NONE);
    for (unsigned scopes = 1; scopes <= SCOPES_ALL; scopes++) {
        char text[SCOPES_TEXT_MAX];
        scopes_format(scopes, text);
        assert_int_equal(scopes_parse(span_str(text)), scopes);
    }
    assert_int_equal(scopes_parse(SPAN_LIT("admin,read")), SCOPE_ADMIN | SCOPE_READ);
    static const char *const no_scopes[] = {"", ",", "read,", ",read", "read,read", "read publish", "all", "READ"};
    for (size_t i = 0; i < sizeof no_scopes / sizeof *no_scopes; i++)
        assert_int_equal(scopes_parse(span_str(no_scopes[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_cell), cmocka_unit_test(words)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
