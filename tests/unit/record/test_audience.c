/* Every TLP, every audience, every viewer: a table of what audience_admits says, and the words of groups. */
#include "record/audience.h"

#include "record/sample.h"

#define H "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"
#define AUTHOR "author.example/" H
#define NAMED "named.example/" H
#define MEMBER "in.group.example/" H /* of the group */
#define HOST "host.example/" H       /* on whose node NAMED lives, by its own word */
#define FRIEND "friend.example/" H   /* of the author's community */
#define OUTSIDE "outside.example/" H
#define GROUP "named.example/" H "#energy"
#define PERSON "named.example/" H "/li.wei"

enum who { WHO_PUBLIC, WHO_AUTHOR, WHO_NAMED, WHO_MEMBER, WHO_HOST, WHO_FRIEND, WHO_OUTSIDE, WHO_COUNT };
enum to { TO_NOBODY, TO_NAMED, TO_GROUP, TO_BOTH, TO_OTHER, TO_PERSON, TO_COUNT };

static struct audience_who viewer(enum who who)
{
    static const char *const origins[WHO_COUNT] = {"", AUTHOR, NAMED, MEMBER, HOST, FRIEND, OUTSIDE};
    static struct span group, guest;
    group = SPAN_LIT(GROUP);
    guest = SPAN_LIT(NAMED);
    struct audience_who ret = {.origin = span_str(origins[who]), .same_community = who == WHO_FRIEND};
    if (who == WHO_MEMBER) {
        ret.groups = &group;
        ret.group_count = 1;
    }
    if (who == WHO_HOST) {
        ret.guests = &guest;
        ret.guest_count = 1;
    }
    return ret;
}

static enum audience_verdict ask(enum tlp tlp, enum to to, enum who who)
{
    const struct span lists[TO_COUNT][2] = {[TO_NAMED] = {SPAN_LIT(NAMED)},
                                            [TO_GROUP] = {SPAN_LIT(GROUP)},
                                            [TO_BOTH] = {SPAN_LIT(GROUP), SPAN_LIT(NAMED)},
                                            [TO_OTHER] = {SPAN_LIT("other.example/" H)},
                                            [TO_PERSON] = {SPAN_LIT(PERSON)}};
    static const size_t counts[TO_COUNT] = {0, 1, 1, 2, 1, 1};
    struct audience audience = {tlp, SPAN_LIT(AUTHOR), lists[to], counts[to]};
    struct audience_who looks = viewer(who);
    return audience_admits(&audience, &looks);
}

/* '+' admitted, '-' not; columns: public author named member-of-group host friend outside. */
static const char *const table[6][TO_COUNT] = {
    [TLP_NONE] = {"-+-----", "-+-----", "-+-----", "-+-----", "-+-----", "-+-----"},
    [TLP_CLEAR] = {"+++++++", "+++++++", "+++++++", "+++++++", "+++++++", "+++++++"},
    [TLP_GREEN] = {"-+---+-", "-++--+-", "-+-+-+-", "-+++-+-", "-+---+-", "-+---+-"},
    [TLP_AMBER] = {"-+-----", "-++-+--", "-+-+---", "-++++--", "-+-----", "-+-----"},
    [TLP_AMBER_STRICT] = {"-+-----", "-++----", "-+-+---", "-+++---", "-+-----", "-+-----"},
    [TLP_RED] = {"-+-----", "-+-----", "-+-----", "-+-----", "-+-----", "-++----"},
};

static void every_cell(void **state)
{
    (void)state;
    for (int tlp = TLP_NONE; tlp <= TLP_RED; tlp++)
        for (int to = 0; to < TO_COUNT; to++)
            for (int who = 0; who < WHO_COUNT; who++) {
                enum audience_verdict verdict = ask((enum tlp)tlp, (enum to)to, (enum who)who);
                if (audience_is_in(verdict) != (table[tlp][to][who] == '+'))
                    fail_msg("tlp %d, audience %d, viewer %d: verdict %d", tlp, to, who, verdict);
                assert_true(strlen(audience_why(verdict)) > 3);
            }
}

static void reasons_are_the_directest(void **state)
{
    (void)state;
    assert_int_equal(ask(TLP_AMBER, TO_BOTH, WHO_NAMED), AUDIENCE_NAMED);
    assert_int_equal(ask(TLP_AMBER, TO_BOTH, WHO_MEMBER), AUDIENCE_GROUP);
    assert_int_equal(ask(TLP_AMBER, TO_BOTH, WHO_HOST), AUDIENCE_HOST);
    assert_int_equal(ask(TLP_AMBER_STRICT, TO_NAMED, WHO_HOST), AUDIENCE_NOT_NAMED);
    assert_int_equal(ask(TLP_AMBER, TO_NOBODY, WHO_NAMED), AUDIENCE_EMPTY);
    assert_int_equal(ask(TLP_RED, TO_NAMED, WHO_NAMED), AUDIENCE_PERSONS);
    assert_int_equal(ask(TLP_RED, TO_PERSON, WHO_NAMED), AUDIENCE_PERSON);
    assert_int_equal(ask(TLP_RED, TO_NOBODY, WHO_NAMED), AUDIENCE_EMPTY);
    assert_int_equal(ask(TLP_GREEN, TO_NOBODY, WHO_FRIEND), AUDIENCE_COMMUNITY);
    assert_int_equal(ask(TLP_NONE, TO_NAMED, WHO_NAMED), AUDIENCE_UNMARKED);
    assert_int_equal(ask(TLP_CLEAR, TO_NOBODY, WHO_PUBLIC), AUDIENCE_PUBLIC);
    assert_int_equal(ask(TLP_RED, TO_NOBODY, WHO_AUTHOR), AUDIENCE_AUTHOR);
}

/* A member whose origin is the text of a group, or a list that names the public's empty origin, gains nothing. */
static void what_looks_like_a_group(void **state)
{
    (void)state;
    assert_true(audience_is_group(SPAN_LIT(GROUP)));
    assert_true(span_is(audience_group_origin(SPAN_LIT(GROUP)), NAMED));
    static const char *const wrong[] = {NAMED,       NAMED "#",    "#energy",   "named.example#energy",
                                        NAMED "#En", NAMED "#a#b", NAMED "#a b"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(audience_is_group(span_str(wrong[i])));
    struct span odd = SPAN_LIT("#energy"), empty = SPAN_LIT("");
    struct audience audience = {TLP_AMBER, SPAN_LIT(AUTHOR), &odd, 1};
    struct audience_who who = {.origin = SPAN_LIT(OUTSIDE), .groups = &odd, .group_count = 1};
    assert_int_equal(audience_admits(&audience, &who), AUDIENCE_NOT_NAMED);
    audience.to = &empty;
    who.origin = empty;
    assert_int_equal(audience_admits(&audience, &who), AUDIENCE_NOT_NAMED);
    audience.author = empty;
    assert_int_equal(audience_admits(&audience, &who), AUDIENCE_NOT_NAMED);
}

/* The forms of `to` exclude one another: no origin is a person, whatever a person is called. */
static void what_is_a_person(void **state)
{
    (void)state;
    static const char *const right[] = {PERSON, "named.example/" H "/" H, "x/" H "/0", "named.example/" H "/li@wei_-."};
    static const char *const wrong[] = {
        NAMED,        GROUP,        NAMED "/", NAMED "/Li",   NAMED "/.li",  NAMED "/a b",
        NAMED "/a/b", "/" H "/li",  "x/y/li",  NAMED "#a/li", NAMED "/li#a", "named.example/li.wei",
        "li.wei",     NAMED "//li", ""};
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        assert_true(audience_is_person(span_str(right[i])));
        assert_false(origin_valid(span_str(right[i])) || audience_is_group(span_str(right[i])));
        assert_true(origin_valid(audience_person_origin(span_str(right[i]))));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(audience_is_person(span_str(wrong[i])));
    char long_name[USER_NAME_MAX + 2], to[RECORD_LINE_MAX + 1];
    memset(long_name, 'a', sizeof(long_name));
    for (size_t len = USER_NAME_MAX; len <= USER_NAME_MAX + 1; len++) {
        snprintf(to, sizeof(to), NAMED "/%.*s", (int)len, long_name);
        assert_int_equal(audience_is_person(span_str(to)), len == USER_NAME_MAX);
    }
    audience_short(SPAN_LIT(PERSON), to);
    assert_string_equal(to, "named.example/abcd…/li.wei");
    audience_short(SPAN_LIT(GROUP), to);
    assert_string_equal(to, "named.example/abcd…#energy");
    audience_short(SPAN_LIT("who/knows"), to);
    assert_string_equal(to, "who/knows");
}

static void users_of_the_node(void **state)
{
    (void)state;
    static const bool sees[] = {[TLP_NONE] = false, [TLP_CLEAR] = true,        [TLP_GREEN] = true,
                                [TLP_AMBER] = true, [TLP_AMBER_STRICT] = true, [TLP_RED] = false};
    static const char *const others[] = {"", NAMED, "li.wei", NAMED "/li.we", NAMED "/li.weii", MEMBER "/li.wei"};
    struct span to[] = {SPAN_LIT(NAMED), SPAN_LIT("li.wei"), SPAN_LIT(""), SPAN_LIT(PERSON)};
    for (int tlp = TLP_NONE; tlp <= TLP_RED; tlp++) {
        struct audience audience = {(enum tlp)tlp, SPAN_LIT(AUTHOR), to, sizeof(to) / sizeof(*to)};
        assert_int_equal(audience_admits_user(&audience, SPAN_LIT(PERSON)), sees[tlp] || tlp == TLP_RED);
        for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
            assert_int_equal(audience_admits_user(&audience, span_str(others[i])), sees[tlp]);
        audience.to_count = 3;
        assert_int_equal(audience_admits_user(&audience, SPAN_LIT(PERSON)), sees[tlp]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(reasons_are_the_directest),
        cmocka_unit_test(what_looks_like_a_group),
        cmocka_unit_test(what_is_a_person),
        cmocka_unit_test(users_of_the_node),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
