/* What was found about a name is kept, and replaced when it is looked up again. */
#include "state/node.h"

#include "state/names.h"

#define ORIGIN "cert.example.org/332ywbahbnhhvlqxl63i3bqjued4b6mamojpmcmr3rehsxar25xa"

static void what_is_kept(void **state)
{
    (void)state;
    struct node node;
    struct name_check check = {.method = NAME_DNS, .checked_ms = 5}, found;
    node_start(&node);
    snprintf(check.origin, sizeof(check.origin), "%s", ORIGIN);
    bad(name_check_get(node.store, ORIGIN, &found, &err), ERR_NOTFOUND, "never looked up");
    good(name_check_put(node.store, &check, &err));
    good(name_check_get(node.store, ORIGIN, &found, &err));
    assert_memory_equal(&check, &found, sizeof(check));
    check.method = NAME_NOWHERE;
    snprintf(check.detail, sizeof(check.detail), "DNS: no such record");
    good(name_check_put(node.store, &check, &err));
    node_again(&node);
    good(name_check_get(node.store, ORIGIN, &found, &err));
    assert_memory_equal(&check, &found, sizeof(check));
    assert_string_equal(name_method_word(found.method), "claimed");
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
